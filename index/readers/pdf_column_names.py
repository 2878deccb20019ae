"""What the columns of a PDF's table are called, by the lines above its rows.

A figure under a wrong name is worse than one under none: names count only where it is plain of which columns they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from index.readers.pdf_words import Chunk, PageLine

Columns = Sequence[tuple[float, float]]  # left and right edges of what stands in each, from left to right

# What may stand above all columns and be no title.
_OF_ALL = re.compile(r"\d|%|\b(?:years?|months?|quarters?|weeks?|periods?|ended|ending|thousands|millions|percent)\b", re.I)
_SHORT = 2  # words: more above one column of several are a title
_WIDER = 1.3  # times: gaps between names, than those within them
_OFF = 0.3  # of the distance between two columns: how far from its middle the name of one or several may stand
_FLUSH = 3.0  # points: what differs less stands flush


def names_of(line: PageLine, columns: Columns, below: Sequence[str]) -> list[str] | None:
    """Return the names that a line gives the columns, with those that lines below it gave; None where it gives none.

    below: as many as columns, or none.
    """
    own = _each_its_own(line.chunks, columns) or _cut(line.words, columns)
    if own is None and all(below[1:]) and below:
        own = _of_groups(line.chunks, columns, below)
    may_go_on = len(set(below[1:])) == len(below[1:]) and (not below or len(line.chunks) > 1 or len(line.words) <= _SHORT)
    if own is None and may_go_on:
        own = _some(line.chunks, columns)
    if own is None:
        return None
    return [" ".join(filter(None, pair)) for pair in zip(own, below or [""] * len(columns), strict=True)]


def _each_its_own(chunks: Sequence[Chunk], columns: Columns) -> list[str] | None:
    """Return the names of all columns, but maybe the first, where each stands nearest to its own."""
    zones = [_zone_of(chunk.middle, columns) for chunk in chunks]
    if zones not in (list(range(len(columns))), list(range(1, len(columns)))) or len(columns) < 2:
        return None
    if zones[0] == 0 and chunks[0].left > columns[0][1] and chunks[0].right >= columns[1][0] - _FLUSH:
        return None
    return [""] * (len(columns) - len(chunks)) + [chunk.text for chunk in chunks]


def _cut(words: Sequence[Chunk], columns: Columns) -> list[str] | None:
    """Cut a line at its widest gaps, where these are plainly wider than others, into names of all columns."""
    gaps = sorted(((other.left - one.right, at) for at, (one, other) in enumerate(pairwise(words), 1)), reverse=True)
    for count in (len(columns), len(columns) - 1):
        widest, others = gaps[: count - 1], gaps[count - 1 :]
        if count < 2 or len(widest) < count - 1 or (others and widest[-1][0] < _WIDER * others[0][0]):
            continue
        cuts = [0, *sorted(at for _, at in widest), len(words)]
        pieces = [words[low:high] for low, high in pairwise(cuts)]
        chunks = [Chunk(" ".join(word.text for word in piece), piece[0].left, piece[-1].right) for piece in pieces]
        if found := _each_its_own(chunks, columns):
            return found
    return None


def _of_groups(chunks: Sequence[Chunk], columns: Columns, below: Sequence[str]) -> list[str] | None:
    """Return for each column the name of the group it is of: "2021" stands in the middle above its four quarters.

    Where the names below come again, "Q1 | Q2 | Q1 | Q2", each time is a group, wherever above it its name stands.
    """
    first = [chunk.text for chunk in chunks[:1] if chunk.left <= columns[0][1] and chunk.right < columns[1][0]]
    groups = chunks[len(first) :]
    if not groups or len(columns) < 3 or any(_zone_of(chunk.middle, columns) == 0 for chunk in groups):
        return None
    if len(groups) == 1 and not _OF_ALL.search(groups[0].text):
        return None  # a title
    own = ["".join(first)]
    size = (len(columns) - 1) // len(groups)
    if len(groups) > 1 and list(below[1:]) == [*below[1 : size + 1]] * len(groups):
        return own + [chunk.text for chunk in groups for _ in range(size)]
    shares: list[list[float]] = [[] for _ in groups]
    for left, right in columns[1:]:
        distances = [abs(chunk.middle - (left + right) / 2) for chunk in groups]
        shares[distances.index(min(distances))].append((left + right) / 2)
    if not all(len(share) > 1 and _is_amid(chunk, share) for chunk, share in zip(groups, shares, strict=True)):
        return None
    return own + [chunk.text for chunk, share in zip(groups, shares, strict=True) for _ in share]


def _is_amid(chunk: Chunk, middles: Sequence[float]) -> bool:
    pitch = (middles[-1] - middles[0]) / (len(middles) - 1)
    return abs(chunk.middle - (middles[0] + middles[-1]) / 2) <= _OFF * pitch


def _some(chunks: Sequence[Chunk], columns: Columns) -> list[str] | None:
    """Return names of some columns, where each stands flush with its own, or in its middle."""
    names = [""] * len(columns)
    for chunk in chunks:
        at = _column_of(chunk, columns)
        if at is None or names[at]:
            return None
        names[at] = chunk.text
    return names if any(names[1:]) else None


def _column_of(chunk: Chunk, columns: Columns) -> int | None:
    """Return the number of the column that a name plainly stands above; None where it may be of another."""
    over = [at for at, (left, right) in enumerate(columns) if chunk.left <= right and chunk.right >= left]
    if chunk.left <= columns[0][1] or len(over) > 1:
        return 0 if over == [0] else None
    at = over[0] if over else _zone_of(chunk.middle, columns)
    left, right = columns[at]
    middles = [(one + other) / 2 for one, other in columns]
    pitch = min(abs(middle - middles[at]) for number, middle in enumerate(middles) if number != at)
    is_flush = min(abs(chunk.left - left), abs(chunk.right - right)) <= _FLUSH
    is_amid = abs(chunk.middle - middles[at]) <= _OFF * pitch
    return at if at and chunk.right - chunk.left < pitch and (is_flush or is_amid) else None


def _zone_of(middle: float, columns: Columns) -> int:
    """Return the number of the column that a place is nearest to."""
    return sum(middle > (one[1] + other[0]) / 2 for one, other in pairwise(columns))
