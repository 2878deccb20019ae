"""Tables of reStructuredText → one line a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from index.readers.builder import fold_space
from index.records import CELLS

_ROW = re.compile(r"\*\s+-(?:\s|$)")
_DIRECTIVE = re.compile(r"\.\. [\w-]+::.*")
_RULE = re.compile(r"[-=+|\s]+")


def grid_rows(lines: Sequence[str]) -> list[str]:
    """Return the rows of a table drawn with +---+; lines between two rules are one row."""
    rows: list[list[list[str]]] = [[]]
    for line in lines:
        if line.lstrip().startswith("+") or "+--" in line:  # in the middle where a cell spans rows
            rows.append([])
        else:
            rows[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return [_joined([" ".join(cells) for cells in zip_longest(*row, fillvalue="")]) for row in rows if row]


def simple_rows(lines: Sequence[str]) -> list[str]:
    """Return the rows of a table whose columns are marked by lines of ===; what has no first cell goes on the row before."""
    starts = [match.start() for match in re.finditer(r"=+", lines[0])]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    rows: list[list[str]] = []
    for line in lines:
        if not line.strip() or _RULE.fullmatch(line):
            continue
        cells = [line[begin:end].strip() for begin, end in spans]
        if rows and not cells[0]:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return [_joined(row) for row in rows]


def list_rows(lines: Sequence[str]) -> list[str]:
    """Return the rows of a table written as a list of lists."""
    rows: list[list[str]] = []
    for line in lines:
        text = _DIRECTIVE.sub("", line.strip())
        if begin := _ROW.match(text):
            rows.append([text[begin.end() :].strip()])
        elif text.startswith("-") and rows:
            rows[-1].append(text[1:].strip())
        elif text and rows:
            rows[-1][-1] += f" {text}"
    return [_joined(row) for row in rows]


def _joined(cells: Sequence[str]) -> str:
    return fold_space(CELLS.join(cells)).rstrip("| ")
