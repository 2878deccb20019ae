"""Puts the paragraphs, list items and table rows of office documents into a text, each set apart as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from index.readers.builder import TextBuilder, fold_space
from index.readers.table_lines import Cell, lay_out
from index.readers.text import clean
from index.records import Locator, Section

_INVISIBLE = re.compile("[\u00ad\ufeff]")  # a place where a word may be broken, and a mark of byte order
_LONGEST_HEADING = 300  # characters; what is longer is a paragraph that somebody made bold with a heading's style


class Flow:
    """Takes a document block by block. Items of one list become lines of one block, rows of a table those of some."""

    def __init__(self) -> None:
        self.title = ""  # the first heading
        self._builder = TextBuilder()
        self._rows: list[list[Cell]] = []  # of a table that has not ended
        self._in_list = False

    def place(self, locator: Locator) -> None:
        """Say that what follows lies at `locator`."""
        self.end()
        self._builder.open_section(locator)

    def heading(self, level: int, text: str) -> None:
        """Add a heading; `level` 1 is the highest."""
        text = fold_space(_tidy(text))
        if len(text) > _LONGEST_HEADING:
            self.paragraph(text)
            return
        self.end()
        self.title = self.title or text
        self._builder.add_heading(level, text)

    def paragraph(self, text: str) -> None:
        """Add a paragraph, whose line breaks are kept."""
        if text := fold_lines(text):
            self.end()
            self._builder.add_block(text)

    def item(self, marker: str, text: str) -> None:
        """Add an item of a list, marked "- " or by its number."""
        if text := fold_lines(text):
            self._end_table()
            self._builder.add_block(marker + text, "\n" if self._in_list else "\n\n")
            self._in_list = True

    def row(self, cells: Iterable[Cell]) -> None:
        """Add a row of a table. One without text adds nothing, but takes its share of what goes down into it."""
        self._in_list = False
        self._rows.append([replace(cell, text=fold_space(_tidy(cell.text))) for cell in cells])

    def end(self) -> None:
        """End a list or table: the next one is a block of its own."""
        self._end_table()
        self._in_list = False

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Return the text and its sections."""
        self.end()
        return self._builder.finish()

    def _end_table(self) -> None:
        rows, self._rows = self._rows, []
        for block in lay_out(rows).blocks if rows else ():
            self._builder.add_block("\n".join(block))


def fold_lines(text: str) -> str:
    """Fold the white space within each line and drop empty lines."""
    return "\n".join(line for line in map(fold_space, _tidy(text).split("\n")) if line)


def _tidy(text: str) -> str:
    return _INVISIBLE.sub("", clean(text))
