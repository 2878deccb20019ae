"""PowerPoint presentations → their text slide by slide, in the order in which a slide is read, with the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml

from index.errors import UnreadableFile
from index.readers.builder import fold_space
from index.readers.chart import add_chart
from index.readers.flow import Flow, fold_lines
from index.readers.ooxml import Package
from index.readers.table_lines import Cell
from index.records import Extracted, Locator

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_LINES = 12  # to a slide: shapes whose tops lie in the same twelfth are read from left to right
# On every slide the same, as the headers and footers of a letter.
_FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER)
_LISTS = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT)


def read_pptx(data: bytes) -> Extracted:
    """Read a presentation (.pptx, .pptm, .ppsx), hidden slides too."""
    package = Package(data)
    title, metadata = package.properties()
    try:
        presentation = Presentation(package.file)
        slides = list(presentation.slides)
    except Exception as error:  # python-pptx dies of damaged packages in many ways
        raise UnreadableFile("a damaged presentation: its parts do not fit together") from error
    writer = _Writer(int(presentation.slide_height or 6_858_000))
    for number, slide in enumerate(slides, 1):
        writer.slide(number, slide)
    text, sections = writer.flow.finish()
    return Extracted(text=text, media_type=MEDIA_TYPE, title=title or writer.title, sections=sections, metadata=metadata)


class _Writer:
    """Writes the slides one after the other."""

    def __init__(self, height: int) -> None:
        self.flow = Flow()
        self.title = ""  # of the first slide that has one
        self._line = max(1, height // _LINES)

    def slide(self, number: int, slide: Any) -> None:
        """Add what stands on a slide, then its notes."""
        _unwrap_alternatives(slide.shapes._spTree)
        title_shape = slide.shapes.title
        title = fold_space(title_shape.text_frame.text) if title_shape is not None else ""
        self.title = self.title or title
        self.flow.place(Locator(slide=number, heading=(title,) if title else ()))
        self.flow.paragraph(title)
        self._shapes(shape for shape in slide.shapes if title_shape is None or shape.shape_id != title_shape.shape_id)
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and notes.text.strip():
            self.flow.paragraph(f"Notes: {_plain(notes)}")

    def _shapes(self, shapes: Iterable[Any]) -> None:
        for shape in sorted(shapes, key=self._position):
            if shape.is_placeholder and shape.placeholder_format.type in _FURNITURE:
                continue
            if hasattr(shape, "shapes"):
                self._shapes(shape.shapes)
            elif shape.has_text_frame:
                self._text(shape)
            else:
                self._graphic(shape)

    def _position(self, shape: Any) -> tuple[int, int]:
        try:
            top, left = shape.top, shape.left
        except (KeyError, AttributeError, ValueError):  # what the layout should have said is not there
            top, left = None, None
        return int(top or 0) // self._line, int(left or 0)

    def _text(self, shape: Any) -> None:
        """Add a text box: the points of a slide's body as a list, anything else as paragraphs."""
        paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
        body = shape.is_placeholder and shape.placeholder_format.type in _LISTS and len(paragraphs) > 1
        numbers = _Numbers()
        self.flow.end()
        for paragraph in paragraphs:
            text = paragraph.text.replace("\v", "\n")
            if _is_item(paragraph._p, body):
                self.flow.item(numbers.marker(paragraph._p), text)
            else:
                self.flow.paragraph(text)
        self.flow.end()

    def _graphic(self, shape: Any) -> None:
        if getattr(shape, "has_table", False):
            self._table(shape.table)
        elif getattr(shape, "has_chart", False):
            add_chart(self.flow, shape.chart._chartSpace)
        else:
            for text in _diagram_texts(shape):
                self.flow.item("- ", text)
            self.flow.end()

    def _table(self, table: Any) -> None:
        self.flow.end()
        for row in table.rows:
            self.flow.row(
                Cell(cell.text_frame.text, cell.span_width, cell.span_height) for cell in row.cells if not cell.is_spanned
            )
        self.flow.end()


class _Numbers:
    """Counts the numbered points of one text box."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def marker(self, paragraph: Any) -> str:
        """Return "- ", or the number of this point; a point of a higher level begins the deeper ones anew."""
        properties = paragraph.find(f"{_A}pPr")
        level = int(properties.get("lvl", 0)) if properties is not None else 0
        self._counts = {one: count for one, count in self._counts.items() if one <= level}
        numbered = properties.find(f"{_A}buAutoNum") if properties is not None else None
        if numbered is None:
            return "- "
        self._counts[level] = self._counts.get(level, int(numbered.get("startAt", 1)) - 1) + 1
        return f"{self._counts[level]}. "


def _plain(frame: Any) -> str:
    return fold_lines("\n".join(paragraph.text.replace("\v", "\n") for paragraph in frame.paragraphs))


def _is_item(paragraph: Any, body: bool) -> bool:
    """Say whether a paragraph shows a bullet or number; in a slide's body it does unless it says otherwise."""
    properties = paragraph.find(f"{_A}pPr")
    if properties is None:
        return body
    if properties.find(f"{_A}buNone") is not None:
        return False
    return body or any(properties.find(f"{_A}{name}") is not None for name in ("buChar", "buAutoNum", "buBlip"))


def _unwrap_alternatives(tree: Any) -> None:
    """Put the first of several ways to draw a shape in its place: the library sees no shapes inside a choice."""
    for alternatives in list(tree.iter(_ALTERNATIVES)):
        parent, choice = alternatives.getparent(), next(iter(alternatives.iterchildren()), None)
        if parent is None or choice is None or parent.tag.startswith(_A):
            continue
        for child in list(choice):
            alternatives.addprevious(child)
        parent.remove(alternatives)


def _diagram_texts(shape: Any) -> Iterator[str]:
    """Yield the texts of a SmartArt drawing, which lie in a part of their own."""
    ids = next(shape._element.iter(f"{_DIAGRAM}relIds"), None)
    identity = ids.get(f"{_RELATIONS}dm", "") if ids is not None else ""
    if identity not in shape.part.rels:
        return
    root = parse_xml(shape.part.related_part(identity).blob)
    for point in root.iter(f"{_DIAGRAM}pt"):
        paragraphs = ("".join(node.text or "" for node in one.iter(f"{_A}t")) for one in point.iter(f"{_A}p"))
        yield " ".join(paragraphs)
