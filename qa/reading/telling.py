"""Rated sentences without those that tell nothing by themselves, or not the kind of thing that is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.lexical import question_words
from index.records import CELLS
from qa.reading.hit_sentences import HEADER_LINE
from qa.reading.pick import Pick
from qa.reading.questions import Question
from qa.reading.signals import fits_kind

_NEAR = 0.05  # of the best chance: a sentence with a date this near is preferred to one without, when a date is asked for
_MUCH_LESS = 0.6  # of the chance of a caption: what is less likely gives way to it
# "Beneath all of these points lies one that is decisive": it tells that there are reasons, and none of them.
_ANNOUNCES = re.compile(
    r"\b(?:these|those|other|another|first|second|third|further|last|several|many|following) (?:\w+ )?"
    r"(?:points?|reasons?|arguments?|grounds?|objections?)\b[^:]*$",
    re.I,
)
_CAPTION = re.compile(r"(?:table|figure|fig\.) ?\d+[.:]", re.I)
_IN_WORDS = re.compile(
    r"(?:why|who|explain|describe|discuss|how (?:do|does|did|can|could|may|should|would|will))\b"
    r"(?!.*\b(?:do|fare|perform|score)s? (?:on|in|at)\b)",
    re.I,
)
_LONGEST_ANNOUNCEMENT = 14  # words
# "In this section, we evaluate …", "Table 5 shows …", "They are described below": what a paper tells of its own parts; but
# not "Section 12 provides …" of a law, nor what they "show that", which is a finding.
_NUMBERED = r"(?:[A-Z]\b|\d)[\w.]*"
_TELLS_OF_ITSELF = re.compile(
    r"(?!.*:\s*\S)(?!.*\b(?:show|find|found|see|seen|observe|reveal|demonstrate|report|indicate|suggest)\w* that\b)"
    rf"(?:(?:table|figure|fig\.) {_NUMBERED},? (?:and \S+ )?"
    r"(?:shows?|summari[sz]es?|presents?|lists?|reports?|gives?|compares?|provides?|illustrates?|depicts?)\b"
    rf"|(?:section|chapter|appendix) {_NUMBERED} (?:describes|summari[sz]es|presents|discusses|outlines)\b"
    r"|in (?:this section|the (?:rest|remainder) of (?:this|the) (?:paper|article|report|section|chapter)"
    rf"|the (?:following|next|previous) (?:sections?|chapters?|paragraphs?)|(?:section|table|figure|fig\.|appendix|chapter) "
    rf"{_NUMBERED}), (?:we|i)\b"
    r"|(?:they|these|those|(?:the )?(?:details|results)) (?:are|is) (?:described|listed|discussed|shown|given|reported) "
    rf"(?:below|in (?:table|figure|section|appendix|annex) {_NUMBERED}))",
    re.I,
)
_ASKS_OF_LETTERS = re.compile(
    r"\b(?:e-?mails?|mails?|messages?|address\w*|sen[dt]\w*|wrote|written|letters?|subject|dated?|recipients?|copied)\b",
    re.I,
)
_GREETS = re.compile(
    r"(?:dear|hello|hi|sehr geehrte[rs]?|liebe[rs]?)(?: [\w.'’-]+){0,4}\s*[,!]"
    r"|(?:(?:best|kind|warm) )?regards[,.]?|yours (?:faithfully|sincerely|truly)[,.]?|mit freundlichen grüßen|cheers[,!]?",
    re.I,
)
_ASKS_OF_PARTS = re.compile(r"\b(?:tables?|figures?|sections?|chapters?|appendix|appendices)\b", re.I)
_ELSEWHERE = frozenset(("see also", "references", "external links", "further reading", "bibliography"))
_LONGEST_LABEL, _LONGEST_ROW_LABEL = 3, 20  # words: of a row's only cell, and of a line above rows
_LEADERS = re.compile(r"\.{4,}|(?: \.){4,}")


def of_the_kind(asked: Question, ranked: Sequence[Pick]) -> Sequence[Pick]:
    """Leave out what holds no date where one is asked for, what tells nothing by itself, and what only announces a list.

    Each unless there is nothing else.
    """
    ranked = [
        one for one in ranked if not (_is_empty_row(one) or _opens_rows(one) or _leads_elsewhere(asked, one) or _greets(one))
    ] or ranked
    ranked = _without_lesser(asked, ranked)
    if asked.kind in ("when", "number"):
        near = [pick for pick in ranked if pick.score >= _NEAR * ranked[0].score]
        return [pick for pick in near if fits_kind(asked, pick.text)] or ranked
    return [one for one in ranked if not (_tells_nothing(one) or (asked.several and _announces(one.text)))] or ranked


def _without_lesser(asked: Question, ranked: Sequence[Pick]) -> Sequence[Pick]:
    """Leave out what is less of an answer, unless it is much likelier than all else.

    That are captions, rows of figures where words are asked for, what a text tells of its own parts, and who wrote a mail.
    """
    lesser = [one for one in ranked if _is_lesser(asked, one)]
    best = max((one.score for one in ranked if one not in lesser), default=0.0)
    return [one for one in ranked if one not in lesser or one.score * _MUCH_LESS > best] or ranked


def _is_lesser(asked: Question, pick: Pick) -> bool:
    if _is_of_a_head(pick) and not _ASKS_OF_LETTERS.search(asked.text):
        return True
    is_of_parts = _CAPTION.match(pick.text) or _TELLS_OF_ITSELF.match(pick.text)
    return bool(is_of_parts and not _ASKS_OF_PARTS.search(asked.text)) or _is_row_of_figures(asked, pick)


def _is_row_of_figures(asked: Question, pick: Pick) -> bool:
    """Say whether it is a row of a table with hardly more than figures, where what is asked for takes words."""
    cells = [cell for cell in pick.text.split("|")[1:] if cell.strip()]
    figures = sum(any(map(str.isdigit, cell)) and not any(map(str.isalpha, cell)) for cell in cells)
    return (
        CELLS in pick.text
        and 2 * figures > len(cells)
        and not (pick.labelled or asked.for_a_figure)
        and _IN_WORDS.match(asked.text) is not None
    )


def _tells_nothing(pick: Pick) -> bool:
    """Say whether it is a line of a table of contents, a form that nobody filled in, or a row of a table in a PDF.

    Nobody can tell what the numbers of such a row count; rows whose cells are named have `CELLS` between them.
    """
    sentence = pick.text
    words = sentence.split()
    if pick.item or CELLS in sentence:
        return False
    if _LEADERS.search(sentence) or (words[-1].endswith(":") and sum(word.endswith(":") for word in words) > 1):
        return True
    numbers = sum(any(map(str.isdigit, word)) and not any(map(str.isalpha, word)) for word in words)
    return len(words) > 1 and numbers > len(words) / 3 and sentence[-1] not in ".!?"


def _is_of_a_head(pick: Pick) -> bool:
    """Say whether it says who wrote a mail to whom or when: one line "Date: 4 May" alone tells when something was."""
    lines = pick.hit.passage.text.split("\n")
    return HEADER_LINE.match(pick.text) is not None and sum(HEADER_LINE.match(line) is not None for line in lines) > 1


def _greets(pick: Pick) -> bool:
    return not pick.item and CELLS not in pick.text and _GREETS.fullmatch(pick.text) is not None


def _is_empty_row(pick: Pick) -> bool:
    """Say whether it is the row of a table with numbers alone, or with one cell that is filled and says no sentence."""
    if CELLS not in pick.text or pick.numbered:
        return False
    filled = [cell.strip() for cell in pick.text.split("|") if cell.strip()]
    is_label = len(filled) == 1 and (len(filled[0].split()) <= _LONGEST_LABEL or filled[0].endswith(":"))
    return is_label or not any(map(str.isalpha, pick.text))


def _opens_rows(pick: Pick) -> bool:
    """Say whether it is a line such as "Costs and expenses:" above rows of a table."""
    below = pick.hit.passage.text[pick.end - pick.hit.passage.start :].lstrip("\n").partition("\n")[0]
    return pick.text.endswith(":") and len(pick.text.split()) <= _LONGEST_ROW_LABEL and CELLS in below


def _leads_elsewhere(asked: Question, pick: Pick) -> bool:
    """Say whether it stands under "See also" or the like, where other texts are named, and that is not asked for."""
    heading = pick.heading or "".join(pick.hit.passage.locator.heading[-1:])
    is_asked_for = pick.fits or set(question_words(heading)) & set(asked.words)
    return heading.casefold().strip(" .:0123456789") in _ELSEWHERE and not is_asked_for


def _announces(sentence: str) -> bool:
    return len(sentence.split()) <= _LONGEST_ANNOUNCEMENT and _ANNOUNCES.search(sentence) is not None
