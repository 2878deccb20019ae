"""The documents written for training and fitting the reader: the file is sound, and none is both trained and fitted on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.reader import own_documents
from bench.reader.own_documents import Document, document_rows, fitted_items, read_documents, searched_items
from index.sentences import sentence_spans


def test_every_document_is_asked_about_and_every_sentence_that_answers_is_there():
    documents = read_documents()
    assert len({document.title for document in documents}) == len(documents)
    for document in documents:
        counts = [len(sentence_spans(passage)) for passage in document.passages]
        assert document.asked
        assert all(max(places) < counts[text] for _, answered in document.asked for text, places in answered.items())


def test_no_document_is_trained_on_that_the_calibration_is_fitted_on():
    trained = {" ".join(row.sentences) for row in document_rows(Path(), random.Random(1))}
    fitted = {item.text for item in fitted_items(random.Random(1))}
    assert trained
    assert fitted
    assert not trained & fitted


def test_a_question_is_fitted_with_every_passage_and_searched_for_where_one_answers_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(own_documents, "is_for_fitting", lambda title: title == "Lease")
    monkeypatch.setattr(own_documents, "UNANSWERED", 1.0)
    lines = [
        "## Lease",
        "> Rent is due in May. It is 9.",
        "> Dogs may stay.",
        "how much is the rent | 1:2",
        "what is owed | 1:1 | 2:1",
    ]
    documents = tmp_path / "documents.txt"
    documents.write_text("\n".join([*lines, "who owns it | -"]), encoding="utf-8")
    monkeypatch.setattr(own_documents, "DOCUMENTS", documents)
    rent, dogs = "Rent is due in May. It is 9.", "Dogs may stay."
    assert [(item.question, item.text, item.gold) for item in fitted_items(random.Random(1))] == [
        ("how much is the rent", rent, (((20, 28),),)),
        ("how much is the rent", dogs, ()),
        ("what is owed", rent, (((0, 19),),)),
        ("what is owed", dogs, (((0, 14),),)),
        ("who owns it", rent, ()),
        ("who owns it", dogs, ()),
    ]
    assert [(item.question, bool(item.gold)) for item in searched_items()] == [
        ("how much is the rent", True),
        ("who owns it", False),
    ]
    assert list(document_rows(Path(), random.Random(1))) == []


@pytest.mark.parametrize("line", ["who pays", "| 1:1", "who | 2:1", "who | 1:0", "who | 1:1 | 1:2", "##"])
def test_a_malformed_line_is_named(tmp_path: Path, line: str):
    path = tmp_path / "own_documents.txt"
    path.write_text(f"## Lease\n> Rent is due.\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"own_documents\.txt, line 3"):
        read_documents(path)


def test_a_document_keeps_its_passages_and_questions(tmp_path: Path):
    path = tmp_path / "own_documents.txt"
    path.write_text("## Lease\n> Rent is due. It is 9.\nhow much | 1:2\nwho | -\n", encoding="utf-8")
    assert read_documents(path) == [Document("Lease", ["Rent is due. It is 9."], [("how much", {0: (1,)}), ("who", {})])]
