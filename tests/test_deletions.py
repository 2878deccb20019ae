"""What makes documents go, what keeps them, and when a yes is needed first: however their files came to be missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from index.errors import TooManyDeletions
from index.scan import IGNORE_FILE
from qa.indexing import index_paths, plan_paths, rebuild_index
from qa.workspace import Workspace

BINARY = bytes(range(256)) * 10


def fill(folder: Path, count: int = 20) -> list[Path]:
    """Write files of one sentence each and return them."""
    files = [folder / f"f{number:02}.txt" for number in range(count)]
    for number, path in enumerate(files):
        path.write_text(f"Fruit number {number} is ripe.")
    return files


def count(workspace: Workspace) -> int:
    return len(workspace.store.documents())


def text_of(workspace: Workspace, path: str) -> str:
    with workspace.store.view() as view:
        return next(view.document(one.id).text for one in view.documents() if one.path == path)


@pytest.mark.parametrize("lines", ["*", "f*.txt"])
def test_files_that_become_excluded_are_deletions_and_need_a_yes(folder: Path, make_workspace, lines: str):
    fill(folder)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / IGNORE_FILE).write_text(lines)
    assert len(plan_paths(workspace, [folder]).deleted) == 20
    with pytest.raises(TooManyDeletions, match="20 of 20"):
        index_paths(workspace, [folder])
    assert count(workspace) == 20
    index_paths(workspace, [folder], no_delete=True)
    assert count(workspace) == 20
    report = index_paths(workspace, [folder], yes=True)
    assert (len(report.deleted), len(report.skipped), count(workspace)) == (20, 20, 0)
    assert len(workspace.store.stats().failures) == 20


@pytest.mark.parametrize("contents", [b"", BINARY], ids=["emptied", "damaged"])
def test_files_that_cannot_be_read_any_more_are_deletions_and_need_a_yes(folder: Path, make_workspace, contents: bytes):
    files = fill(folder)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    for path in files[:18]:
        path.write_bytes(contents)
    with pytest.raises(TooManyDeletions, match="18 of 20"):
        index_paths(workspace, [folder])
    assert count(workspace) == 20
    assert workspace.store.stats().failures == ()
    assert index_paths(workspace, [folder], no_delete=True).deleted == []
    assert count(workspace) == 20
    report = index_paths(workspace, [folder], yes=True)
    assert (len(report.deleted), len(report.failed), count(workspace)) == (18, 18, 2)


def test_gone_excluded_and_damaged_files_are_counted_together(folder: Path, make_workspace):
    files = fill(folder)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    for path in files[:4]:
        path.unlink()
    for path in files[4:8]:
        path.write_bytes(BINARY)
    (folder / IGNORE_FILE).write_text("".join(f"{path.name}\n" for path in files[8:12]))
    assert len(plan_paths(workspace, [folder]).deleted) == 8
    with pytest.raises(TooManyDeletions, match="12 of 20"):
        index_paths(workspace, [folder])
    assert count(workspace) == 20


def test_a_file_that_takes_too_long_for_once_keeps_its_document_until_it_can_be_read(folder: Path, make_workspace):
    path = folder / "a.txt"
    path.write_text("Apples are red.")
    index_paths(make_workspace(), [folder])
    path.write_text("Apples are green by now.")
    hurried = make_workspace(file_seconds=0.001)
    report = index_paths(hurried, [folder])
    assert [record.reason for record in report.failed] == [
        "reading it took more than 0.001 seconds (what was indexed of it before is kept)"
    ]
    assert text_of(hurried, "docs/a.txt") == "Apples are red."
    assert len(hurried.store.stats().failures) == 1
    patient = make_workspace()
    assert len(index_paths(patient, [folder]).plan.changed) == 1
    assert text_of(patient, "docs/a.txt") == "Apples are green by now."
    assert patient.store.stats().failures == ()


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_for_now_keeps_its_document(folder: Path, make_workspace):
    path = folder / "a.txt"
    path.write_text("Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    path.write_text("Apples are green by now.")
    path.chmod(0)
    assert len(index_paths(workspace, [folder]).failed) == 1
    assert text_of(workspace, "docs/a.txt") == "Apples are red."
    path.chmod(0o600)
    index_paths(workspace, [folder])
    assert text_of(workspace, "docs/a.txt") == "Apples are green by now."


def test_a_document_that_was_kept_goes_with_its_file_and_not_before(folder: Path, make_workspace):
    path = folder / "a.txt"
    path.write_text("Apples are red.")
    index_paths(make_workspace(), [folder])
    path.write_text("Apples are green by now.")
    index_paths(make_workspace(file_seconds=0.001), [folder])
    path.unlink()
    workspace = make_workspace()
    index_paths(workspace, [folder], no_delete=True)
    assert count(workspace) == 1
    assert index_paths(workspace, [folder]).deleted == ["docs/a.txt"]
    assert count(workspace) == 0


def test_a_rebuild_makes_the_documents_of_files_that_failed_for_now_anew_too(folder: Path, make_workspace):
    path = folder / "a.txt"
    path.write_text("Apples are red.")
    index_paths(make_workspace(), [folder])
    path.write_text("Apples are green by now.")
    workspace = make_workspace(file_seconds=0.001)
    index_paths(workspace, [folder])
    assert rebuild_index(workspace).passages == 1
    assert text_of(workspace, "docs/a.txt") == "Apples are red."
