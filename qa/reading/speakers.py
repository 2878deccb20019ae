"""Who is speaking in each sentence, for questions that ask for somebody's view."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from qa.reading.actors import (
    ALIASES,
    CARRIES_ON,
    DETERMINERS,
    OFFICES,
    OTHERS,
    PRONOUNS,
    REFUSING,
    SAYING,
    STATES_AFTER,
    VIEW_NOUNS,
    actors_among,
    plain_words,
)
from qa.reading.hit_sentences import Sentence
from qa.reading.questions import Question
from qa.reading.signals import gives_reason

_NEAR = 3  # characters: sentences with no more between them follow each other, also in two passages
_FOR_REASONS = re.compile(r"\b(?:why|reasons?|grounds?|arguments?|objections?)\b", re.I)
# What leads from a refusal to its reason: "rejected it as baseless", "opposed it: its route crosses three rivers".
_LEADS_TO_REASON = re.compile(
    r":|\b(?:as(?! (?:it|they) (?:stands?|is|are)\b)|for(?! the first time\b)|over|given|citing|which|violat\w+)\b", re.I
)
_GOES_ON = "…"  # whoever spoke last
# "France, they said, remains a friend": whatever is named around it.
_ASIDE = re.compile(rf",[”\"’]? (?:{'|'.join(sorted(PRONOUNS))})(?: \w+)? (?:{'|'.join(sorted(SAYING))})(?=[,.;:])")
_ENDS_SOURCE = frozenset("on about from of against".split())
_NO_SPEAKERS = frozenset("law laws rules rule data figures".split())  # what is "according to" these is nobody's view


def speakers(asked: Question, sentences: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """Return 1 where the one whose view is asked for speaks, -1 where somebody else does, 0 where nobody does.

    "It", "officials" and the like carry on whoever spoke last; they count half without a verb of saying. Where reasons are
    asked for, a sentence that only repeats the question's refusal ("rejected them") counts 0: it gives none.
    """
    marks = np.zeros(len(sentences))
    if not asked.actor:
        return marks
    others = frozenset[str]() if OTHERS & set(plain_words(asked.text)) else OTHERS  # of "American critics" they are none
    speaker = 0.0
    before: Sentence | None = None
    for number in sorted(range(len(sentences)), key=lambda i: (sentences[i].hit.document.id, sentences[i].start)):
        sentence = sentences[number]
        if before is None or not _follows(before, sentence):
            # in a text headed "Why Islamabad says no", "officials" are Pakistan's
            speaker = float(bool(asked.actor & set(plain_words(sentence.hit.passage.context))))
        mark = _mark(_voices(sentence.text, others), asked.actor, speaker)
        marks[number] = 0.0 if mark > 0 and _only_refuses(asked, sentence.text) else mark
        speaker = mark if abs(mark) == 1 else speaker
        before = sentence
    return marks


def _follows(before: Sentence, sentence: Sentence) -> bool:
    one, other = before.hit, sentence.hit
    adjoin = one.passage.context == other.passage.context and sentence.start - before.end <= _NEAR
    return one.document.id == other.document.id and (one is other or adjoin)


def _mark(voices: Sequence[str], actor: frozenset[str], before: float) -> float:
    """Return what `speakers` says of a sentence with these voices. before: of whoever spoke last."""
    if any(voice in actor for voice in voices):
        return 1.0
    if voices:
        return {_GOES_ON: before, "": 0.5 * before}.get(voices[0], -1.0)
    return 0.0


def _voices(sentence: str, others: frozenset[str]) -> list[str]:
    """Return who speaks in a sentence: names of actors, "some" and the like, _GOES_ON; "" where a subject goes on doing."""
    rest, asides = _ASIDE.subn("", sentence)
    words = plain_words(rest)
    said = [_voice(words, i, others) for i in _verbs_of_saying(words)]
    voices = [voice for voice in (*[_GOES_ON] * asides, *_views(words, others), *said) if voice]
    return voices or [""] * bool(set(words[:5]) & CARRIES_ON)


def _voice(words: Sequence[str], verb: int, others: frozenset[str]) -> str:
    """Return who speaks by a verb of saying, "" for nobody known: as a rule the actor named last before it."""
    subject, owner = words[max(0, verb - 1)], words[max(0, verb - 2)]
    if subject in others and not (owner in ALIASES or owner in CARRIES_ON):  # "some believe", not "what Moscow most fears"
        return subject
    known = actors_among(words[max(0, verb - 12) : verb])
    if known:
        return known[-1]
    return _GOES_ON if CARRIES_ON & set(words[max(0, verb - 6) : verb]) else ""


def _views(words: Sequence[str], others: frozenset[str]) -> list[str]:
    """Return whose views are told without such a verb: "in Ankara's view", "according to the ministry"."""
    found = [
        name
        for i, (name, noun) in enumerate(pairwise(words))
        if name in ALIASES and noun in VIEW_NOUNS and {"in", "by"} & set(words[max(0, i - 2) : i])
    ]
    for i, pair in enumerate(pairwise(words)):
        if pair == ("according", "to"):
            found += _source(words[i + 2 : i + 7], others)
    return found


def _source(words: Sequence[str], others: frozenset[str]) -> list[str]:
    """Return whom the words after "according to" name: one or nobody."""
    end = next((i for i, word in enumerate(words) if word in _ENDS_SOURCE), len(words))
    source = words[:end]
    if _NO_SPEAKERS & set(source):
        return []
    names = [word for word in source if word in others] or actors_among(source)
    return names[:1] or [_GOES_ON] * bool(OFFICES & set(source))


def _verbs_of_saying(words: Sequence[str]) -> list[int]:
    """Return the places of verbs of saying: not of nouns that look like them, nor of "a perceived decline"."""
    return [i for i, word in enumerate(words) if word in SAYING and not (i and _is_noun(word, words[i - 1]))]


def _is_noun(word: str, before: str) -> bool:
    return before in DETERMINERS or (word == "states" and before in STATES_AFTER)


def _only_refuses(asked: Question, sentence: str) -> bool:
    """Say whether reasons are asked for, and all that is said is the refusal that the question speaks of."""
    if not _FOR_REASONS.search(asked.text) or gives_reason(sentence) or _LEADS_TO_REASON.search(sentence):
        return False
    words = plain_words(sentence)
    said = {words[i] for i in _verbs_of_saying(words)}
    return bool(said) and said <= REFUSING and all(set(question_words(verb)) <= set(asked.words) for verb in said)
