"""Public data → training rows for the reader: a question or claim, a passage in sentences, and what is true of them.

Only sets whose licence allows shipping what was trained on them: SQuAD 1.1 (CC BY-SA 4.0), QED (CC BY-SA 3.0), NQ-open
oracle passages (MIT), PolicyQA (MIT), COVID-QA (Apache-2.0), MedQuAD (CC BY 4.0), PEPs (public domain) and PowerShell
documentation (CC BY 4.0). Left out, for evaluation: the 18 articles of SQuAD 2.0 split A, and every question and page
of CLAPNQ, whose questions QED and NQ share.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.reader.mutations import names_of, negated, opposite, other_name
from index.lexical import question_words as _question_words
from index.readers.markdown import read_markdown
from index.readers.rst import read_rst
from index.sentences import sentence_spans

SUPPORTED, CONTRADICTED, NEITHER = 0, 1, 2
_MOST_WORDS = 170  # of a passage, as the splitter makes them
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


@lru_cache(maxsize=8192)
def question_words(text: str) -> tuple[str, ...]:
    """Return the stems of a text, remembered: the same paragraphs are compared with many questions."""
    return tuple(_question_words(text))


@dataclass(frozen=True, slots=True)
class Row:
    """labels: of each sentence, 1 where it answers, none of a claim; answerable: 1 or 0; stance: of a claim, else -1."""

    question: str
    context: str
    sentences: tuple[str, ...]
    labels: tuple[int, ...] = ()
    answerable: int = 0
    stance: int = -1


Sentences = list[tuple[str, int]]  # text, and whether it answers


def training_rows(data: Path, rng: random.Random) -> list[Row]:
    """Return all rows, shuffled. data: the folder of public data (its README says what is where)."""
    clapnq = list(_clapnq(data))
    taken = {_key(row["input"]) for row in clapnq} | {_key(row["passages"][0]["title"]) for row in clapnq}
    rows = [
        *_squad_rows(data, rng),
        *_qed_rows(data, taken, rng),
        *_nq_rows(data, taken, rng),
        *_policy_rows(data, rng),
        *_covid_rows(data, rng),
        *_medical_rows(data, rng),
        *_manual_rows(data, rng),
        *_sentence_claims(data, rng),
    ]
    rng.shuffle(rows)
    return rows


def _key(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _rows_of(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _json_of(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def _clapnq(data: Path) -> Iterator[dict[str, Any]]:
    for name in ("answerable", "unanswerable"):
        yield from _rows_of(data / f"reading/clapnq/dev/clapnq_dev_{name}.jsonl")


# ---------------------------------------------------------------------- from a text with answer spans to rows


def _split(text: str, spans: Sequence[tuple[int, int]]) -> Sentences:
    """Return a text's sentences, those that touch a span as answering."""
    return [
        (" ".join(text[start:end].split()), int(any(low < end and high > start for low, high in spans)))
        for start, end in sentence_spans(text)
    ]


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


def _row(question: str, title: str, sentences: Sentences, rng: random.Random) -> Row | None:
    sentences = [one for one in _window(sentences, rng) if one[0]] if sentences else []
    if not sentences:
        return None
    labels = tuple(label for _, label in sentences)
    context = title.replace("_", " ") if rng.random() < 0.6 else ""
    asked = _as_keywords(question) if rng.random() < 0.2 else question
    return Row(asked, context, tuple(text for text, _ in sentences), labels, int(any(labels)))


def _as_keywords(question: str) -> str:
    """Ask as people type into a search box: the content words alone."""
    words = [word for word in _WORD.findall(question) if question_words(word) and len(word) > 1]
    return " ".join(words) if len(words) >= 2 else question


def _found(*rows: Row | None) -> Iterator[Row]:
    yield from (row for row in rows if row is not None)


# ---------------------------------------------------------------------- the sets


def _squad_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    held_out = {article["title"] for article in _json_of(data / "squad/dev-v2.0.split_A.json.gz")["data"]}
    for article in _json_of(data / "squad/dev-v1.1.other_articles.json.gz")["data"]:
        if article["title"] in held_out:
            continue
        paragraphs = article["paragraphs"]
        asked = [one["question"] for paragraph in paragraphs for one in paragraph["qas"]]
        for paragraph in paragraphs:
            for one in paragraph["qas"]:
                yield from _squad_question(one, paragraph["context"], article["title"], paragraphs, asked, rng)


