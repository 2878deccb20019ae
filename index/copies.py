"""Hits → those that say something new, and those that say what a better one says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from index.embedder import Vectors
from index.records import Hit

_NEAR_SHARE = 0.8  # of a passage's words: more in common with a better hit and it is a copy
# And the least cosine, of the bundled model's vectors. "Ways to prevent prostate cancer are studied in trials" has nearly
# all words of that about the liver; below .85 such were nearly all that was found among the 60 nearest of 6,000 passages
# of `make bench` (read by hand).
_NEAR_COSINE = 0.85
_AT_ONCE = 64  # vectors that are compared with each other
_TURNS = frozenset("no not never none neither nor without cannot < > ≤ ≥ = ± -".split())
_SPELLED = frozenset(
    (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion "
        "zwei drei vier fünf sechs sieben acht neun zehn deux trois quatre cinq sept huit neuf dix "
        "dos tres cuatro cinco seis siete ocho nueve diez"
    ).split()
)
_MARKS = str.maketrans(dict.fromkeys(".,;:?…'\"“”‘’„«»•()[]{}", " "))  # signs that compare, negate or count stay
_WORD = re.compile(r"\w+|[<>≤≥=±]|(?<!\w)-(?=\d)")
_MOST_NAMES = 0.2  # of the words
_NAME = re.compile(r"(?<=[^\W\d_A-Z][ \n])[^\W\d_a-z]\w+")  # capitalised behind a word that is not


class Sieve:
    """Sets passages apart that say what a better hit says: the same text elsewhere, or nearly all of its words.

    Passages of one document overlap by a sentence; that alone does not make them copies. distinct, others: in the order in
    which they were added. keeps_copies: all are distinct.
    """

    def __init__(self, *, keeps_copies: bool) -> None:
        self._keeps_copies = keeps_copies
        self.distinct: list[Hit] = []
        self.others: list[Hit] = []
        self._seen: set[str] = set()
        self._known: list[_Text] = []

    def add(self, hits: Sequence[Hit], vectors: Mapping[str, Vectors]) -> None:
        """Add hits that are not as good as those before, best first. vectors: of their passages, by id."""
        if self._keeps_copies:
            self.distinct += hits
            return
        for start in range(0, len(hits), _AT_ONCE):
            self._sift([(hit, _Text(hit.passage.text, vectors[hit.passage.id])) for hit in hits[start : start + _AT_ONCE]])

    def _sift(self, some: Sequence[tuple[Hit, _Text]]) -> None:
        known = list(self._known)
        texts = [*known, *(text for _, text in some)]
        near = np.array([text.vector for text in texts]) @ np.array([text.vector for _, text in some]).T > _NEAR_COSINE
        is_known = np.arange(len(texts)) < len(known)
        for place, (hit, text) in enumerate(some):
            if self._is_new(text, [texts[i] for i in np.flatnonzero(near[:, place] & is_known)]):
                is_known[len(known) + place] = True
                self._known.append(text)
                self.distinct.append(hit)
            else:
                self.others.append(hit)

    def _is_new(self, text: _Text, near: Sequence[_Text]) -> bool:
        if text.spelling in self._seen:  # whatever their titles, which are embedded with them
            return False
        self._seen.add(text.spelling)
        return not any(_is_copy(text.words, one.words) and not _name_others(text, one) for one in near)


class _Text:
    def __init__(self, text: str, vector: Vectors) -> None:
        self._text = text
        self.spelling = " ".join(text.casefold().translate(_MARKS).split()) or text
        self.vector = vector

    @cached_property
    def words(self) -> set[str]:
        """What is compared; made on first use, for most texts have none near them."""
        return set(_WORD.findall(self._text.casefold()))

    @cached_property
    def names(self) -> set[str]:
        """The words that are capitalised within a sentence, in small letters; none of German, where nouns are."""
        found = _NAME.findall(self._text)
        return set() if len(found) > _MOST_NAMES * self._text.count(" ") else {name.casefold() for name in found}


def _is_copy(words: set[str], others: set[str]) -> bool:
    """Say whether another text has nearly all of the words, and no more that count."""
    if not _NEAR_SHARE * len(words) < len(others) < len(words) / _NEAR_SHARE:
        return False  # counting is cheaper than comparing, and most differ by that much
    common = len(words & others)
    return common > _NEAR_SHARE * (len(words) + len(others) - common) and not _differs(words, others)


def _differs(words: set[str], others: set[str]) -> bool:
    """Say whether two texts differ in a number, its sign or a negation: then they disagree, and both are to be seen."""
    return any(word in _TURNS or word in _SPELLED or any(map(str.isdigit, word)) for word in words ^ others)


def _name_others(one: _Text, other: _Text) -> bool:
    """Say whether each of two texts names others than the other does, as two contracts of nearly the same words do.

    One name more is that of who sent it, or who shares it.
    """
    return min(len(one.names - other.words), len(other.names - one.words)) > 1
