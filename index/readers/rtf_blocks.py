"""Gathers the text of a Rich Text file into paragraphs, list items and table rows."""

from __future__ import annotations

import re

from index.readers.flow import Flow
from index.readers.table_lines import Cell

_SURROGATE = re.compile("[\ud800-\udfff]")
_BULLET = re.compile(r"\s*[•·▪◦]\s*")


class Blocks:
    """What is yet to become a paragraph or row. attached: notes and text boxes, which follow what they hang on."""

    def __init__(self) -> None:
        self.flow = Flow()
        self.text: list[str] = []
        self.attached: list[str] = []
        self.marker: str | None = None
        self._cells: list[str] = []

    def cell(self) -> None:
        """End a cell of a table."""
        marker, text = self._take()
        self._cells.append(text if marker is None else _as_marker(marker) + text)

    def row(self) -> None:
        """End a row of a table; text after its last cell is no part of it."""
        self.flow.row(map(Cell, self._cells))
        self._cells = []
        self._flow_attached()

    def paragraph(self, level: int) -> None:
        """End a paragraph. level: of a heading, 0 for what is none."""
        if self._cells:
            self.row()
        marker, text = self._take()
        bullet = _BULLET.match(text)
        if level and text.strip():
            self.flow.heading(level, _as_marker(marker or "").replace("- ", "") + text)
        elif marker is not None:
            self.flow.item(_as_marker(marker), text)
        elif bullet:
            self.flow.item("- ", text[bullet.end() :])
        else:
            self.flow.paragraph(text)
        self._flow_attached()

    def _flow_attached(self) -> None:
        for attached in self.attached:
            for line in attached.split("\n"):
                self.flow.paragraph(line)
        self.attached = []

    def _take(self) -> tuple[str | None, str]:
        marker, text = self.marker, joined(self.text)
        self.marker = None
        self.text.clear()
        return marker, text


def joined(texts: list[str]) -> str:
    """Join pieces of text; the halves of a character that Rich Text writes as two become one."""
    text = "".join(texts)
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _as_marker(text: str) -> str:
    text = text.strip()
    return f"{text} " if any(map(str.isalnum, text)) else "- "
