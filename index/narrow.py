"""A store as somebody sees it who may see some collections only: of all others there is no trace."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from index.embedder import Embedder, Vectors
from index.records import AllOf, AnyOf, Document, DocumentInfo, Equals, FileRecord, Filter, Passage, Run, Stats
from index.store import Capabilities, Found, Store, View


@dataclass(frozen=True)
class NarrowView:
    """One generation of a store, without what lies in other collections."""

    whole: View
    collections: frozenset[str]

    @property
    def generation(self) -> int:
        """The number of the last commit in it."""
        return self.whole.generation

    @property
    def token(self) -> str:
        """The whole's, and what is seen of it."""
        return json.dumps([self.whole.token, *sorted(self.collections)])

    def search_dense(self, vector: Vectors, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, cosine), best first: min(k, passages that the filter admits)."""
        return self.whole.search_dense(vector, k, within(self.collections, scope))

    def search_lexical(self, text: str, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, BM25), best first, among the passages that share a word with the text."""
        return self.whole.search_lexical(text, k, within(self.collections, scope))

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return passages by number, with their documents."""
        found = self.whole.passages(nums)
        return {number: one for number, one in found.items() if one[1].collection in self.collections}

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension); their numbers are known from this view only."""
        return self.whole.vectors(nums)

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the passages that a filter admits, document by document."""
        return self.whole.numbers(within(self.collections, scope))

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""
        numbers = self.whole.numbers_of(passage_ids)
        seen = self.passages(list(numbers.values()))
        return {name: number for name, number in numbers.items() if number in seen}

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by id, with its document."""
        found = self.whole.passage(passage_id)
        return found if found and found[1].collection in self.collections else None

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""
        return self.whole.passage_after(passage)

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        found = self.whole.document(document_id)
        return found if found and found.collection in self.collections else None

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""
        return self.whole.documents(within(self.collections, scope))

    def stats(self) -> Stats:
        """Say what is in the collections."""
        return narrow_stats(self.whole.stats(), self.documents(), self.collections)

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""
        return self.whole.metadata_keys(within(self.collections, scope))


class NarrowStore:
    """A store, for reading, without what lies in other collections. What is written concerns the whole: that is refused."""

    def __init__(self, whole: Store, collections: Collection[str]) -> None:
        self._whole = whole
        self._collections = frozenset(collections)

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return self._whole.capabilities

    @contextmanager
    def view(self) -> Iterator[View]:
        """Open the newest generation for reading. Raises IndexMissing where nothing is indexed."""
        with self._whole.view() as view:
            yield NarrowView(view, self._collections)

    def stats(self) -> Stats:
        """Say what is in the collections, without loading what searches need."""
        return narrow_stats(self._whole.stats(), self.documents(), self._collections)

    def runs(self, most: int) -> list[Run]:  # noqa: ARG002 - the signature is the protocol's
        """Return nothing: a run is counted over all collections."""
        return []

    def indexed_paths(self) -> dict[str, list[Path]]:
        """Return by collection the files and folders that runs were told to index."""
        return {name: paths for name, paths in self._whole.indexed_paths().items() if name in self._collections}

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path, without loading what searches need."""
        return self._whole.documents(within(self._collections, scope))

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""
        return self._whole.documents_of_file(collection, path) if collection in self._collections else []

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        wanted = AnyOf(tuple(Equals("document", one) for one in document_ids))
        return {one.id: one.sha256 for one in self.documents(wanted)}

    def documents_with_ids(self, document_ids: Iterable[str]) -> Iterator[Document]:
        """Yield those of the documents that are there, with their texts, one at a time."""
        for one in self._whole.documents_with_ids(document_ids):
            if one.collection in self._collections:
                yield one

    def origin(self, document_id: str) -> tuple[Path, str] | None:
        """Return where the file lies that a document was read from, and the sha256 of the bytes it had then."""
        return self._whole.origin(document_id) if self.versions([document_id]) else None

    def ledger(self, collection: str) -> Mapping[str, FileRecord]:
        """Return the ledger of a collection by path."""
        return self._whole.ledger(collection) if collection in self._collections else {}

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files that have documents."""
        return self._whole.held(collection) if collection in self._collections else set()

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter."""
        self._whole.check_embedder(embedder)

    def check_searchable(self) -> None:
        """Raise IndexUnavailable where what searches the passages does not answer."""
        self._whole.check_searchable()

    def root(self) -> Path:
        """Return the folder that relative document paths start from."""
        return self._whole.root()

    def root_or(self, root: Path | None) -> Path:
        """Return `root()`, or for an index that is yet to be made what it would be."""
        return self._whole.root_or(root)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        """Refuse."""
        raise RuntimeError("a part of a store is for reading only")

    @contextmanager
    def writing(self, root: Path | None = None) -> Iterator[None]:  # noqa: ARG002
        """Refuse."""
        self._refuse()
        yield

    adopt = remember_paths = files = staged = known_vectors = document_ids = is_taken = apply = _refuse


def within(collections: Collection[str], scope: Filter) -> Filter:
    """Return a filter that admits what `scope` admits of these collections."""
    return AllOf((AnyOf(tuple(Equals("collection", name) for name in sorted(collections))), scope))


def narrow_stats(stats: Stats, documents: Sequence[DocumentInfo], collections: Collection[str]) -> Stats:
    """Return what stats say of some collections. documents: all that lie in them.

    The files on disk hold all collections: their sizes are left out.
    """
    return replace(
        stats,
        committed_at=max((one.indexed_at for one in documents), default=""),
        collections={name: one for name, one in stats.collections.items() if name in collections},
        media_types=_count(one.media_type for one in documents),
        languages=_count(one.lang for one in documents),
        failures=tuple(one for one in stats.failures if one.collection in collections),
        sizes={},
    )


def _count(values: Iterable[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for value in values:
        counted[value] = counted.get(value, 0) + 1
    return dict(sorted(counted.items()))
