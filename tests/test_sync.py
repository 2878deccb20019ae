"""The index flow: what is added, changed, deleted, unchanged; what costs nothing; what is refused."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from index import catalog_rows
from index.errors import BadPath, CitableError, IndexLocked, TooManyDeletions
from index.search import search
from index.sqlite import Database
from qa.answer import answer_question
from qa.errors import NotFound
from qa.indexing import index_paths, plan_paths, reindex, remove_documents
from qa.records import AskRequest
from qa.workspace import Workspace


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)


def age(folder: Path) -> None:
    """Make files look as if they had been written a while ago, so that their time stamps can be trusted."""
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 100, time.time() - 100))


def texts(workspace: Workspace) -> set[str]:
    with workspace.store.view() as view:
        return {view.document(info.id).text for info in view.documents()}


def test_a_second_run_with_nothing_changed_embeds_nothing_and_makes_no_generation(folder: Path, make_workspace):
    write(folder, a="Apples are red.", b="Pears are green.")
    workspace = make_workspace()
    first = index_paths(workspace, [folder])
    second = index_paths(workspace, [folder])
    plan = second.plan
    assert (first.embedded, first.generation) == (2, 1)
    assert (second.embedded, second.passages, second.generation) == (0, 0, 1)
    assert len(plan.unchanged) == 2


def test_a_file_that_changes_makes_no_records_of_the_others(folder: Path, make_workspace, monkeypatch):
    write(folder, **{f"f{number}": f"Fig {number} is brown." for number in range(20)})
    workspace = make_workspace()
    index_paths(workspace, [folder])
    write(folder, f7="Fig 7 is blue.")
    made: list[str] = []
    row_to_file = catalog_rows.row_to_file
    monkeypatch.setattr(catalog_rows, "row_to_file", lambda row: made.append(row[1]) or row_to_file(row))
    report = index_paths(workspace, [folder / "f7.txt"])
    assert [one.path for one in report.plan.changed] == ["docs/f7.txt"]
    assert set(made) == {"docs/f7.txt"}


def test_added_changed_and_deleted_files_are_picked_up(folder: Path, make_workspace):
    write(folder, a="Apples are red.", b="Pears are green.", c="Plums are blue.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    write(folder, b="Pears are yellow by now.", d="Figs are brown.")
    (folder / "c.txt").unlink()
    report = index_paths(workspace, [folder])
    plan = report.plan
    assert [record.path for record in plan.added] == ["docs/d.txt"]
    assert [record.path for record in plan.changed] == ["docs/b.txt"]
    assert list(plan.deleted) == ["docs/c.txt"]
    assert report.generation == 2
    assert texts(workspace) == {"Apples are red.", "Pears are yellow by now.", "Figs are brown."}


def test_a_change_that_keeps_size_and_time_stamp_is_seen_when_it_was_made_right_after_the_last_look(
    folder: Path, make_workspace
):
    write(folder, a="Apples are red.")
    stamp = (folder / "a.txt").stat().st_mtime_ns
    workspace = make_workspace()
    index_paths(workspace, [folder])
    write(folder, a="Apples are raw.")
    os.utime(folder / "a.txt", ns=(stamp, stamp))
    plan = index_paths(workspace, [folder]).plan
    assert len(plan.changed) == 1


def test_a_touched_file_with_the_same_bytes_is_unchanged(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    age(folder)
    report = index_paths(workspace, [folder])
    plan = report.plan
    assert len(plan.unchanged) == 1
    assert report.generation == 1


def test_a_document_keeps_its_id_when_its_text_changes(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    before = workspace.store.documents()[0]
    write(folder, a="Apples are green now.")
    index_paths(workspace, [folder])
    after = workspace.store.documents()[0]
    assert before.id == after.id
    assert before.sha256 != after.sha256


def test_a_moved_file_is_not_embedded_again(folder: Path, make_workspace):
    (folder / "a.md").write_text("# Fruit\n\nApples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / "a.md").rename(folder / "b.md")
    report = index_paths(workspace, [folder])
    plan = report.plan
    assert (report.embedded, len(plan.added), len(plan.deleted)) == (0, 0, 0)
    assert [(old, record.path) for record, old in plan.renamed] == [("docs/a.md", "docs/b.md")]


def test_equal_texts_in_two_files_share_a_vector_and_both_are_found(folder: Path, make_workspace):
    for name in ("a", "b"):
        (folder / f"{name}.md").write_text("# Fruit\n\nApples are red.")
    workspace = make_workspace()
    report = index_paths(workspace, [folder])
    assert (report.passages, report.embedded) == (2, 1)
    (folder / "a.md").unlink()
    index_paths(workspace, [folder])
    with workspace.store.view() as view:
        assert [hit.document.path for hit in search(view, workspace.embedder, "apples")] == ["docs/b.md"]


def test_only_what_lies_under_the_given_paths_is_deleted(folder: Path, make_workspace):
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    write(folder / "one", a="Apples are red.")
    write(folder / "two", b="Pears are green.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    shutil.rmtree(folder / "one")
    shutil.rmtree(folder / "two")
    plan = index_paths(workspace, [folder / "one"]).plan
    assert list(plan.deleted) == ["docs/one/a.txt"]
    assert texts(workspace) == {"Pears are green."}


def test_a_dry_run_plans_and_changes_nothing(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    plan = plan_paths(workspace, [folder])
    assert len(plan.added) == 1
    assert not workspace.settings.data.exists()


def test_no_delete_keeps_documents_whose_files_are_gone(folder: Path, make_workspace):
    write(folder, a="Apples are red.", b="Pears are green.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / "a.txt").unlink()
    index_paths(workspace, [folder], no_delete=True)
    assert len(texts(workspace)) == 2


def test_deleting_most_of_a_collection_needs_a_yes(folder: Path, make_workspace):
    for number in range(12):
        write(folder, **{f"f{number}": f"Fruit number {number} is ripe."})
    workspace = make_workspace()
    index_paths(workspace, [folder])
    for number in range(8):
        (folder / f"f{number}.txt").unlink()
    with pytest.raises(TooManyDeletions, match="8 of 12"):
        index_paths(workspace, [folder])
    assert workspace.store.stats().collections["default"].documents == 12
    index_paths(workspace, [folder], yes=True)
    assert workspace.store.stats().collections["default"].documents == 4


def test_a_file_that_can_no_longer_be_read_stops_answering(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / "a.txt").write_bytes(bytes(range(256)) * 10)
    report = index_paths(workspace, [folder])
    assert [record.reason for record in report.failed] == ["not text: the file is binary"]
    assert texts(workspace) == set()
    again = index_paths(workspace, [folder])
    assert len(again.failed) == 1


def test_a_path_that_does_not_exist_is_an_error_and_one_that_is_gone_a_deletion(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder / "a.txt"])
    with pytest.raises(BadPath, match="no such file"):
        index_paths(workspace, [folder / "z.txt"])
    (folder / "a.txt").unlink()
    plan = index_paths(workspace, [folder / "a.txt"]).plan
    assert list(plan.deleted) == ["docs/a.txt"]


def test_an_unreadable_file_costs_one_file(folder: Path, make_workspace):
    write(folder, a="Apples are red.", b="Pears are green.")
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop").symlink_to(folder)
    report = index_paths(make_workspace(), [folder])
    assert {record.reason for record in report.plan.skipped} == {
        "not a regular file",
        "a symbolic link: what it leads to is read in its own place",
    }
    assert report.generation == 1


def test_hidden_files_are_not_looked_at(folder: Path, make_workspace):
    (folder / ".git").mkdir()
    write(folder / ".git", a="secret of git")
    (folder / ".env.txt").write_text("KEY=secret")
    write(folder, b="Pears are green.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    assert texts(workspace) == {"Pears are green."}


def test_odd_file_names_are_indexed_and_shown_in_one_piece(folder: Path, make_workspace):
    for name in ("new\nline.txt", "emoji 🍎.txt", "quote'\".txt", "-dash.txt", "ünïcode.txt"):
        (folder / name).write_text(f"A file called {name!r} speaks of apples.")
    workspace = make_workspace()
    report = index_paths(workspace, [folder])
    assert report.failed == []
    assert len(texts(workspace)) == 5


def test_collections_are_kept_apart(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    fruit, other = make_workspace(collection="fruit"), make_workspace(collection="other")
    index_paths(fruit, [folder])
    index_paths(other, [folder])
    assert set(fruit.store.stats().collections) == {"fruit", "other"}
    (folder / "a.txt").unlink()
    index_paths(fruit, [folder])
    assert set(fruit.store.stats().collections) == {"other"}
    with pytest.raises(NotFound, match="no collection fruit; there are: other"):
        answer_question(fruit, AskRequest("What are apples?", collection="fruit"))
    assert answer_question(fruit, AskRequest("What colour are apples?", collection="other"))["status"] == "answered"


def test_removed_documents_answer_no_more_and_neither_do_stored_answers_show_them(folder: Path, make_workspace):
    write(folder, a="Apples from Hunza are red.", b="Pears are green.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = answer_question(workspace, AskRequest("What colour are apples from Hunza?"))
    assert workspace.history.get(answer["id"]) == answer
    with pytest.raises(NotFound, match="docs/z.txt"):
        remove_documents(workspace, ["docs/a.txt", "docs/z.txt"])
    assert remove_documents(workspace, ["docs/a.txt"]) == ["docs/a.txt"]
    assert texts(workspace) == {"Pears are green."}
    assert workspace.history.get(answer["id"]) is None


@pytest.mark.parametrize(("old", "new"), [("# Falcon", "# Hawk"), ("## Tariff", "## Fees")])
def test_a_stored_answer_shows_no_title_or_heading_that_a_document_has_lost(
    folder: Path, make_workspace, old: str, new: str
):
    text = "# Falcon\n\nIt rains here.\n\n## Tariff\n\nThe tariff for apples is seven rupees a crate in Hunza.\n"
    (folder / "a.md").write_text(text)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = answer_question(workspace, AskRequest("What is the tariff for apples?", k=1))
    assert answer["citations"]
    (folder / "a.md").write_text(text + "\nMore of it.\n")
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) == answer  # all that it shows is still there
    (folder / "a.md").write_text(text.replace(old, new))
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) is None


def test_a_second_writer_is_told_who_holds_the_index(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    with workspace.store.writing(), pytest.raises(IndexLocked, match=re.escape(f"process {os.getpid()} ")):
        index_paths(make_workspace(), [folder])
    index_paths(workspace, [folder])


@pytest.mark.slow
def test_a_killed_run_leaves_a_working_index_and_loses_no_embedded_work(folder: Path, make_workspace):
    for number in range(200):
        write(folder, **{f"f{number}": f"Fruit number {number} comes from village {number * 7}."})
    workspace = make_workspace()
    data = workspace.settings.data
    command = [sys.executable, "-c", "from qa.cli import main; main()", "index", str(folder), "--data", str(data)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not staged(workspace):
        time.sleep(0.05)
    process.kill()
    process.wait()
    left = staged(workspace)
    assert left
    assert workspace.store.stats().generation == 0
    report = index_paths(workspace, [folder])
    assert report.embedded <= 200 - left
    assert workspace.store.stats().collections["default"].documents == 200


def staged(workspace: Workspace) -> int:
    """Count the files that an unfinished run has written so far, straight in the catalog: nothing of ours shows them."""
    try:
        with contextlib.closing(Database(workspace.settings.data / "catalog.db")) as db:
            return int(db.rows("SELECT count(*) FROM documents WHERE generation = 0")[0][0])
    except CitableError:
        return 0


# ---------------------------------------------------------------------- found by review


def test_one_folder_given_in_many_forms_is_one_folder(
    tmp_path: Path, folder: Path, make_workspace, monkeypatch: pytest.MonkeyPatch
):
    write(folder, a="Apples are red.")
    (tmp_path / "link").symlink_to(tmp_path)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    monkeypatch.chdir(folder)
    for form in (Path(), Path(), Path("../docs"), folder, tmp_path / "link" / "docs", tmp_path / "docs" / ".." / "docs"):
        plan = index_paths(workspace, [form]).plan
        assert (len(plan.unchanged), len(plan.added), len(plan.deleted)) == (1, 0, 0), form
    assert [document.path for document in workspace.store.documents()] == ["docs/a.txt"]


def test_a_deletion_is_seen_when_a_folder_further_up_is_indexed(tmp_path: Path, folder: Path, make_workspace):
    write(folder, a="Apples are red in this very test.", b="Pears are green.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / "a.txt").unlink()
    plan = index_paths(workspace, [tmp_path]).plan
    assert list(plan.deleted) == ["docs/a.txt"]


def test_a_hidden_folder_that_was_indexed_by_name_is_not_deleted_by_its_parent(folder: Path, make_workspace):
    (folder / ".notes").mkdir()
    write(folder / ".notes", a="Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder / ".notes"])
    index_paths(workspace, [folder])
    assert texts(workspace) == {"Apples are red."}
    (folder / ".notes" / "a.txt").unlink()
    index_paths(workspace, [folder])
    assert texts(workspace) == set()


def test_files_that_were_no_documents_do_not_count_as_deleted_ones(folder: Path, make_workspace):
    for number in range(12):
        write(folder, **{f"f{number}": f"Fruit number {number} is ripe."})
        (folder / f"{number}.png").write_bytes(b"png")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    for path in folder.glob("*.png"):
        path.unlink()
    plan = index_paths(workspace, [folder]).plan
    assert list(plan.deleted) == []
    assert len(plan.forgotten) == 12
    assert workspace.store.stats().failures == ()


def test_a_first_run_that_dies_does_not_bind_the_model(folder: Path, make_workspace, tmp_path: Path):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    with workspace.store.writing():
        workspace.store.adopt(workspace.embedder)
    other = make_workspace()
    other.__dict__["embedder"] = OtherModel()
    index_paths(other, [folder])
    assert other.store.stats().embedder == "other"


class OtherModel:
    """A real, tiny embedder: the lengths of a text's first words."""

    name = fingerprint = "other"
    dimension = 4
    window = 64

    def embed(self, texts):
        rows = np.array([[len(word) for word in (text.split() + ["", "", "", "x"])[:4]] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]


def test_an_interrupted_run_of_another_collection_is_kept(folder: Path, make_workspace):
    write(folder, a="Apples are red.", b="Pears are green.")
    one, two = make_workspace(collection="one"), make_workspace(collection="two")

    def die(done: int, total: int, path: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    for number in range(210):
        write(folder, **{f"f{number}": f"Fruit number {number} is ripe."})
    with pytest.raises(KeyboardInterrupt):
        index_paths(one, [folder], progress=lambda done, total, path: die(done - 150, total, path))
    left = staged(one)
    assert left
    (folder / "only").mkdir()
    write(folder / "only", z="Zebras are striped.")
    index_paths(two, [folder / "only"])
    assert staged(one) == left


def test_stored_answers_go_even_when_an_earlier_run_had_no_time_to_delete_them(folder: Path, make_workspace):
    write(folder, a="Apples from Hunza are red.", b="Pears are green.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = answer_question(workspace, AskRequest("What colour are apples from Hunza?"))
    (folder / "a.txt").unlink()
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) is None
    workspace.history.save(answer)  # as if the answer had still been in the making then
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) is None


def test_answers_go_whose_words_a_changed_document_has_lost_and_others_stay(folder: Path, make_workspace):
    kept, lost = "Pears from Gilgit are green.", "Apples from Hunza are red."
    write(folder, a=f"{lost} They ripen late.", b=kept)
    workspace = make_workspace(k=1)
    index_paths(workspace, [folder])
    answers = [answer_question(workspace, AskRequest(f"What colour are {one}?")) for one in ("apples", "pears")]
    assert [answer["passages"][0]["path"] for answer in answers] == ["docs/a.txt", "docs/b.txt"]
    write(folder, a="They ripen late.", b=f"A new beginning.\n\n{kept} So they say.")
    index_paths(workspace, [folder])
    assert [workspace.history.get(answer["id"]) for answer in answers] == [None, answers[1]]
    assert not [path for path in workspace.settings.data.rglob("*") if path.is_file() and lost.encode() in path.read_bytes()]
    workspace.history.save(answers[0])  # as if the answer had still been in the making then
    index_paths(workspace, [folder])
    assert workspace.history.get(answers[0]["id"]) is None


def test_a_history_of_before_versions_were_kept_is_gone_through_too(folder: Path, make_workspace):
    write(folder, a="Apples from Hunza are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = answer_question(workspace, AskRequest("What colour are apples from Hunza?"))
    with contextlib.closing(Database(workspace.settings.data / "history.db")) as db:
        db.run("ALTER TABLE answer_documents DROP COLUMN sha256")
        db.run("PRAGMA user_version = 0")
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) == answer
    write(folder, a="Apples from Hunza are yellow.")
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) is None


