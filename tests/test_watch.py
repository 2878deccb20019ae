"""`qa watch`, as a process of its own: it follows the folder, waits for another writer, and ends when it is told to."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
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
