"""The embedded answerer: picks the sentences that answer a question from its hits, or abstains.

No model of its own yet: each sentence is scored from its cosine to the question, its passage's score, shared
words, the kind of answer asked for, and who is speaking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.embedder import Embedder
from index.lexical import question_words
from index.records import Hit
from index.sentences import sentence_spans
from qa.actors import ALIASES, CARRIES_ON, SAYING, plain_words
from qa.facts import is_spelled_out
from qa.questions import Question, analyse

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b",
    re.I,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|third)\b",
    re.I,
)
_CAUSE = re.compile(
    r"\b(?:because|since|therefore|thus|due to|owing to|on the grounds?|reasons?|argu\w+|object\w*|so that|in order to|"
    r"risk\w*|threat\w*|harm\w*|unjust\w*|unfair\w*|biased|discriminat\w+|contend\w*|essential|rooted)\b",
    re.I,
)
# Logistic regression on 300 questions of SQuAD 1.1 over the 12 articles they are about (top sentence holds the
# answer: .78 on other articles, cosine alone .66), but for the last: who speaks matters little there, and is set by hand.
# In the order: cosine, the passage's score, shared words, right kind of thing, right speaker.
_WEIGHTS = np.array([5.0, 8.0, 3.7, 0.5, 2.0])
_BIAS = -13.9
_NEAR = 0.2  # of the best chance: a sentence with a date this near is preferred to one without, when a date is asked for
_SURE_COSINE = 0.5
_LEAST_COSINE = 0.35
_LEAST_SHARED = 0.6
_MAX_PICKS = 6
_LIST_MARKER = re.compile(r"(?:[-*•–·▪]|\d{1,3}[.)])\s+")
_MAX_WORDS = 150


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence that answers: its span in the document of the hit, and its score, 0 to 1."""

    hit: Hit
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found. `picks` in the order they read best; none when nothing answers. score: of the best, 0 to 1.

    rated: every sentence with its score, in the order of the hits.
    """

    picks: tuple[Pick, ...]
    score: float
    rated: tuple[Pick, ...] = ()


def read(question: str, hits: Sequence[Hit], embedder: Embedder) -> Reading:
    """Pick the sentences that answer, several when the question asks for several."""
    asked = analyse(question)
    sentences = sentences_of(hits)
    if not sentences:
        return Reading((), 0.0)
    scored, nearest = _score(asked, sentences, embedder)
    best = max(scored, key=lambda pick: pick.score)
    if not _answers(asked, sentences, nearest):
        return Reading((), best.score, tuple(scored))
    return Reading(tuple(_in_reading_order(_choose(asked, scored))), best.score, tuple(scored))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a hit: its span in the document, and its text with white space folded."""

    hit: Hit
    start: int
    end: int
    text: str


def sentences_of(hits: Sequence[Hit]) -> list[Sentence]:
    """Return the sentences of all hits; those that stand in two passages only once, from the better one."""
    seen: set[tuple[str, int] | str] = set()
    found: list[Sentence] = []
    for hit in hits:
        text, offset = hit.passage.text, hit.passage.start
        for start, end in sentence_spans(text):
            start += _marker_length(text[start:end])
            sentence = " ".join(text[start:end].split())
            keys: set[tuple[str, int] | str] = {(hit.document.id, offset + start), sentence.casefold()}
            if seen & keys or _is_heading(sentence):
                continue
            seen |= keys
            found.append(Sentence(hit, offset + start, offset + end, sentence))
    return found


def _marker_length(sentence: str) -> int:
    """Return how many characters of list marker a sentence begins with."""
    marker = _LIST_MARKER.match(sentence)
    return marker.end() if marker and marker.end() < len(sentence) else 0


def _is_heading(sentence: str) -> bool:
    """Tell headings and scraps, which answer nothing by themselves, from sentences."""
    words = len(sentence.split())
    return words < 3 or (words < 10 and sentence[-1].isalpha())


def _score(asked: Question, sentences: Sequence[Sentence], embedder: Embedder) -> tuple[list[Pick], float]:
    """Score each sentence by the chance that it holds the answer. Returns the highest cosine too."""
    vectors = embedder.embed([asked.text, *(one.text for one in sentences)])
    alone = vectors[1:] @ vectors[0]
    shared = _shared_words(asked, sentences)
    speaks = _speaks(asked, sentences)
    fits = [_fits_kind(asked, one.text) for one in sentences]
    fused = [one.hit.scores.fused for one in sentences]
    features = np.stack([alone, fused, shared, fits, speaks], axis=1)
    chances = 1 / (1 + np.exp(-(features @ _WEIGHTS + _BIAS)))
    picks = [
        Pick(one.hit, one.start, one.end, one.text, float(chance)) for one, chance in zip(sentences, chances, strict=True)
    ]
    return picks, float(alone.max())


