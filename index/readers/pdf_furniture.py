"""Pages without what they all have at their edges: running heads and feet are kept once, numbers of pages not at all.

Between two pages they would stand in the middle of a sentence, which could then neither be found nor quoted whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_MOST_LINES = 3  # of a head or a foot
_FEWEST_PAGES, _SHARE = 3, 1 / 3  # that have a line at the same edge, or numbers that count on
_SHORTEST = 8  # characters of a head: "None" may stand at the end of many pages, and means something on each
_OF_PAGES = r"(?:page|p\.|pg\.?|seite|página|pagina|صفحہ|صفحه)?\s*(\d{1,5})(?:\s*(?:of|/|von|de|sur|di)\s*\d{1,5})?"
_PAGE_NUMBER = re.compile(rf"[-–—|.\s]*{_OF_PAGES}[-–—|.\s]*")  # "(3)" is that of an equation
_PAGE_OF_PAGES = re.compile(r"\bpage \d+ (?:of|/) \d+\b")

_Lines = Sequence[str]


def without_furniture(pages: Sequence[str]) -> list[str]:
    """Return the texts of pages without it."""
    lines: list[_Lines] = [page.split("\n") for page in pages]
    for step in (1, -1):  # the heads, then the feet from below
        lines = [page[::step] for page in _without_heads([page[::step] for page in lines])]
    return ["\n".join(page) for page in lines]


def _without_heads(pages: Sequence[_Lines]) -> list[_Lines]:
    heads = [[line for line in page if line.strip()][:_MOST_LINES] for page in pages]
    fewest = max(_FEWEST_PAGES, _SHARE * len(pages))
    counts = _pages_with([_folded(line) for line in head] for head in heads)
    repeated = {line for line, count in counts.items() if count >= fewest and len(line) >= _SHORTEST}
    counted = _pages_with([_first(line, at) for line in head] for at, head in enumerate(heads))
    seen: set[str] = set()
    kept: list[_Lines] = []
    for at, page in enumerate(pages):
        gone: set[int] = set()
        for place, line in enumerate(page):
            folded = _folded(line)
            first = _first(line, at)
            if folded in seen or (first and counted[first] >= fewest):
                gone.add(place)
            elif folded in repeated:
                seen.add(folded)
            elif folded:
                break
        kept.append([line for place, line in enumerate(page) if place not in gone])
    return kept


def _folded(line: str) -> str:
    return _PAGE_OF_PAGES.sub("page # of #", " ".join(line.casefold().split()))


def _first(line: str, at: int) -> str:
    """Return which number the first page has if a line is the number of the page at a place; "" if it is none."""
    found = _PAGE_NUMBER.fullmatch(line.casefold())
    return str(int(found[1]) - at) if found else ""


def _pages_with(heads: Iterable[Sequence[str]]) -> Counter[str]:
    return Counter(key for head in heads for key in set(head))
