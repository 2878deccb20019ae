"""The scan: every file of a real folder is listed, with a reason if it is not read; nothing outside is touched."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from index.errors import BadPath
from index.records import FileRecord
from index.scan import IGNORE_FILE, disk_path, index_path, scan
from qa.indexing import index_paths


def scanned(folder: Path, *exclude: Path) -> dict[str, str]:
    """What is found: name → reason, "" for files to be read."""
    return {record.path: record.reason for record in scan(folder, folder, "default", exclude)}


def reasons(records: list[FileRecord]) -> dict[str, str]:
    return {record.path: record.reason for record in records}


def test_links_pipes_and_sockets_are_skipped_with_the_reason(folder: Path, tmp_path: Path):
    (folder / "a.txt").write_text("text")
    (folder / "sub").mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    os.mkfifo(folder / "pipe.txt")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "socket.txt"))
    (folder / "inside.txt").symlink_to(folder / "a.txt")
    (folder / "out.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "out-folder").symlink_to(tmp_path)
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "dangling.txt").symlink_to(folder / "nothing")
    (folder / "self.txt").symlink_to(folder / "self.txt")
    server.close()
    assert scanned(folder) == {
        "a.txt": "",
        "dangling.txt": "a symbolic link that leads nowhere",
        "inside.txt": "a symbolic link: what it leads to is read in its own place",
        "out-folder": "a symbolic link out of the folder",
        "out.txt": "a symbolic link out of the folder",
        "pipe.txt": "not a regular file",
        "self.txt": "a symbolic link that leads nowhere",
        "socket.txt": "not a regular file",
        "sub/up": "a symbolic link: what it leads to is read in its own place",
    }


def test_folders_may_nest_deeper_than_python_recurses(folder: Path):
    place = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(os.open("deep.txt", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
    try:
        assert list(scanned(folder).values()) == [""]
    finally:  # what pytest cleans up with does recurse
        subprocess.run(["rm", "-rf", folder / "d"], check=True)


@pytest.mark.parametrize(
    "name",
    [
        b"new\nline.txt",
        "📄 emoji.txt".encode(),
        b"caf\xe9.txt",
        b"\\xe9.txt",
        b"esc\x1b[31m.txt",
        b"<img>.txt",
        "e\u0301.txt".encode(),
    ],
)
def test_any_file_name_is_indexed_listed_and_opened_again(folder: Path, make_workspace, name: bytes):
    path = folder / os.fsdecode(name)
    path.write_text("The ferry leaves at noon.")
    assert disk_path(index_path(path, folder), folder) == path
    workspace = make_workspace()
    assert index_paths(workspace, [folder]).generation == 1
    assert len(index_paths(workspace, [folder]).plan.unchanged) == 1
    path.write_text("The ferry leaves at midnight from now on.")
    assert len(index_paths(workspace, [folder]).plan.changed) == 1
    path.unlink()
    assert len(index_paths(workspace, [folder]).plan.deleted) == 1


def test_the_data_directory_inside_the_folder_is_not_indexed(folder: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    workspace = make_workspace(folder / "data")
    index_paths(workspace, [folder])
    plan = index_paths(workspace, [folder]).plan
    assert (len(plan.unchanged), len(plan.added), len(plan.skipped)) == (1, 0, 0)


def test_a_qaignore_leaves_out_files_and_folders_and_says_so(folder: Path):
    for name in ("a.txt", "draft-1.txt", "old/b.txt", "keep/draft-2.txt", "keep/c.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("text")
    (folder / IGNORE_FILE).write_text("# comment\nold/\ndraft-*\n!draft-2.txt\n")
    (folder / "keep" / IGNORE_FILE).write_text("c.txt\n")
    reason = "excluded by .qaignore"
    assert scanned(folder) == {
        "a.txt": "",
        "draft-1.txt": reason,
        "keep/c.txt": reason,
        "keep/draft-2.txt": "",
        "old": reason,
    }


def test_a_file_that_becomes_ignored_stops_answering(folder: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    (folder / "b.txt").write_text("The train leaves at one.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / IGNORE_FILE).write_text("a.txt\n")
    index_paths(workspace, [folder])
    assert [document.path for document in workspace.store.documents()] == ["docs/b.txt"]
    (folder / IGNORE_FILE).unlink()
    index_paths(workspace, [folder])
    assert len(workspace.store.documents()) == 2


def test_pictures_and_programs_are_skipped_unopened_whatever_else_is_read_is_told_by_content(folder: Path, make_workspace):
    (folder / "photo.JPG").write_bytes(b"no picture at all")
    (folder / "README").write_text("The ferry leaves at noon.")
    (folder / "program").write_bytes(b"\x7fELF" + bytes(200))
    (folder / "report.dat").write_bytes(b"%PDF-1.4 broken")
    (folder / "page.txt").write_text("<!doctype html><title>Ferry</title><p>It leaves at noon.")
    report = index_paths(make_workspace(), [folder])
    assert reasons([*report.skipped]) == {"docs/photo.JPG": "a picture", "docs/program": "a program or library"}
    assert [record.path for record in report.failed] == ["docs/report.dat"]
    workspace = make_workspace()
    assert {one.path: one.media_type for one in workspace.store.documents()} == {
        "docs/README": "text/plain",
        "docs/page.txt": "text/html",
    }
    again = index_paths(workspace, [folder])
    assert (len(again.plan.to_read), len(again.skipped), len(again.failed)) == (0, 2, 1)


def test_a_file_changed_with_its_size_and_time_put_back_is_seen(folder: Path, make_workspace):
    path = folder / "a.txt"
    path.write_text("The ferry leaves at 10.")
    os.utime(path, ns=(10**18, 10**18))
    workspace = make_workspace()
    index_paths(workspace, [folder])
    path.write_text("The ferry leaves at 11.")
    os.utime(path, ns=(10**18, 10**18))
    assert len(index_paths(workspace, [folder]).plan.changed) == 1


def test_a_renamed_document_keeps_its_id_its_answers_and_its_vectors(folder: Path, make_workspace):
    for name in ("scan1", "scan2"):
        (folder / f"{name}.txt").write_text(f"The lease of {name} ends in the year 2031, and the rent is due in May.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    before = {one.path: one.id for one in workspace.store.documents()}
    (folder / "leases").mkdir()
    (folder / "scan1.txt").rename(folder / "leases" / "lease.txt")
    (folder / "scan1.txt").write_text("Something new stands in the old place, about the harbour.")
    report = index_paths(workspace, [folder])
    assert [(old, record.path) for record, old in report.plan.renamed] == []  # the old place is taken: a copy and a change
    (folder / "scan2.txt").rename(folder / "leases" / "other.txt")
    report = index_paths(workspace, [folder])
    assert [(old, record.path) for record, old in report.plan.renamed] == [("docs/scan2.txt", "docs/leases/other.txt")]
    assert report.embedded == 0
    (folder / "scan2.txt").write_text("A new file where the renamed one was, about trains.")
    index_paths(workspace, [folder])
    after = {one.path: one.id for one in workspace.store.documents()}
    assert after["docs/leases/other.txt"] == before["docs/scan2.txt"]
    assert len(set(after.values())) == len(after) == 4


def test_a_link_that_is_named_is_followed(folder: Path, tmp_path: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    (folder / "link.txt").symlink_to(folder / "a.txt")
    workspace = make_workspace()
    index_paths(workspace, [folder / "link.txt"])
    assert [document.path for document in workspace.store.documents()] == ["docs/a.txt"]
    (folder / "self.txt").symlink_to(folder / "self.txt")
    report = index_paths(workspace, [folder / "self.txt"])
    assert [record.reason for record in report.skipped] == ["a symbolic link that leads nowhere"]


def test_one_folder_under_two_names_is_indexed_once(folder: Path, tmp_path: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    (tmp_path / "link").symlink_to(folder)
    workspace = make_workspace()
    index_paths(workspace, [tmp_path / "link", folder])
    index_paths(workspace, [tmp_path / "link"])
    assert [document.path for document in workspace.store.documents()] == ["docs/a.txt"]


def test_the_data_directory_is_indexed_under_no_name(folder: Path, tmp_path: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    (tmp_path / "link").symlink_to(folder)
    workspace = make_workspace(folder / "store")
    for _ in range(2):
        report = index_paths(workspace, [tmp_path / "link"])
        assert [*report.skipped, *report.failed] == []
    assert [Path(document.path).name for document in workspace.store.documents()] == ["a.txt"]
    for inside in (folder / "store", tmp_path / "link" / "store", folder / "store" / "lexical"):
        with pytest.raises(BadPath, match="belongs to the data directory"):
            index_paths(workspace, [inside])


def test_a_moved_folder_indexed_by_its_new_name_only_keeps_its_documents(folder: Path, tmp_path: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    before = workspace.store.documents()[0].id
    shutil.copytree(folder, tmp_path / "copy")
    assert len(index_paths(workspace, [tmp_path / "copy"]).plan.added) == 1  # the old place is there: a copy
    folder.rename(tmp_path / "new")
    report = index_paths(workspace, [tmp_path / "new"])
    assert [(old, record.path) for record, old in report.plan.renamed] == [("docs/a.txt", "new/a.txt")]
    assert report.embedded == 0
    assert {one.path: one.id for one in workspace.store.documents()}["new/a.txt"] == before
    assert len(workspace.store.documents()) == 2


def test_a_copy_takes_no_documents_from_a_folder_that_is_only_away_for_now(folder: Path, tmp_path: Path, make_workspace):
    (folder / "a.txt").write_text("The ferry leaves at noon.")
    os.utime(folder / "a.txt", (1_600_000_000, 1_600_000_000))
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "a.txt").write_text((folder / "a.txt").read_text())
    folder.rename(tmp_path / "unmounted")
    report = index_paths(workspace, [tmp_path / "local"])
    assert (len(report.plan.added), report.plan.renamed) == (1, [])
    assert {one.path for one in workspace.store.documents()} == {"docs/a.txt", "local/a.txt"}
