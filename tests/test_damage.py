"""Flipped, cut, emptied, overwritten and swapped files: noticed or harmless, never a wrong answer, mended where possible.

The same in greater number: make faults. Files are damaged in copies that no process has open: Tantivy maps its files,
and a process dies whose map has become shorter.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from conftest import ROOT
from faults import DAMAGES, SLOW_SECONDS, Scene, check_damage, damage, damage_at_random, files_of, make_damage_base
from faults_child import Children, Failure, Look, index_job, look_job, qa_job, read_state

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as running:
        yield running


@pytest.fixture(scope="module")
def whole(children: Children, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Path, Sequence[Look]]:
    """A scene, a sound data directory in it, and what a look at that shows."""
    scene = Scene(children, tmp_path_factory.mktemp("damage"))
    base = make_damage_base(scene)
    return scene, base, [scene.look(base, ("kept",))]


def damaged(whole: tuple[Scene, Path, Sequence[Look]], pattern: str, kind: str, seed: int = 0) -> list[str]:
    """Damage the files that fit the pattern, one after the other; returns what is wrong."""
    scene, base, good = whole
    scene.violations.clear()
    names = [name for name in files_of(base) if name.match(pattern)]
    assert names
    for name in names:
        check_damage(scene, base, name, kind, random.Random(f"{seed} {pattern} {kind}"), good)
    return list(scene.violations)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("pattern", ["dense-*.faiss", "dense-*.json", "lexical/manifest.json", "lexical/*.idx"])
def test_a_damaged_search_file_is_noticed_and_mended(whole, pattern: str, kind: str):
    assert damaged(whole, pattern, kind) == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_catalog_is_noticed_and_never_searched(whole, kind: str):
    assert [problem for seed in (1, 2) for problem in damaged(whole, "catalog.db", kind, seed)] == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_history_is_noticed_and_disturbs_no_search(whole, kind: str):
    assert damaged(whole, "history.db", kind) == []


@pytest.mark.parametrize("kind", ["flip", "cut", "swap"])
def test_damage_to_tantivys_own_list_of_files_is_noticed_and_searches_stay_fast(whole, kind: str):
    assert damaged(whole, "lexical/.managed.json", kind) == []


def test_no_flipped_bit_makes_tantivy_panic(whole):
    """Its panics are no Exception to Python, so they pass `except Exception`."""
    scene, base, good = whole
    rng, found = random.Random(6), []
    names = [name for name in files_of(base) if name.match("lexical/*.fast") or name.match("lexical/*.store")]
    for number in range(12):
        data = scene.copy(base)
        done = damage(data / names[number % 2], "flip", rng, ())
        ended = scene.children.run(look_job, data)
        if ended.value is None or ended.value.state != good[0].state:
            found.append(f"{names[number % 2]}, {done}: {ended.error or ended.signal or str(ended.value.state)[:100]}")
    assert found == []


def test_a_damaged_log_of_sqlite_loses_no_more_than_the_commit_in_it(children: Children, tmp_path: Path):
    scene = Scene(children, tmp_path / "scene")
    base = make_damage_base(scene, with_log=True)
    older = scene.copy(base)
    (older / "catalog.db-wal").unlink()
    states = [scene.look(older, ("kept",)), scene.look(scene.copy(base), ("kept",))]
    assert states[0] != states[1]
    for kind in DAMAGES:
        for name in ("catalog.db-wal", "catalog.db-shm"):
            check_damage(scene, base, Path(name), kind, random.Random(f"{name} {kind}"), states)
    assert scene.violations == []


def test_files_damaged_at_random_are_noticed_or_harmless(children: Children, tmp_path: Path):
    assert damage_at_random(children, tmp_path / "scene", flips=6) == []


@pytest.mark.parametrize("place", [".qa", "elsewhere"])
def test_what_the_doctor_advises_for_a_damaged_catalog_works(children: Children, tmp_path: Path, place: str):
    scene = Scene(children, tmp_path)
    make_damage_base(scene)
    (tmp_path / "base").rename(tmp_path / place)
    whole = children.run(read_state, tmp_path / place).get()
    catalog = tmp_path / place / "catalog.db"
    catalog.write_bytes(catalog.read_bytes()[:20_000] + b"\xff" * 4096 + catalog.read_bytes()[24_096:])
    data = [] if place == ".qa" else ["--data", place]
    said = children.run(qa_job, "doctor", *data, cwd=tmp_path).get()
    assert said.code == 4
    advice = re.search(r"mv .*", said.out)
    assert advice, said
    script = f'qa() {{ {sys.executable} {ROOT / "tests" / "faults_child.py"} "$@"; }}; {advice[0].replace("PATH", "docs")}'
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    assert children.run(qa_job, "doctor", *data, cwd=tmp_path).get().code == 0
    assert children.run(read_state, tmp_path / place).get() == whole


def test_indexing_with_a_damaged_history_is_all_or_nothing(children: Children, tmp_path: Path):
    scene = Scene(children, tmp_path)
    base = make_damage_base(scene)
    history = base / "history.db"
    history.write_bytes(b"\xff" * history.stat().st_size)
    before = children.run(read_state, base).get()
    (scene.docs / "file0.txt").unlink()
    ended = children.run(index_job, scene.docs, base)
    after = children.run(read_state, base).get()
    assert ended.error is None or (ended.error.hint and after == before), f"{ended.error}, yet the index has changed"


def test_an_index_restored_from_a_backup_is_searched_as_it_was_then(children: Children, tmp_path: Path):
    scene = Scene(children, tmp_path)
    base = make_damage_base(scene)
    then = children.run(read_state, base).get()
    backup = (base / "catalog.db").read_bytes()
    (scene.docs / "file1.txt").write_text("This entry 1 names another harbour and pier.")
    children.run(index_job, scene.docs, base).get()
    (base / "catalog.db").write_bytes(backup)
    look = scene.look(base)
    assert look.state == then
    assert look.seconds < SLOW_SECONDS
    assert not isinstance(look.findings, Failure)
