"""The store: derived indexes catch up, are rebuilt when missing, stale or damaged, and are never trusted blindly."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from index.errors import IndexDamaged, IndexIncompatible, IndexMissing
from index.records import AllOf, Equals
from index.search import search
from index.sqlite import Database
from qa.indexing import index_paths
from qa.workspace import Workspace


@pytest.fixture
def indexed(folder: Path, make_workspace) -> Workspace:
    for number, word in enumerate(("harbour", "airport", "station", "bridge", "tunnel")):
        (folder / f"{word}.md").write_text(
            f"---\nkind: {'water' if number == 0 else 'land'}\n---\nThe {word} opened in 19{number}0."
        )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    return workspace


def found(workspace: Workspace, question: str, **options: object) -> list[str]:
    with workspace.store.view() as view:
        return [hit.document.path for hit in search(view, workspace.embedder, question, **options)]


def files(data: Path, pattern: str) -> list[Path]:
    return sorted(path for path in data.glob(pattern) if path.is_file())


def test_nothing_indexed_is_said_so(make_workspace):
    with pytest.raises(IndexMissing, match="nothing is indexed here"):
        found(make_workspace(), "harbour")


@pytest.mark.parametrize(
    "pattern", ["dense-*.faiss", "dense-*.json", "lexical/manifest.json", "lexical/meta.json", "lexical/*.idx"]
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "empty"])
def test_a_derived_file_that_is_missing_or_damaged_is_made_anew(
    indexed: Workspace, make_workspace, pattern: str, damage: str
):
    (path,) = files(indexed.settings.data, pattern)
    data = path.read_bytes()
    path.unlink()  # not written over in place: the first reader has mapped it, and would die of a shorter file
    if damage != "missing":
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes({"truncated": data[:middle], "flipped": flipped, "empty": b""}[damage])
    workspace = make_workspace()
    assert found(workspace, "When did the harbour open?")[0] == "docs/harbour.md"
    with workspace.store.view() as view:
        assert len(view.search_dense(indexed.embedder.embed(["tunnel"])[0], 10)) == 5
        assert len(view.search_lexical("tunnel", 10)) == 1


def test_a_rebuild_embeds_nothing(indexed: Workspace, folder: Path, make_workspace):
    for path in files(indexed.settings.data, "dense-*"):
        path.unlink()
    shutil.rmtree(indexed.settings.data / "lexical")
    report = index_paths(make_workspace(), [folder])
    assert report.embedded == 0
    assert files(indexed.settings.data, "dense-*.faiss")
    assert found(make_workspace(), "tunnel")[0] == "docs/tunnel.md"


def test_derived_files_of_another_catalog_are_not_used(indexed: Workspace, tmp_path: Path, make_workspace):
    """The same generation number and the same model, but other documents: a catalog restored from elsewhere."""
    other_folder = tmp_path / "other" / "docs"
    other_folder.mkdir(parents=True)
    (other_folder / "lake.txt").write_text("The lake froze over in 1963.")
    other = make_workspace(tmp_path / "other" / ".qa")
    index_paths(other, [other_folder])
    for path in (*files(other.settings.data, "dense-*"), *files(other.settings.data, "lexical/*")):
        shutil.copy(path, indexed.settings.data / path.relative_to(other.settings.data))
    assert set(found(make_workspace(), "harbour lake")) == {
        f"docs/{word}.md" for word in ("harbour", "airport", "station", "bridge", "tunnel")
    }


def test_a_small_change_is_caught_up_without_writing_the_vectors_anew(folder: Path, make_workspace):
    for number in range(200):
        (folder / f"{number}.txt").write_text(f"Lighthouse number {number} stands on rock {number * 3}.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    before = files(workspace.settings.data, "dense-*.faiss")
    (folder / "new.txt").write_text("Lighthouse two hundred was replaced by a foghorn.")
    index_paths(workspace, [folder])
    assert files(workspace.settings.data, "dense-*.faiss") == before
    fresh = make_workspace()
    assert found(fresh, "foghorn")[0] == "docs/new.txt"
    with fresh.store.view() as view:
        assert view.generation == 2
        assert len(view.search_dense(fresh.embedder.embed(["lighthouse"])[0], 500)) == 201


def test_a_reader_does_not_wait_for_ever_for_a_writer_that_never_finishes(indexed: Workspace, make_workspace):
    shutil.rmtree(indexed.settings.data / "lexical")
    workspace = make_workspace()
    with indexed.store.writing():
        assert found(workspace, "When did the tunnel open?")[0] == "docs/tunnel.md"
        assert not (indexed.settings.data / "lexical").exists()


@pytest.mark.parametrize("offset", [0, 20, 100])
def test_a_damaged_catalog_is_an_error_that_says_what_to_do_never_a_traceback(
    indexed: Workspace, make_workspace, offset: int
):
    path = indexed.settings.data / "catalog.db"
    data = bytearray(path.read_bytes())
    data[offset : offset + 3000] = b"\xff" * 3000
    path.write_bytes(bytes(data))
    with pytest.raises((IndexDamaged, IndexMissing)) as caught:
        found(make_workspace(), "tunnel")
    assert caught.value.hint


def test_another_format_is_refused(indexed: Workspace, make_workspace):
    with contextlib.closing(Database(indexed.settings.data / "catalog.db")) as db:
        db.run("UPDATE state SET value = '99' WHERE key = 'format'")
    with pytest.raises(IndexIncompatible, match="format 99"):
        found(make_workspace(), "tunnel")


def test_another_splitter_is_refused(indexed: Workspace, make_workspace):
    with contextlib.closing(Database(indexed.settings.data / "catalog.db")) as db:
        db.run("UPDATE state SET value = '0' WHERE key = 'splitter'")
    workspace = make_workspace()
    with pytest.raises(IndexIncompatible, match="split by version 0"):
        workspace.store.check_embedder(workspace.embedder)


def test_a_manifest_that_is_not_an_object_is_no_manifest(indexed: Workspace, make_workspace):
    for name in ("lexical/manifest.json", next(path.name for path in files(indexed.settings.data, "dense-*.json"))):
        (indexed.settings.data / name).write_text(json.dumps([1, 2, 3]))
    assert found(make_workspace(), "tunnel")[0] == "docs/tunnel.md"


def test_hits_carry_every_stages_score(indexed: Workspace):
    with indexed.store.view() as view:
        hits = search(view, indexed.embedder, "When did the tunnel open?", k=3)
    assert hits[0].document.path == "docs/tunnel.md"
    assert hits[0].scores.dense is not None
    assert 0 < hits[0].scores.dense <= 1
    assert hits[0].scores.lexical is not None
    assert hits[0].scores.lexical > 0
    assert [hit.scores.fused for hit in hits] == sorted((hit.scores.fused for hit in hits), reverse=True)


def test_a_filter_by_metadata_and_collection_reaches_the_search(indexed: Workspace):
    assert found(indexed, "When did it open?", scope=AllOf((Equals("kind", "water"),))) == ["docs/harbour.md"]
    assert found(indexed, "When did it open?", scope=AllOf((Equals("collection", "nope"),))) == []
    assert found(indexed, "open?", scope=AllOf((Equals("kind", "' OR 1=1 --"),))) == []


def test_a_rerankers_scores_decide_the_order_and_are_kept(indexed: Workspace):
    with indexed.store.view() as view:
        hits = search(
            view,
            indexed.embedder,
            "When did it open?",
            k=5,
            rerank=lambda question, hits: [hit.document.path == "docs/bridge.md" for hit in hits],
        )
    assert hits[0].document.path == "docs/bridge.md"
    assert hits[0].scores.rerank == 1.0


def test_the_same_text_in_many_files_comes_once_before_all_that_differs(folder: Path, make_workspace):
    for number in range(5):
        (folder / f"copy{number}.txt").write_text("The old mill burnt down in 1911.")
    (folder / "other.txt").write_text("The new mill was built of brick in 1912.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    paths = found(workspace, "What happened to the mill?")
    assert "docs/other.txt" in paths[:2]
    assert len(paths) == 6  # the copies come last: whoever asks for k gets them where there is nothing else


def test_neighbours_of_one_document_do_not_crowd_out_the_others(folder: Path, make_workspace):
    chapters = "\n\n".join(
        f"# Chapter {n}\n\n" + f"Whale number {n} swims in ocean {n}. " * 6 + f"Its song {n * 17} is heard at night. " * 9
        for n in range(12)
    )
    (folder / "long.md").write_text(chapters)
    for name in ("x", "y"):
        (folder / f"{name}.txt").write_text(
            f"A whale was seen near harbour {name} last summer, said the keeper of lighthouse {name}."
        )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    paths = found(workspace, "Where do whales swim?", k=6)
    assert paths.count("docs/long.md") >= 2
    assert {"docs/x.txt", "docs/y.txt"} & set(paths)


def test_a_commit_stands_when_the_search_files_cannot_be_written(indexed: Workspace, folder: Path, make_workspace):
    """As with a full disk: where the folder of the word index should be is a file that cannot be replaced by one."""
    data = indexed.settings.data
    shutil.rmtree(data / "lexical")
    (data / "lexical").write_text("in the way")
    (folder / "quay.txt").write_text("The quay opened in 1999.")
    report = index_paths(make_workspace(), [folder])
    assert report.generation == 2
    assert found(make_workspace(), "When did the quay open?")[0] == "docs/quay.txt"