def _squad_question(
    one: dict[str, Any],
    text: str,
    title: str,
    paragraphs: Sequence[dict[str, Any]],
    asked: Sequence[str],
    rng: random.Random,
) -> Iterator[Row]:
    question = one["question"]
    spans = [(answer["answer_start"], answer["answer_start"] + len(answer["text"])) for answer in one["answers"]]
    yield from _found(_row(question, title, _split(text, spans), rng))
    near = _nearest(question, text, paragraphs)
    answers = [answer["text"].lower() for answer in one["answers"]]
    if near and not any(answer in near.lower() for answer in answers):
        yield from _found(_row(question, title, _split(near, []), rng))
    for changed in _near_misses(question, text, asked, rng):
        yield from _found(_row(changed, title, _split(text, []), rng))
    yield from _claims(question, one["answers"][0]["text"], text, title, near, rng)


def _near_misses(question: str, text: str, asked: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Change a question so that its passage, which is about the same, no longer answers it."""
    elsewhere = [name for other in rng.sample(list(asked), min(12, len(asked))) for name in names_of(other)]
    changed = [
        other_name(question, [name for name in elsewhere if name.lower() not in text.lower()], rng),
        other_name(question, names_of(text), rng) if rng.random() < 0.4 else "",
        opposite(question, rng),
        negated(question) if rng.random() < 0.07 else "",
    ]
    yield from (one for one in changed if one)


def _nearest(question: str, text: str, paragraphs: Sequence[dict[str, Any]]) -> str:
    """Return the other paragraph of the article that shares most words with the question."""
    words = set(question_words(question))
    others = [one["context"] for one in paragraphs if one["context"] != text]
    return max(others, key=lambda other: len(words & set(question_words(other))), default="")


def _claims(question: str, answer: str, text: str, title: str, near: str, rng: random.Random) -> Iterator[Row]:
    """Make claims of a question and its answer: true, with another answer, and against a text that does not say so."""
    sentences = [sentence for sentence, _ in _split(text, [])]
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
        elsewhere = _split(near, [])
        start = rng.randrange(len(elsewhere))
        yield Row(claim, title, tuple(one for one, _ in elsewhere[start : start + 3]), stance=NEITHER)
    beside = [sentence for sentence in sentences if answer.lower() not in sentence.lower()]
    if beside and rng.random() < 0.5:
        yield Row(claim, title, (rng.choice(beside),), stance=NEITHER)


def _sentence_claims(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make claims of sentences: as they stand or shortened, with one thing changed, and beside a text that lacks them."""
    held_out = {article["title"] for article in _json_of(data / "squad/dev-v2.0.split_A.json.gz")["data"]}
    pages = [
        (one["title"], one["text"])
        for one in _rows_of(data / "squad/passages.jsonl.gz")
        if one["title"].replace(" ", "_") not in held_out
    ]
    answers = [(one["focus"], one["answer"][:2000]) for one in _rows_of(data / "reading/medquad.jsonl.gz") if one["answer"]]
    papers = [
        ("", paragraph["context"][start : start + 1200])
        for paper in _json_of(data / "reading/covidqa/200423_covidQA.json.gz")["data"]
        for paragraph in paper["paragraphs"]
        for start in range(600, len(paragraph["context"]) - 1200, 6000)
    ]
    for title, text in [*rng.sample(pages, 3000), *rng.sample(answers, 1000), *rng.sample(papers, min(500, len(papers)))]:
        yield from _claims_of_text(title, [sentence for sentence, _ in _split(text, [])], rng)


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


_WH = re.compile(
    r"\b(?:what|which|who|whom|when|where|how many|how much)\b(?: (?:year|day|date|city|country|name|kind|type)\b)?", re.I
)


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


def _qed_rows(data: Path, taken: set[str], rng: random.Random) -> Iterator[Row]:
    for one in _rows_of(data / "reading/qed/qed-dev.jsonlines.gz"):
        chosen = one["annotation"].get("selected_sentence")
        if not chosen or {_key(one["question_text"]), _key(one["title_text"])} & taken:
            continue
        cuts = [*one["sentence_starts"], len(one["paragraph_text"])]
        pieces = [(a, one["paragraph_text"][a:b].strip()) for a, b in pairwise(cuts)]
        sentences = [(text, int(start == chosen["start"])) for start, text in pieces]
        yield from _found(_row(one["question_text"], one["title_text"], sentences, rng))


def _nq_rows(data: Path, taken: set[str], rng: random.Random) -> Iterator[Row]:
    rows = [
        one
        for one in _rows_of(data / "reading/nq_oracle/nq-open-oracle.jsonl.gz")
        if not {_key(one["question"]), _key(one["ctxs"][0]["title"])} & taken
    ]
    texts = [(one["ctxs"][0]["title"], one["ctxs"][0]["text"], set(question_words(one["ctxs"][0]["text"]))) for one in rows]
    for one in rows:
        title, text, _ = texts[rows.index(one)]
        spans = [match.span() for answer in one["answers"] for match in re.finditer(re.escape(answer), text)]
        if spans:
            yield from _found(_row(one["question"], title, _split(text, spans[:1]), rng))
        words = set(question_words(one["question"]))
        other = max(rng.sample(texts, 200), key=lambda found: len(words & found[2]))
        if other[1] != text and not any(answer.lower() in other[1].lower() for answer in one["answers"]):
            yield from _found(_row(one["question"], other[0], _split(other[1], []), rng))


def _policy_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    for name in ("dev", "test"):
        for site in _json_of(data / f"reading/policyqa/{name}.json.gz")["data"]:
            for paragraph in site["paragraphs"]:
                for one in paragraph["qas"]:
                    spans = [(found["answer_start"], found["answer_start"] + len(found["text"])) for found in one["answers"]]
                    if rng.random() < 0.5:
                        yield from _found(_row(one["question"], site["title"], _split(paragraph["context"], spans), rng))
                if rng.random() < 0.3:
                    other = rng.choice(site["paragraphs"])
                    asked = rng.choice(paragraph["qas"])["question"]
                    if other is not paragraph and asked not in {found["question"] for found in other["qas"]}:
                        yield from _found(_row(asked, site["title"], _split(other["context"], []), rng))


def _covid_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    for paper in _json_of(data / "reading/covidqa/200423_covidQA.json.gz")["data"]:
        for paragraph in paper["paragraphs"]:
            for one in paragraph["qas"]:
                answer = one["answers"][0]
                low = max(0, answer["answer_start"] - rng.randrange(200, 700))
                text = paragraph["context"][low : answer["answer_start"] + len(answer["text"]) + 700]
                start = answer["answer_start"] - low
                yield from _found(_row(one["question"], "", _split(text, [(start, start + len(answer["text"]))]), rng))
                far = rng.randrange(max(1, len(paragraph["context"]) - 1500))
                if abs(far - answer["answer_start"]) > 3000:
                    elsewhere = _split(paragraph["context"][far : far + 1200], [])
                    if answer["text"].lower() not in " ".join(text for text, _ in elsewhere).lower():
                        yield from _found(_row(one["question"], "", elsewhere, rng))


def _medical_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    by_document: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in _rows_of(data / "reading/medquad.jsonl.gz"):
        if one["answer"] and len(one["answer"]) > 40:
            by_document[one["source"], one["focus"]].append(one)
    for (_, focus), entries in sorted(by_document.items()):
        sections = [(one["question"], _split(one["answer"][:4000], [])) for one in entries]
        yield from _section_rows(focus, sections, rng, share=0.42)


def _section_rows(title: str, sections: Sequence[tuple[str, Sentences]], rng: random.Random, share: float) -> Iterator[Row]:
    """Ask for one section where a passage runs over from it into a sibling, and where it is only the sibling."""
    for i, (question, body) in enumerate(sections):
        if rng.random() > share or not body:
            continue
        siblings = [other for j, (_, other) in enumerate(sections) if j != i and other]
        own = [(text, 1) for text, _ in body[: rng.randrange(1, 9)]]
        rest = [(text, 0) for text, _ in rng.choice(siblings)[: rng.randrange(1, 7)]] if siblings else []
        mixed = [*own, *rest] if rng.random() < 0.5 else [*rest[-3:], *own]
        yield from _found(_row(question, title, mixed, rng))
        if siblings and rng.random() < 0.6:
            yield from _found(_row(question, title, rng.choice(siblings), rng))


def _manual_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make questions of the headings of technical pages: the section under one answers, its siblings do not."""
    for name, read, limit in (("peps", read_rst, 500), ("PowerShell-Docs", read_markdown, 700)):
        with tarfile.open(data / f"scale/{name}.tar.xz") as archive:
            members = [one for one in archive.getmembers() if one.isfile() and one.name.endswith((".rst", ".md"))]
            chosen = rng.sample(members, min(limit, len(members)))
            for member in sorted(chosen, key=lambda one: one.offset):  # in order: it cannot be read backwards
                file = archive.extractfile(member)
                page = read(file.read()[:60_000]) if file else None
                if page is not None:
                    yield from _section_rows(page.title, _sections(page), rng, share=0.35)


def _sections(page: Any) -> list[tuple[str, Sentences]]:
    found = []
    ends = [*(section.start for section in page.sections[1:]), len(page.text)]
    for section, end in zip(page.sections, ends, strict=False):
        body = page.text[section.start : end].split("\n", 1)[-1]
        heading = section.locator.heading[-1] if section.locator.heading else ""
        if heading and len(question_words(heading)) >= 2 and len(body.split()) > 20:
            found.append((f"{page.title}: {heading}", _split(body[:3000], [])))
    return found
