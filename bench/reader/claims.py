"""Claims for training: true, with one thing changed, and beside a text that does not say so."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.reader.mutations import names_of, negated, opposite, other_name
from bench.reader.rows import Row, json_of, labelled, rows_of, wikipedia_passages

SUPPORTED, CONTRADICTED, NEITHER = 0, 1, 2
_WH = re.compile(
    r"\b(?:what|which|who|whom|when|where|how many|how much)\b(?: (?:year|day|date|city|country|name|kind|type)\b)?", re.I
)


def claims_of_question(question: str, answer: str, text: str, title: str, near: str, rng: random.Random) -> Iterator[Row]:
    """Make claims of a question and its answer: true, with another answer, and against a text that does not say so."""
    sentences = [sentence for sentence, _ in labelled(text, [])]
    own = next((sentence for sentence in sentences if answer in sentence), "")
    claim = _statement(question, answer)
    if not own or not claim:
        return
    evidence = tuple(sentences[max(0, sentences.index(own) - rng.randrange(2)) :][: rng.randrange(1, 4)])
    if own not in evidence:
        evidence = (own,)
    yield Row(claim, title, evidence, stance=SUPPORTED, answerable=1)
    other = _other_answer(answer, text, rng)
    if other:
        yield Row(_statement(question, other), title, evidence, stance=CONTRADICTED, answerable=1)
    if near and answer.lower() not in near.lower():
        elsewhere = labelled(near, [])
        start = rng.randrange(len(elsewhere))
        yield Row(claim, title, tuple(one for one, _ in elsewhere[start : start + 3]), stance=NEITHER)
    beside = [sentence for sentence in sentences if answer.lower() not in sentence.lower()]
    if beside and rng.random() < 0.5:
        yield Row(claim, title, (rng.choice(beside),), stance=NEITHER)


def claims_of_sentences(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make claims of sentences: as they stand or shortened, with one thing changed, and beside a text that lacks them."""
    pages = wikipedia_passages(data)
    answers = [(one["focus"], one["answer"][:2000]) for one in rows_of(data / "reading/medquad.jsonl.gz") if one["answer"]]
    papers = [
        ("", paragraph["context"][start : start + 1200])
        for paper in json_of(data / "reading/covidqa/200423_covidQA.json.gz")["data"]
        for paragraph in paper["paragraphs"]
        for start in range(600, len(paragraph["context"]) - 1200, 6000)
    ]
    for title, text in [*rng.sample(pages, 3000), *rng.sample(answers, 1000), *rng.sample(papers, min(500, len(papers)))]:
        yield from _claims_of_text(title, [sentence for sentence, _ in labelled(text, [])], rng)


def _claims_of_text(title: str, sentences: Sequence[str], rng: random.Random) -> Iterator[Row]:
    fitting = [i for i, sentence in enumerate(sentences) if 8 <= len(sentence.split()) <= 40]
    if len(sentences) < 3 or not fitting:
        return
    at = rng.choice(fitting)
    own = sentences[at]
    near = sentences[max(0, at - rng.randrange(2)) : at + rng.randrange(1, 3)]
    beside = [*sentences[max(0, at - 2) : at], *sentences[at + 1 : at + 2]]
    shorter = _shortened(own, rng)
    names = names_of(" ".join(sentences))
    wrong = [one for one in (other_name(shorter, names, rng), opposite(shorter, rng), negated(shorter)) if one]
    yield Row(shorter, title, tuple(near), stance=SUPPORTED, answerable=1)
    if wrong:
        yield Row(rng.choice(wrong), title, tuple(near), stance=CONTRADICTED, answerable=1)
    if beside:
        yield Row(rng.choice([shorter, *wrong]), title, tuple(beside), stance=NEITHER)


def _shortened(sentence: str, rng: random.Random) -> str:
    """Leave out an aside between commas or brackets, or what follows the last comma."""
    aside = re.search(r",[^,]{5,80},| \([^)]{3,80}\)", sentence)
    if aside and rng.random() < 0.7:
        return f"{sentence[: aside.start()]}{sentence[aside.end() :]}"
    head, comma, tail = sentence.rpartition(", ")
    long_enough = comma and len(head.split()) >= 7 and len(tail.split()) >= 3
    return f"{head}." if long_enough and rng.random() < 0.6 else sentence


def _statement(question: str, answer: str) -> str:
    """Turn a question with its answer into a claim: rough English that says what is meant."""
    body = question.strip().rstrip("?").strip()
    said, count = _WH.subn(answer.replace("\\", ""), body, count=1)
    return f"{said[0].upper()}{said[1:]}." if count and said else ""


def _other_answer(answer: str, text: str, rng: random.Random) -> str:
    """Return another name or number of the same text, of the same kind as the answer; "" where there is none."""
    found = {name for name in names_of(text) if name.lower() not in answer.lower()}
    fitting = sorted(
        name for name in found if name[0].isdigit() == answer[0].isdigit() and answer.lower() not in name.lower()
    )
    return rng.choice(fitting) if fitting else ""
