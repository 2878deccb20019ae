"""What searches found in the newest generation: asked again, a question is not searched for again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from index.records import Hit
from index.store import View

_MOST_HITS = 2_000  # of all searches together: some 5 MB


class RememberedHits:
    """The hits of the last searches. Threads may share it.

    With the first search of a newer generation all are forgotten; views of an older one, as a long answer holds them, are
    not remembered anything of.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._hits: OrderedDict[Hashable, tuple[Hit, ...]] = OrderedDict()
        self._count = 0

    def recall(self, view: View, search: Hashable) -> list[Hit] | None:
        """Return what a search found in this view, or None. search: all else that the hits depend on."""
        with self._lock:
            if not self._is_newest(view):
                return None
            hits = self._hits.get((view.token, search))
            if hits is None:
                return None
            self._hits.move_to_end((view.token, search))
            return list(hits)

    def keep(self, view: View, search: Hashable, hits: Sequence[Hit]) -> None:
        """Remember what a search found; not that it found nothing, which costs little and counts as no hit."""
        key = (view.token, search)
        with self._lock:
            if not hits or not self._is_newest(view):
                return
            self._count += len(hits) - len(self._hits.get(key, ()))
            self._hits[key] = tuple(hits)
            while self._count > _MOST_HITS:
                self._count -= len(self._hits.popitem(last=False)[1])

    def _is_newest(self, view: View) -> bool:
        """Forget what is of an older generation than the view; say whether the view is not older itself."""
        if view.generation > self._generation:
            self._generation, self._count = view.generation, 0
            self._hits.clear()
        return view.generation == self._generation

    def __len__(self) -> int:
        """How many searches are remembered."""
        return len(self._hits)