def _shared_words(asked: Question, sentences: Sequence[Sentence]) -> np.ndarray:
    """Return for each sentence the share of the question's words in it or its heading, rare words weighing more."""
    bags = [set(question_words(f"{one.hit.passage.context} {one.text}")) for one in sentences]
    weights = {word: np.log(1 + len(bags) / (1 + sum(word in bag for bag in bags))) for word in asked.words}
    whole = sum(weights.values()) or 1.0
    return np.asarray([sum(weights[word] for word in asked.words if word in bag) / whole for bag in bags])


def _fits_kind(asked: Question, sentence: str) -> float:
    """Say whether a sentence holds the kind of thing that is asked for."""
    if asked.kind == "when":
        return float(bool(_DATE.search(sentence)))
    if asked.kind == "number":
        return float(bool(_NUMBER.search(sentence)))
    if asked.kind == "who":
        return float(any(word[0].isupper() and word.lower() not in asked.names for word in _WORD.findall(sentence)[1:]))
    if asked.kind in ("why", "list"):
        return float(bool(_CAUSE.search(sentence)))
    return 0.0


def _speaks(asked: Question, sentences: Sequence[Sentence]) -> list[float]:
    """Return 1 where the one whose view is asked for speaks, -1 where somebody else does, 0 where nobody does.

    "It", "officials" and the like carry on whoever spoke last; they count half without a verb of saying.
    """
    if not asked.actor:
        return [0.0] * len(sentences)
    marks: list[float] = []
    speaker = 0.0
    for number, sentence in enumerate(sentences):
        if number == 0 or sentences[number - 1].hit is not sentence.hit:
            # in a text headed "Why Islamabad says no", "officials" are Pakistan's
            speaker = float(bool(asked.actor & set(plain_words(sentence.hit.passage.context))))
        mark = _speaker(sentence.text, asked.actor, speaker)
        marks.append(mark)
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


def _answers(asked: Question, sentences: Sequence[Sentence], alone: float) -> bool:
    """Decide whether the passages are about what is asked: near enough, with its words, and all its names, in them."""
    found = {stem for one in sentences for stem in question_words(f"{one.hit.passage.context} {one.text}")}
    shared = sum(word in found for word in asked.words)
    text = " ".join(f"{one.hit.passage.context} {one.text}" for one in sentences)
    named = all(_is_named(name, found) or is_spelled_out(name, text) for name in asked.names)
    near = alone >= _SURE_COSINE or (alone >= _LEAST_COSINE and shared >= _LEAST_SHARED * len(asked.words))
    return near and named


def _is_named(name: str, found: set[str]) -> bool:
    stems = [set(question_words(alias)) for alias in {name, *ALIASES.get(name, ())}]
    return any(stem <= found for stem in stems)


def _choose(asked: Question, scored: Sequence[Pick]) -> list[Pick]:
    """Take the best sentence, and others close to it: several where several are asked for, without repeats."""
    ranked = sorted(scored, key=lambda pick: -pick.score)
    if asked.kind in ("when", "number"):
        near = [pick for pick in ranked if pick.score >= _NEAR * ranked[0].score]
        ranked = [pick for pick in near if _fits_kind(asked, pick.text)] or ranked
    least, most = (0.08, _MAX_PICKS) if asked.several else (0.35, 3)
    chosen: list[Pick] = []
    words = 0
    for pick in ranked:
        length = len(pick.text.split())
        if len(chosen) == most or pick.score < least * ranked[0].score:
            break
        if chosen and (words + length > _MAX_WORDS or any(_repeats(pick, other) for other in chosen)):
            continue
        chosen.append(pick)
        words += length
    return chosen


def _repeats(one: Pick, other: Pick) -> bool:
    mine, yours = set(question_words(one.text)), set(question_words(other.text))
    if any(any(map(str.isdigit, word)) for word in mine ^ yours):
        return False  # they disagree on a number: both are to be seen
    share = 0.6 if one.hit.document.id == other.hit.document.id else 0.9
    return len(mine & yours) > share * min(len(mine), len(yours))


def _in_reading_order(picks: Sequence[Pick]) -> list[Pick]:
    """Group by document, the one that says most first; within a document as they stand there."""
    weight: dict[str, float] = {}
    for pick in picks:
        weight[pick.hit.document.id] = weight.get(pick.hit.document.id, 0.0) + pick.score
    return sorted(picks, key=lambda pick: (-weight[pick.hit.document.id], pick.hit.document.id, pick.start))
