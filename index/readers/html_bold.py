"""Bold lines that stand for headings, on pages that mark none: filings, and what office programs export."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.readers.builder import fold_space
from index.readers.html_main import is_hidden

_MARKED = "h2, h3, h4, h5, h6"
_BLOCKS = frozenset("p div table ul ol dl pre section article blockquote h1".split())
_NO_HEADING = frozenset("li td th dt dd pre h1".split())  # what is bold in them is none
_LONGEST = 120  # characters
_MOST = 5  # one after the other: more bold paragraphs are text that is set in bold
_WEIGHT = re.compile(r"font-weight\s*:\s*(?:(bold(?:er)?|[6-9]00)|\w+)", re.IGNORECASE)
_IN_CAPITALS, _OTHERS = 2, 3  # levels; 1 is the page's title
_REPEATED = 3  # times: heads of printed pages, and links back to the contents
_ENDS = ".,;:。；，：！…۔؛،"  # of sentences, not of headings
_LONGEST_WITHOUT_CASE = 40  # characters of a heading, in a script that has no capitals and says more with each
# "NOTE 6. Assets" is a heading as "NOTE 5. PROPERTY" is, and "3. Term" as "2. PAY"
_NUMBERED = re.compile(
    r"(?i:(note|item|part|section|article|chapter|schedule|exhibit|annex))\s+[\dA-Z]{1,5}\b|(?:\d{1,3}|[A-Z]{1,4})[.)]\s"
)


@dataclass(slots=True)
class _Block:
    """What stands in a block itself, not in blocks within it."""

    node: LexborNode
    may_be_heading: bool
    texts: list[str] = field(default_factory=list)


def bold_headings(tree: LexborHTMLParser) -> dict[int, int]:
    """Return `mem_id` → level of the paragraphs that stand for headings; none where the page marks its headings itself."""
    if tree.body is None or tree.css_first(_MARKED) is not None:
        return {}
    found: dict[int, str] = {}
    run: dict[int, str] = {}
    for block in _blocks(tree.body):
        text = fold_space("".join(block.texts))
        if not text:
            continue
        if block.may_be_heading and _reads_like_one(text):
            run[block.node.mem_id] = text
            continue
        found.update(run if len(run) <= _MOST else {})  # what stands last has nothing under it
        run = {}
    times = Counter(text.casefold() for text in found.values())
    kept = {place: text for place, text in found.items() if times[text.casefold()] < _REPEATED}
    kinds: dict[str, int] = {}
    return {place: _level(text, kinds) for place, text in kept.items()}


def _reads_like_one(text: str) -> bool:
    longest = _LONGEST if text.upper() != text.lower() else _LONGEST_WITHOUT_CASE
    return len(text) <= longest and any(map(str.isalpha, text)) and text[0] != "(" and text[-1] not in _ENDS


def _level(text: str, kinds: dict[str, int]) -> int:
    """Return a heading's level: by its capitals, and that of the first of its kind where it has a number."""
    level = _IN_CAPITALS if text.isupper() else _OTHERS
    numbered = _NUMBERED.match(text)
    return kinds.setdefault((numbered[1] or "").casefold(), level) if numbered else level


def _blocks(root: LexborNode) -> Iterator[_Block]:
    """Yield every block in document order. Without recursion: pages nest thousands deep."""
    block = _Block(root, may_be_heading=False)
    blocks = [block]
    stack = [(root, block, False)]
    while stack:
        node, block, is_bold = stack.pop()
        if node.is_text_node:
            text = node.text_content or ""
            block.texts.append(text)
            block.may_be_heading &= is_bold or not any(map(str.isalnum, text))
            continue
        if is_hidden(node):
            continue
        tag = node.tag or ""
        if tag in _NO_HEADING:
            block = _Block(node, may_be_heading=False)
            blocks.append(block)
        elif tag in _BLOCKS and block.node.tag not in _NO_HEADING:
            block.may_be_heading = False
            block = _Block(node, may_be_heading=tag in ("p", "div"))
            blocks.append(block)
        said = _WEIGHT.search(node.attributes.get("style") or "")
        is_bold = bool(said[1]) if said else is_bold or tag in ("b", "strong")
        stack += [(child, block, is_bold) for child in reversed(list(node.iter(include_text=True)))]
    yield from blocks
