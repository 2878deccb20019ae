"""The lines of a PDF's pages with how they are set: how high their letters are, and whether they are bold."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.readers.builder import fold_space
from index.readers.pdf_lines import numbered_text
from index.readers.text import clean

_LINE = re.compile(r"[^\r\n]+")
_STEPS = 2  # of height in a point: what differs less is of one height
_BOLD = 600
_BOLD_NAME = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)
_LARGER = 1.12  # times the height of the text
_AS_LARGE = 0.95  # bold lines may be a little smaller
_LONGEST = 120  # characters of a line
_MAIN = 0.2  # of all characters: what is set so is text, and the largest of it what headings are compared with
# "7. TERMINATION. Either party may …": the heading of a clause stands in its first line, in capitals.
_RUN_IN = re.compile(r"(\d{1,3}(?:\.\d{1,3})*\.?\s+[^\W\d_a-z](?:(?![.:])[^a-z]){3,80})[.:](?=\s|$)")
HYPHENS = "\x02\ufffe\u00ad"  # PDFium's for one that breaks a word, and the soft one


@dataclass(frozen=True, slots=True, order=True)
class Look:
    """How a letter is set: steps of its height, and whether it is bold."""

    height: int
    is_bold: bool


@dataclass(frozen=True, slots=True)
class TypesetLine:
    """A line of a page. look: None where it is set in different ways; first: how it begins.

    run_in: a clause's own heading begins it, and is all that is meant here.
    """

    text: str
    page: int
    look: Look | None
    first: Look
    run_in: bool = False


def typeset_lines(page: pdfium.PdfTextPage, text: str, number: int) -> Iterator[TypesetLine]:
    """Yield the lines of a page with how they are set.

    text: what PDFium gives for the page; number: the page's, from 1.
    """
    text = numbered_text(page, text)
    for line in _LINE.finditer(text):
        letters = [at for at in range(line.start(), line.end()) if text[at].isalnum()]
        if not letters:
            continue
        first, words = _look(page, letters[0]), _words_of(line.group())
        run_in = _RUN_IN.match(line.group()) if first.is_bold else None
        if run_in and _look(page, line.start() + len(run_in[1].rstrip()) - 1) == first:
            yield TypesetLine(_words_of(run_in[1]), number, first, first, run_in=True)
        else:
            is_even = all(_alike(_look(page, at), first) for at in {letters[len(letters) // 2], letters[-1]})
            yield TypesetLine(words, number, first if is_even else None, first)


def _alike(one: Look, other: Look) -> bool:
    return one.is_bold == other.is_bold and abs(one.height - other.height) <= 1


def _words_of(line: str) -> str:
    """Return a line's words; a hyphen that breaks its last stays, as PDFium's own sign."""
    broken = line.rstrip()[-1:] in HYPHENS
    words = fold_space(clean(re.sub(f"[{HYPHENS}]", "", line)))
    return words + HYPHENS[1] if broken else words


def look_of_text(lines: Sequence[TypesetLine]) -> Look | None:
    """Return how the text of a document is set: the largest of what is much of it."""
    weights = weights_of(lines)
    return max((look for look, weight in weights.items() if weight >= _MAIN * weights.total()), default=None)


def weights_of(lines: Sequence[TypesetLine]) -> Counter[Look]:
    """Count the characters that are set in each way."""
    weights: Counter[Look] = Counter()
    for line in lines:
        if line.look and not line.run_in:
            weights[line.look] += len(line.text)
    return weights


def stands_out(line: TypesetLine, text: Look) -> bool:
    """Say whether a line is set larger than the text of its document, or bold where that is not."""
    if line.look is None or len(line.text) > _LONGEST:
        return False
    is_larger = line.look.height >= _LARGER * text.height
    return is_larger or (line.look.is_bold and not text.is_bold and line.look.height >= _AS_LARGE * text.height)


def _look(page: pdfium.PdfTextPage, at: int) -> Look:
    box = pdfium_raw.FS_RECTF()
    pdfium_raw.FPDFText_GetLooseCharBox(page.raw, at, box)
    return Look(round((box.top - box.bottom) * _STEPS), _is_bold(page, at))


def _is_bold(page: pdfium.PdfTextPage, at: int) -> bool:
    if pdfium_raw.FPDFText_GetFontWeight(page.raw, at) >= _BOLD:
        return True
    flags, name = ctypes.c_int(), ctypes.create_string_buffer(100)
    pdfium_raw.FPDFText_GetFontInfo(page.raw, at, name, len(name), flags)
    return bool(_BOLD_NAME.search(name.value.decode("utf-8", "replace")))
