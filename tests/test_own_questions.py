"""The questions written for training the reader: the files are sound, what their signs mean, and what rows they become."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from pathlib import Path

import pytest

from bench.reader import own_questions
from bench.reader.own_claims import CLAIMS
from bench.reader.own_questions import (
    QUESTIONS,
    TWINS,
    Asked,
    read_questions,
    read_siblings,
    sibling_rows,
    twin_rows,
)


@pytest.mark.parametrize(("path", "signs"), [(QUESTIONS, "+-=!~"), (TWINS, "+-"), (CLAIMS, "=!~")])
def test_every_line_that_was_written_is_of_a_known_kind(path: Path, signs: str):
    written = read_questions(path)
    assert len({(one.key, one.start, one.end) for one in written}) == len(written)
    assert {sign for one in written for sign, *_ in one.lines} == set(signs)
    assert all(one.lines and one.start < one.end for one in written)


def test_as_many_twins_are_answered_as_not_and_of_every_text_some_of_either_kind():
    written = read_questions(TWINS)
    signs = ["".join(sign for sign, *_ in one.lines) for one in written]
    assert all(set(found) == {"+", "-"} for found in signs)
    assert "".join(signs).count("+") == pytest.approx(len("".join(signs)) / 2, rel=0.01)


def test_twins_become_rows_of_their_text_and_answered_ones_also_of_the_text_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = "The bridge of Lom was opened in 1907. It replaced a ferry."
    beside = "A ferry crossed at Lom since 1707. The bridge came later."
    data = write_data(tmp_path / "data", {"title": "Lom", "text": text}, {"title": "Lom", "text": beside})
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    twins = tmp_path / "twins.txt"
    lines = ["+ When was the bridge of Lom opened? | 1 | 32-36", "- When was the bridge of Lom closed?"]
    twins.write_text("\n".join([f"# {key} 0 {len(text)}", *lines]), encoding="utf-8")
    monkeypatch.setattr(own_questions, "TWINS", twins)
    monkeypatch.setattr(own_questions, "_TWINS_BESIDE", 1.0)
    rows = list(twin_rows(data, random.Random(1)))
    assert [(row.answerable, row.labels, row.answer) for row in rows] == [
        (1, (1, 0), "1907"),
        (0, (0, 0), ""),
        (0, (0, 0), ""),
    ]
    assert [row.sentences[0] for row in rows] == [text[:37], beside[:34], text[:37]]


def test_a_quarter_of_the_texts_that_questions_are_asked_of_answer_them():
    written = read_siblings()
    assert len({one.key for one in written}) == len(written)
    signs = [sign for one in written for sign, *_ in one.lines]
    assert signs.count("+") / len(signs) == pytest.approx(0.25, abs=0.05)


def test_a_question_asked_of_siblings_becomes_a_row_of_each_text_answered_by_the_sentences_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    texts = ["The bridge of Lom fell. It had stood since 1907.", "A ferry crosses at Lom. It is slow."]
    data = write_data(tmp_path / "data", *({"title": "Lom", "text": text} for text in texts))
    siblings = tmp_path / "siblings.txt"
    keys = [hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts]
    siblings.write_text(
        "\n".join([f"# {' '.join(keys)}", "how old was the bridge | 1:2", "who owns lom | -"]), encoding="utf-8"
    )
    monkeypatch.setattr(own_questions, "SIBLINGS", siblings)
    monkeypatch.setattr(own_questions, "UNANSWERED", 1.0)
    rows = list(sibling_rows(data, random.Random(1)))
    assert [(row.sentences[0], row.labels) for row in rows] == [
        (texts[0][:23], (0, 1)),
        (texts[0][:23], (0, 0)),
        (texts[1][:23], (0, 0)),
        (texts[1][:23], (0, 0)),
    ]


@pytest.mark.parametrize(
    "line", ["who pays", "| 1:2", "who | 3:1", "who | 1:0", "who | 0:1", "who | 1", "who | 1:b", "who |"]
)
def test_a_malformed_question_asked_of_several_texts_is_named(tmp_path: Path, line: str):
    path = tmp_path / "sibling_questions.txt"
    path.write_text(f"# 1a2b3c4d5e6f 2b3c4d5e6f1a\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"sibling_questions\.txt, line 2"):
        read_siblings(path)


def write_data(place: Path, *passages: dict[str, str]) -> Path:
    """Write a folder like that of the public data, which holds these passages of articles and nothing else."""
    packed = {
        "squad/dev-v2.0.split_A.json.gz": '{"data": []}',
        "squad/passages.jsonl.gz": "\n".join(map(json.dumps, passages)),
        "reading/nq_oracle/nq-open-oracle.jsonl.gz": "",
        "reading/medquad.jsonl.gz": "",
        "reading/policyqa/dev.json.gz": '{"data": []}',
        "reading/policyqa/test.json.gz": '{"data": []}',
        "reading/covidqa/200423_covidQA.json.gz": '{"data": []}',
    }
    for name, held in packed.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(gzip.compress(held.encode()))
    for kind in ("answerable", "unanswerable"):
        path = place / f"reading/clapnq/dev/clapnq_dev_{kind}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return place


def test_a_line_says_what_answers_it(tmp_path: Path):
    path = tmp_path / "own_questions.txt"
    path.write_text("# 1a2b3c4d5e6f 0 90\n+ Who pays? | 1,3 | 40-48\n- Who owns it?\n~ It is old. | 2\n", encoding="utf-8")
    lines = [("+", "Who pays?", (0, 2), (40, 48)), ("-", "Who owns it?", (), None), ("~", "It is old.", (1,), None)]
    assert read_questions(path) == [Asked("1a2b3c4d5e6f", 0, 90, lines)]


@pytest.mark.parametrize(
    "line",
    [
        "+ Who pays?",
        "- Who owns it? | 2",
        "* Who? | 1",
        "= It is old. | one",
        "= Old. | 1 | 2-3",
        "+ A? | 0",
        "+ A? | 1 | b",
        "+ A? | 1 | 9-3",
        "-",
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str):
    path = tmp_path / "own_questions.txt"
    path.write_text(f"# 1a2b3c4d5e6f 0 90\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"own_questions\.txt, line 2"):
        read_questions(path)
