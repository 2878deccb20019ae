"""Who is speaking in each sentence, for questions that ask for somebody's view."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from qa.actors import ALIASES, CARRIES_ON, DETERMINERS, OTHERS, PRONOUNS, SAYING, actors_among, plain_words
from qa.hit_sentences import Sentence
from qa.questions import Question
from qa.signals import gives_cause

_NEAR = 3  # characters: sentences with no more between them follow each other, also in two passages
_VIEWS = frozenset("view views reading eyes opinion judgement judgment account telling words".split())
_GOES_ON = "…"  # whoever spoke last
_FOR_REASONS = re.compile(r"\b(?:why|reasons?|grounds?|arguments?|objections?)\b", re.I)


def speakers(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return 1 where the one whose view is asked for speaks, -1 where somebody else does, 0 where nobody does.

    "It", "officials" and the like carry on whoever spoke last; they count half without a verb of saying. Where reasons are
    asked for, who only does again what the question says that he does ("rejected them", and no more) says nothing.
    """
    marks = np.zeros(len(sentences))
    if not asked.actor:
        return marks
    speaker = 0.0
    before: Sentence | None = None
    for number in sorted(range(len(sentences)), key=lambda i: (sentences[i].hit.document.id, sentences[i].start)):
        sentence = sentences[number]
        if before is None or not _follows(before, sentence):
            # in a text headed "Why Islamabad says no", "officials" are Pakistan's
            speaker = float(bool(asked.actor & set(plain_words(sentence.hit.passage.context))))
        mark = _speaker(sentence.text, asked.actor, speaker)
        marks[number] = 0.0 if mark > 0 and _only_repeats(asked, sentence.text) else mark
        speaker = mark if abs(mark) == 1 else speaker
        before = sentence
    return marks


def _follows(before: Sentence, sentence: Sentence) -> bool:
    same = before.hit.document.id == sentence.hit.document.id
    return same and (before.hit is sentence.hit or sentence.start - before.end <= _NEAR)


def _speaker(sentence: str, actor: frozenset[str], before: float) -> float:
    words = plain_words(sentence)
    voices = [_voice(words, i) for i in _verbs_of_saying(words)] + _views(words)
    if any(name in actor for name in voices):
        return 1.0
    if _GOES_ON in voices:
        return before
    return -1.0 if any(voices) else 0.5 * before * bool(set(words[:5]) & CARRIES_ON)


def _voice(words: Sequence[str], verb: int) -> str:
    """Return who speaks by a verb of saying: the actor named last before it, "some", _GOES_ON, or "" for nobody known."""
    others = [near for near in words[max(0, verb - 2) : verb] if near in OTHERS]
    if others:  # "and some believe": not whoever was named before them
        return others[0]
    known = [] if verb and words[verb - 1] in PRONOUNS else actors_among(words[max(0, verb - 12) : verb])
    if known:
        return known[-1]
    return _GOES_ON if CARRIES_ON & set(words[max(0, verb - 6) : verb]) else ""


def _views(words: Sequence[str]) -> list[str]:
    """Return whose views are told without such a verb: "in Ankara's view", "according to the ministry"."""
    found = [word for word, after in pairwise(words) if word in ALIASES and after in _VIEWS]
    for i, pair in enumerate(pairwise(words)):
        if pair == ("according", "to"):
            near = words[i + 2 : i + 6]
            found += actors_among(near)[:1] or [_GOES_ON] * bool(CARRIES_ON & set(near))
    return found


def _verbs_of_saying(words: Sequence[str]) -> list[int]:
    """Return the places of verbs of saying: not of nouns that look like them, nor of "a perceived decline"."""
    return [i for i, word in enumerate(words) if word in SAYING and not (i and _is_noun(word, words[i - 1]))]


def _is_noun(word: str, before: str) -> bool:
    return before in DETERMINERS or (word == "states" and before not in ALIASES and before not in CARRIES_ON)


def _only_repeats(asked: Question, sentence: str) -> bool:
    if not _FOR_REASONS.search(asked.text) or gives_cause(sentence):
        return False
    words = plain_words(sentence)
    said = {stem for i in _verbs_of_saying(words) for stem in question_words(words[i])}
    return bool(said) and said <= set(asked.words)
