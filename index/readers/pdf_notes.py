"""Notes at the foot of a PDF's columns, which stand in the middle of a sentence: they are moved in front of it.

It could neither be found nor quoted whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.readers.pdf_lines import origin
from index.readers.pdf_typeset import HYPHENS

_LINE = re.compile(r"[^\r\n\x02\ufffe]+")  # PDFium drops the line's end behind a hyphen, which is one of the latter
# Its mark, which stands in a line of its own where it is raised: "2" above "https://…", "13https://…", "* Equal share".
_NOTE = re.compile(r"\s*(?:[1-9]\d?|[*∗†‡§¶])\s*(?=[^\W\d_]|[\"“(])")
_NUMBER = re.compile(r"\W*\d+\W*")  # of a page
_SENTENCE_END = re.compile(r"[.!?][\"”’)\]]*\s?\d{0,2}\s*$")
_ENDED = re.compile(rf":\s*$|{_SENTENCE_END.pattern}")  # or it begins what follows
_SHORTEST = 15  # characters of a line that goes on
_SMALLER = 0.93  # of the height of the text
_MOST_LINES = 16  # of a sentence, and of notes
_LONGEST_PAGE = 2_000  # lines
_REPEATED = 3  # times: what comes so often is the foot of pages

_Lines = Sequence[re.Match[str]]


def notes_of(page: pdfium.PdfTextPage, text: str) -> list[str]:
    """Return the notes at the foot of a page's columns, those of one column together. text: what PDFium gives for it."""
    lines = list(_LINE.finditer(text))
    if (
        len(lines) > _LONGEST_PAGE
        or len(text) != page.count_chars()
        or not any(_NOTE.match(text, line.start()) for line in lines)
    ):
        return []
    return [text[lines[first].start() : lines[last].end()] for first, last in _notes(page, lines)]


def with_notes_moved(pages: Sequence[str], notes: Sequence[Sequence[str]]) -> list[str]:
    """Return the texts of pages with their notes moved, where they interrupt a sentence."""
    counts = Counter(_NUMBER.sub("", note) for of_page in notes for note in of_page)
    moved = []
    for page, of_page in zip(pages, notes, strict=True):
        text = page
        for note in of_page:
            if counts[_NUMBER.sub("", note)] < _REPEATED:
                text = _moved(text, note)
        moved.append(text)
    return moved


def _notes(page: pdfium.PdfTextPage, lines: _Lines) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the first and the last line of the notes at the foot of each column."""
    heights = [_height(page, line) for line in lines]
    usual = Counter(heights).most_common(1)[0][0]
    at = 0
    while at < len(lines):
        end = at
        if _NOTE.match(lines[at].string, lines[at].start()):
            while end < len(lines) and heights[end] < _SMALLER * usual:
                end += 1
        if at < end <= at + _MOST_LINES and _is_foot(page, lines, at, end):
            yield at, end - 1
        at = max(at + 1, end)


def _is_foot(page: pdfium.PdfTextPage, lines: _Lines, first: int, end: int) -> bool:
    """Say whether a column ends with the lines: nothing follows but the page's number, or what stands higher."""
    following = next((line for line in islice(lines, end, None) if not _NUMBER.fullmatch(line.group())), None)
    return following is None or _bottom(page, following) > _bottom(page, lines[first])


def _height(page: pdfium.PdfTextPage, line: re.Match[str]) -> int:
    """Return how high the last word of a line is set, in halves of a point: a mark before it may be raised."""
    box = pdfium_raw.FS_RECTF()
    pdfium_raw.FPDFText_GetLooseCharBox(page.raw, len(line.group().rstrip()) + line.start() - 1, box)
    height: float = box.top - box.bottom
    return round(2 * height)


def _bottom(page: pdfium.PdfTextPage, line: re.Match[str]) -> float:
    return origin(page, line.start())[1]


def _moved(text: str, note: str) -> str:
    """Return a text with a note in front of the sentence that it interrupts, if it does."""
    at = text.find(note)
    above = list(_LINE.finditer(text, 0, max(at, 0)))[-_MOST_LINES:]
    if not above or len(above[-1].group()) < _SHORTEST or _ENDED.search(above[-1].group()):
        return text
    ended = next((line.end() for line in reversed(above) if _SENTENCE_END.search(line.group())), None)
    if ended is None:
        return text
    begun, rest = text[ended:at].strip(), text[at + len(note) :].lstrip()
    if begun[-1] in HYPHENS and not rest[:1].isalpha():  # the other half of the word is on the next page
        begun = f"{begun[:-1]}-"
    return f"{text[:ended]}\n\n{note}\n\n{begun}\n{rest}"
