"""The lines of a PDF's page as words in their places: which stand together, and which are figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

CAPTION = re.compile(r"(?i:table|figure|fig\.?|tabelle|abbildung)\s*\d")  # of a table or figure
_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(r"\S+")
_LEADERS = re.compile(r"(?:\. ?){4}|…{2}")
NUMBER = re.compile(r"[$€£¥₹]?\(?[$€£¥₹]?[-+−–—]?\d[\d.,]*(?:e[-+−]?\d+)?\)?%?\)?[*†‡]?")
_FIGURE = re.compile(
    rf"(?![$€£¥₹]?'?0{{3,}}s?$)(?:{NUMBER.pattern}|[-–—]|n/?a|nil)", re.I
)  # what a cell of numbers may hold
_YEAR = re.compile(r"(?:19|20)\d\d")
_LONGEST_FIGURE = 30  # characters
_SIGN = re.compile(r"[$€£¥₹]|(?:US|C|A|HK)\$|[$€£¥₹]?\(")  # belongs to the number behind it
_AFTER = frozenset((")", "%", ")%", "%)"))  # and these to that before
_APART = 0.8  # of a line's height: words with more between them are of two cells
_FIGURES_APART = 0.4  # the same of numbers
_LEVEL = 0.3  # of a line's height: words that differ less stand in one


@dataclass(frozen=True, slots=True)
class Chunk:
    """Words of a line that stand together. left, right: points."""

    text: str
    left: float
    right: float

    @property
    def middle(self) -> float:
        """Points from the left."""
        return (self.left + self.right) / 2

    @property
    def is_figure(self) -> bool:
        """Whether it is what a cell of numbers may hold."""
        return len(self.text) <= _LONGEST_FIGURE and _FIGURE.fullmatch(self.text.replace(" ", "")) is not None

    @property
    def is_year(self) -> bool:
        """Whether it is a year, which may name a column."""
        return _YEAR.fullmatch(self.text) is not None


@dataclass(frozen=True)
class PageLine:
    """A line of a page: its span in the text, its words and where it stands. bottom, height: points."""

    start: int
    end: int
    words: tuple[Chunk, ...]
    bottom: float
    height: float

    @cached_property
    def chunks(self) -> Sequence[Chunk]:
        """The words that stand together."""
        return _joined(self.words, self.height)

    @cached_property
    def text(self) -> str:
        """Its words."""
        return " ".join(word.text for word in self.words)


def page_lines(page: pdfium.PdfTextPage, text: str) -> list[PageLine]:
    """Return the lines of a page. text: what PDFium gives for it, as long as it has characters."""
    return list(_whole(_line_of(page, text, line.start(), line.end()) for line in _LINE.finditer(text)))


def _line_of(page: pdfium.PdfTextPage, text: str, start: int, end: int) -> PageLine:
    """Find the words of a line; none in one of a table of contents, or one that runs in another direction."""
    words = [] if _LEADERS.search(text, start, end) else list(_WORD.finditer(text, start, end))
    boxes = [(_box(page, word.start()), _box(page, word.end() - 1)) for word in words]
    height = max((one.top - one.bottom for one, _ in boxes), default=0.0)
    placed = [Chunk(word.group(), first.left, last.right) for word, (first, last) in zip(words, boxes, strict=True)]
    if any(other.left - one.right < -height / 2 for one, other in pairwise(placed)):
        placed = []
    return PageLine(start, end, tuple(placed), boxes[0][0].bottom if boxes else 0.0, height)


def _box(page: pdfium.PdfTextPage, at: int) -> pdfium_raw.FS_RECTF:
    box = pdfium_raw.FS_RECTF()
    pdfium_raw.FPDFText_GetLooseCharBox(page.raw, at, box)
    return box


def _whole(lines: Iterable[PageLine]) -> Iterator[PageLine]:
    """Join what stands side by side: PDFium begins a new line behind a wide gap."""
    last: PageLine | None = None
    for line in lines:
        if last and last.words and line.words and _stands_beside(line, last):
            last = PageLine(last.start, line.end, (*last.words, *line.words), last.bottom, max(last.height, line.height))
            continue
        if last:
            yield last
        last = line
    if last:
        yield last


def _stands_beside(line: PageLine, before: PageLine) -> bool:
    is_level = abs(line.bottom - before.bottom) < _LEVEL * min(line.height, before.height)
    return is_level and line.words[0].left >= before.words[-1].right


def _joined(words: Sequence[Chunk], height: float) -> list[Chunk]:
    """Join words that stand together, and signs with their numbers. height: of their line, in points."""
    chunks: list[Chunk] = []
    for word in words:
        last = chunks[-1] if chunks else None
        if last and (_SIGN.fullmatch(last.text) or (word.text in _AFTER and last.is_figure)):
            chunks[-1] = Chunk(last.text + word.text, last.left, word.right)
        elif last and not _SIGN.fullmatch(word.text) and word.left - last.right <= _apart(last, word) * height:
            chunks[-1] = Chunk(f"{last.text} {word.text}", last.left, word.right)
        else:
            chunks.append(word)
    return chunks


def _apart(one: Chunk, other: Chunk) -> float:
    return _FIGURES_APART if one.is_figure and other.is_figure else _APART
