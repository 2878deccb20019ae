"""A span of a page's text in the index → the characters of the PDF page that it was read from.

Between the two lie joined words, dropped control characters and new empty lines, so only what is seen is compared; and
notes that were moved out of a sentence.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable

_HYPHENS = frozenset("-\u00ad\u2010\u2011\ufffe\x02")
_Span = tuple[int, int]
_Seen = tuple[str, list[int]]  # the characters that count, and where in the text each stands


def find_spans(page: str, text: str, start: int, end: int) -> list[_Span]:
    """Return where `text[start:end]` stands in `page`: in one place, in two with a note between them, or in none.

    text: what the index holds of that page, cleaned.
    """
    for counts in (_is_seen, _is_letter):
        seen, of_text = _fold(page, counts), _fold(text, counts)
        if seen[0] == of_text[0]:
            return _same_place(seen, of_text, start, end)
    return _nearest_place(seen, of_text, start, end)


def _fold(text: str, counts: Callable[[str], bool]) -> _Seen:
    """Return the characters that count, in the form in which ligatures and their letters are the same."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for one in character if character.isascii() else unicodedata.normalize("NFKC", character):
            if counts(one):
                letters.append(one)
                places.append(place)
    return "".join(letters), places


def _is_seen(character: str) -> bool:
    return not character.isspace() and character not in _HYPHENS and unicodedata.category(character)[0] not in "CM"


def _is_letter(character: str) -> bool:
    return character.isalnum()


def _same_place(page: _Seen, text: _Seen, start: int, end: int) -> list[_Span]:
    within = [number for number, place in enumerate(text[1]) if start <= place < end]
    return [_span(page, within[0], len(within))] if within else []


def _nearest_place(page: _Seen, text: _Seen, start: int, end: int) -> list[_Span]:
    """Find the words where the rest of the page differs.

    Of several places it is the one of the same number, where both have as many (the names of a table's columns, which the
    index may hold again, push the others apart), else the one that lies most alike.
    """
    within = [number for number, place in enumerate(text[1]) if start <= place < end]
    if not within:
        return []
    wanted = text[0][within[0] : within[-1] + 1]
    found, known = _places(wanted, page[0]), _places(wanted, text[0])
    if not found:
        return _in_two(page, wanted)
    is_counted = len(found) == len(known) and within[0] in known
    best = found[known.index(within[0])] if is_counted else min(found, key=lambda one: abs(one - within[0]))
    return [_span(page, best, len(wanted))]


def _in_two(page: _Seen, wanted: str) -> list[_Span]:
    """Find words that something stands between: as many of the first as stand together, and behind them all others."""
    first = bisect_left(range(1, len(wanted)), True, key=lambda length: wanted[:length] not in page[0])
    at = page[0].find(wanted[:first])
    rest = page[0].find(wanted[first:], at + first)
    return [_span(page, at, first), _span(page, rest, len(wanted) - first)] if first and rest >= 0 else []


def _span(page: _Seen, at: int, length: int) -> _Span:
    return page[1][at], page[1][at + length - 1] + 1


def _places(wanted: str, text: str) -> list[int]:
    places: list[int] = []
    at = text.find(wanted)
    while at >= 0:
        places.append(at)
        at = text.find(wanted, at + 1)
    return places
