"""Hits → their sentences: what is read, picked, quoted and compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from index.records import CELLS, Hit
from index.sentences import sentence_spans
from index.table_rows import is_header

_BULLET = re.compile(r"(?:[-*•–·▪]|\((?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})\))\s")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s")
_LIST_MARKER = re.compile(r"(?:[-*•–·▪]|\d{1,3}[.)])\s+")  # "(b)" is no mere mark: it is asked for, and referred to
_NUMBERED_HEADING = re.compile(r"\d{1,2}(?:\.\d{1,2})+\.?\s+[^\W\d_a-z][^.?!:：\d]*[:：]$")  # "4.5 Termination Criteria:"
_PAGE = re.compile(r"(?:page|p\.|seite|página)?\s*\d{1,4}(?:\s*(?:of|/|von)\s*\d{1,4})?", re.IGNORECASE)  # of a PDF
_LONGEST_HEADING = 15  # words
_COLONS = (":", "：")
# A line of a letter's or mail's head that says who wrote to whom, and when.
HEADER_LINE = re.compile(
    r"(?:> ?)*(?:(?:from|to|cc|bcc|sent|date|von|an|gesendet|datum|attachments?)\s*:|on .{4,80} wrote:$)", re.I
)
UNKNOWN = -1  # where a heading stands that is in no passage


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a hit: its span in the document, and its text with white space folded.

    under: the heading, or the opening line of a list, that it stands under, and where that begins in the document; "" where
    its passage tells none. section: the heading, where an opening line stands below it. item: it is one of a list.
    """

    hit: Hit
    start: int
    end: int
    text: str
    under: str = ""
    under_at: int = UNKNOWN
    section: str = ""
    item: bool = False


class _Place(NamedTuple):
    """What a sentence stands under, see `Sentence`."""

    under: str = ""
    under_at: int = UNKNOWN
    section: str = ""


def sentences_of(hits: Sequence[Hit]) -> list[Sentence]:
    """Return the sentences of all hits; those that stand in two passages only once, from the better one."""
    seen: set[tuple[str, int] | str] = set()
    found: list[Sentence] = []
    read = _read(hits)
    for hit in hits:
        for one in read[hit.passage.id]:
            keys: set[tuple[str, int] | str] = {(hit.document.id, one.start), one.text.casefold()}
            if not seen & keys:
                seen |= keys
                found.append(one)
    return found


def _read(hits: Sequence[Hit]) -> dict[str, list[Sentence]]:
    """Return the sentences of each passage. What a list stands under holds where it goes on in the passage that follows."""
    read: dict[str, list[Sentence]] = {}
    before: Hit | None = None
    for hit in sorted(hits, key=lambda one: (one.document.id, one.passage.start)):
        lines = list(_lines_of(hit))
        place = _Place(_heading_above(hit), UNKNOWN, _heading_above(hit))
        if before and read[before.passage.id] and lines and lines[0].item:
            last = read[before.passage.id][-1]
            place = _Place(last.under, last.under_at, last.section) if last.item and _adjoin(last, hit) else place
        read[hit.passage.id] = list(_sentences_of(hit, lines, place))
        before = hit
    return read


def _adjoin(last: Sentence, hit: Hit) -> bool:
    """Say whether a passage goes on behind the last sentence of another, in the section where that is."""
    one, other = last.hit.passage, hit.passage
    above, heading = one.locator.heading, other.locator.heading
    in_one_section = heading == above or (heading[: len(above)] == above and last.section == heading[-1])
    return last.hit.document.id == hit.document.id and in_one_section and other.start <= one.end + 1


def _sentences_of(hit: Hit, lines: Sequence[_Line], place: _Place) -> Iterator[Sentence]:
    """Yield the sentences of a passage, but for its headings, which answer nothing by themselves. place: where it begins."""
    counts = Counter(line.text for line in lines if line.above)
    offset, title, parent, listed = hit.passage.start, hit.document.title, "", False
    for line, section in zip(lines, _sections_of_lists(lines, place.section), strict=True):
        if listed and place.section and line.opens_block and not (line.item or line.above):
            place, listed = _Place(place.section, UNKNOWN, place.section), False  # the list is over
        listed = (listed or line.item) and not line.above
        if not line.is_heading:
            here = _Place() if line.above and line.opens_block else place
            yield Sentence(hit, offset + line.start, offset + line.end, line.text, *here, line.item)
        if line.above:
            # "Side effects", for the third time: it is those of what the last heading was that comes but once
            own = line.text if line.text != title else ""
            if counts[line.text] == 1:
                parent = own
            under = f"{parent}, {own}" if parent and parent != own else own
            place = _Place(under, offset + line.start, section)


