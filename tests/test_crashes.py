"""Killed or failing while it writes: the old index is there, nothing is half, the next run goes on where it was.

The same in greater number: make faults. What is run in the children is in faults_child.py.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from faults import Scene, kill_at_random, make_flow, strike_steps, write_folder
from faults_child import Children, index_job, read_state

pytestmark = pytest.mark.slow
QA = [sys.executable, str(ROOT / "tests" / "faults_child.py")]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as running:
        yield running


def test_a_run_killed_at_any_moment_changes_all_or_nothing_and_is_gone_on_with(children: Children, tmp_path: Path):
    assert kill_at_random(children, tmp_path / "scene", kills=5) == []


@pytest.mark.parametrize("flow", ["first", "change", "rebuild"])
def test_a_run_killed_at_any_step_changes_all_or_nothing_and_is_gone_on_with(children: Children, tmp_path: Path, flow: str):
    assert strike_steps(children, tmp_path / "scene", flow, "kill", few=3)[1] == []


@pytest.mark.parametrize(("flow", "fault"), [("change", "EIO"), ("change", "ENOSPC"), ("rebuild", "ENOSPC")])
def test_a_run_that_fails_says_what_to_do_and_has_changed_nothing(children: Children, tmp_path: Path, flow: str, fault: str):
    assert strike_steps(children, tmp_path / "scene", flow, fault, few=3)[1] == []


@pytest.mark.parametrize("step", ["mkdir .qa", "open writer.json", "write writer.json"])
def test_a_disk_that_is_full_from_the_start_is_said_so(children: Children, tmp_path: Path, step: str):
    write_folder(tmp_path / "docs", random.Random(5), files=2)
    names = children.run(index_job, tmp_path / "docs", tmp_path / "counted", at=0, how="count").get().steps
    at = 1 + list(names).index(step.replace(".qa", "counted"))
    ended = children.run(index_job, tmp_path / "docs", tmp_path / ".qa", at=at, how="ENOSPC")
    assert ended.error is not None
    assert ended.error.meant, str(ended.error)
    assert ended.error.hint


@pytest.mark.parametrize("step", ["write dense-2.faiss", "replace dense-2.json", "write manifest.json"])
def test_the_next_run_clears_away_what_a_killed_one_left(children: Children, tmp_path: Path, step: str):
    scene = Scene(children, tmp_path)
    flow = make_flow(scene, "change")
    data = scene.copy(flow.base)
    names = flow.run(scene.copy(flow.base, "counted"), None, 0, "count").get().steps
    at = next(number for number, name in enumerate(names, start=1) if name.startswith(step))
    assert flow.run(data, None, at, "kill").signal == signal.SIGKILL
    flow.run(data, None, 0, "").get()
    assert scene.look(data).findings == []
    assert [path.name for path in data.rglob("*.tmp")] == []


def test_a_renamed_file_is_found_by_its_new_name_as_in_a_fresh_index(children: Children, tmp_path: Path):
    scene = Scene(children, tmp_path)
    write_folder(scene.docs, random.Random(9), files=3)
    (scene.docs / "untitled-copper.txt").write_text("This entry 4 names a village and a river.")
    children.run(index_job, scene.docs, tmp_path / ".qa").get()
    (scene.docs / "untitled-copper.txt").rename(scene.docs / "untitled-apricots.txt")
    children.run(index_job, scene.docs, tmp_path / ".qa").get()
    scene.check_completed("a renamed file", tmp_path / ".qa", scene.fresh_state())
    assert scene.violations == []


def test_a_killed_command_line_leaves_an_index_that_answers_and_goes_on(children: Children, tmp_path: Path):
    rng = random.Random(4)
    docs, data = tmp_path / "docs", tmp_path / ".qa"
    write_folder(docs, rng)
    assert qa(tmp_path, "index", "docs").returncode == 0
    for number in range(20):
        (docs / f"more{number}.txt").write_text(f"Entry {number} names the harbour of village {number * 7}.")
    before = children.run(read_state, data).get()
    running = subprocess.Popen([*QA, "index", "docs"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    while not (data / "writer.json").exists() and running.poll() is None:
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.1))
    running.kill()
    running.communicate()
    status = json.loads(qa(tmp_path, "status", "--json").stdout)
    found = json.loads(qa(tmp_path, "search", "harbour village", "--json").stdout)
    assert status["generation"] == found["generation"]
    assert found["passages"]
    state = children.run(read_state, data).get()
    assert state.is_like(before) or len(state.documents) == len(before.documents) + 20
    assert qa(tmp_path, "index", "docs").returncode == 0
    scene = Scene(children, tmp_path)
    scene.check_completed("after a kill", data, scene.fresh_state())
    assert scene.violations == []


def qa(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own, with the cheap embedder."""
    return subprocess.run([*QA, *arguments], cwd=place, capture_output=True, text=True)
