"""Who is speaking in each sentence, for questions that ask for somebody's view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa.actors import ALIASES, CARRIES_ON, SAYING, plain_words
from qa.hit_sentences import Sentence
from qa.questions import Question


def speakers(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return 1 where the one whose view is asked for speaks, -1 where somebody else does, 0 where nobody does.

    "It", "officials" and the like carry on whoever spoke last; they count half without a verb of saying.
    """
    marks = np.zeros(len(sentences))
    if not asked.actor:
        return marks
    speaker = 0.0
    for number, sentence in enumerate(sentences):
        if number == 0 or sentences[number - 1].hit is not sentence.hit:
            # in a text headed "Why Islamabad says no", "officials" are Pakistan's
            speaker = float(bool(asked.actor & set(plain_words(sentence.hit.passage.context))))
        marks[number] = mark = _speaker(sentence.text, asked.actor, speaker)
        speaker = mark if abs(mark) == 1 else speaker
    return marks


def _speaker(sentence: str, actor: frozenset[str], before: float) -> float:
    words = plain_words(sentence)
    other = carried = False
    for i, word in enumerate(words):
        if word not in SAYING:
            continue
        known = [near for near in words[max(0, i - 12) : i] if near in ALIASES]
        if known and known[-1] in actor:
            return 1.0
        other = other or bool(known)
        carried = carried or bool(not known and set(words[max(0, i - 6) : i]) & CARRIES_ON)
    if carried:
        return before
    return -1.0 if other else 0.5 * before * bool(set(words[:5]) & CARRIES_ON)
