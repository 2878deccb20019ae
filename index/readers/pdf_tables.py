"""Tables of figures in PDFs: lines whose numbers stand below each other → rows of cells.

A PDF has no tables, only words in places. Taken for one are lines that follow each other, of words set far apart, with
numbers in the same columns; a table of words alone stays as it is, for columns of text look just like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pypdfium2 as pdfium

from index.readers.pdf_column_names import Columns, names_of
from index.readers.pdf_words import CAPTION, NUMBER, Chunk, PageLine, page_lines
from index.readers.table_lines import Cell, lay_out
from index.table_rows import goes_on

_ENDS_IN_NUMBER = re.compile(rf"(?:.*\s)?{NUMBER.pattern}\s*$")
_FEWEST = 3  # rows
_FEWEST_WORDS = 3  # of a label that goes on in lower case
_LOWER = 2.5  # of a line's height: what stands so much lower is of something else
_LONGEST_LABEL = 12  # words
_MOST_LABELS, _MOST_NAMES = 3, 3  # lines
_LONGEST_PAGE = 4  # digits
_MOST_UNNAMED = 1  # columns of figures
_FEW_COLUMNS = 2
_FLUSH = 2.0  # points: what differs less stands flush
_MOST_LINES = 2_000  # of a page


@dataclass(frozen=True, slots=True)
class _Table:
    """Which lines of a page a table takes, and its rows."""

    first: int
    last: int
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class _Named:
    """What the columns of a table are called, the numbers of the labels below, and that of the first line of all that.

    No names, no labels and the first row where nothing tells.
    """

    names: list[str]
    labels: list[int]
    first: int


def with_rows(page: pdfium.PdfTextPage, text: str) -> str:
    """Return a page's text with the cells of its tables of figures set apart, each table in blocks of its own.

    text: what PDFium gives for the page, as long.
    """
    found = text.splitlines()
    if sum(_ENDS_IN_NUMBER.match(line) is not None for line in found) < _FEWEST or len(found) > _MOST_LINES:
        return text
    if len(text) != page.count_chars():
        return text
    lines = page_lines(page, text)
    parts: list[str] = []
    at = 0
    for table in _tables(lines):
        blocks = ("\n".join(block) for block in lay_out(table.rows).blocks)
        parts += [text[at : lines[table.first].start].rstrip(), *blocks]
        at = lines[table.last].end
    return "\n\n".join(filter(None, [*parts, text[at:].strip()])) if parts else text


def _tables(lines: Sequence[PageLine]) -> Iterator[_Table]:
    at = begun = 0
    while at < len(lines):
        run = _run_from(lines, at)
        table = _table_of(lines, begun, run) if len(run) >= _FEWEST else None
        if table:
            yield table
            begun = table.last + 1
        at = run[-1] + 1 if run else at + 1


def _run_from(lines: Sequence[PageLine], first: int) -> list[int]:
    """Return the numbers of the lines that may be the rows of one table from a line on; none where that is no row."""
    rows: list[int] = []
    others = 0
    for at in range(first, len(lines)):
        line = lines[at]
        if at > first and not (_is_below(line, lines[at - 1]) and others <= _MOST_LABELS):
            break
        has_one_year = bool(rows) and len(line.chunks) == 2 and not line.chunks[0].is_figure and _are_years(line)
        if (_is_row(line) or has_one_year) and not _is_edge(lines, at):
            rows.append(at)
            others = 0
        elif not rows or not _may_stand_between(line, lines[rows[0]]):
            break
        else:
            others += 1
    return rows


def _is_row(line: PageLine) -> bool:
    """Say whether a line has a figure beside something else, and no years that name columns."""
    return any(chunk.is_figure for chunk in line.chunks[1:]) and not _are_years(line)


def _are_years(line: PageLine) -> bool:
    """Say whether all figures of a line are years that follow each other, as those that name columns do."""
    figures = [chunk for chunk in line.chunks if chunk.is_figure]
    years = [int(chunk.text) for chunk in figures if chunk.is_year]
    return 0 < len(years) == len(figures) and all(abs(one - other) <= 1 for one, other in pairwise(years))


def _is_edge(lines: Sequence[PageLine], at: int) -> bool:
    """Say whether a line may be the running head or foot of a page: the first or last, with one figure, which may be its."""
    figures = [chunk for chunk in lines[at].chunks if chunk.is_figure]
    is_page = len(figures) == 1 and figures[0].text.isdecimal() and len(figures[0].text) <= _LONGEST_PAGE
    return at in (0, len(lines) - 1) and is_page


def _may_stand_between(line: PageLine, row: PageLine) -> bool:
    """Say whether a line may stand between rows: it tells what those below it are, or how one begins or goes on."""
    if not line.chunks or CAPTION.match(line.text) or _are_years(line):
        return False
    if line.chunks[0].left > row.chunks[0].right and (len(line.chunks) > 1 or len(row.chunks) == 2):
        return False  # what stands above the figures alone names those below: another table's
    stands_beside = line.chunks[0].right <= row.chunks[1].left
    return len(line.chunks) > 1 or stands_beside or len(line.words) <= _LONGEST_LABEL


def _is_below(line: PageLine, above: PageLine) -> bool:
    return 0 < above.bottom - line.bottom <= _LOWER * max(line.height, above.height)


def _table_of(lines: Sequence[PageLine], begun: int, run: Sequence[int]) -> _Table | None:
    """Return the table whose rows these are, with the names of its columns above; None where they are none.

    begun: the first line that no other table has taken.
    """
    columns = _columns([lines[at] for at in run])
    placed = {at: _placed(lines[at].chunks, columns) for at in run}
    if len(columns) < 2 or not all(placed.values()) or not _has_figures([lines[at] for at in run], columns):
        return None
    named = _names_above(lines, begun, run[0], columns)
    rows = [placed.get(at) or _label_or_words(lines[at], columns) for at in range(run[0], run[-1] + 1)]
    labels = [[Cell(lines[at].text)] for at in named.labels]
    header = [[Cell(name, names=True) for name in named.names]] if named.names else []
    return _Table(named.first, run[-1], [*header, *_with_beginnings([*labels, *rows])])


def _label_or_words(line: PageLine, columns: Columns) -> list[Cell]:
    """Return the cells of a line without figures: "Rating | AA | AA-", or all of it as the label of what is below."""
    cells = _placed(line.chunks, columns) if len(line.chunks) > 1 else []
    return cells or [Cell(line.text)]


def _columns(rows: Sequence[PageLine]) -> Columns:
    """Return the left and right edges of the columns: of what stands above each other."""
    columns: list[tuple[float, float]] = []
    for chunk in sorted((chunk for row in rows for chunk in row.chunks), key=lambda chunk: chunk.left):
        if columns and chunk.left < columns[-1][1]:
            columns[-1] = columns[-1][0], max(columns[-1][1], chunk.right)
        else:
            columns.append((chunk.left, chunk.right))
    return columns


def _placed(chunks: Sequence[Chunk], columns: Columns) -> list[Cell]:
    """Put what stands in a row into columns, wide where it stands above several; nothing where two would share one.

    Nothing, too, where something stands above none.
    """
    cells: list[Cell] = []
    taken = 0
    for chunk in chunks:
        over = [at for at, (left, right) in enumerate(columns) if chunk.left < right and chunk.right > left]
        if not over or over[0] < taken:
            return []
        cells += [Cell("")] * (over[0] - taken)
        cells.append(Cell(chunk.text, columns=len(over)))
        taken = over[-1] + 1
    return cells


def _has_figures(rows: Sequence[PageLine], columns: Columns) -> bool:
    """Say whether figures stand flush below each other behind the first column, and not only pages of contents."""
    figures = [chunk for row in rows for chunk in row.chunks if chunk.is_figure]
    held = ([one for one in figures if left <= one.middle <= right] for left, right in columns[1:])
    filled = list(filter(None, held))
    if not any(map(_stand_flush, filled)):
        return False
    numbers = [int(one.text) for one in filled[0] if one.text.isdecimal() and len(one.text) < _LONGEST_PAGE]
    are_pages = len(filled) == 1 and len(numbers) == len(filled[0]) and numbers == sorted(numbers)
    return not are_pages


def _stand_flush(figures: Sequence[Chunk]) -> bool:
    return any(
        sum(abs(place - one) <= _FLUSH for one in places) >= _FEWEST
        for places in ([one.right for one in figures], [one.left for one in figures], [one.middle for one in figures])
        for place in places
    )


def _names_above(lines: Sequence[PageLine], begun: int, row: int, columns: Columns) -> _Named:
    """Find the names of the columns above a row; between them may be labels."""
    names: list[str] = []
    labels: list[int] = []
    first = at = row
    while at > begun and row - at <= _MOST_NAMES + _MOST_LABELS and _is_below(lines[at], lines[at - 1]):
        at -= 1
        if CAPTION.match(lines[at].text) or _is_edge(lines, at) or _is_row(lines[at]):
            break
        if not names and _is_label(lines[at], columns):
            labels.insert(0, at)
            continue
        more = names_of(lines[at], columns, names)
        if more is None:
            break
        names, first = more, at
    # where several are missing, what was found may be the end of longer names
    is_told = bool(names) and sum(not name for name in names[1:]) <= _MOST_UNNAMED
    return _Named(names, labels, first) if is_told else _Named([], [], row)


def _is_label(line: PageLine, columns: Columns) -> bool:
    """Say whether a line tells what rows below it are, or their unit: it begins as they do, or stands above many columns."""
    if len(line.chunks) != 1 or len(line.words) > _LONGEST_LABEL or line.chunks[0].is_year:
        return False
    return line.chunks[0].left <= columns[0][1] or len(columns) > _FEW_COLUMNS


def _with_beginnings(rows: Sequence[list[Cell]]) -> list[list[Cell]]:
    """Join the first line of what a row is called with its second, which has the figures."""
    joined: list[list[Cell]] = []
    for row in rows:
        before = joined[-1][0].text if joined and len(joined[-1]) == 1 else ""
        is_sentence = len(before.split()) >= _FEWEST_WORDS and not before.endswith(":")
        is_open = goes_on(before) or (row[0].text[:1].islower() and is_sentence)
        if before and len(row) > 1 and row[0].text and is_open:
            joined[-1] = [replace(row[0], text=f"{before} {row[0].text}"), *row[1:]]
        else:
            joined.append(row)
    return joined
