"""Tells the main part of a web page from its menus, footers, adverts and the like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

HIDDEN = frozenset(
    (
        "script style noscript template head svg annotation annotation-xml iframe object embed select button input "
        "textarea dialog"
    ).split()
)
_BOILERPLATE_TAGS = frozenset(["nav", "footer", "aside", "form", "menu"])
_BOILERPLATE_ROLES = frozenset(
    "navigation banner contentinfo complementary search menu menubar toolbar tablist dialog alertdialog".split()
)
# Parts of class names and ids, as "main-nav" and "shareBar" have them.
_BOILERPLATE_NAMES = frozenset(
    (
        "nav navbar navigation menu submenu sidebar sidenav footer breadcrumb breadcrumbs cookie cookies consent gdpr share "
        "sharing sharebar social advert advertisement ads ad sponsor sponsored promo newsletter subscribe related "
        "recommended recommendations recirc trending pagination pager skip skiplink skiplinks toolbar popup modal masthead "
        "login signin signup outbrain taboola copyright disclaimer"
    ).split()
)
_NAMED_TAGS = frozenset("div ul ol dl section header table td tr p span li details".split())
_LISTS_OF_LINKS = frozenset("ul ol div section p".split())  # not tables: rows of links are data
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_INVISIBLE_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_TAG_SHARE = 0.5  # of a page's running text: what holds more is its body, whatever it is called
_NAME_SHARE = 0.3
_MAIN_SHARE = 0.2
_LINK_SHARE = 0.7
_MANY_LINKS = 3
_LONG_LINKS = 90  # characters each: links as long as that are text

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

Skip = Callable[[LexborNode], bool]


@dataclass(slots=True)
class _Weight:
    """How many characters of text are in a node, how many of them in links, and in how many links."""

    text: int = 0
    linked: int = 0
    links: int = 0


class Page:
    """The parts of one page, weighed once."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self.body = tree.body
        self._weights = _weigh(tree.body) if tree.body else {}
        self._prose = self._prose_of(tree.body) if tree.body else 0
        self.main = self._choose_main(tree)

    def holds_enough(self, text: str) -> bool:
        """Say whether a text is so much of the page's running text that it may stand for it."""
        return bool(text) and len(re.sub(r"\s", "", text)) >= _MAIN_SHARE * self._prose

    def is_named_boilerplate(self, node: LexborNode) -> bool:
        """Say whether a node's tag, role, class or id calls it a menu, a footer or the like."""
        tag = node.tag or ""
        if tag in _BOILERPLATE_TAGS:
            return tag == "nav" or self._share(node) <= _TAG_SHARE
        if (node.attributes.get("role") or "").lower() in _BOILERPLATE_ROLES:
            return self._share(node) <= _TAG_SHARE
        return tag in _NAMED_TAGS and _has_boilerplate_name(node) and self._share(node) <= _NAME_SHARE

    def is_boilerplate(self, node: LexborNode) -> bool:
        """Say the same also of a block that is hardly more than a list of links."""
        return self.is_named_boilerplate(node) or (node.tag in _LISTS_OF_LINKS and self._is_all_links(node))

    def main_parts(self) -> list[LexborNode]:
        """Return the main part with what belongs to it: a title above it, and sections that stand beside it."""
        if self.main is None:
            return []
        node, before, after = self.main, list[LexborNode](), list[LexborNode]()
        while node.parent is not None and node.mem_id != (self.body.mem_id if self.body else 0):
            beside = list(node.parent.iter())
            at = next(index for index, one in enumerate(beside) if one.mem_id == node.mem_id)
            before = [*filter(self._belongs, beside[:at]), *before]
            after += filter(self._belongs, beside[at + 1 :])
            node = node.parent
        return [*before, self.main, *after]

    def _belongs(self, node: LexborNode) -> bool:
        """Say whether a node beside the main part is content: it has a heading, and no name or role of boilerplate.

        Beside a main part that has its own title, a header is the site's; beside an article there are other articles.
        """
        heading = node if node.tag in _HEADINGS else node.css_first(", ".join(_HEADINGS))
        if heading is None or self.main is None or is_hidden(node) or self.is_boilerplate(node):
            return False
        if node.tag == "header" or heading.tag == "h1":
            return self.main.css_first("h1") is None
        return self.main.tag == "main" or self.main.attributes.get("role") == "main"

    def _choose_main(self, tree: LexborHTMLParser) -> LexborNode | None:
        for selector in ("main", "[role=main]", "article", "[itemprop=articleBody]"):
            found = tree.css(selector)
            if len(found) == 1:
                return found[0]
        return None

    def _is_all_links(self, node: LexborNode) -> bool:
        weight = self._weights.get(node.mem_id, _Weight())
        return (
            weight.links >= _MANY_LINKS
            and weight.linked >= _LINK_SHARE * weight.text
            and weight.linked <= _LONG_LINKS * weight.links
        )

    def _prose_of(self, node: LexborNode) -> int:
        weight = self._weights.get(node.mem_id, _Weight())
        return weight.text - weight.linked

    def _share(self, node: LexborNode) -> float:
        return self._prose_of(node) / max(1, self._prose)


def is_hidden(node: LexborNode) -> bool:
    """Say whether a browser shows nothing of a node."""
    return (
        node.tag in HIDDEN
        or "hidden" in node.attributes
        or bool(_INVISIBLE_STYLE.search(node.attributes.get("style") or ""))
    )


def _weigh(root: LexborNode) -> dict[int, _Weight]:
    """Weigh every node below root, without recursion: pages nest thousands deep."""
    weights: dict[int, _Weight] = {}
    below: list[tuple[_Weight, _Weight]] = []  # (node's, its parent's), parents first
    stack = [(root, _Weight(), False)]
    while stack:
        node, parent, in_link = stack.pop()
        if node.is_text_node:
            length = len("".join((node.text_content or "").split()))
            parent.text += length
            parent.linked += length if in_link else 0
        elif not is_hidden(node):
            link = node.tag == "a" and "href" in node.attributes
            weight = weights[node.mem_id] = _Weight(links=int(link))
            below.append((weight, parent))
            stack.extend((child, weight, in_link or link) for child in node.iter(include_text=True))
    for weight, parent in reversed(below):
        parent.text += weight.text
        parent.linked += weight.linked
        parent.links += weight.links
    return weights


def _has_boilerplate_name(node: LexborNode) -> bool:
    """Look at class and id; but sections of manuals have ids made of their headings: "related-work", "cookies"."""
    names = node.attributes.get("class") or ""
    if node.tag != "section" and not any((child.tag or "") in _HEADINGS for child in node.iter()):
        names += " " + (node.attributes.get("id") or "")
    return any(part.lower() in _BOILERPLATE_NAMES for part in _NAME_PART.findall(names))
