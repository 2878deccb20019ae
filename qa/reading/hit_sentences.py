"""Hits → their sentences: what is read, picked, quoted and compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Hit
from index.sentences import sentence_spans

_BULLET = re.compile(r"[-*•–·▪]\s")
_LIST_MARKER = re.compile(r"(?:[-*•–·▪]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a hit: its span in the document, and its text with white space folded."""

    hit: Hit
    start: int
    end: int
    text: str


def sentences_of(hits: Sequence[Hit]) -> list[Sentence]:
    """Return the sentences of all hits; those that stand in two passages only once, from the better one."""
    seen: set[tuple[str, int] | str] = set()
    found: list[Sentence] = []
    for hit in hits:
        text, offset = hit.passage.text, hit.passage.start
        for start, end in sentence_spans(text):
            is_item = bool(_BULLET.match(text[start:end]))
            start += _marker_length(text[start:end])
            sentence = " ".join(text[start:end].split())
            keys: set[tuple[str, int] | str] = {(hit.document.id, offset + start), sentence.casefold()}
            if seen & keys or sentence == hit.document.title or (_is_heading(sentence) and not is_item):
                continue
            seen |= keys
            found.append(Sentence(hit, offset + start, offset + end, sentence))
    return found


def _marker_length(sentence: str) -> int:
    """Return how many characters of list marker a sentence begins with."""
    marker = _LIST_MARKER.match(sentence)
    return marker.end() if marker and marker.end() < len(sentence) else 0


def _is_heading(sentence: str) -> bool:
    """Tell headings and scraps, which answer nothing by themselves, from sentences."""
    words = len(sentence.split())
    return words < 3 or (words < 10 and sentence[-1].isalpha())
