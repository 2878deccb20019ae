"""Mends the order of letters that PDFium turns round in Arabic, Persian and Urdu."""

from __future__ import annotations

import ctypes
import re

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

_ALEF_LAM = re.compile("[اأإآٱ]ل")


def mend_ligatures(page: pdfium.PdfTextPage) -> str:
    """Return a page's text in which lam-alef, one glyph for two letters, reads in its right order.

    PDFium reverses a line that runs from right to left, and with it the letters within that glyph: of two letters at
    one and the same place the first is the second. The article al- has two glyphs and stays.
    """
    text: str = page.get_text_range()
    pairs = list(_ALEF_LAM.finditer(text))
    if not pairs or len(text) != page.count_chars():
        return text  # nothing to mend, or its characters cannot be told by number
    letters = list(text)
    for pair in pairs:
        at = pair.start()
        if _origin(page, at) == _origin(page, at + 1):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def _origin(page: pdfium.PdfTextPage, index: int) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_raw.FPDFText_GetCharOrigin(page.raw, index, x, y)
    return x.value, y.value
