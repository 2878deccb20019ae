"""A document's text cut into pieces for its page: plain text, headings, page starts, and the cited span in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from index.locators import describe
from index.records import Document, Locator


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text. label: what a page start is called, "" for others."""

    kind: Literal["text", "heading", "page", "cited"]
    text: str
    label: str = ""


def cut_document(document: Document, start: int, end: int) -> list[Piece]:
    """Cut the text so that the pieces' texts, joined, are the document's, and text[start:end] is the one "cited" piece."""
    pieces = list(_cut(document, 0, start if end else len(document.text)))
    if end:
        pieces.append(Piece("cited", document.text[start:end]))
        pieces += _cut(document, end, len(document.text))
    return [piece for piece in pieces if piece.text or piece.kind == "page"]


def _cut(document: Document, start: int, end: int) -> Iterator[Piece]:
    """Cut the text between two offsets at the sections that start in it."""
    position = start
    before = ""
    for section in document.sections:
        label, known = _label(section.locator), before
        before = label
        if not start <= section.start < end:
            continue
        yield Piece("text", document.text[position : section.start])
        position = section.start
        if label and label != known:
            yield Piece("page", "", label)
        if section.locator.heading:
            heading = section.locator.heading[-1]
            if document.text.startswith(heading, position) and position + len(heading) <= end:
                yield Piece("heading", heading)
                position += len(heading)
    yield Piece("text", document.text[position:end])


def _label(locator: Locator) -> str:
    """Name the page, slide or rows that begin; a heading names itself."""
    place = describe(replace(locator, heading=(), message=None, attachment="", pointer=""))
    return place[:1].upper() + place[1:]
