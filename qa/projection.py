"""Vectors → places on a plane: principal component analysis (Hotelling 1933), the two directions that tell most apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.embedder import Vectors
from index.store import View

MOST_POINTS = 2_000  # more are a blot, and a page that is slow to open


@dataclass(frozen=True)
class Projection:
    """A plane through the vectors. mean, shape (d,); axes, shape (2, d); share: of the variance that it shows, 0 to 1."""

    mean: Vectors
    axes: Vectors
    share: float

    def place(self, vectors: Vectors) -> Vectors:
        """Return the place of each vector, shape (n, 2)."""
        return ((vectors - self.mean) @ self.axes.T).astype(np.float32)


def fit(vectors: Vectors) -> Projection:
    """Fit a plane to vectors of shape (n, d). The same vectors always give the same plane, its axes the same way round."""
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    covariance = centred.T.astype(np.float64) @ centred / max(1, len(vectors) - 1)
    values, directions = np.linalg.eigh(covariance)  # ascending
    axes = directions[:, ::-1][:, :2].T
    if len(axes) < 2:  # vectors of one number
        axes = np.vstack([axes, np.zeros_like(axes)])
    largest = np.abs(axes).argmax(axis=1)
    signs = np.where(axes[np.arange(2), largest] < 0, -1.0, 1.0)
    total = float(values.sum())
    share = float(values[::-1][:2].sum()) / total if total > 0 else 0.0
    return Projection(mean, (axes * signs[:, None]).astype(np.float32), share)


def sample(numbers: Sequence[int], most: int = MOST_POINTS) -> list[int]:
    """Return at most so many of the passages, evenly over the documents, and always the same ones."""
    if len(numbers) <= most:
        return list(numbers)
    return [numbers[at * len(numbers) // most] for at in range(most)]


def fit_view(view: View, most: int = MOST_POINTS) -> tuple[Projection, list[int], Vectors]:
    """Return the plane of a store's passages, the numbers of those it was fitted to, and their vectors, shape (n, d)."""
    shown = sample(view.numbers(), most)
    vectors = view.vectors(shown)
    return fit(vectors), shown, vectors
