"""Collects blocks of text under headings or at other places: the common last step of readers of marked-up formats."""

from __future__ import annotations

import re
from dataclasses import replace

from index.records import Locator, Section

_SPACE = re.compile(r"\s+")
_WHOLE = re.compile(r"-?[0-9]{1,9}")


class TextBuilder:
    """Builds a text block by block, and the sections that its headings open."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[tuple[int, str]] = []
        self._sections: list[Section] = []
        self._place = Locator()
        self._pending: Locator | None = None  # the place of the next block, if that is another than the last one's

    def open_section(self, locator: Locator) -> None:
        """Say that what is added from here on lies at `locator`; headings added later lie within it.

        A place to which nothing is added makes no section.
        """
        self._place = self._pending = locator
        self._headings = []

    def add_heading(self, level: int, text: str) -> None:
        """Open a section: `level` 1 is the highest; deeper open headings end."""
        text = fold_space(text)
        if not text:
            return
        self._headings = [(depth, name) for depth, name in self._headings if depth < level] + [(level, text)]
        names = tuple(name for _, name in self._headings)
        self._pending = replace(self._place, heading=self._place.heading + names)
        self._open_block("\n\n")
        self._append(text)

    def add_block(self, text: str, separator: str = "\n\n") -> None:
        """Append a paragraph, or with a line break as separator the next line of the block before."""
        if text.strip():
            self._open_block(separator)
            self._append(text.strip("\n"))

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Return the text and its sections."""
        return "".join(self._parts), tuple(self._sections)

    def _open_block(self, separator: str) -> None:
        if self._parts:
            self._append(separator)
        if self._pending is not None:
            self._sections.append(Section(self._length, self._pending))
            self._pending = None

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def whole_number(text: str | None, default: int) -> int:
    """Return the whole number that an attribute gives, as of the columns that a cell takes, or the default."""
    return int(text) if text and _WHOLE.fullmatch(text) else default


def fold_space(text: str) -> str:
    """Replace every run of white space by one space."""
    return _SPACE.sub(" ", text).strip()
