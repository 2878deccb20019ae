"""Tables of figures in PDFs: lines whose numbers stand below each other → rows of cells.

A PDF has no tables, only words in places. Taken for one are lines that follow each other, of words set far apart, with
numbers in the same columns; a table of words alone stays as it is, for columns of text look just like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.readers.table_lines import Cell, lay_out
from index.records import CELLS

_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(r"\S+")
_CAPTION = re.compile(r"(?i:table|figure|fig\.?|tabelle|abbildung)\s*\d")
_LEADERS = re.compile(r"(?:\. ?){4}|…{2}")
_NUMBER = re.compile(r"[$€£¥₹]?\(?[$€£¥₹]?[-+−–—]?\d[\d.,]*\)?%?\)?[*†‡]?")
_FIGURE = re.compile(rf"(?:{_NUMBER.pattern}|[-–—]|n/?a|nil)", re.I)  # what a cell of numbers may hold
_SIGN = re.compile(r"[$€£¥₹]|(?:US|C|A|HK)\$|[$€£¥₹]?\(")  # belongs to the number behind it
_AFTER = frozenset((")", "%", ")%", "%)"))  # and these to that before
_ENDS_IN_NUMBER = re.compile(rf"(?:.*\s)?{_NUMBER.pattern}\s*$")
_FEWEST = 3  # rows
_APART = 0.8  # of a line's height: words with more between them are of two cells
_FIGURES_APART = 0.4  # the same of numbers
_WIDER = 1.3  # times: gaps between names of columns, than those within them
_MOST_UNNAMED = 2  # columns, from the left
_LEVEL = 0.3  # of a line's height: words that differ less stand in one
_LOWER = 4.0  # of a line's height: what stands so much lower is of something else
_LONGEST_LABEL = 12  # words
_MOST_LABELS, _MOST_HEADERS = 3, 3  # lines
_LONGEST_PAGE = 3  # digits
_MOST_LINES = 2_000  # of a page


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Words of a line that stand together. left, right: points."""

    text: str
    left: float
    right: float

    @property
    def is_figure(self) -> bool:
        return _FIGURE.fullmatch(self.text.replace(" ", "")) is not None


@dataclass(frozen=True)
class _Line:
    """A line of a page: its span in the text, what stands in it, and where. bottom, height: points."""

    start: int
    end: int
    words: tuple[_Chunk, ...]
    bottom: float
    height: float

    @cached_property
    def chunks(self) -> Sequence[_Chunk]:
        """The words that stand together."""
        return _joined(self.words, self.height)

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(word.text for word in self.words)

    @property
    def is_row(self) -> bool:
        """Whether it has a number beside something else."""
        return len(self.chunks) > 1 and any(chunk.is_figure for chunk in self.chunks[1:])

    @property
    def may_stand_between(self) -> bool:
        """Whether it may stand between rows: what those below it are, the first line of what one is called, or names."""
        is_short = len(self.words) <= _LONGEST_LABEL or self.words[-1].text.endswith(":")
        return len(self.chunks) > 1 or (len(self.chunks) == 1 and is_short)


_Columns = Sequence[tuple[float, float]]  # left and right edges, from left to right


def with_rows(page: pdfium.PdfTextPage, text: str) -> str:
    """Return a page's text with the cells of its tables of figures set apart, each table in blocks of its own.

    text: what PDFium gives for the page, as long.
    """
    found = list(_LINE.finditer(text))
    ends = [_ENDS_IN_NUMBER.match(line.group()) is not None for line in found]
    if sum(ends) < _FEWEST or len(found) > _MOST_LINES or len(text) != page.count_chars():
        return text
    lines = list(_whole(_line_of(page, text, line.start(), line.end()) for line in found))
    parts: list[str] = []
    at = begun = 0
    for first, last in _runs(lines):
        columns = _columns([line for line in lines[first:last] if line.is_row])
        first = _with_names(lines[begun:last], first - begun, columns) + begun
        rows = _rows(lines[first:last], columns)
        if rows:
            blocks = ("\n".join(block) for block in lay_out(rows).blocks)
            parts += [text[at : lines[first].start].rstrip(), *blocks]
            at, begun = lines[last - 1].end, last
    return "\n\n".join([*parts, text[at:].lstrip()]).strip() if parts else text


