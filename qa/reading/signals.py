"""What speaks for a sentence as the answer to a question: the model's view, likeness, words, and the kind of answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from index.lexical import question_words
from qa.names import is_spelled_out
from qa.reading.actors import ALIASES
from qa.reading.hit_sentences import Sentence
from qa.reading.questions import FACTS, Question, acronyms_of
from qa.reading.reader_model import Insight, ReaderModel, Text
from qa.reading.sentence_vectors import Embeds

Floats = npt.NDArray[np.float64]

# The columns of `sentence_signals`, and the values of `answer_signals`, by which they are fitted (bench/reader/fit.py).
SENTENCE_SIGNALS = ("read", "lead", "answers", "cosine", "smoothed", "passage", "shared", "fits", "fact", "lead of fact")
ANSWER_SIGNALS = ("best", "second", "answers", "cosine", "passage", "shared", "named")

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\bMay\b|"
    r"\b(?i:january|february|march|april|june|july|august|september|october|november|december)\b|"
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|"
    r"\b(?i:within|before|after) (?:\d+|[a-z]+) (?:day|week|month|year)s?\b|"
    r"\b(?i:noon|midnight|o['’]clock)\b|\b\d{1,2}(?:[:.]\d\d)? ?(?i:[ap]\.?m\b)"
)
_NUMBER = re.compile(
    r"\d|\b(?:twice|daily|hourly|weekly|monthly|yearly|annually|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|third)\b",
    re.I,
)
_DAY_OR_YEAR = re.compile(
    r"\b(?:\d{1,2} )?(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"(?: \d{1,2}\b)?|\b(?:1[5-9]|20)\d\d\b",
    re.I,
)
_CAUSE = re.compile(
    r"\b(?:because|since|therefore|thus|due to|owing to|on the grounds?|reasons?|argu\w+|object\w*|so that|in order to|"
    r"risk\w*|threat\w*|harm\w*|unjust\w*|unfair\w*|biased|discriminat\w+|contend\w*|essential|rooted)\b",
    re.I,
)
_HAS_POINT = re.compile(r"\d+(?:\.\d+)+")  # 4.0 is no 0.4
_MOST_LOGIT = 8.0


def texts_of(sentences: Sequence[Sentence]) -> dict[str, tuple[Text, list[int]]]:
    """Group sentences by their passage: id → (what the model reads, the places of its sentences)."""
    places: dict[str, list[int]] = {}
    for i, sentence in enumerate(sentences):
        places.setdefault(sentence.hit.passage.id, []).append(i)
    return {
        key: (
            Text(" ".join(sentences[own[0]].hit.passage.context.split()), tuple(sentences[i].text for i in own)),
            own,
        )
        for key, own in places.items()
    }


def sentence_signals(asked: Question, sentences: Sequence[Sentence], embedder: Embeds, model: ReaderModel) -> Floats:
    """Return one row a sentence, its columns as SENTENCE_SIGNALS says.

    The model knows English alone: of a question in another script its columns are NaN, which a fit takes as "no news".
    """
    grouped = texts_of(sentences)
    vectors = embedder.embed([asked.text, *(one.text for one in sentences)])
    cosines = (vectors[1:] @ vectors[0]).astype(np.float64)
    read = np.full((len(sentences), 3), np.nan)
    smoothed = np.zeros(len(sentences))
    texts = [text for text, _ in grouped.values()]
    insights: Sequence[Insight | None] = model.read(asked.text, texts) if is_read(asked.text) else [None] * len(texts)
    for (_, own), insight in zip(grouped.values(), insights, strict=True):
        smoothed[own] = _smooth(cosines[own])
        if insight is not None:
            read[own] = _read(insight)
    passage = [one.hit.scores.dense or 0.0 for one in sentences]
    fits = [fits_kind(asked, one.text) for one in sentences]
    fact = np.full(len(sentences), float(asked.kind in FACTS))
    shared = _shared_words(asked, sentences)
    columns = [*read.T, cosines, smoothed, passage, shared, fits, fact, fact * read[:, 1]]
    return np.stack(columns, axis=1)


def answer_signals(asked: Question, rows: Floats, logits: Floats, sentences: Sequence[Sentence]) -> Floats:
    """Return what speaks for there being an answer, as ANSWER_SIGNALS says. rows, logits: of the sentences."""
    order = np.argsort(-logits)
    best = sentences[order[0]]
    beside = [one for one in sentences if one.hit is best.hit]
    column = dict(zip(SENTENCE_SIGNALS, rows.T, strict=True))
    values = {
        "best": logits[order[0]],
        "second": logits[order[1]] if len(order) > 1 else logits[order[0]] - 2,
        "answers": column["answers"][order[0]],
        "cosine": column["cosine"].max(),
        "passage": column["passage"].max(),
        "shared": _covered(asked, beside),
        "named": _named(asked, beside),
    }
    return np.array([values[name] for name in ANSWER_SIGNALS])


def is_read(text: str) -> bool:
    """Say whether a text is in the script that the model was trained on."""
    letters = [one for one in text if one.isalpha()]
    return sum(one < "\u0250" for one in letters) > len(letters) / 2


def is_english(claim: str, evidence: str) -> bool:
    """Say whether a claim and its evidence are in the language that the model was trained on."""
    from index.readers.language import detect_language  # on first use: only judging needs it

    return detect_language(f"{claim}\n{evidence}") == "en" and detect_language(claim) in ("en", "") and is_read(claim)


def _read(insight: Insight) -> Floats:
    logits = np.clip(np.array(insight.sentences), -_MOST_LOGIT, _MOST_LOGIT)
    return np.stack([logits, logits - logits.max(), np.full(len(logits), insight.answers)], axis=1)


def _smooth(cosines: Floats) -> Floats:
    """Let neighbours speak for a sentence too, half as loudly."""
    padded = np.pad(cosines, 1, mode="edge")
    smoothed: Floats = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return smoothed


def _shared_words(asked: Question, sentences: Sequence[Sentence]) -> Floats:
    """Return for each sentence the share of the question's words in it or its heading, rare words weighing more."""
    bags = [set(question_words(f"{one.hit.passage.context} {one.text}")) for one in sentences]
    weights = {word: np.log(1 + len(bags) / (1 + sum(word in bag for bag in bags))) for word in asked.words}
    whole = sum(weights.values()) or 1.0
    return np.asarray([sum(weights[word] for word in asked.words if word in bag) / whole for bag in bags])


