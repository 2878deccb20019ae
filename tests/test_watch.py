"""`qa watch`, as a process of its own: it follows the folder, waits for another writer, and ends when it is told to."""

from __future__ import annotations

import mmap
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from index.lock import writer_lock
from qa.workspace import Workspace

pytestmark = pytest.mark.slow

SECONDS = 60.0


class Watching:
    """A running `qa watch`, with its lines as they come."""

    def __init__(self, *arguments: object) -> None:
        command = [
            sys.executable,
            "-c",
            "from qa.cli import main; main()",
            "watch",
            *map(str, arguments),
            "--quiet-ms",
            "100",
        ]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line)

    def wait_for(self, words: str) -> str:
        """Return the next line that holds these words."""
        while words not in (line := self.lines.get(timeout=SECONDS)):
            pass
        return line


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watching]]:
    """Start `qa watch ARGUMENTS`, and stop it at the end."""
    started: list[Watching] = []

    def start(*arguments: object) -> Watching:
        started.append(Watching(*arguments, "--data", tmp_path / ".qa"))
        started[-1].wait_for("watching ")
        return started[-1]

    yield start
    for process in started:
        process.process.kill()
        process.reader.join()
        process.process.communicate()


@pytest.fixture
def watching(folder: Path, tmp_path: Path) -> Iterator[Watching]:
    (folder / "a.txt").write_text("The bridge is of stone.")
    process = Watching(folder, "--data", tmp_path / ".qa")
    yield process
    process.process.kill()
    process.reader.join()
    process.process.communicate()


def paths(workspace: Workspace) -> list[str]:
    return sorted(Path(one.path).name for one in workspace.store.documents())


def test_watch_indexes_now_and_after_each_change_while_others_read(watching: Watching, folder: Path, make_workspace):
    watching.wait_for("added 1")
    watching.wait_for("watching ")
    reader = make_workspace()
    with reader.store.view() as before:
        (folder / "sub").mkdir()
        (folder / "sub" / "b.txt").write_text("The tunnel is of brick.")
        watching.wait_for("added 1")
        assert paths(reader) == ["a.txt", "b.txt"]
        assert before.generation == 1
    (folder / "a.txt").rename(folder / "c.txt")
    watching.wait_for("renamed 1")
    (folder / "sub" / "b.txt").write_text("The tunnel is of concrete.")
    watching.wait_for("changed 1")
    (folder / "sub" / "b.txt").unlink()
    watching.wait_for("deleted 1")
    assert paths(reader) == ["c.txt"]
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(SECONDS) == 130


def test_watch_tries_again_when_another_writer_is_done(watching: Watching, folder: Path, make_workspace):
    watching.wait_for("watching ")
    workspace = make_workspace()
    with writer_lock(workspace.settings.data, 1.0):
        (folder / "b.txt").write_text("The tunnel is of brick.")
        with pytest.raises(queue.Empty):
            watching.lines.get(timeout=2)
    watching.wait_for("added 1")
    assert paths(workspace) == ["a.txt", "b.txt"]


def test_watch_says_why_it_did_not_delete_and_goes_on(watching: Watching, folder: Path, make_workspace):
    watching.wait_for("watching ")
    pile = folder / "pile"
    pile.mkdir()
    for number in range(11):
        (pile / f"{number}.txt").write_text(f"The tunnel {number} is of brick.")
    watching.wait_for("added 11")
    pile.rename(folder.parent / "elsewhere")
    assert "11 of 12 indexed files are gone" in watching.wait_for("error: ")
    assert len(paths(make_workspace())) == 12
    (folder.parent / "elsewhere").rename(pile)
    (pile / "3.txt").unlink()
    watching.wait_for("deleted 1")


def test_the_data_directory_cannot_be_watched(run_qa, folder: Path, tmp_path: Path):
    (tmp_path / ".qa").mkdir()
    refused = run_qa("watch", tmp_path / ".qa")
    assert refused.exit_code == 2
    assert "cannot be watched" in refused.stderr


def test_a_watched_file_that_editors_replace_is_seen_each_time(watch, folder: Path, tmp_path: Path):
    (folder / "one.txt").write_text("The bridge is of stone.")
    process = watch(folder / "one.txt")
    for material in ("brick", "steel", "wood"):
        (tmp_path / "saved").write_text(f"The bridge is of {material}.")
        (tmp_path / "saved").rename(folder / "one.txt")
        process.wait_for("changed 1")
    (folder / "one.txt").write_text("The bridge is of glass, written in place.")
    process.wait_for("changed 1")


def test_a_watched_folder_that_is_replaced_is_watched_on(watch, folder: Path, make_workspace):
    (folder / "a.txt").write_text("The bridge is of stone.")
    process = watch(folder)
    folder.rename(folder.with_name("old"))
    folder.mkdir()
    (folder / "y.txt").write_text("The tunnel is of brick.")
    process.wait_for("added 1")
    (folder / "z.txt").write_text("The tower is of glass.")
    process.wait_for("added 1")
    assert paths(make_workspace()) == ["y.txt", "z.txt"]


def test_a_watched_folder_that_is_gone_for_a_while_is_watched_on(watch, folder: Path, make_workspace):
    (folder / "a.txt").write_text("The bridge is of stone.")
    process = watch(folder)
    folder.rename(folder.with_name("old"))
    process.wait_for("deleted 1")
    folder.with_name("old").rename(folder)
    process.wait_for("added 1")
    (folder / "z.txt").write_text("The tower is of glass.")
    process.wait_for("added 1")
    assert paths(make_workspace()) == ["a.txt", "z.txt"]


def test_whatever_is_indexed_is_watched_and_what_is_hidden_is_not(watch, folder: Path):
    for name in ("node_modules", "site-packages", ".git"):
        (folder / name).mkdir()
    process = watch(folder)
    for name in ("node_modules", "site-packages"):
        (folder / name / "a.txt").write_text(f"The bridge in {name} is of stone.")
        process.wait_for("added 1")
    (folder / "notes.txt~").write_text("The tunnel is of brick.")
    process.wait_for("added 1")


def test_what_the_system_does_not_tell_of_is_found_by_looking_from_time_to_time(watch, folder: Path):
    (folder / "a.txt").write_text("The bridge is of stone.")
    process = watch(folder, "--rescan-seconds", "2")
    with pytest.raises(queue.Empty):
        process.lines.get(timeout=3)  # all that was to be told has been
    with (folder / "a.txt").open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[17:22] = b"glass"  # inotify does not tell of writes through mapped memory
    process.wait_for("changed 1")
