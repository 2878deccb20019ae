"""Does the row of a table say all that is asked for, in its first cell and the names of its columns? Then it tells it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from index.records import CELLS
from index.table_rows import group_of, header_of
from qa.reading.hit_sentences import Sentence
from qa.reading.questions import Question

_TOLD_BY_ROWS = ("number", "list", "other")  # kinds of questions; the others ask for more than a figure
# "Net income (loss)" says what the net income was, and the net loss; "Annual leave (part-time)" not what annual leave is.
_OR = re.compile(r"\b(\w+)\s*\((loss(?:es)?|income|expenses?|deficit|decrease|increase|gains?|benefit|credit)\)", re.I)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_PAGE = re.compile(r"\d{1,3}")  # where the table is one of contents
# What rows call otherwise than who asks, as stems: "ep" is that of EPS.
_SAME = {"earn": ("incom",), "profit": ("incom",), "revenu": ("sale",), "ep": ("incom", "per", "share")}
_SAYS_LITTLE = frozenset(question_words("what how much many amount value figure sum year end report be have"))


def labelled(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return 1 for each row that says the whole question, else 0: "Total assets | $40 | $31" of what these were in 2020.

    Each word of its first cell is to be in the question, and each of the question there, in the names of the columns, in the
    label of its group of rows, or in the heading above. ½ where a figure is asked for and only the title says some of it,
    with no heading between; it never says a number: the report of 2021 may have tables of 2020.
    """
    told = asked.kind in _TOLD_BY_ROWS
    return np.array([_fit(asked, one) if told and CELLS in one.text else 0.0 for one in sentences])


def is_of_another_year(asked: Question, row: Sentence) -> bool:
    """Say whether years name the columns of a row, and the year that is asked for stands neither there nor above."""
    years = {name for name in asked.names if _YEAR.fullmatch(name)}
    if not years or CELLS not in row.text:
        return False
    passage, start = row.hit.passage, row.start - row.hit.passage.start
    named = set(_YEAR.findall(header_of(passage.text, start)))
    if not named or years & named:
        return False
    group, title = group_of(passage.text, start), row.hit.document.title
    above = " ".join((row.text, group, row.section, row.under, *passage.locator.heading, title))
    return not years & set(_YEAR.findall(above))


def has_label_of(row: str, text: str) -> bool:
    """Say whether a text has all words of a row's first cell, and so may say more of the same.

    A row with no other words there is of another group or table: it would say what is asked for itself.
    """
    label, own = row.partition(CELLS.strip())[0], text.partition(CELLS.strip())[0]
    if CELLS in text and _words(own) == _words(label):
        return False
    return any(words and words <= _words(text) for words in map(_words, _readings(label)))


def _fit(asked: Question, row: Sentence) -> float:
    label, *cells = (cell.strip() for cell in row.text.split(CELLS.strip()))
    words = _words(asked.text) - _SAYS_LITTLE
    own = next((one for one in map(_words, _readings(label)) if one and one <= words), None)
    if own is None or not any(any(map(str.isdigit, cell)) for cell in cells):
        return 0.0
    passage = row.hit.passage
    names = _words(header_of(passage.text, row.start - passage.start) or (row.under if CELLS in row.under else ""))
    if names & _words("page") or (not names and _PAGE.fullmatch(" ".join(filter(None, cells)))):
        return 0.0
    title = row.hit.document.title
    above = (row.section, row.under, *passage.locator.heading[::-1])
    heading = next((one for one in above if one not in ("", title) and CELLS not in one), "")
    left = words - own - names - _words(heading) - _words(group_of(passage.text, row.start - passage.start))
    by_title = not heading and asked.for_a_figure and not any(word[0].isdigit() for word in left) and left <= _words(title)
    return 0.5 if left and by_title else float(not left)


def _readings(label: str) -> tuple[str, str, str]:
    """Return a label as it stands, and where it names one thing or its opposite, both."""
    return label, _OR.sub(r"\1", label), _OR.sub(r"\2", label)


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(same for word in question_words(text) for same in _SAME.get(word, (word,)))
