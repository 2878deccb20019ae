"""Mends the order of letters that PDFium turns round in Arabic, Persian and Urdu."""

from __future__ import annotations

import re

import pypdfium2 as pdfium

from index.readers.pdf_lines import origin

_ALEF_LAM = re.compile("[اأإآٱ]ل")


def mend_ligatures(page: pdfium.PdfTextPage, text: str) -> str:
    """Return a page's text in which lam-alef, one glyph for two letters, reads in its right order.

    PDFium reverses a line that runs from right to left, and with it the letters within that glyph: of two letters at
    one and the same place the first is the second. The article al- has two glyphs and stays.
    """
    pairs = list(_ALEF_LAM.finditer(text))
    if not pairs or len(text) != page.count_chars():
        return text  # nothing to mend, or its characters cannot be told by number
    letters = list(text)
    for pair in pairs:
        at = pair.start()
        if origin(page, at) == origin(page, at + 1):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)
