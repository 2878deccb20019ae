"""Word documents → their text as Word shows it: headings become places, a table's row is a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, cast

from docx import Document
from docx.oxml import parse_xml

from index.errors import UnreadableFile
from index.readers.builder import whole_number
from index.readers.chart import add_chart
from index.readers.docx_styles import Numbering, Style, Styles, W
from index.readers.flow import Flow
from index.readers.ooxml import Package
from index.readers.table_lines import Cell
from index.records import Extracted, Locator

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TEXT = frozenset([f"{W}t", f"{_MATH}t", f"{_DRAWING}t"])
_AS_TEXT = {
    f"{W}tab": " ",
    f"{W}ptab": " ",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{_DRAWING}br": "\n",
}
# Deleted text, what is only about the text, and how a word is spoken.
_SKIPPED = frozenset(
    f"{W}{name}" for name in "del moveFrom pPr rPr sdtPr sdtEndPr rt instrText delText tblPr tblGrid".split()
)
_WRAPPERS = frozenset(f"{W}{name}" for name in "sdt sdtContent customXml smartTag ins moveTo".split())
_NOTES = {f"{W}footnoteReference": "footnotes", f"{W}endnoteReference": "endnotes"}
_OFF = frozenset(["0", "false", "off"])
_PRIVATE = re.compile(r"[\ue000-\uf8ff]")  # letters of symbol fonts: pictures, not text


def read_docx(data: bytes) -> Extracted:
    """Read a Word document (.docx, .docm): paragraphs, headings, lists, tables, text boxes and notes in their order."""
    package = Package(data)
    title, metadata = package.properties()
    try:
        part = Document(package.file).part
    except Exception as error:  # python-docx dies of damaged packages in many ways
        raise UnreadableFile("a damaged Word document: its parts do not fit together") from error
    walker = _Walker(part)
    body = part.element.find(f"{W}body")
    if body is not None:
        walker.blocks(body)
    _add_margins(walker.flow, part)
    text, sections = walker.flow.finish()
    return Extracted(
        text=text,
        media_type=MEDIA_TYPE,
        title=title or walker.title or walker.flow.title,
        sections=sections,
        metadata=metadata,
    )


def _add_margins(flow: Flow, part: Any) -> None:
    """Add what stands in headers and footers, each different text once, after everything else: it is on every page."""
    flow.place(Locator())
    seen = set()
    for kind in ("header", "footer"):
        for relationship in part.rels.values():
            if relationship.is_external or not relationship.reltype.endswith(f"/{kind}"):
                continue
            walker = _Walker(relationship.target_part)
            walker.blocks(_root_of(relationship.target_part))
            text, _ = walker.flow.finish()
            if text not in seen and any(map(str.isalpha, text)):
                seen.add(text)
                flow.paragraph(text)


def _related(part: Any, kind: str) -> Any:
    """Return the root of the part that is `kind` for this one, None if it has none."""
    for relationship in part.rels.values():
        if not relationship.is_external and relationship.reltype.endswith(f"/{kind}"):
            return _root_of(relationship.target_part)
    return None


def _root_of(part: Any) -> Any:
    """Return the root element of a part, also of one that the file says is of no type in particular."""
    return part.element if hasattr(part, "element") else parse_xml(part.blob)


class _Walker:
    """Walks the body in document order."""

    def __init__(self, part: Any) -> None:
        self.flow = Flow()
        self.title = ""  # the first paragraph in the style Title
        self._styles = Styles(_related(part, "styles"))
        self._numbering = Numbering(_related(part, "numbering"))
        self._part = part
        self._notes: dict[str, dict[str, Any]] = {}

    def blocks(self, parent: Any) -> None:
        """Add the paragraphs and tables in an element."""
        for child in parent.iterchildren():
            if child.tag == f"{W}p":
                self._paragraph(child)
            elif child.tag == f"{W}tbl":
                self._table(child)
            elif child.tag == _ALTERNATIVES:
                self.blocks(_choose(child))
            elif child.tag in _WRAPPERS:
                self.blocks(child)

    def _paragraph(self, paragraph: Any) -> None:
        style = self._styles.of(paragraph.find(f"{W}pPr"))
        inline = _Inline(paragraph)
        text = _PRIVATE.sub("", "".join(inline.texts))
        if text.strip():
            self._add(style, text)
        self._attachments(inline)

    def _add(self, style: Style, text: str) -> None:
        marker = self._numbering.marker(style.numbering)
        if style.heading:
            self.flow.heading(style.heading, (marker or "").replace("- ", "") + text)
        elif marker is None:
            self.flow.paragraph(text)
            if style.name == "title":
                self.title = self.title or " ".join(text.split())
        else:
            self.flow.item(marker, text)

    def _attachments(self, inline: _Inline) -> None:
        """Add what hangs on a paragraph after it, so that no sentence is broken: text boxes, charts and notes."""
        for box in inline.boxes:
            self.blocks(box)
        for identity in inline.charts:
            if identity in self._part.rels:
                add_chart(self.flow, parse_xml(self._part.related_parts[identity].blob))
        for kind, identity in inline.notes:
            note = self._note(kind, identity)
            if note is not None:
                self.blocks(note)

    def _note(self, kind: str, identity: str) -> Any:
        if kind not in self._notes:
            root = _related(self._part, kind)
            self._notes[kind] = {} if root is None else {note.get(f"{W}id", ""): note for note in root.iterchildren()}
        return self._notes[kind].pop(identity, None)  # two marks for one note do not make it two notes

    def _table(self, table: Any) -> None:
        self.flow.end()
        attached: list[_Inline] = []
        rows = [row for row in _children(table, "tr") if row.find(f"{W}trPr/{W}del") is None]
        heights = _heights(rows)
        for at, row in enumerate(rows):
            cells = {column: cell for column, cell in _columns(row) if heights[at, column]}
            if self._is_layout(list(cells.values())):
                for cell in cells.values():
                    self.blocks(cell)
                continue
            inlines = [_Inline(cell) for cell in cells.values()]
            names = row.find(f"{W}trPr/{W}tblHeader") is not None
            told = [
                Cell(_PRIVATE.sub("", "".join(inline.texts)), _span(cell), heights[at, column], names)
                for (column, cell), inline in zip(cells.items(), inlines, strict=True)
            ]
            self.flow.row([Cell("", _left_out(row)), *told] if _left_out(row) else told)
            attached += inlines
        self.flow.end()
        for inline in attached:  # after the table, so that it stays whole
            self._attachments(inline)

    def _is_layout(self, cells: list[Any]) -> bool:
        """Tell a row of data from one that only puts things beside each other or draws a frame around them."""
        if len(cells) == 1 and len(cells[0].findall(f"{W}p")) > 1:
            return True
        return any(
            cell.find(f".//{W}tbl") is not None
            or any(self._styles.of(properties).heading for properties in cell.iterfind(f"{W}p/{W}pPr"))
            for cell in cells
        )


def _children(parent: Any, name: str) -> list[Any]:
    """Return the rows of a table or cells of a row, also those inside content controls."""
    found: list[Any] = []
    for child in parent.iterchildren():
        if child.tag == f"{W}{name}":
            found.append(child)
        elif child.tag in _WRAPPERS:
            found.extend(_children(child, name))
    return found


def _span(cell: Any) -> int:
    """Return how many columns a cell takes."""
    return max(1, _number(cell.find(f"{W}tcPr/{W}gridSpan"), 1))


def _number(property: Any, default: int) -> int:
    return default if property is None else whole_number(property.get(f"{W}val"), default)


def _heights(rows: Sequence[Any]) -> dict[tuple[int, int], int]:
    """Return how many rows each cell takes, by its row and the column where it begins: 0 of the lower part of one above."""
    heights: dict[tuple[int, int], int] = {}
    begun: dict[int, int] = {}
    for at, row in enumerate(rows):
        for column, cell in _columns(row):
            goes_on = _continues(cell) and column in begun
            heights[at, column] = int(not goes_on)
            if goes_on:
                heights[begun[column], column] += 1
            else:
                begun[column] = at
    return heights


def _columns(row: Any) -> Iterator[tuple[int, Any]]:
    """Yield the cells of a row, each with the column where it begins."""
    cells = _children(row, "tc")
    return zip(accumulate(map(_span, cells), initial=_left_out(row)), cells, strict=False)


def _left_out(row: Any) -> int:
    """Return how many columns stand empty before the first cell of a row."""
    return max(0, _number(row.find(f"{W}trPr/{W}gridBefore"), 0))


def _continues(cell: Any) -> bool:
    """Say whether a cell is only the lower part of one that began in a row above."""
    merged = cell.find(f"{W}tcPr/{W}vMerge")
    return merged is not None and merged.get(f"{W}val", "continue") == "continue"


def _choose(alternatives: Any) -> Any:
    """Return one of several ways to write the same thing: the first that holds text, else the last."""
    chosen = alternatives
    for chosen in alternatives.iterchildren():
        if any(node.text and node.text.strip() for node in chosen.iter(*_TEXT)):
            break
    return chosen


class _Inline:
    """The text of a paragraph or cell, and what hangs on it: text boxes, charts by id, and notes as (kind, id)."""

    def __init__(self, root: Any) -> None:
        self.texts: list[str] = []
        self.boxes: list[Any] = []
        self.charts: list[str] = []
        self.notes: list[tuple[str, str]] = []
        self._codes: list[bool] = []  # of the open fields, whether its code (not its result) is being read
        self._visit(root)

    def _visit(self, parent: Any) -> None:
        for node in parent.iterchildren():
            tag = node.tag
            if tag in _TEXT:
                if not any(self._codes):
                    self.texts.append((node.text or "").replace("\n", " "))
            elif tag in _AS_TEXT:
                self.texts.append(" " if node.get(f"{W}type") in ("page", "column") else _AS_TEXT[tag])
            elif tag == f"{W}r":
                if not _is_hidden(node):
                    self._visit(node)
            elif tag not in _SKIPPED:
                self._special(node, tag)

    def _special(self, node: Any, tag: str) -> None:
        if tag == f"{W}fldChar":
            self._field(node.get(f"{W}fldCharType", ""))
        elif tag in _NOTES:
            self.notes.append((_NOTES[tag], node.get(f"{W}id", "")))
        elif tag == _CHART:
            self.charts.append(node.get(_RELATION, ""))
        elif tag == f"{W}txbxContent":
            self.boxes.append(node)
        elif tag == _ALTERNATIVES:
            self._visit(_choose(node))
        elif isinstance(tag, str):  # comments and the like have none
            self._visit(node)
            if tag in (f"{W}p", f"{_DRAWING}p"):
                self.texts.append(" ")
                self._codes.clear()  # a field left open by mistake must not swallow the rest

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._codes.append(True)
        elif self._codes and kind == "separate":
            self._codes[-1] = False
        elif self._codes and kind == "end":
            self._codes.pop()


def _is_hidden(run: Any) -> bool:
    hidden = run.find(f"{W}rPr/{W}vanish")
    return hidden is not None and cast(str, hidden.get(f"{W}val", "1")) not in _OFF
