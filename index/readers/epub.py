"""E-books (EPUB 2 and 3) → the text of their chapters in reading order."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from index.errors import UnreadableFile
from index.readers.builder import fold_space
from index.readers.html import extract_blocks
from index.readers.package import open_package, read_member
from index.readers.text import decode
from index.records import Extracted, Locator, Section

_MAX_TEXT = 10_000_000
_ENCRYPTION = "META-INF/encryption.xml"
# Fonts are scrambled by these in books that are otherwise free (EPUB 3, OCF 4.4; Adobe's older way).
_FONT_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_CHAPTER_TYPES = frozenset(["application/xhtml+xml", "text/html", "application/html+xml", "application/x-dtbook+xml"])
# XML may end these elements where they begin; HTML takes everything after such a beginning for their content.
_EMPTY_ELEMENT = re.compile(r"<(title|script|style|iframe|textarea|noscript|object|select)\b([^<>]*)/>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Book:
    """What the package document says: metadata, and the paths of chapters in order and of the tables of contents."""

    metadata: dict[str, str]
    chapters: list[str]
    contents: list[str]


def read_epub(data: bytes) -> Extracted:
    """Read a book. A chapter without a heading of its own is named as the table of contents names it."""
    with open_package(data) as package:
        members = set(package.namelist())
        if _ENCRYPTION in members and _is_locked(_xml(package, _ENCRYPTION)):
            raise UnreadableFile("locked with DRM: only the shop's own reader opens it")
        book = _open_book(package)
        names = {path: name for place in book.contents if place in members for path, name in _names(package, place)}
        chapters = [(read_member(package, path), names.get(path, "")) for path in book.chapters if path in members]
    if not chapters:
        raise UnreadableFile("a damaged book: none of its chapters is in it")
    text, sections = _join(chapters)
    metadata = dict(book.metadata)
    title, lang = metadata.pop("title", ""), metadata.pop("lang", "")
    return Extracted(
        text=text, media_type="application/epub+zip", title=title, lang=lang, sections=sections, metadata=metadata
    )


def _join(chapters: list[tuple[bytes, str]]) -> tuple[str, tuple[Section, ...]]:
    parts: list[str] = []
    sections: list[Section] = []
    length = 0
    for data, name in chapters:
        source, _ = decode(data)
        body, found = extract_blocks(_EMPTY_ELEMENT.sub(r"<\1\2></\1>", source))
        if not body:
            continue
        if name and (not found or found[0].start > 0):
            sections.append(Section(length, Locator(heading=(name,))))
        elif not found:
            sections.append(Section(length, Locator()))  # not the last heading of the chapter before
        sections += [Section(length + section.start, section.locator) for section in found]
        parts.append(body)
        length += len(body) + 2
        if length > _MAX_TEXT:
            raise UnreadableFile(f"more than {_MAX_TEXT // 1_000_000} million characters of text")
    return "\n\n".join(parts), tuple(sections)


def _open_book(package: zipfile.ZipFile) -> _Book:
    container = _xml(package, "META-INF/container.xml")
    path = next((unquote(found.get("full-path", "")) for found in _all(container, "rootfile")), "")
    root = _xml(package, path)
    folder = posixpath.dirname(path)
    items = {item.get("id", ""): item for item in _all(root, "item")}
    is_contents = {name: "nav" in item.get("properties", "").split() for name, item in items.items()}
    spine = [reference.get("idref", "") for reference in _all(root, "itemref")]
    chapters = [
        _path(folder, items[name].get("href", ""))
        for name in dict.fromkeys(spine)
        if name in items and not is_contents[name] and items[name].get("media-type", "") in _CHAPTER_TYPES
    ]
    ncx = (item for item in items.values() if item.get("media-type") == "application/x-dtbncx+xml")
    nav = (items[name] for name, is_nav in is_contents.items() if is_nav)
    return _Book(_metadata(root), chapters, [_path(folder, item.get("href", "")) for item in (*ncx, *nav)])


def _metadata(root: Element) -> dict[str, str]:
    """Return what Dublin Core says of the book."""
    found: dict[str, str] = {}
    wanted = {"title": "title", "creator": "author", "date": "date", "language": "lang", "publisher": "publisher"}
    for element in root.iter():
        name, text = wanted.get(_tag(element), ""), fold_space(element.text or "")
        if not name or not text or "purl.org/dc" not in str(element.tag):
            continue
        if name == "author" and name in found:
            found[name] += f", {text}"
        found.setdefault(name, text)
    return found


def _names(package: zipfile.ZipFile, path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, title) of each chapter that a table of contents names; the first name of a path comes last."""
    try:
        root = _xml(package, path)
    except UnreadableFile:
        return  # a book can be read without it
    folder = posixpath.dirname(path)
    found = [(point, "content", "src", "text") for point in _all(root, "navPoint")]
    found += [(link, "a", "href", "a") for nav in list(_all(root, "nav"))[:1] for link in _all(nav, "a")]
    for point, target, attribute, label in reversed(found):
        href = next((element.get(attribute, "") for element in _all(point, target)), "")
        text = next(("".join(element.itertext()) for element in _all(point, label)), "")
        yield _path(folder, href.partition("#")[0]), fold_space(text)


def _is_locked(root: Element) -> bool:
    methods = [method.get("Algorithm", "") for method in _all(root, "EncryptionMethod")]
    return any(method not in _FONT_SCRAMBLING for method in methods)


def _xml(package: zipfile.ZipFile, path: str) -> Element:
    try:
        root: Element = fromstring(read_member(package, path))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableFile(f"a damaged book: {path} cannot be read") from error
    return root


def _all(root: Element, name: str) -> Iterator[Element]:
    """Yield the element and its descendants of this name, in whatever namespace."""
    return (element for element in root.iter() if _tag(element) == name)


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _path(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href)))
