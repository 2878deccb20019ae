"""Does the row of a table say all that is asked for, in its first cell and the names of its columns? Then it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from index.records import CELLS
from index.table_rows import header_of
from qa.reading.hit_sentences import Sentence
from qa.reading.questions import Question

_PAGE = re.compile(r"\d{1,3}")  # where the table is one of contents
_BRACKET = re.compile(r"\(([^)]*)\)")
_WORD_BEFORE = re.compile(r"\w+\s*" + _BRACKET.pattern)
_SAYS_LITTLE = frozenset(question_words("what how much many amount value figure sum year end report be have"))


def labelled(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return 1 for each row that says the whole question, else 0: "Total assets | $40 | $31" of what these were in 2020.

    Each word of its first cell is to be in the question, and each of the question there, in the names of the columns, or in
    a title above.
    """
    return np.array([float(CELLS in one.text and _says(asked, one)) for one in sentences])


def _says(asked: Question, row: Sentence) -> bool:
    label, *cells = (cell.strip() for cell in row.text.split(CELLS.strip()))
    words = _words(asked.text) - _SAYS_LITTLE
    own = next((one for one in map(_words, _readings(label)) if one and one <= words), None)
    if own is None or not any(any(map(str.isalnum, cell)) for cell in cells):
        return False
    passage = row.hit.passage
    names = header_of(passage.text, row.start - passage.start)
    if not (names or CELLS in row.under) and _PAGE.fullmatch(" ".join(filter(None, cells))):
        return False
    return words <= own | _words(f"{names} {row.under} {row.hit.document.title} {passage.context}")


def _readings(label: str) -> tuple[str, str, str]:
    """Return a label as it stands, without what is in brackets, and with that for the word before: "Net income (loss)"."""
    return label, _BRACKET.sub(" ", label), _WORD_BEFORE.sub(r"\1", label)


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(question_words(text))