def test_deleting_a_message_of_a_mailbox_deletes_its_answers_and_leaves_the_others_their_ids(folder: Path, make_workspace):
    mails = [
        f"From x\nFrom: a@x.example\nSubject: {name}\nMessage-ID: <{name}@x>\n\n{name.title()} cost {n}7 rupees.\n\n"
        for n, name in enumerate(("apples", "pears", "plums"), start=1)
    ]
    (folder / "a.mbox").write_text("".join(mails))
    workspace = make_workspace(k=1)
    index_paths(workspace, [folder])
    ids = {one.title: one.id for one in workspace.store.documents()}
    answers = [answer_question(workspace, AskRequest(f"What do {one} cost?")) for one in ("apples", "plums")]
    (folder / "a.mbox").write_text("".join(mails[1:]))
    index_paths(workspace, [folder])
    assert {one.title: one.id for one in workspace.store.documents()} == {name: ids[name] for name in ("pears", "plums")}
    assert [workspace.history.get(answer["id"]) for answer in answers] == [None, answers[1]]


def test_files_are_read_anew_by_newer_readers(folder: Path, make_workspace):
    write(folder, a="Apples are red.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    with contextlib.closing(Database(workspace.settings.data / "catalog.db")) as db:
        db.run("UPDATE files SET readers = 'older'")
    report = index_paths(workspace, [folder])
    plan = report.plan
    assert len(plan.changed) == 1
    assert report.embedded == 0


def test_a_run_that_is_given_up_does_not_wait_for_the_file_that_is_read_ahead(folder: Path, make_workspace):
    (folder / "a.txt").write_text("All is well.")
    (folder / "b.html").write_text("<div>" * 200_000 + "takes minutes to read")

    def give_up(done: int, total: int, path: str) -> None:
        raise KeyboardInterrupt

    workspace = make_workspace(file_seconds=60)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        index_paths(workspace, [folder], progress=give_up)
    assert time.monotonic() - began < 10


def test_a_folder_that_went_is_passed_over_when_all_is_indexed_again(tmp_path: Path, make_workspace):
    for name in ("kept", "gone"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, a=f"Apples are {name}.")
    workspace = make_workspace()
    index_paths(workspace, [tmp_path / "kept", tmp_path / "gone"])
    (tmp_path / "gone" / "a.txt").unlink()
    (tmp_path / "gone").rmdir()
    assert list(reindex(workspace)[0].plan.deleted) == ["gone/a.txt"]
    assert list(reindex(workspace)[0].plan.deleted) == []
    with pytest.raises(BadPath, match="no such file or folder"):
        index_paths(workspace, [tmp_path / "gone"])
