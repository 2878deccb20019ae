"""A document as its page shows it: running text, tables, headers of a message; a part of it if it is long."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from index.records import Document, Locator
from index.table_rows import is_header, is_table
from qa.web.pieces import Mark, Piece, cut_line, cut_text

AROUND = 30_000  # characters shown on each side of what was asked for; of a longer document the rest is a click away
_SLACK = 2_000  # in which a better place to cut is looked for
_HEADERS = re.compile(r"(?:(?:From|To|Cc|Date|Subject): [^\n]*(?:\n|\Z))+\n*")
_CELL_END = re.compile(r"(?:^| )\|(?: |$)")
_BLOCK = re.compile(r"[^\n]+(?:\n[^\n]+)*\n*")
_AS_IT_STANDS = ("text/plain", "text/x-source")  # bars of theirs part no cells
_Place = tuple[int, int, Locator]  # start and end in the text
_CELLS = re.compile(r"[A-Z]+(\d+)(?::[A-Z]+(\d+))?")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, or a header of a message with its name before its value. Each cell is made of pieces."""

    cells: Sequence[Sequence[Piece]]
    is_head: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text, a table or the headers of a message."""

    kind: Literal["text", "table", "fields"]
    pieces: Sequence[Piece] = ()
    rows: list[Row] = field(default_factory=list)
    label: str = ""

    @property
    def width(self) -> int:
        """How many cells the longest row has."""
        return max((len(row.cells) for row in self.rows), default=0)


def window(document: Document, start: int, end: int, *, before: bool = False, after: bool = False) -> tuple[int, int]:
    """Return what is shown of a document of which text[start:end] is wanted. before, after: all that lies there, too."""
    low, high = start - AROUND, end + AROUND
    if before or low <= _SLACK:
        low = 0
    else:
        line_start = document.text.rfind("\n", low - _SLACK, low) + 1
        low = line_start or low
    if after or high >= len(document.text) - _SLACK:
        high = len(document.text)
    else:
        line_end = document.text.find("\n", high, high + _SLACK)
        high = line_end + 1 if line_end >= 0 else high
    return low, high


def cut_document(document: Document, marks: Sequence[Mark], low: int, high: int) -> list[Block]:
    """Cut text[low:high] into blocks whose pieces' texts, joined, are that text."""
    blocks: list[Block] = []
    position = low
    headers = _HEADERS.match(document.text) if document.media_type == "message/rfc822" and low == 0 else None
    if headers:
        position = min(headers.end(), high)
        blocks.append(Block("fields", rows=list(_fields(document, marks, position))))
    tables = list(_groups_of_rows(document, position, high))
    for start, end, place in tables or _tables_of_text(document, position, high):
        blocks += _text_block(document, marks, position, start)
        rows = list(_rows(document, marks, start, end, place))
        last = blocks[-1] if blocks else None
        if last and last.kind == "table" and last.label == place.sheet:
            last.rows.extend(rows)
        else:
            blocks.append(Block("table", rows=rows, label=place.sheet))
        position = end
    return blocks + _text_block(document, marks, position, high)


def _text_block(document: Document, marks: Sequence[Mark], start: int, end: int) -> list[Block]:
    pieces = cut_text(document, marks, start, end)
    return [Block("text", pieces)] if pieces else []


def _tables_of_text(document: Document, low: int, high: int) -> Iterator[_Place]:
    """Yield where the tables lie that readers of other documents found: lines of cells, with labels between them."""
    if document.media_type in _AS_IT_STANDS:
        return
    for block in _BLOCK.finditer(document.text, low, high):
        first = bisect_right(document.sections, block.start(), key=lambda section: section.start)
        has_section = first < len(document.sections) and document.sections[first].start < block.end()
        if is_table(block.group()) and not has_section:
            yield block.start(), block.end(), Locator()


def _groups_of_rows(document: Document, low: int, high: int) -> Iterator[_Place]:
    """Yield where the groups of rows lie that readers of sheets make."""
    first = max(0, bisect_left(document.sections, low, key=lambda section: section.start) - 1)
    for number in range(first, len(document.sections)):
        section = document.sections[number]
        if section.start >= high:
            return
        following = number + 1
        end = document.sections[following].start if following < len(document.sections) else len(document.text)
        if section.locator.cells and end > low:
            yield max(section.start, low), min(end, high), section.locator


def _rows(document: Document, marks: Sequence[Mark], start: int, end: int, place: Locator) -> Iterator[Row]:
    text = document.text[start:end]
    lines = text.rstrip("\n").split("\n")
    has_head = len(lines) == _count_rows(place.cells) + 1 if place.cells else is_header(document.text, start)
    position = start
    for number, line in enumerate(lines):
        stop = position + len(line)
        rest = end if number == len(lines) - 1 else stop + 1
        cells = _cells(document, marks, position, stop)
        cells[-1] += cut_line(document, marks, stop, rest, is_separator=True)
        yield Row(cells, is_head=has_head and number == 0, place="" if number else place.cells)
        position = rest


def _cells(document: Document, marks: Sequence[Mark], start: int, end: int) -> list[list[Piece]]:
    """Cut a line at the bars that part its cells. A bar within a mark is marked: the marked words are the quote's."""
    cells: list[list[Piece]] = []
    position = start
    for bar in _CELL_END.finditer(document.text[start:end]):
        cell_end, bar_end = start + bar.start(), start + bar.end()
        bar_pieces = cut_line(document, marks, cell_end, bar_end, is_separator=True)
        cells.append([*cut_line(document, marks, position, cell_end), *bar_pieces])
        position = bar_end
    return [*cells, cut_line(document, marks, position, end)]


def _count_rows(cells: str) -> int:
    match = _CELLS.fullmatch(cells)
    return int(match[2] or match[1]) - int(match[1]) + 1 if match else 0


def _fields(document: Document, marks: Sequence[Mark], end: int) -> Iterator[Row]:
    position = 0
    while position < end:
        line_end = document.text.find("\n", position, end)
        stop = rest = end if line_end < 0 else line_end
        while rest < end and document.text[rest] == "\n":  # the empty line below the headers is theirs
            rest += 1
        name_end = document.text.index(": ", position, stop) + 2
        value = cut_line(document, marks, name_end, stop) + cut_line(document, marks, stop, rest, is_separator=True)
        yield Row([cut_line(document, marks, position, name_end), value])
        position = rest
