"""Hits → their sentences: what is read, picked, quoted and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.records import Hit
from index.sentences import sentence_spans

_BULLET = re.compile(r"[-*•–·▪]\s")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s")
_LIST_MARKER = re.compile(r"(?:[-*•–·▪]|\d{1,3}[.)])\s+")
_LONGEST_OPENING = 10  # words of a line that ends with a colon and opens a list


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a hit: its span in the document, and its text with white space folded.

    under: the heading, or the opening line of a list, that it stands under; "" where its passage tells none. item: it is one
    of a list.
    """

    hit: Hit
    start: int
    end: int
    text: str
    under: str = ""
    item: bool = False


def sentences_of(hits: Sequence[Hit]) -> list[Sentence]:
    """Return the sentences of all hits; those that stand in two passages only once, from the better one."""
    seen: set[tuple[str, int] | str] = set()
    found: list[Sentence] = []
    for hit in hits:
        for one in _sentences_of(hit):
            keys: set[tuple[str, int] | str] = {(hit.document.id, one.start), one.text.casefold()}
            if not seen & keys:
                seen |= keys
                found.append(one)
    return found


def _sentences_of(hit: Hit) -> Iterator[Sentence]:
    """Yield the sentences of a passage, but for its headings, which answer nothing by themselves."""
    text, offset = hit.passage.text, hit.passage.start
    under, in_list = _heading_above(hit), False
    for start, end in sentence_spans(text):
        opens = _opens_block(text, start)
        is_item = _is_item(text, start, end) or (in_list and not opens)
        start += _marker_length(text[start:end])
        sentence = " ".join(text[start:end].split())
        is_heading = sentence == hit.document.title or (_is_heading(sentence) and not is_item)
        if opens:
            in_list = sentence.endswith(":") and len(sentence.split()) <= _LONGEST_OPENING and not is_item
        if not is_heading:
            yield Sentence(hit, offset + start, offset + end, sentence, "" if opens and in_list else under, is_item)
        if opens and (is_heading or in_list):
            under = sentence if sentence != hit.document.title else ""


def _heading_above(hit: Hit) -> str:
    heading = hit.passage.locator.heading
    return heading[-1] if heading and heading[-1] != hit.document.title else ""


def _opens_block(text: str, start: int) -> bool:
    """Say whether an empty line or nothing stands before a place."""
    before = text[:start].rstrip()
    return not before or text[len(before) : start].count("\n") > 1


def _is_item(text: str, start: int, end: int) -> bool:
    """Say whether a line is an item of a list: one number alone may be that of a heading."""
    if _BULLET.match(text[start:end]):
        return True
    line_before = text[:start].rsplit("\n", 2)[-2] if text[:start].endswith("\n") else ""
    beside = _NUMBERED.match(line_before.lstrip()) or _NUMBERED.match(text[end:].removeprefix("\n"))
    return bool(_NUMBERED.match(text[start:end]) and beside)


def _marker_length(sentence: str) -> int:
    """Return how many characters of list marker a sentence begins with."""
    marker = _LIST_MARKER.match(sentence)
    return marker.end() if marker and marker.end() < len(sentence) else 0


def _is_heading(sentence: str) -> bool:
    """Tell headings and scraps from sentences."""
    words = len(sentence.split())
    return words < 3 or (words < 10 and sentence[-1].isalpha())
