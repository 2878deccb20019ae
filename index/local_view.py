"""One generation of a store in a folder: the catalog's snapshot with the derived indexes that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from index.catalog import Catalog
from index.dense import DenseIndex
from index.embedder import Vectors
from index.lexical import LexicalIndex
from index.records import AllOf, Document, DocumentInfo, Filter, Passage, Stats
from index.stats import count_all
from index.store import Found

_SCOPES_KEPT = 32


@dataclass(frozen=True)
class Derived:
    """The derived indexes of one generation, and the passages that the filters used on it admit."""

    dense: DenseIndex
    lexical: LexicalIndex
    admitted: dict[Filter, np.ndarray | None]


@dataclass(frozen=True)
class LocalView:
    """One generation of a LocalStore."""

    catalog: Catalog
    derived: Derived
    folder: Path
    _compared: dict[int, Vectors] = field(default_factory=dict)  # what the last dense search read: it is asked for next

    @property
    def generation(self) -> int:
        """The number of the last commit in it."""
        return self.derived.dense.generation

    @property
    def token(self) -> str:
        """What tells it from all other views of this number."""
        return self.derived.dense.token

    def search_dense(self, vector: Vectors, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, cosine), best first: min(k, passages that the filter admits)."""
        return self.derived.dense.search(vector, k, self._admitted(scope), self._read_to_compare)

    def search_lexical(self, text: str, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, BM25), best first, among the passages that share a word with the text."""
        return self.derived.lexical.search(text, k, self._admitted(scope))

    def _admitted(self, scope: Filter) -> np.ndarray | None:
        known = self.derived.admitted
        if scope not in known:
            while len(known) >= _SCOPES_KEPT:
                known.pop(next(iter(known)), None)
            known[scope] = self.catalog.admitted(scope)
        return known[scope]

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return passages by number, with their documents."""
        return self.catalog.passages(nums)

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension)."""
        missing = [num for num in nums if num not in self._compared]
        if len(missing) == len(nums):
            return self.catalog.vectors(nums)
        read = self._compared | dict(zip(missing, self.catalog.vectors(missing), strict=True))
        return np.stack([read[num] for num in nums])

    def _read_to_compare(self, nums: Sequence[int]) -> Vectors:
        vectors = self.catalog.vectors(nums)
        self._compared.clear()
        self._compared.update(zip(nums, vectors, strict=True))
        return vectors

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the passages that a filter admits, document by document."""
        return self.catalog.numbers(scope)

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""
        return self.catalog.numbers_of(passage_ids)

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by id, with its document."""
        return self.catalog.passage(passage_id)

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""
        return self.catalog.passage_after(passage)

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        return self.catalog.document(document_id)

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""
        return self.catalog.documents(scope)

    def stats(self) -> Stats:
        """Say what is in the store."""
        return count_all(self.catalog, self.folder)

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""
        return self.catalog.metadata_keys(scope)
