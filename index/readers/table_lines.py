"""Rows of a table as a page shows it → lines of text, without what only sets them out: empty columns, signs' own cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from index.readers.builder import fold_space
from index.records import CELLS
from index.table_rows import count_headers, is_label, is_total

_WIDEST = 200  # columns that cells may span
_MOST_HEADERS = 2
_LONGEST_HEADER = 300  # characters: longer names are not told twice
_BLOCK = 500  # characters of rows: with figures no more than a passage holds
_LONGEST_REPEATED = 100  # characters of a cell that is written in each row it spans
_MOST_REPEATED = 200_000  # characters that a table may grow by that
_LEADS = re.compile(r"[$€£¥₹]|(?:US|C|A|HK)\$|\(|[$€£¥₹] ?\(")  # belongs to the number in the next cell
_NUMBER = re.compile(r"[(\d.—–-]")
_ENDS_NUMBER = re.compile(r"^[^A-Za-z]*[\d—–-]$")
_FOLLOWS = re.compile(r"[)%]+")  # belongs to the number in the cell before
_MARK = re.compile(r"[•●▪■◦○·–—*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]")  # of a list that was set out as a table


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, how many columns and rows it takes, and whether the document says that it names others."""

    text: str
    columns: int = 1
    rows: int = 1
    names: bool = False


@dataclass(frozen=True, slots=True)
class TableLines:
    """The rows of a table as lines, in blocks that each read by themselves; is_list: they are items, each with its mark."""

    blocks: list[list[str]]
    is_list: bool


def lay_out(rows: Sequence[Sequence[Cell]]) -> TableLines:
    """Write each row as a line.

    Pages of reports give a dollar sign, a bracket and the air between two numbers cells of their own, and the mark of a
    list item, too; read as they stand, the columns of such a row have other numbers than those of its header. What spans
    several rows is written in each of them, and the rows that name columns with every few others, so that each reads by
    itself.
    """
    grid = _grid(rows)
    if _is_list(grid):
        return TableLines([[" ".join(filter(None, row)) for row in map(_texts, grid) if any(row)]], is_list=True)
    signs = _sign_columns(grid)
    signs_joined = [_with_signs(_texts(row), signs) for row in grid]
    kept = _columns(signs_joined, {(at, other) for row in grid for at, placed in row.items() for other in placed.others(at)})
    joined = [[" ".join(filter(None, row[start:end])) for start, end in kept] for row in signs_joined]
    told = sum(1 for _ in takewhile(lambda row: all(cell.names for cell in row if cell.text), rows))
    filled = [row for row in joined if any(row)]
    headers = told if 0 < told <= _MOST_HEADERS and all(map(any, joined[:told])) else count_headers(filled)
    return TableLines(_in_blocks(filled, headers), is_list=False)


def _in_blocks(rows: Sequence[Sequence[str]], headers: int) -> list[list[str]]:
    """Begin a new block every few rows, with the rows that name columns; one block where none do, or at length.

    Where labels stand between rows, "Liabilities", the name of the first column is one of those, "Assets", as a rule; the
    label of the rows that go on comes again, too.
    """
    lines = list(map(_line, rows))
    labels = any(map(is_label, rows[headers:]))
    again = [_line(["", *row[1:]] if labels else row) for row in rows[:headers]]
    if not again or sum(map(len, again)) > _LONGEST_HEADER:
        return [lines]
    blocks, used, label = [lines[:headers]], 0, ""
    for row, line in zip(rows[headers:], lines[headers:], strict=True):
        if used and used + len(line) > _BLOCK:
            blocks.append([*again, *([label] if label and not is_label(row) else [])])
            used = 0
        blocks[-1].append(line)
        used += len(line)
        label = line if is_label(row) else "" if is_total(row) else label
    return blocks


