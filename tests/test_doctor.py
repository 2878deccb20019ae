"""`qa doctor`: what it says of a whole and of a damaged data directory, and what --fix brings back."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from index.doctor import examine
from index.lock import writer_lock


@pytest.fixture
def data(run_qa, folder: Path, tmp_path: Path) -> Path:
    """The data directory of an indexed folder, in which a question has been asked."""
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"Pier {number} of the harbour was built in 19{number}0.")
    assert run_qa("index", folder).exit_code == 0
    assert run_qa("ask", "When was pier 3 built?").exit_code == 0
    return tmp_path / ".qa"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_whole_directory_is_said_to_be_whole(run_qa, data: Path):
    checked = run_qa("doctor")
    assert (checked.exit_code, checked.stdout) == (0, ".qa: all files are whole\n")
    assert json.loads(run_qa("doctor", "--json").stdout) == {"data": ".qa", "findings": []}


@pytest.mark.parametrize("pattern", ["dense-*", "lexical/*.store", "lexical/manifest.json"])
def test_damage_of_a_search_file_is_named_with_the_command_that_mends_it(run_qa, data: Path, pattern: str):
    before = run_qa("search", "pier 3 of the harbour").stdout
    damage(max(data.glob(pattern), key=lambda path: path.stat().st_size))
    found = run_qa("doctor")
    assert found.exit_code == 4
    assert found.stdout.startswith("damaged  " + ("dense" if "dense" in pattern else "lexical"))
    assert "run: qa doctor --fix\n" in found.stdout
    assert run_qa("search", "pier 3 of the harbour").stdout == before
    mended = run_qa("doctor", "--fix")
    assert mended.exit_code == 0
    assert run_qa("doctor").stdout == ".qa: all files are whole\n"
    assert run_qa("search", "pier 3 of the harbour").stdout == before


def test_damage_of_the_catalog_is_not_mended_but_said_with_what_to_do(run_qa, data: Path):
    damage(data / "catalog.db")
    found = run_qa("doctor", "--fix")
    assert found.exit_code == 4
    assert "mv .qa .qa.damaged && qa index PATH" in found.stdout


def test_a_damaged_history_is_put_aside_and_questions_are_answered_again(run_qa, data: Path):
    (data / "history.db").write_bytes(b"no database" * 1000)
    assert run_qa("doctor").exit_code == 4
    assert run_qa("doctor", "--fix").exit_code == 0
    assert (data / "history.db.damaged").read_bytes().startswith(b"no database")
    assert run_qa("ask", "When was pier 3 built?").exit_code == 0
    assert run_qa("doctor").exit_code == 0


def test_without_an_index_it_says_how_to_make_one(run_qa, tmp_path: Path):
    checked = run_qa("doctor")
    assert checked.exit_code == 4
    assert "qa index PATH" in checked.output
    assert not (tmp_path / ".qa").exists()


@pytest.mark.parametrize("cut", [1, 100, 3000, 4096, 10_000])
@pytest.mark.parametrize("name", ["catalog.db", "history.db"])
def test_a_file_whose_end_is_missing_is_noticed_however_little_is_missing(run_qa, data: Path, name: str, cut: int):
    path = data / name
    path.write_bytes(path.read_bytes()[:-cut])
    assert run_qa("doctor").exit_code == 4
    searched = run_qa("search", "pier 3 of the harbour")
    expected = (4, False) if name == "catalog.db" else (0, True)
    assert (searched.exit_code, bool(searched.stdout)) == expected


@pytest.mark.parametrize("left", [0, 1, 50, 100, 2000])
def test_a_catalog_cut_to_hardly_anything_is_damaged_and_no_new_index_is_started_over_it(
    run_qa, data: Path, folder: Path, left: int
):
    path = data / "catalog.db"
    path.write_bytes(path.read_bytes()[:left])
    for command in (["status"], ["search", "pier"], ["index", folder], ["doctor"], ["doctor", "--fix"]):
        said = run_qa(*command)
        assert said.exit_code == 4
        assert "damaged" in said.output, command
        assert "nothing is indexed" not in said.output


def test_what_a_writer_is_about_to_replace_is_no_damage(data: Path):
    manifest = data / "lexical" / "manifest.json"
    content = manifest.read_bytes()
    held = threading.Event()

    def write() -> None:
        with writer_lock(data, 5):
            manifest.write_bytes(b"{}")
            held.set()
            time.sleep(0.8)
            manifest.write_bytes(content)

    writer = threading.Thread(target=write)
    writer.start()
    held.wait()
    assert examine(data) == []
    writer.join()
