"""Places in a document: which one a span lies in, and what a person calls it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from index.records import Locator, Section


def locate(sections: Sequence[Section], start: int, end: int) -> Locator:
    """Say where the span lies: the section it starts in, and the page it ends on where that is a later one."""
    first = bisect_right(sections, start, key=lambda section: section.start) - 1
    if first < 0:
        return Locator()
    locator = sections[first].locator
    last = bisect_right(sections, max(start, end - 1), key=lambda section: section.start) - 1
    last_page = sections[last].locator.page
    if locator.page is not None and last_page is not None and last_page > locator.page:
        return replace(locator, last_page=last_page)
    return locator


def describe(locator: Locator) -> str:
    """Name the place as a person would: "page 3", "pages 3-4", "Background › Earlier rounds", or ""."""
    names = []
    if locator.message is not None:
        names.append(f"message {locator.message}")
    if locator.attachment:
        names.append(f"attachment {locator.attachment}")
    if locator.page is not None:
        names.append(f"page {locator.page}" if locator.last_page is None else f"pages {locator.page}-{locator.last_page}")
    if locator.slide is not None:
        names.append(f"slide {locator.slide}")
    if locator.sheet:
        names.append(f"sheet {locator.sheet}")
    if locator.cells:
        names.append(f"cells {locator.cells}")
    if locator.heading:
        names.append(" › ".join(locator.heading))
    if locator.pointer:
        names.append(f"at {locator.pointer}")
    return ", ".join(names)


def locator_to_json(locator: Locator) -> dict[str, Any]:
    """Return only the fields that apply, as the answer object shows them."""
    values = ((field.name, getattr(locator, field.name)) for field in fields(locator))
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values if value not in (None, "", ())
    }


def locator_from_json(values: Mapping[str, Any]) -> Locator:
    """Read what `locator_to_json` wrote; raises TypeError for a field that no locator has."""
    return Locator(**{**values, "heading": tuple(values.get("heading", ()))})
