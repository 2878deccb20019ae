"""Tables of reStructuredText → the cells of their rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from index.readers.table_lines import Cell

Rows = list[list[Cell]]

_ROW = re.compile(r"\*\s+-(?:\s|$)")
_DIRECTIVE = re.compile(r"\.\. [\w-]+::.*")
_RULE = re.compile(r"[-=+|\s]+")


def grid_rows(lines: Sequence[str]) -> Rows:
    """Return the rows of a table drawn with +---+; lines between two rules are one row, +===+ ends the names."""
    rows: list[list[list[str]]] = [[]]
    headers = 0
    for line in lines:
        if line.lstrip().startswith("+") or "+--" in line:  # in the middle where a cell spans rows
            headers = len(list(filter(None, rows))) if "+==" in line else headers
            rows.append([])
        else:
            rows[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
    joined = [[" ".join(cells) for cells in zip_longest(*row, fillvalue="")] for row in rows if row]
    return _cells(joined, headers)


def simple_rows(lines: Sequence[str]) -> Rows:
    """Return the rows of a table whose columns are marked by lines of ===; what has no first cell goes on the row before.

    Rows between the first two such lines name the columns, where a third ends the table.
    """
    starts = [match.start() for match in re.finditer(r"=+", lines[0])]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    rows: list[list[str]] = []
    borders: list[int] = []  # how many rows stand above each
    for line in lines:
        if line.startswith("=") and _RULE.fullmatch(line):
            borders.append(len(rows))
        if not line.strip() or _RULE.fullmatch(line):
            continue
        cells = [line[begin:end].strip() for begin, end in spans]
        if rows and not cells[0]:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return _cells(rows, borders[1] if len(borders) > 2 else 0)


def list_rows(lines: Sequence[str], headers: int) -> Rows:
    """Return the rows of a table written as a list of lists. headers: how many of them name the columns."""
    rows: list[list[str]] = []
    for line in lines:
        text = _DIRECTIVE.sub("", line.strip())
        if begin := _ROW.match(text):
            rows.append([text[begin.end() :].strip()])
        elif text.startswith("-") and rows:
            rows[-1].append(text[1:].strip())
        elif text and rows:
            rows[-1][-1] += f" {text}"
    return _cells(rows, headers)


def _cells(rows: Sequence[Sequence[str]], headers: int) -> Rows:
    return [[Cell(text, names=number < headers) for text in row] for number, row in enumerate(rows)]
