"""The claims written for this project: which are trained on, which the judge's chances are fitted on, beside what evidence."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from test_own_questions import write_data

from bench.reader import own_claims
from bench.reader.claims import CONTRADICTED, NEITHER, SUPPORTED
from bench.reader.own_claims import CLAIMS, claim_rows, fitted_claims
from bench.reader.own_questions import read_questions
from bench.reader.split import is_claim_for_fitting

TEXT = "The bridge of Lom was opened in 1907. It replaced a ferry. Tolls were paid. A storm took it. It was built anew."
TRAINED = next(f"Town {i}" for i in range(99) if not is_claim_for_fitting(f"Town {i}"))
FITTED = next(f"Town {i}" for i in range(99) if is_claim_for_fitting(f"Town {i}"))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    texts = [f"{TRAINED}. {TEXT.replace('ferry', 'barge')}", f"{FITTED}. {TEXT}"]
    lines = [
        line
        for text in texts
        for line in (
            f"# {hashlib.sha256(text.encode()).hexdigest()[:12]} 0 {len(text)}",
            "= The bridge took the place of a ferry. | 3",
            "! The bridge took the place of a ford. | 3",
            "~ The ferry was old. | 3",
        )
    ]
    claims, questions = tmp_path / "claims.txt", tmp_path / "questions.txt"
    claims.write_text("\n".join(lines), encoding="utf-8")
    questions.write_text("", encoding="utf-8")
    monkeypatch.setattr(own_claims, "CLAIMS", claims)
    monkeypatch.setattr(own_claims, "QUESTIONS", questions)
    pages = [{"title": title, "text": text} for title, text in zip((TRAINED, FITTED), texts, strict=True)]
    return write_data(tmp_path / "data", *pages)


def test_claims_about_held_out_texts_are_not_trained_on(data: Path):
    rows = list(claim_rows(data, random.Random(1)))
    assert [row.stance for row in rows] == [SUPPORTED, CONTRADICTED, NEITHER]
    assert {row.context for row in rows} == {TRAINED}
    assert all("It replaced a barge." in row.sentences for row in rows)


def test_held_out_claims_are_also_held_against_words_beside_the_point(data: Path):
    found = [each for seed in range(40) for each in fitted_claims(data, random.Random(seed))]
    assert {row.context for row, _ in found} == {FITTED}
    beside = [row for row, away in found if away]
    assert len(beside) > 20
    assert all(row.stance == NEITHER and row.question != "The ferry was old." for row in beside)
    assert not any("It replaced a ferry." in row.sentences for row in beside)
    assert any(row.sentences[0] in TEXT for row in beside)
    assert any(f"{TRAINED}." in row.sentences for row in beside)


def test_an_eighth_of_the_titles_is_held_out_and_claims_of_each_kind_are_as_many():
    titles = [f"Title {i}" for i in range(4000)]
    assert sum(map(is_claim_for_fitting, titles)) / len(titles) == pytest.approx(1 / 8, abs=0.02)
    signs = "".join(sign for one in read_questions(CLAIMS) for sign, *_ in one.lines)
    assert [signs.count(sign) / len(signs) for sign in "=!~"] == pytest.approx([1 / 3] * 3, abs=0.02)
