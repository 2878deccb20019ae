"""The bookmarks of a PDF → heading paths at the places in its text where the headings stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium

from index.readers.builder import fold_space
from index.readers.text import clean

_MOST = 5_000  # bookmarks; more are no table of contents
_LONGEST = 200  # characters of a heading
_MOST_LINES = 4  # that a heading goes over


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A heading with those above it, and the page that it points at, from 1."""

    path: tuple[str, ...]
    page: int


def bookmarks(document: pdfium.PdfDocument) -> list[Bookmark]:
    """Return the bookmarks that point at pages in their order; none where most point at one page, as of cut-out pages."""
    found: list[Bookmark] = []
    path: list[tuple[int, str]] = []
    try:
        for number, item in enumerate(document.get_toc()):
            destination = item.get_dest()
            page = destination.get_index() if destination else None
            title = fold_space(clean(item.get_title()))[:_LONGEST]
            path = [(level, name) for level, name in path if level < item.level] + [(item.level, title)]
            if title and page is not None and number < _MOST:
                found.append(Bookmark(tuple(name for _, name in path if name), page + 1))
    except (pdfium.PdfiumError, ValueError, OverflowError, RecursionError):
        return []  # places are an extra: a broken outline must not cost the text
    most = max(Counter(one.page for one in found).values(), default=0)
    return found if most <= max(20, len(found) // 2) else []


def headings_of_page(page: str, here: Sequence[Bookmark], flows: bool) -> list[tuple[int, tuple[str, ...]]]:
    """Return where on a page its headings start: (offset, path), offsets rising.

    flows: the page begins in the middle of a sentence. A heading that is not found as a line of its own is taken to start
    with the page if it is the only one; where others are found on the page, nobody knows where it starts.
    """
    starts: list[tuple[int, tuple[str, ...]]] = []
    lines, offsets = page.split("\n"), [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    at = 0
    for bookmark in here:
        line_number = _find(lines, bookmark.path[-1], at)
        if line_number is not None:
            starts.append((offsets[line_number], bookmark.path))
            at = line_number + 1
    return starts or ([(0, here[0].path)] if page and len(here) == 1 and not flows else [])


def _find(lines: Sequence[str], heading: str, first: int) -> int | None:
    """Return the number of the line where a heading starts: with its number, as running heads have the page's too."""
    for bare in (_letters_and_digits, _without_number):
        wanted, compared = bare(heading), [bare(line) for line in lines]
        for number in range(first, len(lines)):
            if wanted and _runs_over(compared[number : number + _MOST_LINES], wanted):
                return number
    return None


def _runs_over(lines: Sequence[str], wanted: str) -> bool:
    """Say whether a heading is made of the first of these lines."""
    for line in lines:
        if not line or not wanted.startswith(line):
            return False
        wanted = wanted[len(line) :]
        if not wanted:
            return True
    return False


def _letters_and_digits(text: str) -> str:
    """Leave out what bookmarks and pages differ in: dots, quotes, spaces, capitals."""
    return "".join(filter(str.isalnum, text.casefold()))


def _without_number(text: str) -> str:
    return _letters_and_digits(text).lstrip("0123456789")
