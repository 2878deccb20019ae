"""The headings of a document, or its pages, slides and sheets where it has none, as links to their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from index.records import Document, Locator
from qa.web.pieces import place_name
from qa.web.places import place

_MOST = 150  # of a longer outline only the upper levels are shown


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the outline. level: from 1; start: where it begins in the text; is_heading: and stands there."""

    label: str
    level: int
    start: int
    is_heading: bool = False


def outline(document: Document) -> list[Entry]:
    """Return at most 150 lines: the headings, without the deepest where they are more; else the places."""
    found = list(_headings(document)) or list(_places(document))
    for deepest in range(max((one.level for one in found), default=0), 1, -1):
        if len(found) <= _MOST:
            break
        found = [one for one in found if one.level < deepest]
    return _thinned(found) if len(found) > 1 else []


def _headings(document: Document) -> Iterator[Entry]:
    before: tuple[str, ...] = ()
    for section in document.sections:
        path = section.locator.heading
        if path and path != before:
            yield Entry(path[-1], len(path), section.start, document.text.startswith(path[-1], section.start))
        before = path


def _places(document: Document) -> Iterator[Entry]:
    before = ""
    for section in document.sections:
        name = _name(section.locator)
        if name and name != before:
            yield Entry(name, 1, section.start)
        before = name


def _name(locator: Locator) -> str:
    """Name a sheet by its name alone, for it has hundreds of groups of rows; JSON by its pointer."""
    return locator.sheet or place_name(locator) or place(replace(locator, message=None, attachment=""))


def _thinned(found: Sequence[Entry]) -> list[Entry]:
    step = -(-len(found) // _MOST)
    return list(found[::step])
