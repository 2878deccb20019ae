"""Do sentences stand under a heading that says what is asked for? Then they are told by it, whatever their own words are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from qa.reading.hit_sentences import Sentence
from qa.reading.questions import Question
from qa.reading.signals import FACTS

_OF_HEADING, _OF_QUESTION = 0.5, 0.5  # of the words of each must be in the other, or it says something else
_NEGATION = re.compile(r"\b(?:not?|never|cannot|without|none)\b|n['’]t\b", re.I)
_SAYS_LITTLE = frozenset(question_words("need list name tell get exist apply use give include mention follow main various"))


def headed(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return for each sentence the share of the question's words in its heading and title, 0 where others have more or none.

    One sentence says a fact, whatever the heading: for questions after those it is 0.
    """
    if asked.kind in FACTS or not sentences:
        return np.zeros(len(sentences))
    told: dict[str, set[str]] = {}
    for hit in {one.hit.passage.id: one.hit for one in sentences}.values():
        told.setdefault(hit.document.id, set()).update(_words(hit.passage.text))
    fits = np.array([_fit(asked, one, told[one.hit.document.id]) for one in sentences])
    return np.where(fits == fits.max(), fits, 0.0)


def _fit(asked: Question, one: Sentence, told: set[str]) -> float:
    """Rate a heading: side effects are told of under "Side effects", but not of a thing that its document never names.

    told: the words of the document's passages that were found.
    """
    if not one.under or bool(_NEGATION.search(one.under)) != bool(_NEGATION.search(asked.text)):
        return 0.0
    own, words = _words(one.under), _words(asked.text) - _SAYS_LITTLE
    around = own | _words(f"{one.hit.document.title} {one.hit.passage.context}")
    if not words & own or not words <= around | told:
        return 0.0
    of_question = len(words & around) / len(words)
    return of_question if of_question >= _OF_QUESTION and len(words & own) >= _OF_HEADING * len(own) else 0.0


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(question_words(_NEGATION.sub(" ", text)))
