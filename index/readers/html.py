"""HTML → its visible text: menus, scripts and footers dropped, headings become places."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.readers.builder import TextBuilder, fold_space, whole_number
from index.readers.html_bold import bold_headings
from index.readers.html_main import Page, Skip, is_hidden
from index.readers.html_metadata import page_language, page_metadata, page_title
from index.readers.table_lines import Cell, lay_out
from index.readers.text import Decoded, clean, decode_rated, is_utf8
from index.records import Extracted, Section

_BLOCKS = frozenset(
    (
        "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form "
        "h1 h2 h3 h4 h5 h6 header hr html li main menu nav ol p pre section summary table tbody td tfoot th thead "
        "tr ul caption "
    ).split()
)
_LONGEST_CELL = 300  # characters: a cell of several paragraphs that holds more lays out a page
_ROW_GROUPS = ("thead", "tbody", "tfoot")
_TEXT_SHARE = 0.5  # of a page without its menus: so much of it must be left without its lists of links
_DECLARED = 0.9  # how sure the encoding is that a page declares and that fits
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([a-zA-Z0-9_-]+)", re.IGNORECASE)
# What a page says and what browsers take it for (WHATWG Encoding Standard, labels).
_AS_BROWSERS_READ = {
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "ascii", "us-ascii"), "cp1252"),
    **dict.fromkeys(("utf-16", "utf-16le", "utf-16be", "utf16"), "utf-8"),
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987"), "cp949"),
    **{"big5": "big5hkscs", "iso-8859-9": "cp1254", "tis-620": "cp874", "iso-8859-11": "cp874"},
}


def read_html(data: bytes) -> Extracted:
    """Read a web page: the text of its main part, without menus and footers, and what it says of itself."""
    decoded = _decode_page(data)
    tree = LexborHTMLParser(decoded.text)
    text, sections = _walk_page(tree)
    return Extracted(
        text=text,
        media_type="text/html",
        title=page_title(tree) or _first_marked(tree, sections),
        lang=page_language(tree),
        sections=sections,
        metadata={**page_metadata(tree), **decoded.metadata},
    )


def extract_blocks(source: str, *, bold: bool = True) -> tuple[str, tuple[Section, ...]]:
    """Return the whole visible text of an HTML fragment with its sections, dropping nothing but scripts and the like.

    bold: bold lines may be headings, as names under a letter are not.
    """
    tree = LexborHTMLParser(source)
    return _walk([tree.body], _skip_nothing, bold_headings(tree) if bold else {})


def _first_marked(tree: LexborHTMLParser, sections: Sequence[Section]) -> str:
    """Return the first heading that is marked as one, and not only set in bold."""
    marked = {"".join(node.text().split()) for node in tree.css(", ".join(_HEADINGS))}
    names = (name for section in sections for name in section.locator.heading[:1])
    return next((name for name in names if "".join(name.split()) in marked), "")


def _decode_page(data: bytes) -> Decoded:
    """Decode as the page declares, but for what is UTF-8 whatever it declares: hardly anything else ever looks like it."""
    declared = _META_CHARSET.search(data[:4096])
    if declared and not is_utf8(data) and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = declared.group(1).decode("ascii").lower()
        try:
            name = codecs.lookup(_AS_BROWSERS_READ.get(name, name)).name
            return Decoded(clean(data.decode(name)), name, _DECLARED)
        except (LookupError, UnicodeError):
            pass  # the page lies about its encoding: detect it
    return decode_rated(data)


def _walk_page(tree: LexborHTMLParser) -> tuple[str, tuple[Section, ...]]:
    """Read the main part; where that would be too little of the page, more of it, at last the whole."""
    page, bold = Page(tree), bold_headings(tree)
    if page.main is not None:
        found = _walk(page.main_parts(), page.is_named_boilerplate, bold)
        if page.holds_enough(found[0]):
            return found
    named = _walk([tree.body], page.is_named_boilerplate, bold)
    if not page.holds_enough(named[0]):
        return _walk([tree.body], _skip_nothing, bold)
    # On a page that is a list of links by its nature, an index or a table of contents, the links are the text.
    found = _walk([tree.body], page.is_boilerplate, bold)
    return found if page.holds_enough(found[0]) and len(found[0]) >= _TEXT_SHARE * len(named[0]) else named


def _skip_nothing(_: LexborNode) -> bool:
    return False


def _walk(roots: Sequence[LexborNode | None], skip: Skip, bold: Mapping[int, int]) -> tuple[str, tuple[Section, ...]]:
    walker = _Walker(skip, bold)
    for root in filter(None, roots):
        walker.visit(root)
        walker.flush()
    return walker.builder.finish()


class _Walker:
    """Walks a tree without recursion (pages nest thousands deep), gathering inline text until a block ends."""

    def __init__(self, skip: Skip, bold: Mapping[int, int]) -> None:
        self.builder = TextBuilder()
        self._skip = skip
        self._bold = bold  # mem_id → level of paragraphs that stand for headings
        self._inline: list[str] = []
        self._lists: list[_Numbering] = []
        self._marker = ""  # of the list item whose first words are yet to come
        self._row: list[Cell] | None = None  # of a table that is open: what is in a row stays on its line
        self._table: list[list[Cell]] = []  # the rows that are read and not yet written
        self._ends_list = False  # whether the last block is a list that was set out as a table
        self._separator = "\n\n"  # what sets the next block apart: items and rows are lines of one block

    def visit(self, root: LexborNode) -> None:
        """Visit every visible node below root in document order."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                self._leave(node)
            elif node.is_text_node:
                self._inline.append(node.text_content or "")
            elif not is_hidden(node) and not (node.mem_id != root.mem_id and self._skip(node)) and self._enter(node):
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(list(node.iter(include_text=True))))

    def flush(self, separator: str = "\n\n") -> None:
        """End the current block."""
        self._write_table()
        text = self._take_inline()
        if text.strip("| "):
            self._add(text, separator)
            self._ends_list = False

    def _write_table(self) -> None:
        rows, self._table = self._table, []
        if not rows:
            return
        table = lay_out(rows)
        if table.is_list and self._ends_list:
            self._separator = "\n"
        for block in table.blocks:
            for line in block:
                self._add(line, "\n")
            self._separator = "\n\n"
            self._ends_list = table.is_list

    def _add(self, text: str, separator: str) -> None:
        """Write a block; separator: what sets the next one apart from it."""
        self.builder.add_block(self._marker + text, self._separator)
        self._separator, self._marker = separator, ""

    def _take_inline(self) -> str:
        text, self._inline = fold_space("".join(self._inline)), []
        return text

    def _enter(self, node: LexborNode) -> bool:
        """Prepare for a node's children; False when they are not to be read."""
        tag = node.tag or ""
        if tag == "pre" and self._row is None:
            self.flush()
            self._inline_block(node.text())
            return False
        if tag in _ROW_GROUPS:
            return True  # the rows of all are one table's
        if _is_data_row(node):
            self._row = []
        elif tag == "br" or (tag in _BLOCKS and self._row is not None):
            self._inline.append(" ")
        elif tag in _BLOCKS:
            self.flush("\n" if self._marker else "\n\n")
        if tag in ("ol", "ul"):
            self._lists.append(_Numbering.of(node))
        elif tag == "li":
            marker = self._lists[-1].marker(node) if self._lists else "- "
            if self._row is None:
                self._marker = marker
            else:
                self._inline.append(marker)
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in ("ol", "ul"):
            self._lists.pop()
        if self._row is not None:
            self._leave_in_row(node, self._row)
            return
        if tag in ("td", "th") or tag in _ROW_GROUPS:
            return
        level = _HEADINGS.get(tag) or self._bold.get(node.mem_id)
        if level:
            self.builder.add_heading(level, self._take_inline())
            self._separator = "\n\n"
            self._ends_list = False
        elif tag in ("li", "tr", "dt", "dd"):
            self.flush("\n")
            self._separator = "\n"
        elif tag in ("ul", "ol", "table", "dl"):
            self.flush()
            self._separator = "\n\n"
        elif tag in _BLOCKS:
            self.flush()

    def _leave_in_row(self, node: LexborNode, row: list[Cell]) -> None:
        if node.tag in ("td", "th"):
            columns, rows = (max(1, whole_number(node.attributes.get(name), 1)) for name in ("colspan", "rowspan"))
            row.append(Cell(self._take_inline(), columns, rows, node.tag == "th"))
        elif node.tag == "tr":
            self._table.append(row)
            self._row = None

    def _inline_block(self, text: str) -> None:
        self.builder.add_block(text, self._separator)
        self._separator = "\n\n"


def _is_data_row(node: LexborNode) -> bool:
    """Tell a row of data from a row of an old page that lays itself out with tables."""
    if node.tag != "tr" or node.css_first("table, ul, h1, h2, h3") is not None:
        return False
    if node.css_first("p + p") is None:
        return True
    lengths = [len(fold_space(cell.text())) for cell in node.iter()]
    return sum(map(bool, lengths)) > 1 and max(lengths) <= _LONGEST_CELL


@dataclass
class _Numbering:
    """How the items of one list are marked: "- ", or the numbers that a browser shows. following: None for bullets."""

    following: int | None
    step: int = 1

    @classmethod
    def of(cls, node: LexborNode) -> _Numbering:
        if node.tag == "ul":
            return cls(None)
        if "reversed" not in node.attributes:
            return cls(whole_number(node.attributes.get("start"), 1))
        return cls(whole_number(node.attributes.get("start"), sum(child.tag == "li" for child in node.iter())), -1)

    def marker(self, item: LexborNode) -> str:
        if self.following is None:
            return "- "
        number = whole_number(item.attributes.get("value"), self.following)
        self.following = number + self.step
        return f"{number}. "