def numbers_shared(asked: Question, sentences: Sequence[Sentence]) -> Floats:
    """Return for each sentence the share of the question's numbers that it has; 0 where there are none.

    Dates may stand in its title or headings: of the post-mortem of 8 May, whatever it says is of that day.
    """
    numbers = {name for name in asked.names if any(map(str.isdigit, name))}
    if not numbers:
        return np.zeros(len(sentences))
    above = [_words_of(one.hit.passage.context) & asked.dates for one in sentences]
    words = [_words_of(one.text) | dates for one, dates in zip(sentences, above, strict=True)]
    return np.array([len(numbers & own) / len(numbers) for own in words])


def acronyms_shared(asked: Question, sentences: Sequence[Sentence]) -> Floats:
    """Return for each sentence the share of the question's acronyms that it or its heading has; 0 where there are none."""
    if not asked.acronyms:
        return np.zeros(len(sentences))
    words = [acronyms_of(f"{one.hit.passage.context} {one.text}") for one in sentences]
    return np.array([len(asked.acronyms & own) / len(asked.acronyms) for own in words])


def _words_of(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def fits_kind(asked: Question, sentence: str) -> float:
    """Say whether a sentence holds the kind of thing that is asked for."""
    if asked.kind == "when":
        return float(bool(_DATE.search(sentence)))
    if asked.kind == "number":
        return float(bool(_NUMBER.search(_DAY_OR_YEAR.sub(" ", sentence))))  # a date tells no number of things
    if asked.kind == "who":
        return float(any(word[0].isupper() and word.lower() not in asked.names for word in _WORD.findall(sentence)[1:]))
    if asked.kind in ("why", "list"):
        return float(gives_reason(sentence))
    return 0.0


def gives_reason(sentence: str) -> bool:
    """Say whether a sentence has a word by which people give reasons or judge."""
    return _CAUSE.search(sentence) is not None


def _stems_of(sentences: Sequence[Sentence]) -> set[str]:
    contexts = dict.fromkeys(one.hit.passage.context for one in sentences)
    return {stem for text in (*contexts, *(one.text for one in sentences)) for stem in question_words(text)}


def _covered(asked: Question, sentences: Sequence[Sentence]) -> float:
    """Return the share of the question's words in a passage."""
    found = _stems_of(sentences)
    return sum(word in found for word in asked.words) / len(asked.words) if asked.words else 0.0


def _named(asked: Question, sentences: Sequence[Sentence]) -> float:
    """Return the share of the question's names and numbers in a passage; 1 where it has none."""
    if not asked.names:
        return 1.0
    found = _stems_of(sentences)
    text = " ".join([sentences[0].hit.passage.context, *(one.text for one in sentences)])
    whole = {word.removeprefix("v") for word in _words_of(text)}
    there = [
        name in whole if _HAS_POINT.fullmatch(name) else _is_named(name, found) or is_spelled_out(name, text)
        for name in asked.names
    ]
    return sum(there) / len(there)


def _is_named(name: str, found: set[str]) -> bool:
    stems = [set(question_words(alias)) for alias in {name, *ALIASES.get(name, ())}]
    return any(stem <= found for stem in stems)
