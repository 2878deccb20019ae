"""One generation of a MilvusStore: the shared catalog's snapshot, and those of Milvus' rows that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from index.catalog_view import CatalogView
from index.embedder import Vectors
from index.errors import IndexDamaged
from index.milvus import MOST, Milvus, condition_of
from index.milvus_filters import both, expression
from index.records import AllOf, Filter
from index.shared_catalog import Seen, SharedCatalog, Target
from index.store import Found

_EXACT_UP_TO = 2_000  # admitted passages that are compared one by one: an approximate index may overlook most of them
_LEAST_ASKED = (
    100  # nearest ones that an approximate index is asked for: it overlooks fewer of the best the more it looks for
)
_SCOPES_KEPT = 32
_AT_ONCE = 2_000  # vectors in memory while all are compared

Narrow = dict[tuple[str, Filter], tuple[int, ...] | None]


@dataclass(frozen=True)
class MilvusView(CatalogView[SharedCatalog]):
    """One generation of a MilvusStore. narrow: by token and filter what is admitted, None if much."""

    engine: Milvus
    generation: int
    token: str
    target: Target
    seen: Seen
    narrow: Narrow

    def search_dense(self, vector: Vectors, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, cosine), best first: min(k, passages that the filter admits), of 16,384 at the most."""
        k = min(k, MOST)
        if k <= 0:
            return []
        condition = self._condition(scope)
        few = None if self.target.flat or scope == AllOf() else self._few(scope, condition)
        if few is not None:
            return self._compare(vector, few, k)
        found = self._sift(
            lambda limit: self.engine.search_dense(self.target.name, vector, limit, condition, self.seen.timestamp),
            k,
            k if self.target.flat else max(2 * k, _LEAST_ASKED),
        )
        if len(found) < k and (self.seen.is_cut or not self.target.flat):
            return self._compare(vector, self.catalog.numbers(scope), k)
        return found

    def search_lexical(self, text: str, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, BM25), best first; none where the server cannot search by words."""
        k = min(k, MOST)
        if k <= 0 or not self.target.lexical:
            return []
        condition = self._condition(scope)
        return self._sift(
            lambda limit: self.engine.search_words(self.target.name, text, limit, condition, self.seen.timestamp), k
        )

    def _condition(self, scope: Filter) -> str:
        return both("" if scope == AllOf() else expression(scope), condition_of(self.seen))

    def _sift(self, search: Callable[[int], Found], k: int, asked: int = 0) -> Found:
        """Leave out what the catalog does not show, and what is there twice, and ask for more in its place.

        A run that died may have left the one, a request that was sent again the other.
        """
        limit = min(max(k, asked), MOST)
        while True:
            found = search(limit)
            visible = self.catalog.visible([num for num, _ in found])
            kept = {num: score for num, score in reversed(found) if num in visible}
            if len(kept) >= k or len(found) < limit or limit >= MOST:
                return list(reversed(kept.items()))[:k]
            limit = min(4 * limit, MOST)

    def _few(self, scope: Filter, condition: str) -> tuple[int, ...] | None:
        """Return the passages that a filter admits if they are few enough to be compared one by one."""
        known, key = self.narrow, (self.token, scope)
        if key not in known:
            while len(known) >= _SCOPES_KEPT:
                known.pop(next(iter(known)), None)
            nums = self.engine.numbers(self.target.name, condition, _EXACT_UP_TO + 1, self.seen.timestamp)
            few = len(nums) <= _EXACT_UP_TO
            known[key] = tuple(sorted(self.catalog.visible(nums))) if few else None
        return known[key]

    def _compare(self, vector: Vectors, nums: Sequence[int], k: int) -> Found:
        best: Found = []
        for start in range(0, len(nums), _AT_ONCE):
            batch = nums[start : start + _AT_ONCE]
            scores = self.vectors(batch) @ vector
            best += [(batch[at], float(scores[at])) for at in np.argsort(-scores, kind="stable")[:k]]
        return sorted(best, key=lambda pair: (-pair[1], pair[0]))[:k]

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension)."""
        found = self.engine.vectors(self.target.name, nums, self.seen.timestamp)
        if any(num not in found for num in nums):
            raise IndexDamaged(f"Milvus at {self.engine.uri} has lost vectors of the index", "see: qa doctor")
        return np.stack([found[num] for num in nums]) if nums else np.zeros((0, self.target.dimension), np.float32)
