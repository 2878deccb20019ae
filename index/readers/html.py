"""HTML → its visible text: menus, scripts and footers dropped, headings become places."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.readers.builder import TextBuilder, fold_space
from index.readers.text import clean, decode
from index.records import Extracted, Section

_HIDDEN = frozenset(
    ("script style noscript template head svg math iframe object embed select button input textarea dialog ").split()
)
_BOILERPLATE = frozenset(["nav", "footer", "aside", "form", "menu"])
_BLOCKS = frozenset(
    (
        "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form "
        "h1 h2 h3 h4 h5 h6 header hr html li main menu nav ol p pre section summary table tbody td tfoot th thead "
        "tr ul caption "
    ).split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([a-zA-Z0-9_-]+)", re.IGNORECASE)
_META_NAMES = ("author", "date", "description", "keywords")


def read_html(data: bytes) -> Extracted:
    """Read a web page: the text of its <main> or <article> where it has one, else of its body."""
    source, encoding = _decode_page(data)
    tree = LexborHTMLParser(source)
    text, sections = _walk_page(tree)
    title = tree.css_first("title")
    root = tree.css_first("html")
    heading = sections[0].locator.heading[0] if sections else ""
    return Extracted(
        text=text,
        media_type="text/html",
        title=fold_space(title.text()) if title and title.text().strip() else heading,
        lang=(root.attributes.get("lang") or "") if root else "",
        sections=sections,
        metadata={**_metadata(tree), "encoding": encoding},
    )


def extract_blocks(source: str) -> tuple[str, tuple[Section, ...]]:
    """Return the whole visible text of an HTML fragment with its sections, dropping nothing but scripts and the like."""
    return _walk(LexborHTMLParser(source).body, boilerplate=frozenset())


def _decode_page(data: bytes) -> tuple[str, str]:
    declared = _META_CHARSET.search(data[:4096])
    if declared and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        name = declared.group(1).decode("ascii")
        try:
            return clean(data.decode(name)), name.lower()
        except (LookupError, UnicodeDecodeError):
            pass  # the page lies about its encoding: detect it
    return decode(data)


def _walk_page(tree: LexborHTMLParser) -> tuple[str, tuple[Section, ...]]:
    main = tree.css("main") or tree.css("article")
    text, sections = _walk(main[0] if len(main) == 1 else tree.body, _BOILERPLATE)
    # A page that is all form or footer is better read whole than not at all.
    return (text, sections) if text else _walk(tree.body, frozenset())


def _metadata(tree: LexborHTMLParser) -> dict[str, str]:
    found = {}
    for node in tree.css("meta[name]"):
        name, content = (node.attributes.get("name") or "").lower(), node.attributes.get("content")
        if name in _META_NAMES and content:
            found[name] = fold_space(content)
    canonical = tree.css_first("link[rel=canonical]")
    if canonical and canonical.attributes.get("href"):
        found["url"] = str(canonical.attributes["href"])
    return found


def _walk(root: LexborNode | None, boilerplate: frozenset[str]) -> tuple[str, tuple[Section, ...]]:
    walker = _Walker(boilerplate)
    if root is not None:
        walker.visit(root)
        walker.flush()
    return walker.builder.finish()


class _Walker:
    """Walks a tree without recursion (pages nest thousands deep), gathering inline text until a block ends."""

    def __init__(self, boilerplate: frozenset[str]) -> None:
        self.builder = TextBuilder()
        self._boilerplate = boilerplate
        self._inline: list[str] = []
        self._marker = ""  # of the list item whose first words are yet to come
        self._rows = 0  # how many table rows are open: what is in a row stays on its line
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
            elif self._enter(node):
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(list(node.iter(include_text=True))))

    def flush(self, separator: str = "\n\n") -> None:
        """End the current block."""
        text, self._inline = fold_space("".join(self._inline)), []
        if text.strip("| "):
            self.builder.add_block(self._marker + text, self._separator)
            self._separator, self._marker = separator, ""

    def _enter(self, node: LexborNode) -> bool:
        """Prepare for a node's children; False when they are not to be read."""
        tag = node.tag or ""
        if tag in _HIDDEN or tag in self._boilerplate or "hidden" in node.attributes:
            return False
        if tag == "pre" and not self._rows:
            self.flush()
            self._inline_block(node.text())
            return False
        if tag in ("td", "th"):
            self._inline.append(" | " if "".join(self._inline).strip() else " ")
        elif tag == "br" or (tag in _BLOCKS and self._rows):
            self._inline.append(" ")
        elif tag in _BLOCKS:
            self.flush("\n" if self._marker else "\n\n")
        if tag == "li":
            self._marker = _list_marker(node)
        self._rows += _is_data_row(node)
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        self._rows -= _is_data_row(node)
        if self._rows or tag in ("td", "th"):
            return
        if tag in _HEADINGS:
            text, self._inline = "".join(self._inline), []
            self.builder.add_heading(_HEADINGS[tag], text)
            self._separator = "\n\n"
        elif tag in ("li", "tr", "dt", "dd"):
            self.flush("\n")
            self._separator = "\n"
        elif tag in ("ul", "ol", "table", "dl"):
            self.flush()
            self._separator = "\n\n"
        elif tag in _BLOCKS:
            self.flush()

    def _inline_block(self, text: str) -> None:
        self.builder.add_block(text, self._separator)
        self._separator = "\n\n"


def _is_data_row(node: LexborNode) -> bool:
    """Tell a row of data from a row of an old page that lays itself out with tables."""
    return node.tag == "tr" and node.css_first("table, p + p, ul, h1, h2, h3") is None


def _list_marker(item: LexborNode) -> str:
    """Return "- ", or the number that a browser shows for the item."""
    parent = item.parent
    if parent is None or parent.tag != "ol":
        return "- "
    number = _number(parent.attributes.get("start"), 1)
    sibling = item.prev
    while sibling is not None:
        number += sibling.tag == "li"
        sibling = sibling.prev
    return f"{number}. "


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
