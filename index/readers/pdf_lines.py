"""The text of a PDF's page with its line ends: PDFium gives some of them as spaces."""

from __future__ import annotations

import ctypes
import re

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

_MAY_END_LINE = re.compile(r"(?<=[.,:;!?]) (?=\S)")  # where PDFium was seen to leave the end of a line out
_LINE = 6.0  # points: what stands so much lower, and further left, stands in another line


def text_with_line_ends(page: pdfium.PdfTextPage) -> str:
    """Return a page's text, with a line break for each space behind which a line begins."""
    text: str = page.get_text_range()
    if len(text) != page.count_chars():
        return text  # its characters cannot be told by number
    letters = list(text)
    for found in _MAY_END_LINE.finditer(text):
        at = found.start()
        (left, bottom), (next_left, next_bottom) = origin(page, at - 1), origin(page, at + 1)
        if bottom - next_bottom > _LINE and next_left < left:
            letters[at] = "\n"
    return "".join(letters)


def numbered_text(page: pdfium.PdfTextPage, text: str) -> str:
    """Return a page's text so that each character has the number that PDFium knows it by: `text`, if it is so, else anew."""
    if len(text) == page.count_chars():
        return text
    codes = (pdfium_raw.FPDFText_GetUnicode(page.raw, number) for number in range(page.count_chars()))
    return "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes)


def origin(page: pdfium.PdfTextPage, index: int) -> tuple[float, float]:
    """Return where a character of a page stands: points from the left and from the bottom."""
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_raw.FPDFText_GetCharOrigin(page.raw, index, x, y)
    return x.value, y.value
