"""A map of the corpus: passages as points on a plane, near each other where they speak of the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from index.embedder import Vectors
from index.errors import IndexMissing
from index.records import DocumentInfo, Passage
from index.store import View
from qa.projection import MOST_POINTS, Projection, fit_view

WIDTH, HEIGHT = 1000, 640  # of the drawing, in its own units
_MARGIN = 24
KINDS = 8  # colours and shapes that people can tell apart; the last is for all that is left
_NEAREST = 3
_LISTED = 200


@dataclass(frozen=True, slots=True)
class Point:
    """A passage on the map. kind: number of its colour and shape."""

    passage: Passage
    document: DocumentInfo
    x: float
    y: float
    kind: int


@dataclass(frozen=True, slots=True)
class Row:
    """A document as the table beside the map shows it. points: of its passages on the map; nearest: documents like it."""

    document: DocumentInfo
    points: int
    kind: int
    nearest: Sequence[DocumentInfo]


@dataclass(frozen=True)
class CorpusMap:
    """The map of one generation. kinds: names of colours and shapes in their order; total: passages in the index."""

    generation: int
    plane: Projection
    points: Sequence[Point]
    kinds: Sequence[str]
    by_collection: bool
    rows: Sequence[Row]
    total: int
    scale: float
    centre: tuple[float, float]

    def place(self, vectors: Vectors) -> list[tuple[float, float]]:
        """Return where vectors, shape (n, d), lie on the drawing; what lies outside is put on its edge."""
        return _on_drawing(self.plane.place(vectors), self.scale, self.centre)


def draw_map(view: View, most: int = MOST_POINTS) -> CorpusMap:
    """Draw a map of a store's passages, of a large one a sample that is spread over its documents."""
    total = len(view.numbers())
    if not total:
        raise IndexMissing("there are no passages to draw", "run: qa index PATH")
    plane, numbers, vectors = fit_view(view, most)
    placed = plane.place(vectors)
    scale, centre = _frame(placed)
    found = view.passages(numbers)
    known = [found[number] for number in numbers]
    kinds, by_collection = _kinds([document for _, document in known])
    drawn = _on_drawing(placed, scale, centre)
    points = [
        Point(passage, document, x, y, _kind_of(document, kinds, by_collection))
        for (passage, document), (x, y) in zip(known, drawn, strict=True)
    ]
    rows = _rows(points, vectors)
    names = list(kinds.values())
    return CorpusMap(view.generation, plane, points, names, by_collection, rows, total, scale, centre)


def _frame(placed: Vectors) -> tuple[float, tuple[float, float]]:
    """Return the scale, the same both ways so that distances are true, and the middle of what is to be seen."""
    low, high = placed.min(axis=0), placed.max(axis=0)
    width, height = (max(float(one), 1e-6) for one in high - low)
    scale = min((WIDTH - 2 * _MARGIN) / width, (HEIGHT - 2 * _MARGIN) / height)
    return scale, (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2)


def _on_drawing(placed: Vectors, scale: float, centre: tuple[float, float]) -> list[tuple[float, float]]:
    x = np.clip((placed[:, 0] - centre[0]) * scale + WIDTH / 2, 8, WIDTH - 8)
    y = np.clip((centre[1] - placed[:, 1]) * scale + HEIGHT / 2, 8, HEIGHT - 8)
    return [(round(float(one), 1), round(float(other), 1)) for one, other in zip(x, y, strict=True)]


def _kinds(documents: Sequence[DocumentInfo]) -> tuple[Mapping[str, str], bool]:
    """Return key → name of what gets a colour of its own: collections where there are several, else the largest documents.

    The last name is "" and stands for all others, where there are more.
    """
    collections = Counter(one.collection for one in documents)
    by_collection = len(collections) > 1
    counts = collections if by_collection else Counter(one.id for one in documents)
    names = {one.id: one.title for one in documents}
    largest = sorted(counts, key=lambda key: (-counts[key], key))
    kept = largest if len(largest) <= KINDS else largest[: KINDS - 1]
    kinds = {key: key if by_collection else names[key] for key in kept}
    return (kinds if len(kept) == len(largest) else {**kinds, "": ""}), by_collection


def _kind_of(document: DocumentInfo, kinds: Mapping[str, str], by_collection: bool) -> int:
    keys = list(kinds)
    key = document.collection if by_collection else document.id
    return keys.index(key) if key in kinds else len(keys) - 1


def _rows(points: Sequence[Point], vectors: Vectors) -> list[Row]:
    """Return the documents with most passages, each with those that are most like it: by the cosine of their means."""
    of_document: dict[str, list[int]] = {}
    for at, point in enumerate(points):
        of_document.setdefault(point.document.id, []).append(at)
    largest = sorted(of_document, key=lambda key: (-len(of_document[key]), points[of_document[key][0]].document.path))
    listed = largest[:_LISTED]
    means = np.stack([vectors[of_document[key]].mean(axis=0) for key in listed])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    alike = means @ means.T
    np.fill_diagonal(alike, -np.inf)
    order = np.argsort(-alike, axis=1, kind="stable")[:, : min(_NEAREST, len(listed) - 1)]
    infos = [points[of_document[key][0]].document for key in listed]
    return [
        Row(infos[at], len(of_document[key]), points[of_document[key][0]].kind, [infos[other] for other in order[at]])
        for at, key in enumerate(listed)
    ]
