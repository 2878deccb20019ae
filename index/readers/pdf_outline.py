"""The bookmarks of a PDF → heading paths at the places in its text where the headings stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium

from index.readers.builder import fold_space
from index.readers.text import clean

Bare = Callable[[str], str]

_MOST = 5_000  # bookmarks; more are no table of contents
_LONGEST = 200  # characters of a heading
_CUT = 40  # characters: what is cut is longer than headings are as a rule
_FEW, _SHARE_OF_SENTENCES = 5, 0.2
_MOST_LINES = 4  # that a heading goes over


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A heading with those above it, and the page that it points at, from 1. is_line: it is a line of that page."""

    path: tuple[str, ...]
    page: int
    is_line: bool = False


def bookmarks(document: pdfium.PdfDocument) -> list[Bookmark]:
    """Return the bookmarks that point at pages in their order; none where they are no headings.

    So they are where most point at one page, as of pages that were cut out of a book, and where paragraphs have them.
    """
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
    return found if most <= max(20, len(found) // 2) and not _are_paragraphs(found) else []


def _are_paragraphs(found: Sequence[Bookmark]) -> bool:
    """Say whether a program has made a bookmark of every paragraph, as some do of all that is set as an outline.

    Most of those are cut at one and the same length, or end as sentences do.
    """
    names = [one.path[-1] for one in found]
    long = [name for name in names if len(name) >= _CUT]
    cut = max(map(len, long), default=0)
    sentences = sum(len(name) == cut or name[-1] in ".;,:" for name in long)
    return sentences >= max(_FEW, _SHARE_OF_SENTENCES * len(names))


def headings_of_page(page: str, here: Sequence[Bookmark], flows: bool) -> list[tuple[int, tuple[str, ...]]]:
    """Return where on a page its headings start: (offset, path), offsets rising.

    flows: the page begins in the middle of a sentence. A heading that is not found as a line of its own is taken to start
    with the page if it is the only one; where others are found on the page, nobody knows where it starts.
    """
    starts: list[tuple[int, tuple[str, ...]]] = []
    lines, offsets = page.split("\n"), [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    compared: dict[Bare, Sequence[str]] = (
        {bare: list(map(bare, lines)) for bare in (_letters_and_digits, _without_number)} if here else {}
    )
    at = 0
    for bookmark in here:
        line_number = _find(lines, compared, bookmark.path[-1], at)
        if line_number is not None:
            starts.append((offsets[line_number], bookmark.path))
            at = line_number + 1
    begins_page = page and len(here) == 1 and not flows and not here[0].is_line
    return starts or ([(0, here[0].path)] if begins_page else [])


def _find(lines: Sequence[str], compared: Mapping[Bare, Sequence[str]], heading: str, first: int) -> int | None:
    """Return the number of the line where a heading starts: with its number, as running heads have the page's too."""
    for bare, folded in compared.items():
        wanted = bare(heading)
        for number in range(first, len(lines)):
            if wanted and folded[number] and _runs_over(folded[number : number + 2 * _MOST_LINES], wanted):
                return number
    return _find_run_in(lines, heading, first)


def _find_run_in(lines: Sequence[str], heading: str, first: int) -> int | None:
    """Find the heading of a clause that goes on in the same line: only with its number, or any sentence might begin so."""
    if not heading[:1].isdigit() or not any(map(str.isalpha, heading)):
        return None
    wanted = re.compile(r"\s+".join(map(re.escape, heading.rstrip(".: ").split())) + r"(?!\w)", re.IGNORECASE)
    return next((at for at in range(first, len(lines)) if wanted.match(lines[at])), None)


def _runs_over(lines: Sequence[str], wanted: str) -> bool:
    """Say whether a heading is made of the first of these lines; empty ones may stand between."""
    for line in filter(None, lines):
        if not wanted.startswith(line):
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
