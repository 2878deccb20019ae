"""What a web page says of itself: title, language, date, author, address, site."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from selectolax.lexbor import LexborHTMLParser

from index.readers.builder import fold_space
from index.readers.dates import iso_date
from index.readers.titles import is_by_a_program

_DATES = (
    "article:published_time",
    "datepublished",
    "citation_publication_date",
    "citation_date",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.date",
    "dcterms.created",
    "dc.date",
    "date",
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_date",
    "publication_date",
    "parsely-pub-date",
    "sailthru.date",
    "og:published_time",
)
_AUTHORS = ("author", "citation_author", "dc.creator", "dcterms.creator", "parsely-author", "sailthru.author", "byl")
_LONGEST_JSON = 1_000_000


def page_title(tree: LexborHTMLParser) -> str:
    """Return what <title> says, without the site's name where the page tells the two apart; "" if it tells nothing."""
    node = tree.css_first("head > title") or tree.css_first("title")
    title = fold_space(node.text()) if node else ""
    said = _said(tree)
    shared = said.get("og:title", "")
    if shared and (not title or shared in title or title == said.get("og:site_name", "")):
        return shared
    return "" if is_by_a_program(title) else title


def page_language(tree: LexborHTMLParser) -> str:
    """Return the primary subtag of the declared language: "en" for "en-US"."""
    root = tree.css_first("html")
    declared = (root.attributes.get("lang") or root.attributes.get("xml:lang") or "") if root else ""
    return primary_subtag(declared)


def primary_subtag(declared: str) -> str:
    """Return "en" for "en-US", "en_GB" and " EN "."""
    tag = declared.strip().replace("_", "-").split("-")[0].lower()
    return tag if tag.isascii() and tag.isalpha() and 2 <= len(tag) <= 3 else ""


def page_metadata(tree: LexborHTMLParser) -> dict[str, str]:
    """Return date, author, site, url, description and keywords, as far as the page tells them."""
    said, linked = _said(tree), _linked_data(tree)
    found = {
        "date": _date(tree, said, linked),
        "author": next((said[name] for name in _AUTHORS if name in said), "") or linked.get("author", ""),
        "site": said.get("og:site_name", ""),
        "url": _address(tree, said),
        "description": said.get("description", ""),
        "keywords": said.get("keywords", ""),
    }
    return {name: value for name, value in found.items() if value}


def _said(tree: LexborHTMLParser) -> dict[str, str]:
    """Gather the <meta> elements; the first of a name counts."""
    said: dict[str, str] = {}
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("name") or attributes.get("property") or attributes.get("itemprop") or ""
        content = fold_space(attributes.get("content") or "")
        if name and content:
            said.setdefault(name.lower(), content)
    return said


def _address(tree: LexborHTMLParser, said: Mapping[str, str]) -> str:
    canonical = tree.css_first("link[rel=canonical]")
    address = (canonical.attributes.get("href") or "").strip() if canonical else ""
    return address if address.startswith(("http://", "https://")) else said.get("og:url", "") or address


def _date(tree: LexborHTMLParser, said: Mapping[str, str], linked: Mapping[str, str]) -> str:
    """Take the first that is a date: what the page says of itself before the first time that is marked up in it."""
    times = [
        node.attributes.get("datetime") or ""
        for selector in ("[itemprop=datePublished]", "time[pubdate]", "article time", "main time", "time")
        for node in tree.css(selector)[:1]
    ]
    candidates = [*(said.get(name, "") for name in _DATES[:2]), linked.get("date", "")]
    candidates += [*(said.get(name, "") for name in _DATES[2:]), *times]
    return next((date for date in map(iso_date, candidates) if date), "")


def _linked_data(tree: LexborHTMLParser) -> dict[str, str]:
    """Read date and author out of JSON-LD, the first of each."""
    found: dict[str, str] = {}
    for script in tree.css('script[type="application/ld+json"]'):
        for item in _items(script.text()):
            date = item.get("datePublished")
            if isinstance(date, str):
                found.setdefault("date", date)
            author = _author(item.get("author"))
            if author:
                found.setdefault("author", author)
    return found


def _items(source: str) -> Iterator[Mapping[str, object]]:
    try:
        loaded = json.loads(source, strict=False) if len(source) <= _LONGEST_JSON else None
    except (ValueError, RecursionError):
        return
    for item in loaded if isinstance(loaded, list) else [loaded]:
        if isinstance(item, Mapping):
            yield item
            graph = item.get("@graph")
            yield from (one for one in (graph if isinstance(graph, list) else []) if isinstance(one, Mapping))


def _author(value: object) -> str:
    names = value[:20] if isinstance(value, list) else [value]
    return ", ".join(filter(None, map(_name, names)))


def _name(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("name")
    return fold_space(value) if isinstance(value, str) else ""
