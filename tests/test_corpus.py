"""The sample corpus and its questions: what issue and README promise about them."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from conftest import CORPUS

from index.readers import read_bytes

QUESTIONS = [json.loads(line) for line in (CORPUS / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def plain_text(name: str) -> str:
    return " ".join(read_bytes((CORPUS / name).read_bytes(), name)[0].text.split())


def test_there_are_enough_questions_of_both_kinds():
    counted = Counter(question["answerable"] for question in QUESTIONS)
    assert counted[True] + counted[False] >= 60
    assert counted[False] >= 15
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q["answerable"]], ids=lambda question: question["id"])
def test_every_expected_quote_is_in_its_document(question):
    assert question["expect"]
    for one in question["expect"]:
        assert " ".join(one["quote"].split()) in plain_text(one["document"])


def test_questions_that_cannot_be_answered_expect_nothing():
    assert not [question["id"] for question in QUESTIONS if not question["answerable"] and question["expect"]]


def test_the_documents_are_of_every_format_that_is_read():
    suffixes = Counter(path.suffix for path in CORPUS.iterdir())
    assert all(suffixes[suffix] >= 2 for suffix in (".txt", ".md", ".html", ".pdf"))
