"""A training row, and how one is made of a question and a text with answer spans."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from index.lexical import question_words as _question_words
from index.sentences import sentence_spans

_MOST_WORDS = 170  # of a passage, as the splitter makes them
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Row:
    """labels: of each sentence, 1 where it answers, none of a claim; answerable: 1 or 0; stance: of a claim, else -1.

    answer: the words of a sentence that answer, where they are known; "" else.
    """

    question: str
    context: str
    sentences: tuple[str, ...]
    labels: tuple[int, ...] = ()
    answerable: int = 0
    stance: int = -1
    answer: str = ""


Sentences = list[tuple[str, int]]  # text, and whether it answers


@lru_cache(maxsize=65536)
def question_words(text: str) -> frozenset[str]:
    """Return the stems of a text, remembered: the same paragraphs are compared with many questions."""
    return frozenset(_question_words(text))


def labelled(text: str, spans: Sequence[tuple[int, int]]) -> Sentences:
    """Return a text's sentences, those that touch a span as answering."""
    return [
        (" ".join(text[start:end].split()), int(any(low < end and high > start for low, high in spans)))
        for start, end in sentence_spans(text)
    ]


def labelled_at(text: str, places: Sequence[int]) -> Sentences:
    """Return a text's sentences, those at these places, from 0, as answering."""
    sentences = labelled(text, [])
    if places and max(places) >= len(sentences):
        raise ValueError(f"a text of {len(sentences)} sentences has no sentence {max(places) + 1}: {text[:40]!r}")
    return [(sentence, int(i in places)) for i, (sentence, _) in enumerate(sentences)]


def _window(sentences: Sentences, rng: random.Random) -> Sentences:
    """Cut a long text to a passage's length, around its first answer where it has one."""
    answers = [i for i, (_, label) in enumerate(sentences) if label]
    first = max(0, (answers[0] if answers else rng.randrange(len(sentences))) - rng.randrange(4))
    kept: Sentences = []
    words = 0
    for sentence in sentences[first:]:
        words += len(sentence[0].split())
        if kept and words > _MOST_WORDS:
            break
        kept.append(sentence)
    return kept


def row_of(question: str, title: str, sentences: Sentences, rng: random.Random, answer: str = "") -> Iterator[Row]:
    """Yield the row of a question and a text; none where the text is empty."""
    sentences = [one for one in _window(sentences, rng) if one[0]] if sentences else []
    if not sentences:
        return
    labels = tuple(label for _, label in sentences)
    context = title.replace("_", " ") if rng.random() < 0.6 else ""
    asked = _as_keywords(question) if rng.random() < 0.2 else question
    answer = " ".join(answer.split())
    yield Row(asked, context, tuple(text for text, _ in sentences), labels, int(any(labels)), answer=answer)


def _as_keywords(question: str) -> str:
    """Ask as people type into a search box: the content words alone."""
    words = [word for word in WORD.findall(question) if question_words(word) and len(word) > 1]
    return " ".join(words) if len(words) >= 2 else question


def nearest(question: str, text: str, texts: Sequence[str]) -> str:
    """Return the text beside another that shares most words with the question; "" where there is no other."""
    words = question_words(question)
    others = [other for other in texts if other != text]
    return max(others, key=lambda other: len(words & question_words(other)), default="")


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines, compressed or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def json_of(path: Path) -> Any:
    """Read compressed JSON."""
    return json.loads(gzip.decompress(path.read_bytes()))


@lru_cache(maxsize=1)
def wikipedia_passages(data: Path) -> tuple[tuple[str, str], ...]:
    """Return title and text of SQuAD's passages, those of the articles that are evaluated on left out."""
    held_out = evaluated_titles(data)
    passages = rows_of(data / "squad/passages.jsonl.gz")
    return tuple((one["title"], one["text"]) for one in passages if words_of(one["title"]) not in held_out)


def wikipedia_articles(data: Path) -> dict[str, list[str]]:
    """Return these passages by their title, white space as single spaces."""
    articles: dict[str, list[str]] = defaultdict(list)
    for title, text in wikipedia_passages(data):
        articles[title].append(" ".join(text.split()))
    return articles


def evaluated_titles(data: Path) -> set[str]:
    """Return the titles, as `words_of` makes them, of SQuAD's articles and CLAPNQ's pages that are evaluated on."""
    titles = {words_of(article["title"]) for article in json_of(data / "squad/dev-v2.0.split_A.json.gz")["data"]}
    return titles | {words_of(one["passages"][0]["title"]) for one in clapnq(data)}


def clapnq(data: Path) -> Iterator[dict[str, Any]]:
    """Yield the questions of CLAPNQ, with their pages: for evaluation alone."""
    for name in ("answerable", "unanswerable"):
        yield from rows_of(data / f"reading/clapnq/dev/clapnq_dev_{name}.jsonl")


def words_of(text: str) -> str:
    """Return the words of a title or question, to know it again however it is written."""
    return " ".join(WORD.findall(text.replace("_", " ").lower()))