def _sections_of_lists(lines: Sequence[_Line], section: str) -> list[str]:
    """Return the heading that each line stands below; "" for lines that open one of several lists below a heading."""
    sections: list[str] = []
    for line in lines:
        section = line.text if line.above and not line.opens_list else section
        sections.append(section)
    lists = Counter(one for one, line in zip(sections, lines, strict=True) if line.opens_list)
    return ["" if line.opens_list and lists[one] > 1 else one for one, line in zip(sections, lines, strict=True)]


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence or heading and its span in the passage. above: what comes behind stands under it; opens_block: of text."""

    start: int
    end: int
    text: str
    item: bool
    is_heading: bool
    above: bool
    opens_block: bool

    @property
    def opens_list(self) -> bool:
        """Say whether it is a line that a list follows, and no heading."""
        return self.above and not self.is_heading and self.text.endswith(_COLONS)


def _lines_of(hit: Hit) -> Iterator[_Line]:
    text, in_list = hit.passage.text, False
    known = set(filter(None, map(_bare, (hit.document.title, *hit.passage.locator.heading))))
    for start, end in sentence_spans(text):
        opens_block, marked = _opens_block(text, start), _is_marked(text, start, end)
        start += _marker_length(text[start:end])
        sentence = " ".join(text[start:end].split())
        opens_list = not marked and sentence.endswith(_COLONS) and _stands_before_list(text, start, end)
        item = marked or (in_list and not opens_block and not opens_list)
        in_list = opens_list or (in_list and item)
        is_row = CELLS in sentence
        names_cells = is_row and is_header(text, start)
        in_paragraph = opens_list and not _stands_alone(text, start, end)  # "It covers:", after what it is
        is_label = _is_heading(sentence) and not (item or in_paragraph) and (opens_block or not is_row)
        is_page = not item and _PAGE.fullmatch(sentence) is not None
        is_heading = _bare(sentence) in known or names_cells or is_page or is_label
        may_be = opens_block and not (item or names_cells or is_page) and (is_heading or _may_be_heading(text, start, end))
        yield _Line(start, end, sentence, item, is_heading, opens_list or may_be, opens_block)


def _bare(text: str) -> str:
    """Leave out of a heading what it has in one place and not in another: its number, and the full stop of a clause's."""
    return text.lstrip(" .0123456789").rstrip(" .:：").casefold()


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


def _stands_before_list(text: str, start: int, end: int) -> bool:
    """Say whether a sentence may open a list: it is all that stands in its lines, or what follows is marked as an item."""
    return (
        _stands_alone(text, start, end)
        or _BULLET.match(text[end:].lstrip()) is not None
        or (_LIST_MARKER.match(text[end:].lstrip()) is not None)
    )


def _may_be_heading(text: str, start: int, end: int) -> bool:
    """Say whether a line that opens a block may be a heading with a question mark, a bracket or a number at its end."""
    short = len(text[start:end].split()) <= _LONGEST_HEADING
    is_quoted = text[start] == ">" and text[end - 1] != "?"
    is_none = text[end - 1] in ".…۔。,;" or is_quoted or HEADER_LINE.match(text, start, end) is not None
    return short and not is_none and _stands_alone(text, start, end)


def _is_marked(text: str, start: int, end: int) -> bool:
    """Say whether a line has the mark of an item: one number alone may be that of a heading."""
    if _BULLET.match(text[start:end]):
        return True
    line_before = text[:start].rsplit("\n", 2)[-2] if text[:start].endswith("\n") else ""
    line_behind = text[end:].partition("\n")[2]
    beside = _NUMBERED.match(line_before.lstrip()) or _NUMBERED.match(line_behind)
    return bool(_NUMBERED.match(text[start:end]) and beside)


def _marker_length(sentence: str) -> int:
    """Return how many characters of list marker a sentence begins with."""
    marker = _LIST_MARKER.match(sentence)
    return marker.end() if marker and marker.end() < len(sentence) else 0


def _is_heading(sentence: str) -> bool:
    """Tell headings and scraps from sentences."""
    words = len(sentence.split())
    return words < 3 or (words < 10 and (sentence[-1].isalpha() or _NUMBERED_HEADING.match(sentence) is not None))