def _line(row: Sequence[str]) -> str:
    last = max((at for at, text in enumerate(row, 1) if text), default=0)
    return fold_space(CELLS.join(row[:last]))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A cell's text in the column where it begins, and how many columns it takes there."""

    text: str
    columns: int

    def others(self, at: int) -> range:
        """Return the columns after the first."""
        return range(at + 1, at + self.columns)


_GridRow = dict[int, _Placed]  # by column


def _grid(rows: Sequence[Sequence[Cell]]) -> list[_GridRow]:
    """Place the cells of each row, with those that span down into it. No text is lost, however wide a row is."""
    grid: list[_GridRow] = []
    held: dict[int, tuple[_Placed, int]] = {}  # column → what spans down into it, for how many rows yet
    repeated = 0
    for row in rows:
        placed, taken, at = _GridRow(), {column for at, (one, _) in held.items() for column in (at, *one.others(at))}, 0
        own: list[tuple[int, Cell, _Placed]] = []
        for cell in row:
            while at in taken:
                at += 1
            one = _Placed(cell.text, max(1, min(cell.columns, _WIDEST - at)))
            own.append((at, cell, one))
            at += one.columns
        if any(cell.text for _, cell, _ in own):  # a row without words of its own is none
            placed.update({column: one for column, (one, _) in held.items()})
        placed.update({column: one for column, _, one in own})
        held = {column: (one, left - 1) for column, (one, left) in held.items() if left > 1}
        for column, cell, one in own:
            if cell.rows > 1:
                repeated += len(cell.text) * min(cell.rows, len(rows))
                is_short = len(cell.text) <= _LONGEST_REPEATED and repeated <= _MOST_REPEATED
                held[column] = (one if is_short else _Placed("", one.columns), cell.rows - 1)
        grid.append(placed)
    return grid


def _texts(row: _GridRow) -> list[str]:
    return [row[column].text if column in row else "" for column in range(max(row, default=-1) + 1)]


def _is_list(grid: Sequence[_GridRow]) -> bool:
    filled = [[one.text for _, one in sorted(row.items()) if one.text] for row in grid]
    return all(len(row) == 2 and _MARK.fullmatch(row[0]) and not row[1][:1].isdigit() for row in filled if row) and any(
        filled
    )


def _sign_columns(grid: Sequence[_GridRow]) -> set[int]:
    """Return the columns, but for the first, that hold nothing but signs; what a name spans with others is not in it."""
    texts: dict[int, set[str]] = {}
    for row in grid:
        for column, one in row.items():
            if one.text and one.columns == 1:
                texts.setdefault(column, set()).add(one.text)
    signs = {
        column for column, held in texts.items() if all(_LEADS.fullmatch(one) or _FOLLOWS.fullmatch(one) for one in held)
    }
    return signs - {0}


def _with_signs(row: Sequence[str], signs: set[int]) -> list[str]:
    """Put the signs of a number that have columns of their own into the number's cell."""
    cells = list(row)
    filled = [column for column, text in enumerate(cells) if text]
    for before, after in pairwise(filled):
        if before in signs and _LEADS.fullmatch(cells[before]) and _NUMBER.match(cells[after]):
            cells[before], cells[after] = "", cells[before] + cells[after]
        elif after in signs and _FOLLOWS.fullmatch(cells[after]) and _ENDS_NUMBER.search(cells[before]):
            cells[before], cells[after] = cells[before] + cells[after], ""
    return cells


def _columns(grid: Sequence[Sequence[str]], spanned: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans of grid columns that make one column of the table: air, and what a cell of another row spans."""
    filled = [{column for column, text in enumerate(row) if text} for row in grid]
    used = set().union(*filled)
    spans: list[tuple[int, int]] = []
    for column in range(max(map(len, grid), default=0)):
        within = used.intersection(range(*spans[-1])) if spans else set()
        goes_on = any((one, column) in spanned for one in within) and not any(
            column in row and row & within for row in filled
        )
        if spans and (column not in used or not within or goes_on):
            spans[-1] = spans[-1][0], column + 1
        else:
            spans.append((column, column + 1))
    return spans
