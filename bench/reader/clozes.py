"""Questions made of sentences: a name or number is taken out and asked for (Lewis et al. 2019, arXiv:1906.04980).

Rough English, but of as many subjects as there are pages, where written questions are of a few. Near misses come with
them: the sentence that answers left out, its answer alone left out, another name or an opposite in the question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.reader.mutations import names_of, opposite, other_name
from bench.reader.rows import WORD, Row, labelled, row_of, wikipedia_passages

_PAGES = 11_000  # of the 20,000 passages: about 30,000 rows
_A_PAGE = 2
_FUNCTION_WORDS = frozenset(
    "the a an of in on at by to for and or as with from that which its their his her this these was were is are be been had "
    "have has it he she they into than also".split()
)
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_MONTH = re.compile(r"January|February|March|April|May|June|July|August|September|October|November|December")
_CLAUSE_END = re.compile(r"[;:()]")


def cloze_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make questions of Wikipedia passages, those of the articles that are evaluated on left out."""
    pages = wikipedia_passages(data)
    for title, text in rng.sample(pages, min(_PAGES, len(pages))):
        sentences = [sentence for sentence, _ in labelled(text, [])]
        found = [
            (i, name)
            for i, sentence in enumerate(sentences)
            if 7 <= len(sentence.split()) <= 45
            for name in names_of(sentence)
            if f" {name}" in sentence
        ]
        for place, name in rng.sample(found, min(_A_PAGE, len(found))) if len(sentences) > 1 else ():
            yield from _rows_of(title, sentences, place, name, rng)


def _rows_of(title: str, sentences: Sequence[str], place: int, answer: str, rng: random.Random) -> Iterator[Row]:
    """Ask for a name or number of one sentence: of its page, and of what no longer answers."""
    question = question_of(sentences[place], answer, rng)
    if not question:
        return
    yield from row_of(question, title, [(one, int(i == place)) for i, one in enumerate(sentences)], rng, answer)
    kind = rng.random()
    if kind < 0.35:
        others = names_of(" ".join(sentences)) if rng.random() < 0.5 else []
        changed = other_name(question, others, rng) or opposite(question, rng)
        if changed:
            yield from row_of(changed, title, [(one, 0) for one in sentences], rng)
    elif kind < 0.6:
        silent = re.sub(rf" (?:in|on|by|at|of|from|to|with) {re.escape(answer)}\b", "", sentences[place], count=1)
        if silent != sentences[place]:
            yield from row_of(question, title, [(silent if i == place else one, 0) for i, one in enumerate(sentences)], rng)
    rest = [(one, 0) for i, one in enumerate(sentences) if i != place]
    if kind > 0.3 and not any(answer.lower() in one.lower() for one, _ in rest):
        yield from row_of(question, title, rest, rng)


def question_of(sentence: str, answer: str, rng: random.Random) -> str:
    """Ask for a name or number of a sentence in some of the sentence's own words; "" where too few are left."""
    at = sentence.index(f" {answer}") + 1
    before, after = _CLAUSE_END.split(sentence[:at])[-1], _CLAUSE_END.split(sentence[at + len(answer) :])[0]
    left = _thinned(WORD.findall(before)[-rng.randrange(4, 14) :], rng)
    right = _thinned(WORD.findall(after)[: rng.randrange(4, 14)], rng)
    asked = _asked_for(answer, after, rng)
    if asked.startswith(("How", "What number")):
        words = [asked, *right, rng.choice(["did", "were", ""]), *left]
    elif rng.random() < 0.75:
        words = [asked, rng.choice(["did", "was", "is", "are", "does", ""]), *left, *right]
    else:
        words = [*left, asked.lower(), *right]
    if sum(word.lower() not in _FUNCTION_WORDS for word in (*left, *right)) < 3:
        return ""
    said = " ".join(word for word in words if word)
    return f"{said[0].upper()}{said[1:]}?"


def _asked_for(answer: str, after: str, rng: random.Random) -> str:
    if _YEAR.fullmatch(answer):
        return rng.choice(["When", "In what year", "What year"])
    if _MONTH.search(answer):
        return rng.choice(["When", "On what date"])
    if answer[0].isdigit() and after.startswith(("%", " percent")):
        return rng.choice(["What percentage", "How much"])
    if answer[0].isdigit():
        return rng.choice(["How many", "How many", "What number of", "How much"])
    return rng.choice(["Who", "Who", "What", "What", "Which", "Where", "What is the name of"])


def _thinned(words: Sequence[str], rng: random.Random) -> list[str]:
    """Leave out some words, function words sooner: people ask in other words than a page says it in."""
    return [word for word in words if rng.random() >= (0.35 if word.lower() in _FUNCTION_WORDS else 0.12)]
