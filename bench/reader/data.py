"""Public data → training rows for the reader: a question or claim, a passage in sentences, and what is true of them.

Only sets whose licence allows shipping what was trained on them: SQuAD 1.1 (CC BY-SA 4.0), QED (CC BY-SA 3.0), NQ-open
oracle passages (MIT), PolicyQA (MIT), COVID-QA (Apache-2.0), MedQuAD (CC BY 4.0), PEPs (public domain) and PowerShell
documentation (CC BY 4.0). Left out, for evaluation: the 18 articles of SQuAD 2.0 split A, and every question and page
of CLAPNQ, whose questions QED and NQ share.
"""

from __future__ import annotations

import random
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.reader.claims import claims_of_question, claims_of_sentences
from bench.reader.mutations import names_of, negated, opposite, other_name
from bench.reader.rows import (
    Row,
    Sentences,
    clapnq,
    json_of,
    labelled,
    nearest,
    question_words,
    row_of,
    rows_of,
    words_of,
)
from index.readers.markdown import read_markdown
from index.readers.rst import read_rst


def training_rows(data: Path, rng: random.Random) -> list[Row]:
    """Return all rows, shuffled. data: the folder of public data (its README says what is where)."""
    evaluated = list(clapnq(data))
    taken = {words_of(row["input"]) for row in evaluated} | {words_of(row["passages"][0]["title"]) for row in evaluated}
    rows = [
        *_squad_rows(data, rng),
        *_qed_rows(data, taken, rng),
        *_nq_rows(data, taken, rng),
        *_policy_rows(data, rng),
        *_covid_rows(data, rng),
        *_medical_rows(data, rng),
        *_manual_rows(data, rng),
        *claims_of_sentences(data, rng),
    ]
    rng.shuffle(rows)
    return rows


# ---------------------------------------------------------------------- the sets


def _squad_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    held_out = {article["title"] for article in json_of(data / "squad/dev-v2.0.split_A.json.gz")["data"]}
    for article in json_of(data / "squad/dev-v1.1.other_articles.json.gz")["data"]:
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
    yield from row_of(question, title, labelled(text, spans), rng, one["answers"][0]["text"])
    near = nearest(question, text, [paragraph["context"] for paragraph in paragraphs])
    answers = [answer["text"].lower() for answer in one["answers"]]
    if near and not any(answer in near.lower() for answer in answers):
        yield from row_of(question, title, labelled(near, []), rng)
    for changed in _near_misses(question, text, asked, rng):
        yield from row_of(changed, title, labelled(text, []), rng)
    yield from claims_of_question(question, one["answers"][0]["text"], text, title, near, rng)


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


def _qed_rows(data: Path, taken: set[str], rng: random.Random) -> Iterator[Row]:
    for one in rows_of(data / "reading/qed/qed-dev.jsonlines.gz"):
        chosen = one["annotation"].get("selected_sentence")
        if not chosen or {words_of(one["question_text"]), words_of(one["title_text"])} & taken:
            continue
        cuts = [*one["sentence_starts"], len(one["paragraph_text"])]
        pieces = [(a, one["paragraph_text"][a:b].strip()) for a, b in pairwise(cuts)]
        sentences = [(text, int(start == chosen["start"])) for start, text in pieces]
        yield from row_of(one["question_text"], one["title_text"], sentences, rng)


def _nq_rows(data: Path, taken: set[str], rng: random.Random) -> Iterator[Row]:
    rows = [
        one
        for one in rows_of(data / "reading/nq_oracle/nq-open-oracle.jsonl.gz")
        if not {words_of(one["question"]), words_of(one["ctxs"][0]["title"])} & taken
    ]
    texts = [(one["ctxs"][0]["title"], one["ctxs"][0]["text"], question_words(one["ctxs"][0]["text"])) for one in rows]
    for one in rows:
        title, text, _ = texts[rows.index(one)]
        spans = [match.span() for answer in one["answers"] for match in re.finditer(re.escape(answer), text)]
        if spans:
            yield from row_of(one["question"], title, labelled(text, spans[:1]), rng, text[slice(*spans[0])])
        words = question_words(one["question"])
        other = max(rng.sample(texts, 200), key=lambda found: len(words & found[2]))
        if other[1] != text and not any(answer.lower() in other[1].lower() for answer in one["answers"]):
            yield from row_of(one["question"], other[0], labelled(other[1], []), rng)


def _policy_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    for name in ("dev", "test"):
        for site in json_of(data / f"reading/policyqa/{name}.json.gz")["data"]:
            for paragraph in site["paragraphs"]:
                for one in paragraph["qas"]:
                    spans = [(found["answer_start"], found["answer_start"] + len(found["text"])) for found in one["answers"]]
                    if rng.random() < 0.5:
                        answer = one["answers"][0]["text"] if one["answers"] else ""
                        yield from row_of(one["question"], site["title"], labelled(paragraph["context"], spans), rng, answer)
                if rng.random() < 0.3:
                    other = rng.choice(site["paragraphs"])
                    asked = rng.choice(paragraph["qas"])["question"]
                    if other is not paragraph and asked not in {found["question"] for found in other["qas"]}:
                        yield from row_of(asked, site["title"], labelled(other["context"], []), rng)


def _covid_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    for paper in json_of(data / "reading/covidqa/200423_covidQA.json.gz")["data"]:
        for paragraph in paper["paragraphs"]:
            for one in paragraph["qas"]:
                answer = one["answers"][0]
                low = max(0, answer["answer_start"] - rng.randrange(200, 700))
                text = paragraph["context"][low : answer["answer_start"] + len(answer["text"]) + 700]
                start = answer["answer_start"] - low
                sentences = labelled(text, [(start, start + len(answer["text"]))])
                yield from row_of(one["question"], "", sentences, rng, answer["text"])
                far = rng.randrange(max(1, len(paragraph["context"]) - 1500))
                if abs(far - answer["answer_start"]) > 3000:
                    elsewhere = labelled(paragraph["context"][far : far + 1200], [])
                    if answer["text"].lower() not in " ".join(text for text, _ in elsewhere).lower():
                        yield from row_of(one["question"], "", elsewhere, rng)


def _medical_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    by_document: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in rows_of(data / "reading/medquad.jsonl.gz"):
        if one["answer"] and len(one["answer"]) > 40:
            by_document[one["source"], one["focus"]].append(one)
    for (_, focus), entries in sorted(by_document.items()):
        sections = [(one["question"], labelled(one["answer"][:4000], [])) for one in entries]
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
        yield from row_of(question, title, mixed, rng)
        if siblings and rng.random() < 0.6:
            yield from row_of(question, title, rng.choice(siblings), rng)


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
            found.append((f"{page.title}: {heading}", labelled(body[:3000], [])))
    return found
