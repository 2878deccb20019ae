"""What every store must find, whatever it is made of: as much as filters admit, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stores import AIRPORT, HARBOUR, Place, dense, document_of, lexical, put, vector_of, write

from index.records import AllOf, AnyOf, Equals, Filter, Range, StartsWith
from index.store import Store, View

pytestmark = pytest.mark.engine

# ---------------------------------------------------------------------- filters

NOTES = {
    "a/one.md": {"author": "Ada", "date": "2023-12-31"},
    "a/two.md": {"author": "Ben", "date": "2024-01-01"},
    "a%/three.md": {"author": 'Ada "the" \\ O\'Neil', "date": "2024-06-30T12:00:00Z"},
    "a_/four.md": {"author": "line one\nline two\ttab", "date": ""},
    "b/five = six.md": {"author": "Żaneta", 'odd "key"\\\n': "it's"},
    "ab/seven.md": {"author": "\U0001f6a2 ship", "date": "2024-06-30", "author ": "Ada"},
}
ALL = {"one", "two", "three", "four", "five = six", "seven"}


@pytest.fixture(scope="module")
def notes(new_place: Callable[[], Place]) -> Store:
    """A store of a few documents with metadata that is hard to write down, each of one passage."""
    store = new_place().open()
    changes = [
        put(path, f"The harbour of {Path(path).stem}.", metadata=metadata, media_type="text/markdown")
        for path, metadata in NOTES.items()
    ]
    write(store, *changes, put("x.txt", "The harbour elsewhere.", collection='other\'s "own"'))
    return store


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (Equals("author", "Ada"), {"one"}),
        (Equals("author", 'Ada "the" \\ O\'Neil'), {"three"}),
        (Equals("author", "line one\nline two\ttab"), {"four"}),
        (Equals("author", "Żaneta"), {"five = six"}),
        (Equals("author", "\U0001f6a2 ship"), {"seven"}),
        (Equals("author", '" or 1 == 1 or author == "'), set()),
        (Equals("author", "' OR 1=1 --"), set()),
        (Equals('odd "key"\\\n', "it's"), {"five = six"}),
        (Equals('author"] == "Ada" or metadata["author', "Ada"), set()),
        (Equals("author ", "Ada"), {"seven"}),
        (Equals("nowhere", ""), set()),
        (Equals("date", ""), {"four"}),
        (Equals("path", "b/five = six.md"), {"five = six"}),
        (Equals("title", "one"), {"one"}),
        (Equals("media_type", "text/markdown"), ALL),
        (Equals("lang", "fr"), set()),
        (Equals("document", document_of("a/two.md", "").id), {"two"}),
        (Equals("collection", "nope"), set()),
        (StartsWith("path", "a/"), {"one", "two"}),
        (StartsWith("path", "a%"), {"three"}),
        (StartsWith("path", "a_"), {"four"}),
        (StartsWith("path", "a"), {"one", "two", "three", "four", "seven"}),
        (StartsWith("author", "Ada"), {"one", "three"}),
        (StartsWith("author", "line one\n"), {"four"}),
        (StartsWith("author", "\U0001f6a2"), {"seven"}),
        (StartsWith("path", ""), ALL),
        (Range("date", "2024", "2024"), {"two", "three", "seven"}),
        (Range("date", "2024-01", "2024-06"), {"two", "three", "seven"}),
        (Range("date", "2024-06-30", "2024-06-30"), {"three", "seven"}),
        (Range("date", "", "2024-01"), {"one", "two"}),
        (Range("date", "2024-06-30", ""), {"three", "seven"}),
        (Range("date", "2024-01-01", "2024-01-01"), {"two"}),
        (Range("date"), ALL),
        (Range("date", "2025", "2023"), set()),
        (Range("path", "a/two", "a/two"), {"two"}),
        (AnyOf((Equals("author", "Ada"), Equals("author", "Ben"))), {"one", "two"}),
        (AllOf((StartsWith("path", "a/"), Range("date", "2024"))), {"two"}),
        (AllOf((AnyOf((Equals("author", "Ada"), StartsWith("path", "b/"))), Equals("lang", "en"))), {"one", "five = six"}),
        (AnyOf(()), set()),
        (AllOf(()), ALL),
        (AllOf((AllOf(()), AnyOf((AllOf(()), AnyOf(()))))), ALL),
    ],
    ids=lambda one: str(one) if not isinstance(one, set) else "",  # a set's order differs between processes of pytest-xdist
)
def test_a_filter_admits_the_same_in_every_method(notes: Store, scope: Filter, names: set[str]):
    scope = AllOf((Equals("collection", "default"), scope))
    expected = {f"The harbour of {name}." for name in names}
    with notes.view() as view:
        assert {one.title for one in view.documents(scope)} == {one.title for one in notes.documents(scope)} == names
        assert {one.text for one, _ in view.passages(view.numbers(scope)).values()} == expected
        assert sorted(dense(view, "harbour", scope=scope)) == sorted(expected)
        if notes.capabilities.lexical:
            assert sorted(lexical(view, "harbour", scope=scope)) == sorted(expected)
        keys = {key for metadata in NOTES.values() for key in metadata}
        assert view.metadata_keys(scope) <= keys


def test_collections_are_apart(notes: Store):
    with notes.view() as view:
        assert dense(view, "harbour", scope=Equals("collection", 'other\'s "own"')) == ["The harbour elsewhere."]
        assert len(dense(view, "harbour")) == 7
        both = AnyOf((Equals("collection", "default"), Equals("collection", 'other\'s "own"')))
        assert len(dense(view, "harbour", scope=both)) == 7


# ---------------------------------------------------------------------- as many as there are (invariant 13)


@pytest.fixture(scope="module")
def crowd(new_place: Callable[[], Place]) -> Store:
    """A store of 20,000 passages: 20 of them in documents marked rare, 2,000 in some, all others in common ones."""
    store = new_place().open()
    kinds = ["rare"] * 2 + ["some"] * 200 + ["common"] * 1798
    write(
        store,
        *(
            put(
                f"{n}.txt",
                "\n".join(f"Note {n} of ship {line} at pier {n % 97} by {kind} men {n * line % 89}" for line in range(10)),
                metadata={"kind": kind},
            )
            for n, kind in enumerate(kinds)
        ),
    )
    return store


@pytest.mark.parametrize(("kind", "matching"), [("rare", 20), ("some", 2_000), ("common", 17_980), ("none", 0)])
def test_a_filtered_search_is_equal_to_brute_force(crowd: Store, kind: str, matching: int):
    scope = Equals("kind", kind)
    vector = vector_of("the ship of common men at pier 7")
    with crowd.view() as view:
        numbers = view.numbers(scope)
        assert len(numbers) == matching
        cosines = np.concatenate(
            [view.vectors(numbers[at : at + 2_000]) @ vector for at in range(0, matching, 2_000)] or [[]]
        )
        best = np.sort(cosines)[::-1]
        by_number = dict(zip(numbers, cosines, strict=True))
        for k in (0, 10, 50):
            found = view.search_dense(vector, k, scope)
            assert len(found) == min(k, matching)
            assert np.allclose([score for _, score in found], best[: len(found)], atol=1e-5)
            assert all(abs(by_number[num] - score) < 1e-5 for num, score in found)
            if crowd.capabilities.lexical:
                words = view.search_lexical("ship", k, scope)
                assert len(words) == len({num for num, _ in words} & by_number.keys()) == min(k, matching)


def test_asking_for_more_than_there_are_brings_all_once(store: Store):
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT))
    with store.view() as view:
        found = view.search_dense(vector_of("harbour"), 10_000)
        assert sorted(num for num, _ in found) == sorted(view.numbers())
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)


def test_words_that_no_passage_has_find_nothing(store: Store):
    write(store, put("a.txt", HARBOUR))
    look: list[Callable[[View], list[str]]] = [
        lambda view: lexical(view, "xylophone"),
        lambda view: lexical(view, ""),
        lambda view: lexical(view, '"(*:^~ AND OR \\'),
    ]
    with store.view() as view:
        assert [one(view) for one in look] == [[], [], []]
        if store.capabilities.lexical:
            assert lexical(view, "where is the quay?") == ["Its quay is 300 metres long."]
            assert lexical(view, "QUAYS") == ["Its quay is 300 metres long."]
