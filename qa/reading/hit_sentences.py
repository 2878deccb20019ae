"""Hits → their sentences: what is read, picked, quoted and compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.records import CELLS, Hit
from index.sentences import sentence_spans

_BULLET = re.compile(r"[-*•–·▪]\s")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s")
_LIST_MARKER = re.compile(r"(?:[-*•–·▪]|\d{1,3}[.)])\s+")
_LONGEST_HEADING = 15  # words
UNKNOWN = -1  # where a heading stands that is in no passage


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a hit: its span in the document, and its text with white space folded.

    under: the heading, or the opening line of a list, that it stands under, and where that begins in the document; "" where
    its passage tells none. item: it is one of a list.
    """

    hit: Hit
    start: int
    end: int
    text: str
    under: str = ""
    under_at: int = UNKNOWN
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
    lines = list(_lines_of(hit))
    counts = Counter(line.text for line in lines if line.above)
    offset, title = hit.passage.start, hit.document.title
    under, under_at, parent = _heading_above(hit), UNKNOWN, ""
    for line in lines:
        if not line.is_heading:
            place = ("", UNKNOWN) if line.above else (under, under_at)
            yield Sentence(hit, offset + line.start, offset + line.end, line.text, *place, line.item)
        if line.above:
            # "Side effects", for the third time: it is those of what the last heading was that comes but once
            own = line.text if line.text != title else ""
            if counts[line.text] == 1:
                parent = own
            under = f"{parent}, {own}" if parent and parent != own else own
            under_at = offset + line.start


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence or heading and its span in the passage. above: what comes behind stands under it."""

    start: int
    end: int
    text: str
    item: bool
    is_heading: bool
    above: bool


def _lines_of(hit: Hit) -> Iterator[_Line]:
    text, in_list, known = hit.passage.text, False, {hit.document.title, *hit.passage.locator.heading}
    for start, end in sentence_spans(text):
        opens_block, marked = _opens_block(text, start), _is_marked(text, start, end)
        start += _marker_length(text[start:end])
        sentence = " ".join(text[start:end].split())
        opens_list = not marked and sentence.endswith((":", "：")) and _stands_alone(text, start, end)
        item = marked or (in_list and not opens_block and not opens_list)
        in_list = opens_list or (in_list and item)
        is_row = CELLS in sentence and not opens_block  # the first names the cells of the others
        is_heading = sentence in known or (_is_heading(sentence) and not (item or is_row))
        may_be = opens_block and not item and (is_heading or _may_be_heading(text, start, end))
        yield _Line(start, end, sentence, item, is_heading, opens_list or may_be)


def _heading_above(hit: Hit) -> str:
    heading = hit.passage.locator.heading
    return heading[-1] if heading and heading[-1] != hit.document.title else ""


def _opens_block(text: str, start: int) -> bool:
    """Say whether an empty line or nothing stands before a place."""
    before = text[:start].rstrip()
    return not before or text[len(before) : start].count("\n") > 1


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Say whether a sentence is all that stands in its lines."""
    return text[:start].rpartition("\n")[2].strip() == "" and text[end:].partition("\n")[0].strip() == ""


def _may_be_heading(text: str, start: int, end: int) -> bool:
    """Say whether a line that opens a block may be a heading with a question mark, a bracket or a number at its end."""
    short = len(text[start:end].split()) <= _LONGEST_HEADING
    return short and text[end - 1] not in ".…۔。" and _stands_alone(text, start, end)


def _is_marked(text: str, start: int, end: int) -> bool:
    """Say whether a line has the mark of an item: one number alone may be that of a heading."""
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