def is_table(block: str) -> bool:
    """Say whether a block of a page's text is one of rows."""
    lines = block.split("\n")
    return len(lines) > 1 and 2 * sum(CELLS.strip() in line for line in lines) >= len(lines)


def _line_of(page: pdfium.PdfTextPage, text: str, start: int, end: int) -> _Line:
    """Find what stands in a line; nothing in one of a table of contents, or one that runs in another direction."""
    words = [] if _LEADERS.search(text, start, end) else list(_WORD.finditer(text, start, end))
    boxes = [(_box(page, word.start()), _box(page, word.end() - 1)) for word in words]
    height = max((one.top - one.bottom for one, _ in boxes), default=0.0)
    single = [_Chunk(word.group(), first.left, last.right) for word, (first, last) in zip(words, boxes, strict=True)]
    if any(other.left - one.right < -height / 2 for one, other in pairwise(single)):
        single = []
    return _Line(start, end, tuple(single), boxes[0][0].bottom if boxes else 0.0, height)


def _whole(lines: Iterable[_Line]) -> Iterator[_Line]:
    """Join what stands side by side: PDFium begins a new line behind a wide gap."""
    last: _Line | None = None
    for line in lines:
        if last and last.words and line.words and _stands_beside(line, last):
            height = max(last.height, line.height)
            last = _Line(last.start, line.end, (*last.words, *line.words), last.bottom, height)
            continue
        if last:
            yield last
        last = line
    if last:
        yield last


def _stands_beside(line: _Line, before: _Line) -> bool:
    is_level = abs(line.bottom - before.bottom) < _LEVEL * min(line.height, before.height)
    return is_level and line.words[0].left >= before.words[-1].right


def _joined(words: Sequence[_Chunk], height: float) -> list[_Chunk]:
    """Join words that stand together, and signs with their numbers. height: of their line, in points."""
    chunks: list[_Chunk] = []
    for word in words:
        last = chunks[-1] if chunks else None
        if last and (_SIGN.fullmatch(last.text) or (word.text in _AFTER and last.is_figure)):
            chunks[-1] = _Chunk(last.text + word.text, last.left, word.right)
        elif last and not _SIGN.fullmatch(word.text) and word.left - last.right <= _apart(last, word) * height:
            chunks[-1] = _Chunk(f"{last.text} {word.text}", last.left, word.right)
        else:
            chunks.append(word)
    return chunks


def _apart(one: _Chunk, other: _Chunk) -> float:
    return _FIGURES_APART if one.is_figure and other.is_figure else _APART


def _box(page: pdfium.PdfTextPage, at: int) -> pdfium_raw.FS_RECTF:
    box = pdfium_raw.FS_RECTF()
    pdfium_raw.FPDFText_GetLooseCharBox(page.raw, at, box)
    return box


def _runs(lines: Sequence[_Line]) -> Iterator[tuple[int, int]]:
    """Yield (first, last + 1) of the lines that may be a table: rows, with labels between them."""
    at = 0
    while at < len(lines):
        rows = [at] if lines[at].is_row else []
        end, others = at + 1, 0
        while rows and end < len(lines) and others <= _MOST_LABELS and _is_below(lines[end], lines[end - 1]):
            if lines[end].is_row:
                rows.append(end)
            elif not lines[end].may_stand_between:
                break
            others = 0 if lines[end].is_row else others + 1
            end += 1
        if len(rows) >= _FEWEST:
            yield at, rows[-1] + 1
        at = max(at, *rows) + 1 if rows else at + 1


def _is_below(line: _Line, above: _Line) -> bool:
    return 0 < above.bottom - line.bottom <= _LOWER * max(line.height, above.height)


def _with_names(lines: Sequence[_Line], first: int, columns: _Columns) -> int:
    """Return the number of the first line of a table whose first row is known, with those above that name its columns."""
    least = max(0, first - _MOST_HEADERS)
    while first > least and _is_below(lines[first], lines[first - 1]) and not _CAPTION.match(lines[first - 1].text):
        cells = _cells(lines[first - 1], columns)
        if not cells or (cells[0].text and not any(cell.text for cell in cells[1:])):
            break  # something else, or a title: it stands above the first column, and maybe others
        first -= 1
    return first


