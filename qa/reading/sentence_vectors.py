"""Vectors of sentences, kept: picking and comparing ask for the same ones, and so does the next question about them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from index.embedder import Vectors

_KEPT = 4096  # sentences; 1.5 kB each with 384 dimensions


class Embeds(Protocol):
    """What sentences are embedded with."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""


class SentenceVectors:
    """Embeds what it has not embedded lately. Threads may share it."""

    def __init__(self, embedder: Embeds) -> None:
        self._embedder = embedder
        self._kept: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""
        if not texts:
            return self._embedder.embed([])
        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        unknown = [text for text in dict.fromkeys(texts) if text not in found]
        if unknown:
            # copies, for a row of it would keep the whole array in memory
            found.update((text, row.copy()) for text, row in zip(unknown, self._embedder.embed(unknown), strict=True))
        with self._lock:
            for text, vector in found.items():
                self._kept[text] = vector
                self._kept.move_to_end(text)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return np.stack([found[text] for text in texts])
