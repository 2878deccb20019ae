"""A stretch of a document's text cut at its headings, page starts and marks, so that the pieces joined are that text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from index.records import Document, Locator
from qa.web.places import place

_LINE_END = re.compile(r"(?<=[^\n.!?:۔؟])\n(?=[^\n])")
_FULL_LINE = 50  # characters: rows of tables and lists are shorter and keep their ends


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to be marked. n: the number of the citation in its answer, 0 if it has none."""

    start: int
    end: int
    kind: Literal["cited", "also"] = "cited"
    n: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text.

    label: what a page start is called; n: the number of a mark; anchor: its id on the page, or ""; is_separator: it is
    shown by the lines of a table and not as text.
    """

    kind: Literal["text", "heading", "page", "cited", "also"]
    text: str
    label: str = ""
    n: int = 0
    anchor: str = ""
    is_separator: bool = False


def settle_marks(cited: tuple[int, int] | None, also: Sequence[Mark]) -> list[Mark]:
    """Return marks that do not overlap, in order: the cited span whole, the others as far as it leaves them."""
    marks = [Mark(*cited)] if cited else []
    for mark in sorted(also, key=lambda one: (one.start, -one.end)):
        start = mark.start
        for taken in sorted(marks, key=lambda one: one.start):
            if start < taken.end and taken.start < mark.end:
                if start < taken.start:
                    marks.append(replace(mark, start=start, end=taken.start))
                start = taken.end
        if start < mark.end:
            marks.append(replace(mark, start=start))
    return sorted(marks, key=lambda one: one.start)


def cut_text(document: Document, marks: Sequence[Mark], start: int, end: int) -> list[Piece]:
    """Cut a stretch of running text; headings and page starts within a mark do not part it."""
    pieces: list[Piece] = []
    position = start
    for mark in marks:
        first, last = max(mark.start, start), min(mark.end, end)
        if first >= last:
            continue
        pieces += _cut_plain(document, position, first)
        pieces.append(_marked(document, mark, first, last))
        position = last
    pieces += _cut_plain(document, position, end)
    return [piece for piece in pieces if piece.text or piece.kind == "page"]


def cut_line(document: Document, marks: Sequence[Mark], start: int, end: int, *, is_separator: bool = False) -> list[Piece]:
    """Cut a stretch that has no headings of its own, as a cell of a sheet."""
    pieces: list[Piece] = []
    position = start
    for mark in marks:
        first, last = max(mark.start, start), min(mark.end, end)
        if first < last:
            pieces += [Piece("text", document.text[position:first]), _marked(document, mark, first, last)]
            position = last
    pieces.append(Piece("text", document.text[position:end]))
    return [replace(piece, is_separator=is_separator) for piece in pieces if piece.text]


def soft_lines(text: str) -> list[tuple[str, bool]]:
    """Cut a text of a PDF at the ends of its lines; True for those that only end where the page did, as of a paragraph."""
    parts: list[tuple[str, bool]] = []
    position = 0
    for end in _LINE_END.finditer(text):
        length = end.start() - (text.rfind("\n", 0, end.start()) + 1)
        if length >= _FULL_LINE or text[end.end()].islower():
            parts += [(text[position : end.start()], False), ("\n", True)]
            position = end.end()
    return [(part, soft) for part, soft in (*parts, (text[position:], False)) if part]


def place_name(locator: Locator) -> str:
    """Name the page, slide or rows that begin; a heading names itself."""
    name = place(replace(locator, heading=(), message=None, attachment="", pointer=""))
    return name[:1].upper() + name[1:]


def _marked(document: Document, mark: Mark, first: int, last: int) -> Piece:
    anchor = "" if first > mark.start else "cited" if mark.kind == "cited" else f"c{mark.n}"
    return Piece(mark.kind, document.text[first:last], n=mark.n, anchor=anchor)


def _cut_plain(document: Document, start: int, end: int) -> Iterator[Piece]:
    """Cut the text between two offsets at the sections that start in it."""
    position = start
    first = bisect_left(document.sections, start, key=lambda section: section.start)
    before = place_name(document.sections[first - 1].locator) if first else ""
    for section in islice(document.sections, first, None):
        if section.start >= end:
            break
        label, known = place_name(section.locator), before
        before = label
        yield Piece("text", document.text[position : section.start])
        position = section.start
        if label and label != known:
            yield Piece("page", "", label)
        if section.locator.heading:
            heading = section.locator.heading[-1]
            if document.text.startswith(heading, position) and position + len(heading) <= end:
                yield Piece("heading", heading, anchor=f"s{section.start}")
                position += len(heading)
    yield Piece("text", document.text[position:end])
