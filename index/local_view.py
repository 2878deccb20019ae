"""One generation of a store in a folder: the catalog's snapshot with the derived indexes that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from index.catalog import Catalog
from index.catalog_view import CatalogView
from index.dense import DenseIndex
from index.embedder import Vectors
from index.lexical import LexicalIndex
from index.records import AllOf, Filter
from index.store import Found

_SCOPES_KEPT = 32


@dataclass(frozen=True)
class Derived:
    """The derived indexes of one generation, and the passages that the filters used on it admit."""

    dense: DenseIndex
    lexical: LexicalIndex
    admitted: dict[Filter, np.ndarray | None]


@dataclass(frozen=True)
class LocalView(CatalogView[Catalog]):
    """One generation of a LocalStore."""

    derived: Derived
    _compared: dict[int, Vectors] = field(default_factory=dict)  # what the last dense search read: it is asked for next

    @property
    def generation(self) -> int:
        """The number of the last commit in it."""
        return self.derived.dense.generation

    @property
    def token(self) -> str:
        """The random name of that commit."""
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
