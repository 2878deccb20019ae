"""Puts the paragraphs, list items and table rows of office documents into a text, each set apart as it should be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.readers.builder import TextBuilder, fold_space
from index.readers.text import clean
from index.records import CELLS, Locator, Section

_INVISIBLE = re.compile("[\u00ad\ufeff]")  # a place where a word may be broken, and a mark of byte order
_LONGEST_HEADING = 300  # characters; what is longer is a paragraph that somebody made bold with a heading's style


class Flow:
    """Takes a document block by block. Items of one list and rows of one table become lines of one block."""

    def __init__(self) -> None:
        self.title = ""  # the first heading
        self._builder = TextBuilder()
        self._last = ""  # "item" or "row" while such lines follow each other

    def place(self, locator: Locator) -> None:
        """Say that what follows lies at `locator`."""
        self._builder.open_section(locator)
        self._last = ""

    def heading(self, level: int, text: str) -> None:
        """Add a heading; `level` 1 is the highest."""
        text = fold_space(_tidy(text))
        if len(text) > _LONGEST_HEADING:
            self.paragraph(text)
            return
        self._last = ""
        self.title = self.title or text
        self._builder.add_heading(level, text)

    def paragraph(self, text: str) -> None:
        """Add a paragraph, whose line breaks are kept."""
        self._add("", fold_lines(text))

    def item(self, marker: str, text: str) -> None:
        """Add an item of a list, marked "- " or by its number."""
        text = fold_lines(text)
        if text:
            self._add("item", marker + text)

    def row(self, cells: Sequence[str]) -> None:
        """Add a row of a table as one line; a row without text adds nothing."""
        words = [fold_space(_tidy(cell)) for cell in cells]
        if any(words):
            self._add("row", fold_space(CELLS.join(words)).rstrip("| "))

    def end(self) -> None:
        """End a list or table: the next one is a block of its own."""
        self._last = ""

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Return the text and its sections."""
        return self._builder.finish()

    def _add(self, kind: str, text: str) -> None:
        if text:
            self._builder.add_block(text, "\n" if kind and kind == self._last else "\n\n")
            self._last = kind


def fold_lines(text: str) -> str:
    """Fold the white space within each line and drop empty lines."""
    return "\n".join(line for line in map(fold_space, _tidy(text).split("\n")) if line)


def _tidy(text: str) -> str:
    return _INVISIBLE.sub("", clean(text))
