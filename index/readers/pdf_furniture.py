"""Pages without running heads, feet and page numbers where those stand in the middle of a sentence.

It could neither be found nor quoted whole. Everywhere else they stay: what pages repeat may mean something on each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from index.readers.pdf_words import CAPTION
from index.sentences import line_goes_on

_MOST_LINES = 3  # of a head or a foot
_FEWEST_PAGES, _SHARE = 3, 1 / 3  # that have a line at the same edge, or numbers that count on
_SHORTEST = 8  # characters of a head: "None" may stand at the end of many pages, and means something on each
_OF_PAGES = r"(?:page|p\.|pg\.?|seite|página|pagina|صفحہ|صفحه)?\s*(\d{1,5})(?:\s*(?:of|/|von|de|sur|di)\s*\d{1,5})?"
_PAGE_NUMBER = re.compile(rf"[-–—|.\s]*{_OF_PAGES}[-–—|.\s]*")  # "(3)" is that of an equation
_PAGE_OF_PAGES = re.compile(r"\bpage \d+ (?:of|/) \d+\b")

_CAPTION = re.compile(rf"{CAPTION.pattern}[\d.]*[:.]")
_Lines = Sequence[str]


def without_furniture(pages: Sequence[str]) -> list[str]:
    """Return the texts of pages without it."""
    lines: list[_Lines] = [page.split("\n") for page in pages]
    headless = _without_heads(lines)
    footless = [page[::-1] for page in _without_heads([page[::-1] for page in lines])]
    kept = [list(page) for page in lines]
    for at in range(len(pages) - 1):
        if _goes_on(footless[at], headless[at + 1]):
            foot, head = len(lines[at]) - len(footless[at]), len(lines[at + 1]) - len(headless[at + 1])
            kept[at] = kept[at][: len(kept[at]) - foot]
            kept[at + 1] = kept[at + 1][head:]
    return ["\n".join(page) for page in kept]


def runs_on(last: str, first: str) -> bool:
    """Say whether a sentence runs from the last line of a page into the first of the next.

    It does where that begins in lower case, or where no sentence ends so: "… was found by the".
    """
    last, first = last.strip(), first.strip()
    if not last or last[-1] in ".!?۔؟:" or not first[:1].isalnum() or _CAPTION.match(first):
        return False
    return first[0].islower() or (line_goes_on(last, first) and not first[0].isdigit())


def _goes_on(page: _Lines, following: _Lines) -> bool:
    return runs_on("".join(page[-1:]), "".join(following[:1]))


def _without_heads(pages: Sequence[_Lines]) -> list[_Lines]:
    heads = [[line for line in page if line.strip()][:_MOST_LINES] for page in pages]
    fewest = max(_FEWEST_PAGES, _SHARE * len(pages))
    counts = _pages_with([_folded(line) for line in head] for head in heads)
    repeated = {line for line, count in counts.items() if count >= fewest and len(line) >= _SHORTEST}
    counted = _pages_with(list(filter(None, (_first(line, at) for line in head))) for at, head in enumerate(heads))
    numbers = {first for first, count in counted.items() if count >= fewest}
    return [page[_length_of_head(page, at, repeated, numbers) :] for at, page in enumerate(pages)]


def _length_of_head(page: _Lines, at: int, repeated: set[str], numbers: set[str]) -> int:
    """Return how many lines of a page are its head, empty ones around it included. numbers: what `_first` says of pages'."""
    for place, line in enumerate(page):
        folded = _folded(line)
        if folded and folded not in repeated and _first(line, at) not in numbers:
            return place
    return 0  # there is nothing else on it


def _folded(line: str) -> str:
    return _PAGE_OF_PAGES.sub("page # of #", " ".join(line.casefold().split()))


def _first(line: str, at: int) -> str:
    """Return which number the first page has if a line is the number of the page at a place; "" if it is none."""
    found = _PAGE_NUMBER.fullmatch(line.casefold())
    return str(int(found[1]) - at) if found else ""


def _pages_with(heads: Iterable[Sequence[str]]) -> Counter[str]:
    return Counter(key for head in heads for key in set(head))
