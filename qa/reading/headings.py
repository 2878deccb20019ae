"""Do sentences stand under a heading that says what is asked for? Then they are told by it, whatever their own words are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from qa.reading.hit_sentences import UNKNOWN, Sentence
from qa.reading.questions import FACTS, Question

_NEGATION = re.compile(r"\b(?:not?|never|cannot|without|none)\b|n['’]t\b", re.I)
# A list that such a line opens may be of what its heading does not name: "The following are excluded:" under "Cover".
_EXCEPTS = re.compile(
    r"\b(?:except|exclu|unless|other than|instead|waive|apart from|prohibit|forbid|bann?|refus|reject|den(?:y|ie)|exempt"
    r"|ineligib|optional|avoid|pointless|yourself|lose\b|leaves? to)",
    re.I,
)
_CONDITION = re.compile(r"^(?:unless|if|when|where)\b[^,]*,\s*", re.I)  # "Unless you have a degree, we ask for:"
_SAYS_LITTLE = frozenset(
    question_words(
        "need require list name tell get exist apply use give make include mention follow main various all under set"
    )
)
# "The Supplier shall:" opens the list of its obligations.
_OBLIGES = re.compile(r"\b(?:shall|must|undertakes?|agrees? to|is required to)\b", re.I)
_DUTIES = frozenset(question_words("obligations duties responsibilities commitments undertakings covenants"))
_BESIDE = 1 / 3  # of the question's words
_CLAUSE = re.compile(r"^\d+(?:\.\d+)*\.?\s+")  # its number


def headed(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return for each sentence how well its heading fits the question, 0 to 1: 0 where another fits better, or none does.

    -1 of an item of a list that its heading says to be another's: of "Duties of the secretary", asked for the treasurer's.
    -½ where only the titles above it may say so: of "Side effects" in a leaflet on loratadine, asked for paracetamol's.
    One sentence says a fact, whatever the heading: for questions after those it is 0. So it is of a heading that a document
    has twice, as "Side effects" below each of several medicines: nobody knows here which of them is asked about.
    """
    if asked.kind in FACTS or not sentences:
        return np.zeros(len(sentences))
    fits = np.array([_fit(asked, one) for one in sentences])
    best = [one if fit and fit == fits.max() else None for one, fit in zip(sentences, fits, strict=True)]
    places: dict[tuple[str, str], set[int]] = {}
    for one in filter(None, best):
        places.setdefault((one.hit.document.id, one.under), set()).update({one.under_at} - {UNKNOWN})
    known = [bool(one and len(places[one.hit.document.id, one.under]) <= 1) for one in best]
    others = np.array([0.0 if fit else _is_of_another(asked, one) for one, fit in zip(sentences, fits, strict=True)])
    return np.where(known, fits, -others)


def _fit(asked: Question, one: Sentence) -> float:
    """Rate a heading, the more of the question is in it the better: 0, ½ to 1.

    Of an item it is the line that opens its list, else the heading above that. Each word of the question is to be in it
    or in a title above it, and each of its own in the question or above.

    "Side effects" of a document on ibuprofen tell nothing of aspirin, even if that is named there; nor do the duties of the
    secretary tell of the treasurer's.
    """
    says = _CONDITION.sub("", one.under)
    if not one.under or bool(_NEGATION.search(says)) != bool(_NEGATION.search(asked.text)):
        return 0.0
    fit = _fit_of(asked, one)
    if fit or not one.item or one.section in ("", one.under) or _EXCEPTS.search(says):
        return fit
    return _fit_of(asked, replace(one, under=one.section))


def _fit_of(asked: Question, one: Sentence) -> float:
    own, words, above = _words_of(asked, one)
    if not words & own or not own <= words | above:
        return 0.0
    left = words - own - above
    # "Steps" of "Gateway offline" tell what to do when a customer's is, if customers are spoken of
    is_told = words & above - own and len(left) <= _BESIDE * len(words) and left <= _words(one.hit.passage.text)
    return (1 + len(words & own) / len(words)) / 2 if not left or is_told else 0.0


def _is_of_another(asked: Question, one: Sentence) -> float:
    """Say whether a list's heading names what is asked for, but of something that is not: 1, by a title above it ½, or 0."""
    own, words, above = _words_of(asked, one)
    if not one.item or not own & words or not words - own - above - _words(one.text):
        return 0.0
    return 1.0 if own - words - above else 0.5 if above - words else 0.0


def _words_of(asked: Question, one: Sentence) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the words that tell something of a sentence's heading, of the question, and of the titles above the heading."""
    own, words = (_words(text) - _SAYS_LITTLE for text in (_CLAUSE.sub("", one.under), asked.text))
    obliges = _OBLIGES.search(one.under)
    if words & _DUTIES and obliges:
        own, words = own - _words(obliges[0]), words - _DUTIES
    return own, words, _words(f"{one.hit.document.title} {one.hit.passage.context}")


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(question_words(_NEGATION.sub(" ", text)))
