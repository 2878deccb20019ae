"""A span of a page's text in the index → the characters of the PDF page that it was read from.

Between the two lie joined words, dropped control characters and new empty lines, so only what is seen is compared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_HYPHENS = frozenset("-\u00ad\u2010\u2011\ufffe\x02")
_Seen = tuple[str, list[int]]  # the characters that count, and where in the text each stands


def find_span(page: str, text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where `text[start:end]` stands in `page`, or None. text: what the index holds of that page, cleaned."""
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


def _same_place(page: _Seen, text: _Seen, start: int, end: int) -> tuple[int, int] | None:
    within = [number for number, place in enumerate(text[1]) if start <= place < end]
    return (page[1][within[0]], page[1][within[-1]] + 1) if within else None


def _nearest_place(page: _Seen, text: _Seen, start: int, end: int) -> tuple[int, int] | None:
    """Find the words where the rest of the page differs.

    Of several places it is the one of the same number, where both have as many (the names of a table's columns, which the
    index may hold again, push the others apart), else the one that lies most alike.
    """
    within = [number for number, place in enumerate(text[1]) if start <= place < end]
    if not within:
        return None
    wanted = text[0][within[0] : within[-1] + 1]
    found, known = _places(wanted, page[0]), _places(wanted, text[0])
    if not found:
        return None
    is_counted = len(found) == len(known) and within[0] in known
    best = found[known.index(within[0])] if is_counted else min(found, key=lambda one: abs(one - within[0]))
    return page[1][best], page[1][best + len(wanted) - 1] + 1


def _places(wanted: str, text: str) -> list[int]:
    places: list[int] = []
    at = text.find(wanted)
    while at >= 0:
        places.append(at)
        at = text.find(wanted, at + 1)
    return places
