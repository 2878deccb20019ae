"""The title of a PDF: what its metadata say if a person wrote it, else the largest words on its first page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.readers.builder import fold_space
from index.readers.text import clean
from index.readers.titles import is_by_a_program

_LOOKED_AT = 4_000  # characters of the first page
_LARGER = 1.2  # times as high as most characters, or it is no title
_ALIKE = 0.9  # of the height of what stands before: letters of one size in two fonts; authors are smaller as a rule
_FEWEST_WORDS, _LONGEST = 2, 200
_LETTERS = 3  # in a word on the average, or it is a stamp or a row of a table
_AMOUNT = re.compile(r"\d[.,]\d\d\b")
_UPRIGHT = 0.1  # radians: what is turned further, as the date at the side of a preprint, is no title

_Run = tuple[float, str]  # height in points, and what stands there without a break


def title_of(document: pdfium.PdfDocument) -> str:
    """Return the title, "" where none is found."""
    told = fold_space(clean(document.get_metadata_value("Title")))
    if told and not is_by_a_program(told):
        return told
    try:
        return _largest(list(_runs(document[0].get_textpage()))) if len(document) else ""
    except pdfium.PdfiumError:
        return ""  # a title is an extra: a damaged page must not cost the text


def _runs(page: pdfium.PdfTextPage) -> Iterator[_Run]:
    """Yield what stands one behind the other in letters of about the same height."""
    height, letters = 0.0, ""
    for number in range(min(page.count_chars(), _LOOKED_AT)):
        letter = chr(pdfium_raw.FPDFText_GetUnicode(page.raw, number))
        if letter.isspace() or letter < " ":
            letters += " "
            continue
        if _UPRIGHT < pdfium_raw.FPDFText_GetCharAngle(page.raw, number) % 6.283 < 6.283 - _UPRIGHT:
            continue
        box = pdfium_raw.FS_RECTF()
        pdfium_raw.FPDFText_GetLooseCharBox(page.raw, number, box)
        here = box.top - box.bottom
        if letters and not _ALIKE <= here / max(height, 1e-6) <= 1 / _ALIKE:
            yield height, letters
            height, letters = here, ""
        height, letters = max(height, here), letters + letter
    yield height, letters


def _largest(runs: list[_Run]) -> str:
    heights = sorted(height for height, letters in runs for one in letters if one.isalpha())
    most = max((height for height, letters in runs if sum(map(str.isalpha, letters)) > _LETTERS), default=0.0)
    if not most:
        return ""
    found = fold_space(clean(next(letters for height, letters in runs if height >= most)))
    is_larger = most >= _LARGER * heights[len(heights) // 2]
    return found if is_larger and reads_like_title(found) else ""


def reads_like_title(text: str) -> bool:
    """Say whether large words on a first page may be a title: not a stamp, an amount, or a paragraph."""
    words = len(text.split())
    is_title = text[:1].isalnum() and words >= _FEWEST_WORDS and len(text) <= _LONGEST and not _AMOUNT.search(text)
    return is_title and sum(map(str.isalpha, text)) >= _LETTERS * words
