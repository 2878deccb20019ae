"""Rows of tables: which of them name the cells of the others, and what they call them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from index.records import CELLS

Row = Sequence[str]  # the texts of its cells

_NUMBER = re.compile(r"[($€£¥₹+\-–—~<>≈≤≥\s]*\d")  # begins so: "(1,204)", "15 km"
_YEAR = re.compile(r"(?:19|20)\d\d")  # alone in a cell it names a column as a word does
_NOTHING = frozenset(("n/a", "na", "none", "nil", "free", "closed", "any", "unknown", "tbd", "sold out"))
_TOTAL = re.compile(r"(?:sub-?)?total\b|net (?:cash|increase|decrease|change)\b|cash and cash equivalents\b", re.I)
_GOES_ON = re.compile(r"(?:[,;]|\b(?:a|an|and|at|by|for|from|in|of|on|or|than|the|to|under|with))$", re.I)
_SIZE = re.compile(r"\d+[A-Z][A-Za-z]*")  # "7B" names a column
# What figures are, as the names of columns say it.
_MEASURES = frozenset(
    "price prices cost costs fee fees amount amounts total totals value values rate rates number numbers count quantity qty "
    "population score scores points year years revenue sales profit income salary wage wages budget weight height length "
    "width depth distance area size time hours minutes days weeks months duration age percent percentage share % accuracy "
    "balance payment payments loss losses assets votes seats members employees articles temperature speed capacity volume "
    "tax debt rent interest tolls fare fares".split()
)
_NAME_AND_VALUE = 2  # columns
_LOOKED_AT = 5  # rows below a header
_LONGEST = 300  # characters of all names
_FARTHEST = 20_000  # characters from the beginning of a table to a row


def is_table(block: str) -> bool:
    """Say whether text without empty lines is a table: at least half of its lines have cells, the others are labels."""
    lines = block.strip("\n").split("\n")
    return len(lines) > 1 and 2 * sum(CELLS in f" {line}" for line in lines) >= len(lines)


def is_header(text: str, start: int) -> bool:
    """Say whether the row at a place names the cells of the rows below it."""
    above, here = _rows_around(text, start)
    return len(above) < count_headers([*above, *here])


def header_of(text: str, start: int) -> str:
    """Return what the cells of the row at a place are called, by the first rows of its table.

    "" where nothing tells, or too much. Where labels stand between rows, the first column's name is one of them.
    """
    above, here = _rows_around(text, start)
    count = count_headers([*above, *here])
    if not 0 < count <= len(above) or any(map(_names_anew, above[count:])):
        return ""
    names, widest = list[str](), ""
    titled = count > 1 and not any(above[0][1:])
    for cells in zip_longest(*above[titled:count], fillvalue=""):
        widest = cells[0] or widest  # "2021" above the first of two columns stands above the second, too
        names.append(" ".join(filter(None, (widest, *cells[1:]))) if len(cells) > 1 else cells[0])
    names[0] = names[0] if all(sum(map(bool, row)) > 1 for row in above[count:]) else ""
    header = CELLS.join(names).strip()
    return header if len(header) <= _LONGEST else ""


def group_of(text: str, start: int) -> str:
    """Return the label that the row at a place stands under: "Net income per share:" above "Diluted | $0.10".

    "" where there is none below the names of the columns, or its total stands between. A total says itself of what it is.
    """
    above, here = _rows_around(text, start)
    if here and is_total(here[0]) and here[0][0].casefold() not in ("total", "subtotal"):
        return ""
    for cells in reversed(above[count_headers([*above, *here]) :]):
        if is_label(cells) and _is_whole(cells[0]):
            return cells[0]
        if is_total(cells) or _names_anew(cells):
            return ""
    return ""


def _rows_around(text: str, start: int) -> tuple[list[Row], list[Row]]:
    """Return the rows of a table above a place, and those from there on, as many as need to be seen; none far down."""
    begin = text.rfind("\n\n", max(0, start - _FARTHEST), start)
    start = text.rfind("\n", 0, start) + 1  # a list's mark may stand before the row
    if begin < 0 and start > _FARTHEST:
        return [], []
    begin = max(0, begin)
    above = [_cells(line) for line in text[begin:start].split("\n") if line.strip()]
    below = text[start : start + _FARTHEST].partition("\n\n")[0].split("\n")
    return above, [_cells(line) for line in below if CELLS in line][: _LOOKED_AT + 2]


def count_headers(rows: Sequence[Row]) -> int:
    """Return how many of the first rows hold names only, where half of what stands below one of them is numbers.

    None of a table of names beside values, where "Director" stands above "Year", but for one whose first row says what the
    values below it all are. Two where the upper spans the lower.
    """
    if max(map(len, rows), default=0) <= _NAME_AND_VALUE:
        return int(_measures(rows))
    if any(_is_number(cell) and not _SIZE.fullmatch(cell) for cell in rows[0]):
        return 0
    count = 2 if len(rows) > 1 and _spans(rows[0], rows[1]) else 1
    below = rows[count : count + _LOOKED_AT]
    columns = ([cells[at] for cells in below if cells[at : at + 1] not in ([], [""])] for at in _named(rows[:count]))
    is_named = sum(map(bool, rows[count - 1])) > 1 and any(map(_are_numbers, columns))
    return count if is_named else 0


def _measures(rows: Sequence[Row]) -> bool:
    """Say whether the first of rows of two cells says what the second holds: "Item | Price"."""
    first, below = rows[:1], [row for row in rows[1:] if len(row) > 1][:_LOOKED_AT]
    if not first or len(first[0]) < _NAME_AND_VALUE or any(map(str.isdigit, first[0][1])):
        return False
    are_figures = len(below) > 1 and all(_is_number(row[1]) or _YEAR.fullmatch(row[1]) for row in below)
    return are_figures and bool(_MEASURES & set(re.findall(r"[^\W\d_]+|%", first[0][1].casefold())))


def _are_numbers(column: Row) -> bool:
    """Say whether at least half of what stands in a column is numbers."""
    return len(column) > 0 and 2 * sum(map(_is_number, column)) >= len(column)


def _spans(upper: Row, lower: Row) -> bool:
    """Say whether a row is of names that each stand above several of the next, or once more, or a title."""
    if any(map(_is_number, lower)) or sum(map(bool, lower)) < _NAME_AND_VALUE:
        return False
    has_gap = len(upper) < len(lower) or not all(upper)
    return has_gap or any(one == other for one, other in zip(upper, lower, strict=False) if one)


def is_label(row: Row) -> bool:
    """Say whether a row says what the rows below it are: "Liabilities:"."""
    return bool(row[0]) and not any(row[1:])


def _is_whole(label: str) -> bool:
    """Say whether a label is no unit or size, no end of the name above it, and no beginning of the one below."""
    return not (label[0].islower() or label[0] == "(" or _is_number(label) or goes_on(label))


def goes_on(label: str) -> bool:
    """Say whether a label is no whole name by its last word or sign: "Shares issued in connection with"."""
    return _GOES_ON.search(label) is not None


def is_total(row: Row) -> bool:
    """Say whether a row ends those that stand under a label."""
    return _TOTAL.match(row[0]) is not None


def _names_anew(row: Row) -> bool:
    """Say whether a row may hold other names: "Wine | glass | bottle" below pizzas, but not "Monday | closed | closed"."""
    words = (cell for cell in row if any(map(str.isalpha, cell)) and not _is_number(cell))
    filled = [cell for cell in words if cell.casefold() not in _NOTHING]
    return len(filled) > _NAME_AND_VALUE and len(filled) == len(set(filled)) == sum(map(bool, row))


def _named(headers: Sequence[Row]) -> list[int]:
    return [at for at, names in enumerate(zip_longest(*headers, fillvalue="")) if any(names)]


def _cells(line: str) -> Row:
    return [cell.strip() for cell in line.split("|")]


def _is_number(cell: str) -> bool:
    return _NUMBER.match(cell) is not None and not _YEAR.fullmatch(cell)
