"""What searches found in the newest generation: asked again, a question is not searched for again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from index.records import Hit
from index.store import View

_MOST = 256  # searches: some 5 MB with eight passages each


class RememberedHits:
    """The hits of the last searches. Threads may share it.

    With the first search of another generation all are forgotten, so that none outlives the documents that it found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._hits: OrderedDict[Hashable, tuple[Hit, ...]] = OrderedDict()

    def recall(self, view: View, search: Hashable) -> list[Hit] | None:
        """Return what a search found in this view, or None. search: all else that the hits depend on."""
        with self._lock:
            self._forget_all_but(view.generation)
            hits = self._hits.get((view.token, search))
            if hits is None:
                return None
            self._hits.move_to_end((view.token, search))
            return list(hits)

    def keep(self, view: View, search: Hashable, hits: Sequence[Hit]) -> None:
        """Remember what a search found."""
        with self._lock:
            self._forget_all_but(view.generation)
            self._hits[view.token, search] = tuple(hits)
            if len(self._hits) > _MOST:
                self._hits.popitem(last=False)

    def _forget_all_but(self, generation: int) -> None:
        if generation != self._generation:
            self._generation = generation
            self._hits.clear()

    def __len__(self) -> int:
        """How many searches are remembered."""
        return len(self._hits)
