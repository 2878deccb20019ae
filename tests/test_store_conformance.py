"""What every store must do, whatever it is made of: written against the protocol of index/store.py alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stores import (
    AIRPORT,
    HARBOUR,
    WORDS,
    HashedWords,
    Place,
    dense,
    interrupt,
    lexical,
    put,
    record_of,
    state_of,
    vector_of,
    write,
)

from index.errors import IndexIncompatible, IndexLocked, IndexMissing
from index.narrow import NarrowStore
from index.records import CollectionStats, Equals, StartsWith
from index.store import DropFile, KeepStaged, MoveFile, NoteFile, Store

# ---------------------------------------------------------------------- what is put is there


def test_a_store_without_an_index_says_so_and_has_an_empty_ledger(store: Store, tmp_path: Path):
    for look in (store.stats, store.documents, store.root, lambda: store.runs(1), store.indexed_paths):
        with pytest.raises(IndexMissing, match="nothing is indexed"):
            look()
    with pytest.raises(IndexMissing), store.view():
        pass
    assert store.ledger("default") == {}
    assert store.held("default") == set()
    assert store.root_or(tmp_path) == tmp_path.resolve()


def test_a_run_that_applies_nothing_leaves_no_generation(store: Store):
    assert write(store) == 0
    with pytest.raises(IndexMissing), store.view():
        pass


def test_what_is_put_is_there_to_the_last_character(store: Store):
    text = "Zürich e\u0301 \U0001f6a2 “quoted” \\ back'slash\nاردو میں ایک جملہ۔\n\ttabs and  spaces "
    metadata = {"author": "Żaneta O'Neil", 'odd "key"\\': 'a "value"\nof two lines', "date": "2024-05-01"}
    change = put("a/one.md", text, metadata=metadata, title="A “title”", lang="", media_type="text/markdown")
    write(store, change)
    (part,) = change.parts
    with store.view() as view:
        document = view.document(part.document.id)
        assert document is not None
        assert replace(document, generation=0, indexed_at="") == part.document
        assert document.generation == view.generation == 1
        assert document.indexed_at
        (info,) = view.documents()
        assert info.metadata == metadata
        numbers = view.numbers()
        assert [view.passages(numbers)[num][0] for num in numbers] == list(part.passages)
        assert all(one.text == document.text[one.start : one.end] for one, _ in view.passages(numbers).values())
        assert view.numbers_of([*(one.id for one in part.passages), "nope"]) == dict(
            zip((one.id for one in part.passages), numbers, strict=True)
        )
        assert view.passage(part.passages[1].id) == (part.passages[1], info)
        assert view.passage("nope") is None
        assert view.document("nope") is None
        assert view.passages([max(numbers) + 1]) == {}
        assert view.passage_after(part.passages[0]) == part.passages[1]
        assert view.passage_after(part.passages[-1]) is None
        assert view.metadata_keys() == metadata.keys()
        vectors = view.vectors(numbers[::-1])
        assert np.allclose(vectors, WORDS.embed([one.text for one in part.passages])[::-1], atol=1e-6)


def test_passages_are_numbered_document_by_document_in_the_order_of_paths(store: Store):
    write(store, put("b.txt", AIRPORT), put("a.txt", HARBOUR), put("Z.txt", "Zeppelin."), put("é.txt", "Acute."))
    with store.view() as view:
        numbers = view.numbers()
        assert [view.passages(numbers)[num][0].text for num in numbers] == [
            "Zeppelin.",
            *HARBOUR.split("\n"),
            *AIRPORT.split("\n"),
            "Acute.",
        ]
        assert [one.path for one in view.documents()] == ["Z.txt", "a.txt", "b.txt", "é.txt"]


def test_what_no_store_could_keep_is_not_there(store: Store):
    write(store, put("a.txt", HARBOUR, metadata={"author": "A\0B"}))
    with store.view() as view:
        assert view.document("a\0") is view.passage("a\0") is None
        assert view.numbers_of(["a\0"]) == {}
        for scope in (Equals("path", "a.txt\0"), Equals("na\0me", "x")):
            assert (view.documents(scope), dense(view, "harbour", 3, scope)) == ([], [])
        assert len(dense(view, "harbour", 3, Equals("author", "A\0B"))) == 3
    assert store.origin("a\0") is None
    assert store.versions(["a\0"]) == {}


@pytest.mark.engine
def test_a_title_may_be_of_any_length(store: Store):
    write(store, put("a.txt", HARBOUR, title="ä" * 40_000), put("b.txt", AIRPORT, title="ä" * 20_000))
    with store.view() as view:
        assert {len(one.title) for one in view.documents()} == {40_000, 20_000}
        assert len(dense(view, "harbour")) == 5
        assert dense(view, "harbour", 9, StartsWith("title", "ä" * 25_000)) == dense(
            view, "harbour", 9, Equals("path", "a.txt")
        )
        assert set(dense(view, "harbour", 9, Equals("title", "ä" * 20_000))) == set(AIRPORT.split("\n"))


def test_documents_of_one_file_keep_their_order_and_are_read_back_with_their_texts(store: Store):
    write(store, put("box.mbox", "Letter one.", "Letter two.", "Letter three."), put("other.txt", "Other."))
    documents = store.documents_of_file("default", "box.mbox")
    assert [one.text for one in documents] == ["Letter one.", "Letter two.", "Letter three."]
    ids = [one.id for one in documents]
    assert [one.id for one in store.documents_with_ids([*ids[::-1], "nope"])] == ids[::-1]
    assert store.versions([*ids, "nope"]) == {one.id: one.sha256 for one in documents}
    with store.writing():
        assert store.document_ids("default", "box.mbox") == {one.part: one.id for one in documents}
        assert store.is_taken(ids[0])
        assert not store.is_taken("nope")


def test_stats_and_runs_count_what_was_committed(store: Store):
    failed = replace(record_of("broken.pdf", ""), status="failed", reason="it is broken", sha256="")
    write(store, put("a.txt", HARBOUR), put("b.md", AIRPORT, media_type="text/markdown", lang="fr"), NoteFile(failed))
    write(store, put("c.txt", "Secret.", collection="other"), DropFile("default", "b.md"))
    stats = store.stats()
    assert (stats.generation, stats.embedder, stats.dimension) == (2, WORDS.name, WORDS.dimension)
    assert stats.collections == {"default": CollectionStats(1, 3), "other": CollectionStats(1, 1)}
    assert stats.media_types == {"text/plain": 2}
    assert stats.languages == {"en": 2}
    assert stats.failures == (failed,)
    assert stats.committed_at
    runs = store.runs(10)
    assert [(run.generation, run.added, run.removed) for run in runs] == [(2, 1, 1), (1, 2, 0)]
    assert store.runs(1) == runs[:1]
    with store.view() as view:
        assert view.stats().collections == stats.collections


def test_the_ledger_is_as_it_was_noted(store: Store):
    big = replace(record_of("a.txt", HARBOUR), size=5_000_000_000, mtime_ns=2**62, ctime_ns=-5)
    skipped = replace(record_of("b.png", ""), status="skipped", reason="it's a \\picture", sha256="")
    write(store, replace(put("a.txt", HARBOUR), record=big), NoteFile(skipped))
    assert store.ledger("default") == {"a.txt": big, "b.png": skipped}
    assert store.held("default") == {"a.txt"}
    assert store.ledger("other") == {}
    with store.writing():
        assert store.files("default") == {"a.txt": big, "b.png": skipped}
    before = store.stats().generation
    assert write(store, NoteFile(replace(skipped, reason="another"))) == before  # no document changed
    assert store.ledger("default")["b.png"].reason == "another"


def test_where_files_lie_is_told_from_the_root_that_the_first_run_named(store: Store, tmp_path: Path):
    (tmp_path / "home" / "docs").mkdir(parents=True)
    change = put("docs/a.txt", HARBOUR)
    with store.writing(tmp_path / "home"):
        store.adopt(WORDS)
        store.apply([change])
        store.remember_paths("default", [tmp_path / "home" / "docs" / "a.txt", tmp_path / "home" / "docs"])
        store.remember_paths("other", [tmp_path / "home"])
    with store.writing(tmp_path / "elsewhere"):  # the first word stands
        pass
    assert store.root() == store.root_or(tmp_path / "elsewhere") == (tmp_path / "home").resolve()
    assert store.origin(change.parts[0].document.id) == (store.root() / "docs" / "a.txt", change.record.sha256)
    assert store.origin("nope") is None
    assert store.indexed_paths() == {"default": [store.root() / "docs"], "other": [store.root()]}


# ---------------------------------------------------------------------- changes


@pytest.mark.engine
def test_a_changed_file_is_found_by_its_new_words_only_and_keeps_its_id(store: Store):
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT))
    before = store.documents_of_file("default", "a.txt")[0]
    write(store, put("a.txt", "A lighthouse stands on the rock."))
    after = store.documents_of_file("default", "a.txt")[0]
    assert after.id == before.id
    assert after.sha256 != before.sha256
    with store.view() as view:
        assert set(dense(view, "harbour")) == {"A lighthouse stands on the rock.", *AIRPORT.split("\n")}
        assert lexical(view, "harbour quay grain") == []
        if store.capabilities.lexical:
            assert lexical(view, "lighthouse") == ["A lighthouse stands on the rock."]


@pytest.mark.engine
def test_a_moved_file_keeps_ids_passages_and_vectors_and_is_found_by_its_new_path(store: Store):
    write(store, put("a/old.txt", HARBOUR), put("b.txt", AIRPORT))
    with store.view() as view:
        before = {view.passages([num])[num][0]: view.vectors([num]).tobytes() for num in view.numbers()}
    (old,) = store.documents_of_file("default", "a/old.txt")
    moved = MoveFile(record_of("c/new.txt", HARBOUR), "a/old.txt")
    assert write(store, moved) == 2
    (new,) = store.documents_of_file("default", "c/new.txt")
    assert (new.id, new.text, new.title) == (old.id, old.text, "new")  # a title that was the file's name follows it
    assert store.held("default") == {"b.txt", "c/new.txt"} == store.ledger("default").keys()
    with store.view() as view:
        assert {view.passages([num])[num][0]: view.vectors([num]).tobytes() for num in view.numbers()} == before
        assert set(dense(view, "harbour", scope=StartsWith("path", "c/"))) == set(HARBOUR.split("\n"))
        assert set(dense(view, "harbour", scope=Equals("title", "new"))) == set(HARBOUR.split("\n"))
        assert dense(view, "harbour", scope=StartsWith("path", "a/")) == []
        assert dense(view, "harbour", scope=Equals("title", "old")) == []


def test_a_file_may_take_the_place_that_another_leaves_in_the_same_run(store: Store):
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT, title="A title of its own"))
    (left,) = store.documents_of_file("default", "b.txt")
    write(store, MoveFile(record_of("c.txt", AIRPORT), "b.txt"), put("b.txt", "Newly in its place.", id="dnew"))
    (moved,) = store.documents_of_file("default", "c.txt")
    assert (moved.id, moved.title, moved.text) == (left.id, "A title of its own", AIRPORT)
    assert [(one.id, one.text) for one in store.documents_of_file("default", "b.txt")] == [("dnew", "Newly in its place.")]
    with store.view() as view:
        assert dense(view, "newly", scope=Equals("path", "b.txt")) == ["Newly in its place."]


@pytest.mark.engine
@pytest.mark.parametrize("way", ["drop", "replace"])
def test_what_is_deleted_is_found_by_nobody_and_is_nowhere_any_more(store: Store, place: Place, way: str):
    secret = "The zanzibarquux opens the vault at midnight."
    write(store, put("a.txt", HARBOUR), put("s.txt", f"{secret}\nAnd the qwertzoid closes it."), put("b.txt", AIRPORT))
    assert place.holds("zanzibarquux")
    write(store, DropFile("default", "s.txt") if way == "drop" else put("s.txt", "Nothing here."))
    assert ("s.txt" in store.ledger("default")) == (way == "replace")
    with store.view() as view:
        assert not [text for text in dense(view, secret) if "zanzibarquux" in text or "qwertzoid" in text]
        assert lexical(view, "zanzibarquux qwertzoid") == []
        assert len(dense(view, secret)) == len(view.numbers()) == (5 if way == "drop" else 6)
    assert not place.holds("zanzibarquux")
    assert not place.holds("qwertzoid")


def test_a_file_that_loses_its_documents_may_keep_its_line_in_the_ledger(store: Store):
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT))
    failed = replace(record_of("a.txt", "x"), status="failed", reason="it is broken now")
    write(store, DropFile("default", "a.txt"), NoteFile(failed))
    assert store.ledger("default")["a.txt"] == failed
    assert store.held("default") == {"b.txt"}
    with store.view() as view:
        assert set(dense(view, "harbour")) == set(AIRPORT.split("\n"))


def test_the_same_changes_applied_twice_end_in_the_same_state(store: Store):
    write(store, put("old.txt", "Old words."), put("move.txt", AIRPORT))
    changes = (
        put("a.txt", HARBOUR),
        put("b.txt", "Ships of grain lie there."),
        DropFile("default", "old.txt"),
        NoteFile(replace(record_of("c.png", ""), status="skipped", reason="a picture")),
    )
    write(store, *changes)
    once, ledger = state_of(store), store.ledger("default")
    write(store, *changes)
    assert state_of(store) == once
    assert store.ledger("default") == ledger


@pytest.mark.engine
def test_an_interrupted_run_changes_nothing_and_the_next_one_goes_on_from_it(store: Store, place: Place):
    write(store, put("a.txt", HARBOUR), put("gone.txt", "To be dropped."))
    before, generation = state_of(store), store.stats().generation
    new = put("b.txt", "New words of a tunnel.\nThe harbour again.")
    changes = [DropFile("default", "gone.txt"), put("a.txt", "Changed words."), new]
    interrupt(store, *changes, *(put(f"{n}.txt", f"Filler {n}.") for n in range(100)))
    store = place.open()
    assert state_of(store) == before
    assert store.stats().generation == generation
    assert store.held("default") == {"a.txt", "gone.txt"}
    with store.writing():
        store.adopt(WORDS)
        assert store.staged()["default", "b.txt"] == new.record.sha256
        keep: list = [KeepStaged(new.record), put("a.txt", "Changed words."), DropFile("default", "gone.txt")]
        assert store.apply(keep) == generation + 1
        assert store.staged() == {}
    with store.view() as view:
        everything = {"Changed words.", "New words of a tunnel.", "The harbour again."}
        assert set(dense(view, "words")) == everything
        assert len(view.numbers()) == 3
    assert store.held("default") == {"a.txt", "b.txt"}


def test_what_one_collection_has_staged_stays_hidden_while_another_is_written(store: Store, place: Place):
    write(store, put("a.txt", HARBOUR))
    staged = put("b.txt", "Staged words.", collection="other")
    interrupt(store, staged, *(put(f"{n}.txt", f"Filler {n}.", collection="other") for n in range(100)))
    store = place.open()
    write(store, put("c.txt", AIRPORT))
    with store.view() as view:
        assert set(dense(view, "staged words", 200)) == {*HARBOUR.split("\n"), *AIRPORT.split("\n")}
        assert lexical(view, "staged filler") == []
        assert [one.path for one in view.documents()] == ["a.txt", "c.txt"]
    write(store, staged)
    with store.view() as view:
        assert dense(view, "staged words", 1) == ["Staged words."]
        assert len(view.numbers()) == 6


def test_a_text_that_is_known_needs_no_vector_again(store: Store, place: Place):
    first = put("a.txt", HARBOUR)
    write(store, first)
    keys = first.parts[0].keys
    with store.writing():
        store.adopt(WORDS)
        assert store.known_vectors([*keys, b"nope" * 8]) == set(keys)
        again = put("copy.txt", f"{HARBOUR}\nAnd one more line.", known=keys)
        assert len(again.vectors) == 1
        store.apply([again])
    write(store, DropFile("default", "a.txt"))  # the copy has its own right to what both share
    with place.open().view() as view:
        numbers = view.numbers()
        texts = [view.passages(numbers)[num][0].text for num in numbers]
        assert texts == [*HARBOUR.split("\n"), "And one more line."]
        assert np.allclose(view.vectors(numbers), WORDS.embed(texts), atol=1e-6)
        assert dense(view, texts[1], 1) == [texts[1]]
    write(store, DropFile("default", "copy.txt"))
    with store.writing():
        assert store.known_vectors(keys) == set()


@pytest.mark.engine
def test_another_model_is_refused_until_all_is_made_anew(store: Store, place: Place):
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT))
    other = HashedWords(dimension=7, name="other words")
    store.check_embedder(WORDS)
    with pytest.raises(IndexIncompatible, match="hashed words") as caught:
        store.check_embedder(other)
    assert "qa index --rebuild" in caught.value.hint
    with pytest.raises(IndexIncompatible):
        write(store, put("c.txt", "More.", embedder=other), embedder=other)
    with store.view() as old:
        anew = [put("a.txt", HARBOUR, embedder=other), put("b.txt", AIRPORT, embedder=other)]
        assert write(store, *anew, embedder=other, anew=True) == 2
        assert len(old.search_dense(vector_of("harbour"), 10)) == 5  # which serves on for who has begun with it
    store = place.open()
    store.check_embedder(other)
    assert store.stats().dimension == 7
    with store.view() as view:
        assert len(view.search_dense(vector_of("harbour", other), 10)) == 5
        assert view.vectors(view.numbers()).shape == (5, 7)
    with pytest.raises(IndexIncompatible):
        store.check_embedder(WORDS)


def test_only_one_writes_at_a_time(store: Store, place: Place):
    write(store, put("a.txt", HARBOUR))
    with store.writing(), pytest.raises(IndexLocked, match="is writing"), place.open().writing():
        pass
    with place.open().writing():
        pass


# ---------------------------------------------------------------------- readers beside a writer


@pytest.mark.engine
def test_a_view_sees_one_generation_whatever_is_committed_meanwhile(store: Store, place: Place):
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT))
    with store.view() as old:
        numbers = old.numbers()
        write(place.open(), DropFile("default", "a.txt"), put("c.txt", "New words of a tunnel."))
        assert set(dense(old, "new words")) == {*HARBOUR.split("\n"), *AIRPORT.split("\n")}
        assert lexical(old, "tunnel") == []
        assert old.numbers() == numbers
        assert old.vectors(numbers).shape == (5, WORDS.dimension)
        assert old.generation == 1
        with store.view() as new:
            assert new.generation == 2
            assert set(dense(new, "harbour")) == {"New words of a tunnel.", *AIRPORT.split("\n")}
    with store.view() as view:
        assert set(dense(view, "harbour")) == {"New words of a tunnel.", *AIRPORT.split("\n")}


def test_number_and_token_name_a_generation_among_those_of_all_stores(store: Store, new_place: Callable[[], Place]):
    def name(one: Store) -> tuple[int, str]:
        with one.view() as view:
            return view.generation, view.token

    other = new_place().open()
    write(store, put("a.txt", HARBOUR))
    write(other, put("a.txt", HARBOUR))
    first = name(store)
    assert name(store) == first != name(other)
    assert name(NarrowStore(store, ["default"])) != first
    assert name(NarrowStore(store, ["default"])) == name(NarrowStore(store, {"default"})) != name(NarrowStore(store, ["b"]))
    write(store, put("b.txt", AIRPORT))
    assert name(store) not in (first, name(other))


@pytest.mark.engine
def test_readers_in_other_threads_see_whole_generations_only(store: Store, place: Place):
    """Each run replaces all ten files: whoever sees words of two runs has seen half of a commit."""
    write(store, *(put(f"{n}.txt", f"Run zero, file {n}.") for n in range(10)))
    seen: set[int] = set()
    faults: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                with store.view() as view:
                    texts = dense(view, "run file", 100)
                    runs = {text.split(",")[0] for text in texts}
                    if len(texts) != 10 or len(runs) != 1:
                        faults.append(f"generation {view.generation}: {texts}")
                    seen.add(view.generation)
            except Exception as error:
                faults.append(repr(error))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for run in ("one", "two", "three"):
        write(place.open(), *(put(f"{n}.txt", f"Run {run}, file {n}.") for n in range(10)))
    stop.set()
    for reader in readers:
        reader.join(60)
    assert not faults
    assert seen <= {1, 2, 3, 4}
