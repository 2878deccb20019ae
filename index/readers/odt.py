"""OpenDocument texts → their text: headings become places, a table's row is a line, notes follow their paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from index.errors import UnreadableFile
from index.readers.builder import fold_space, whole_number
from index.readers.flow import Flow
from index.readers.ooxml import parse_xml
from index.readers.package import open_package, read_member
from index.readers.table_lines import Cell
from index.records import Extracted

MEDIA_TYPE = "application/vnd.oasis.opendocument.text"
_OASIS = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, OFFICE, STYLE, DRAW = (_OASIS % name for name in ("text", "table", "office", "style", "drawing"))
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_META = _OASIS % "meta"
# Deleted text, remarks, and what is no part of the running text.
_SKIPPED = frozenset(
    [f"{TEXT}{name}" for name in ("tracked-changes", "note-citation", "ruby-text", "hidden-text", "hidden-paragraph")]
    + [f"{OFFICE}{name}" for name in ("annotation", "annotation-end", "forms", "binary-data", "event-listeners")]
    + [f"{TEXT}{name}" for name in ("sequence-decls", "variable-decls", "user-field-decls")]
    + ["{http://www.w3.org/2000/svg}title", "{http://www.w3.org/2000/svg}desc"]
    + ["{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}title"]
    + ["{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}desc"]
)
_AS_TEXT = {f"{TEXT}tab": " ", f"{TEXT}line-break": "\n", f"{TEXT}s": " ", f"{TEXT}soft-page-break": ""}
# What hangs on a paragraph and is added after it, so that no sentence is broken.
_ATTACHED = frozenset([f"{TEXT}note-body", f"{DRAW}text-box"])
_NAMES = f"{TABLE}table-header-rows"
_MOST_REPEATED = 64
_ROWS = frozenset(f"{TABLE}{name}" for name in ("table-rows", "table-header-rows", "table-row-group"))


def read_odt(data: bytes) -> Extracted:
    """Read an OpenDocument text; one with a password is refused with that reason."""
    with open_package(data) as archive:
        names = set(archive.namelist())
        if "META-INF/manifest.xml" in names and b":encryption-data" in read_member(archive, "META-INF/manifest.xml"):
            raise UnreadableFile("protected with a password: save it without one")
        content = parse_xml(read_member(archive, "content.xml"))
        styles = parse_xml(read_member(archive, "styles.xml")) if "styles.xml" in names else None
        meta = read_member(archive, "meta.xml") if "meta.xml" in names else b""
    walker = _Walker([content] if styles is None else [styles, content])
    body = content.find(f"{OFFICE}body/{OFFICE}text")
    try:
        walker.blocks(body if body is not None else ())
    except RecursionError as error:
        raise UnreadableFile("a damaged file: its parts are nested too deeply") from error
    text, sections = walker.flow.finish()
    title, lang, metadata = _properties(meta)
    return Extracted(
        text=text,
        media_type=MEDIA_TYPE,
        title=title or walker.flow.title,
        lang=lang,
        sections=sections,
        metadata=metadata,
    )


def _properties(blob: bytes) -> tuple[str, str, dict[str, str]]:
    try:
        root = parse_xml(blob) if blob else None
    except UnreadableFile:
        root = None  # the text is worth having without them
    if root is None:
        return "", "", {}
    found = {node.tag: fold_space(node.text or "") for node in root.iter()}
    author = found.get(f"{_META}initial-creator") or found.get(f"{_DUBLIN}creator", "")
    date = found.get(f"{_DUBLIN}date") or found.get(f"{_META}creation-date", "")
    metadata = {"author": author} if author else {}
    if re.match(r"\d{4}-\d\d-\d\d", date):
        metadata["date"] = date[:10]
    return found.get(f"{_DUBLIN}title", ""), found.get(f"{_DUBLIN}language", ""), metadata


class _Walker:
    """Walks the body in document order."""

    def __init__(self, roots: list[Any]) -> None:
        self.flow = Flow()
        self._numbered = _numbered_levels(roots)

    def blocks(self, parent: Any) -> None:
        """Add the headings, paragraphs, lists and tables in an element."""
        for child in parent:
            if child.tag == f"{TEXT}h":
                inline = _Inline(child)
                level = child.get(f"{TEXT}outline-level", "1")
                self.flow.heading(int(level) if level.isdecimal() else 1, inline.text)
                self._attachments(inline)
            elif child.tag == f"{TEXT}p":
                self._paragraph(child)
            elif child.tag == f"{TEXT}list":
                self._list(child, "", 1)
                self.flow.end()
            elif child.tag == f"{TABLE}table":
                self._table(child)
            elif child.tag not in _SKIPPED:
                self.blocks(child)

    def _paragraph(self, paragraph: Any, marker: str | None = None) -> None:
        inline = _Inline(paragraph)
        if marker is None:
            self.flow.paragraph(inline.text)
        else:
            self.flow.item(marker, inline.text)
        self._attachments(inline)

    def _attachments(self, inline: _Inline) -> None:
        for attached in inline.attached:
            self.blocks(attached)

    def _list(self, element: Any, style: str, level: int) -> None:
        """Add a list. style: of the list around it, which one without a style of its own takes over."""
        style = element.get(f"{TEXT}style-name") or style
        number = 0
        for item in element:
            own_start = item.get(f"{TEXT}start-value", "")
            number = int(own_start) if own_start.isdecimal() else number + (item.tag == f"{TEXT}list-item")
            marker = f"{number}. " if (style, level) in self._numbered else "- "
            if item.tag == f"{TEXT}list-header":
                marker = ""
            for child in item:
                if child.tag == f"{TEXT}list":
                    self._list(child, style, level + 1)
                elif child.tag == f"{TEXT}p":
                    self._paragraph(child, marker)
                    marker = ""  # further paragraphs of an item have none
                else:
                    self.blocks([child])

    def _table(self, table: Any) -> None:
        self.flow.end()
        attached: list[_Inline] = []
        for row, names in _rows(table):
            cells = [cell for cell in row if cell.tag == f"{TABLE}table-cell"]
            if _is_layout(cells):
                for cell in cells:
                    self.blocks(cell)
            else:
                inlines = [_Inline(cell) for cell in cells]
                pairs = zip(cells, inlines, strict=True)
                self.flow.row(one for cell, inline in pairs for one in _told(cell, inline.text, names=names))
                attached += inlines
        self.flow.end()
        for inline in attached:  # after the table, so that it stays whole
            self._attachments(inline)


def _rows(parent: Any, *, names: bool = False) -> Iterator[tuple[Any, bool]]:
    """Yield the rows of a table, each with whether its cells name those below."""
    for child in parent:
        if child.tag == f"{TABLE}table-row":
            yield child, names
        elif child.tag in _ROWS:
            yield from _rows(child, names=names or child.tag == _NAMES)


def _told(cell: Any, text: str, *, names: bool) -> list[Cell]:
    """Return a cell, as often as it comes in its row: rarely more than once, then mostly empty."""
    columns, rows = (max(1, whole_number(cell.get(f"{TABLE}number-{kind}-spanned"), 1)) for kind in ("columns", "rows"))
    times = whole_number(cell.get(f"{TABLE}number-columns-repeated"), 1)
    return [Cell(text, columns, rows, names)] * max(1, min(times, _MOST_REPEATED))


def _is_layout(cells: list[Any]) -> bool:
    """Tell a row of data from one that only puts things beside each other or draws a frame around them."""
    if len(cells) == 1 and len(cells[0]) > 1:
        return True
    return any(cell.find(f".//{TABLE}table") is not None or cell.find(f".//{TEXT}h") is not None for cell in cells)


def _numbered_levels(roots: list[Any]) -> set[tuple[str, int]]:
    """Return the list styles and levels that show a number."""
    found = set()
    for root in roots:
        for style in root.iter(f"{TEXT}list-style"):
            for level in style.findall(f"{TEXT}list-level-style-number"):
                depth = level.get(f"{TEXT}level", "")
                if depth.isdecimal() and level.get(f"{STYLE}num-format"):
                    found.add((style.get(f"{STYLE}name", ""), int(depth)))
    return found


class _Inline:
    """The text of a paragraph or table cell, and what hangs on it: notes and text boxes."""

    def __init__(self, root: Any) -> None:
        self._texts: list[str] = []
        self.attached: list[Any] = []
        self._visit(root)
        self.text = "".join(self._texts)

    def _visit(self, element: Any) -> None:
        self._texts.append((element.text or "").replace("\n", " "))  # a line break is an element of its own
        for child in element:
            if child.tag in _ATTACHED:
                self.attached.append(child)
            elif child.tag in _AS_TEXT:
                self._texts.append(_AS_TEXT[child.tag])
            elif child.tag not in _SKIPPED:
                self._visit(child)
                if child.tag in (f"{TEXT}p", f"{TEXT}h"):
                    self._texts.append(" ")
            self._texts.append((child.tail or "").replace("\n", " "))
