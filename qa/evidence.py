"""Citation → what is held against a claim: the sentences that it touches, and what stands around them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice

from index.records import Document
from index.sentences import sentence_spans
from qa.records import Citation

_REACH = 800  # characters on each side of a quote in which its sentences are looked for
_OPENING = 800  # characters of a document, which name whom or what it is about
_MOST_NAMES = 2_000
_NO_WORD = re.compile(r"[\W_]+")
_WE = re.compile(r"\b(?:[Ww]e|[Oo]ur|us|[Tt]his (?:site|service|website))\b")  # whose name may stand anywhere in the text
_NAME = re.compile(r"\b[^\W\d_a-z]\w+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a citation stands. sentences: those it touches; beside: one before and one after; setting: what they are in.

    before, behind: the text on either side, as far as it matters; named: what names whom or what the document is about.
    """

    sentences: str
    beside: str = ""
    setting: str = ""
    before: str = ""
    behind: str = ""
    named: str = ""

    @property
    def is_first_person(self) -> bool:
        """Whether those speak whose document it is: "we do not sell your data"."""
        return _WE.search(self.sentences) is not None


def evidence_of(document: Document, citation: Citation, setting: str = "") -> Evidence:
    """Return the sentences that a citation touches, their neighbours, and `setting` with the document's title."""
    text = document.text
    own, beside = sentences_at(text, citation.start, citation.end)
    start = text.rfind(own, max(0, citation.start - len(own)), citation.end + len(own))
    end = start + len(own)
    around = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    named = f"{_NO_WORD.sub(' ', document.path)} {text[:_OPENING]}"
    found = Evidence(own, beside, f"{document.title} {setting}", *around, named)
    if not found.is_first_person:
        return found
    names = islice(dict.fromkeys(one[0] for one in _NAME.finditer(text)), _MOST_NAMES)
    return replace(found, named=f"{named} {' '.join(names)}")


def sentences_at(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the sentences that a span touches, and one before and one after."""
    low = max(0, start - _REACH)
    spans = [(low + first, low + last) for first, last in sentence_spans(text[low : end + _REACH])]
    touched = [i for i, (first, last) in enumerate(spans) if first < end and last > start]
    if not touched:
        return text[start:end], ""
    first, last = touched[0], touched[-1]
    neighbours = [*spans[max(0, first - 1) : first], *spans[last + 1 : last + 2]]
    return text[spans[first][0] : spans[last][1]], " ".join(text[begin:close] for begin, close in neighbours)
