"""A full disk, a read-only one, a second writer, and readers while the index is swapped."""

from __future__ import annotations

import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import Scene, write_folder
from faults_child import Children, Failure, index_job, open_workspace, qa_job, read_state

from index.local_store import LocalStore
from index.search import search
from qa.indexing import index_paths

pytestmark = pytest.mark.slow
_SIZE = 8_000_000  # bytes of the small disk


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as running:
        yield running


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no mount: {error}")
    if mounted.returncode:
        pytest.skip(f"mount is refused: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def scene(children: Children, tmp_path: Path) -> Scene:
    """A folder of documents, indexed by nobody yet."""
    made = Scene(children, tmp_path)
    write_folder(made.docs, random.Random(7), files=8)
    return made


def fill(disk: Path, left: int) -> Path:
    """Fill the disk but for so many bytes; returns the file that does."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            file.truncate(max(0, file.tell() - left))
    return ballast


def grow(docs: Path) -> None:
    """Add documents that need some hundred kilobytes of index."""
    rng = random.Random(8)
    write_folder(docs / "more", rng, files=60)


# from nothing at all to so much that only the search files do not fit
@pytest.mark.parametrize("left", [0, 4096, 40_000, 700_000, 1_750_000, 2_100_000])
def test_a_full_disk_is_said_so_and_the_last_index_answers_until_there_is_room(scene: Scene, disk: Path, left: int):
    data, children = disk / ".qa", scene.children
    children.run(index_job, scene.docs, data).get()
    before = children.run(read_state, data).get()
    grow(scene.docs)
    after = scene.fresh_state()
    ballast = fill(disk, left)
    said = children.run(qa_job, "index", str(scene.docs), "--yes", "--data", str(data))
    look = scene.look(data)
    ballast.unlink()
    assert said.error is None, said.error.trace
    if said.value.code:
        assert said.value.code == 4, said.value.err
        assert "error: " in said.value.err
        assert "disk" in said.value.err
    assert not isinstance(look.status, Failure), f"qa status: {look.status}"
    assert not isinstance(look.state, Failure), f"qa search: {look.state}"
    assert look.state.is_like(before if said.value.code else after)
    children.run(index_job, scene.docs, data).get()
    scene.check_completed(f"{left} bytes left", data, after)
    assert scene.violations == []


def test_a_read_only_disk_is_searched_and_indexing_says_what_is_wrong(scene: Scene, disk: Path):
    data, children = disk / ".qa", scene.children
    children.run(index_job, scene.docs, data).get()
    before = children.run(read_state, data).get()
    (scene.docs / "new.txt").write_text("This entry 5 names a harbour that nobody can index now.")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    began = time.monotonic()
    look = scene.look(data)
    said = children.run(qa_job, "index", str(scene.docs), "--data", str(data)).get()
    assert look.state == before
    assert not isinstance(look.status, Failure)
    assert time.monotonic() - began < 5
    assert said.code == 4, said.err
    assert "read-only" in said.err.lower() or "permission" in said.err.lower(), said.err
    assert "unexpected" not in said.err


def test_a_second_writer_ends_with_7_and_names_the_process_that_holds_the_index(scene: Scene):
    data, children = scene.place / ".qa", scene.children
    children.run(index_job, scene.docs, data).get()
    store = LocalStore(data)
    with store.writing():
        said = children.run(qa_job, "index", str(scene.docs), "--data", str(data)).get()
        status = children.run(qa_job, "status", "--data", str(data)).get()
    assert said.code == 7
    assert re.search(rf"\bprocess {os.getpid()}\b", said.err)
    assert status.code == 0
    assert children.run(qa_job, "index", str(scene.docs), "--data", str(data)).get().code == 0


def test_readers_see_one_generation_each_while_the_index_is_swapped_thirty_times(scene: Scene):
    requests, faults = scene.children.run(swap_job, scene.place, 30, 4).get()
    assert faults == []
    assert requests >= 30


def swap_job(place: Path, swaps: int, readers: int) -> tuple[int, list[str]]:
    """Index another version of the same files again and again while threads search; returns (requests, what was wrong)."""
    docs, faults, requests = place / "versions", list[str](), list[int]()
    workspace = open_workspace(place / ".qa")
    stop = threading.Event()
    write_version(docs, 1)
    index_paths(workspace, [docs])

    def read() -> None:
        while not stop.is_set():
            try:
                with workspace.store.view() as view:
                    seen = versions_in(view, workspace)
                    if seen != {view.generation}:
                        faults.append(f"versions {sorted(seen)} in generation {view.generation}")
                requests.append(1)
            except Exception as error:
                faults.append(repr(error))
            stop.wait(0.02)  # or the writer, in the same interpreter, hardly gets a turn

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for version in range(2, swaps + 2):
        write_version(docs, version)
        generation = index_paths(open_workspace(place / ".qa"), [docs]).generation
        if generation != version:
            faults.append(f"version {version} became generation {generation}")
    stop.set()
    for thread in threads:
        thread.join(30)
    return len(requests), faults[:10]


def write_version(docs: Path, version: int) -> None:
    """Write the files so that each sentence of them names the version."""
    docs.mkdir(exist_ok=True)
    for number in range(5):
        text = f"This entry of version {version} names harbour {number}. It is file {number} of version {version}."
        (docs / f"{number}.txt").write_text(text)


def versions_in(view: Any, workspace: Any) -> set[int]:
    """Return the versions that a request meets: in its hits, in the documents of those, and in all documents."""
    hits = search(view, workspace.embedder, "harbour of which version", 10)
    texts = [hit.passage.text for hit in hits] + [view.document(hit.document.id).text for hit in hits]
    texts += [view.document(info.id).text for info in view.documents()]
    if len(view.documents()) != 5 or not hits:
        return {-1}
    return {int(number) for text in texts for number in re.findall(r"version (\d+)", text)}
