"""Vectors of the passages, made once by this project's embedder and kept: peers are fed them at large sizes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.embedder import Vectors, open_embedder

_AT_ONCE = 2048


def vectors_for(texts: Sequence[str], size: int, place: Path) -> Path:
    """Return a file of one unit vector a text, for the first `size` texts.

    A larger file serves smaller sizes, for every size holds the first passages of a larger one.
    """
    path = place / f"vectors-{size}.npy"
    if not path.exists():
        place.mkdir(parents=True, exist_ok=True)
        known = _known(size, place)
        np.save(path, _embed(texts[:size]) if known is None else known)
    return path


def _known(size: int, place: Path) -> Vectors | None:
    for path in sorted(place.glob("vectors-*.npy")):
        held: Vectors = np.load(path, mmap_mode="r")
        if len(held) >= size:
            return held[:size]
    return None


def _embed(texts: Sequence[str]) -> Vectors:
    embedder = open_embedder()
    parts = []
    for start in range(0, len(texts), _AT_ONCE):
        sys.stderr.write(f"embedding for the peers: {start:,} of {len(texts):,}\r")
        parts.append(embedder.embed(texts[start : start + _AT_ONCE]))
    sys.stderr.write("\n")
    return np.concatenate(parts)
