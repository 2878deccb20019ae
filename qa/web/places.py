"""What a person calls a place in a document, in the reader's language: "page 3, Background › Earlier rounds"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from index.locators import locator_from_json
from index.records import Locator
from qa.web.strings import t


def place(found: Locator | Mapping[str, Any]) -> str:
    """Name the place that a locator means, "" for none. found: a locator, or an answer object's form of it."""
    locator = found if isinstance(found, Locator) else locator_from_json(found)
    names = [
        t("place.message", n=locator.message) if locator.message is not None else "",
        t("place.attachment", name=locator.attachment) if locator.attachment else "",
        _page(locator),
        t("place.slide", n=locator.slide) if locator.slide is not None else "",
        t("place.sheet", name=locator.sheet) if locator.sheet else "",
        t("place.cells", name=locator.cells) if locator.cells else "",
        " › ".join(locator.heading),
        t("place.pointer", name=locator.pointer) if locator.pointer else "",
    ]
    return t("place.comma").join(name for name in names if name)


def _page(locator: Locator) -> str:
    if locator.page is None:
        return ""
    if locator.last_page is None:
        return t("place.page", n=locator.page)
    return t("place.pages", first=locator.page, last=locator.last_page)