def _rows(lines: Sequence[_Line], columns: _Columns) -> list[list[Cell]]:
    """Return the cells of each line; none where the lines are no table of figures."""
    rows = [_cells(line, columns) for line in lines]
    if len(columns) < 2 or any(row is None for row, line in zip(rows, lines, strict=True) if line.is_row):
        return []
    figures = list(filter(None, (_figures_of(rows, at) for at in range(1, len(columns)))))
    if max(map(len, figures), default=0) < _FEWEST or (len(figures) == 1 and _are_pages(figures[0])):
        return []
    return [row or [Cell(line.text)] for row, line in zip(rows, lines, strict=True)]


def _cells(line: _Line, columns: _Columns) -> list[Cell] | None:
    """Put what stands in a line into columns; of words that seem to stand together, also where they name all columns.

    None where two would share one.
    """
    cells = _placed(line.chunks, columns)
    is_even = cells is not None and len(cells) > 1 and all(cell.columns == 1 for cell in cells)
    if line.is_row or is_even:
        return cells
    return _names(line.words, columns) or cells


def _names(words: Sequence[_Chunk], columns: _Columns) -> list[Cell]:
    """Cut a line at its widest gaps into names of all columns, but maybe the first; none where it has no such gaps."""
    gaps = sorted(((other.left - one.right, at) for at, (one, other) in enumerate(pairwise(words), 1)), reverse=True)
    for unnamed in range(_MOST_UNNAMED + 1):
        count = len(columns) - unnamed
        widest, others = gaps[: count - 1], gaps[count - 1 :]
        if len(widest) < count - 1 or not widest or (others and widest[-1][0] < _WIDER * others[0][0]):
            continue
        cuts = [0, *sorted(at for _, at in widest), len(words)]
        pieces = [words[low:high] for low, high in pairwise(cuts)]
        if [_zone_of(piece, columns) for piece in pieces] == list(range(unnamed, len(columns))):
            return [Cell("")] * unnamed + [Cell(" ".join(word.text for word in piece)) for piece in pieces]
    return []


def _zone_of(piece: Sequence[_Chunk], columns: _Columns) -> int:
    """Return the number of the column that the middle of some words is nearest to."""
    middle = (piece[0].left + piece[-1].right) / 2
    return sum(middle > (one[1] + other[0]) / 2 for one, other in pairwise(columns))


def _figures_of(rows: Sequence[Sequence[Cell] | None], column: int) -> list[str]:
    texts = (row[column].text for row in rows if row and column < len(row))
    return [text for text in texts if _FIGURE.fullmatch(text)]


def _are_pages(figures: Sequence[str]) -> bool:
    """Say whether the only figures of a table are the pages of one of contents."""
    numbers = [int(one) for one in figures if one.isdecimal() and len(one) <= _LONGEST_PAGE]
    return len(numbers) == len(figures) and numbers == sorted(numbers)


def _columns(rows: Sequence[_Line]) -> _Columns:
    """Return the left and right edges of the columns: of what stands above each other."""
    columns: list[tuple[float, float]] = []
    for chunk in sorted((chunk for row in rows for chunk in row.chunks), key=lambda chunk: chunk.left):
        if columns and chunk.left < columns[-1][1]:
            columns[-1] = columns[-1][0], max(columns[-1][1], chunk.right)
        else:
            columns.append((chunk.left, chunk.right))
    return columns


def _placed(chunks: Sequence[_Chunk], columns: _Columns) -> list[Cell] | None:
    """Put what stands in a line into columns, wide where it stands above several; None where two would share one."""
    cells: list[Cell] = []
    taken = 0
    for chunk in chunks:
        over = [at for at, (left, right) in enumerate(columns) if chunk.left < right and chunk.right > left]
        if not over or over[0] < taken:
            return None
        cells += [Cell("")] * (over[0] - taken)
        cells.append(Cell(chunk.text, columns=len(over)))
        taken = over[-1] + 1
    return cells
