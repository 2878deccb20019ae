"""Documents that do not name what a question names are passed over where others do."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hits import hit_of
from test_written_answers import ask

from index.records import Document, Hit
from qa.indexing import index_paths
from qa.reading.named import beside_the_point

TEXTS = {
    "clevite": "The sales of Clevite Industries were 69.7 million. Other companies of the trade sold less.",
    "triangle": "The sales of Triangle Industries were 783.7 million, it was said.",
    "bare": "Sales of the company were 12 million in the fourth quarter.",
}


def hits_of(**texts: str) -> list[Hit]:
    found = []
    for name, text in texts.items():
        hit = hit_of(text)
        found.append(replace(hit, document=replace(hit.document, id=name, path=name)))
    return found


def beside(question: str, whole: dict[str, str] | None = None, **texts: str) -> set[str]:
    hits = hits_of(**texts)
    documents = {hit.document.id: Document(**asdict(hit.document), text=(whole or texts)[hit.document.id]) for hit in hits}
    return set(beside_the_point(question, hits, documents))


@pytest.mark.parametrize(
    "question",
    [
        "What were the sales of Clevite?",
        "Clevite Industries sales",
        "What were Clevite's sales in the Fourth Quarter?",
        "How much did Clevite Industries Inc sell?",
    ],
)
def test_documents_that_name_another_are_beside_the_point(question: str):
    assert beside(question, **TEXTS) == {"triangle"}, "a text that names nobody may be about anybody"


@pytest.mark.parametrize(
    "question",
    [
        "What were the sales of the company?",  # names nothing
        "What were the sales of Zanzibarovo?",  # which nobody names
        "Which Companies sold less?",  # a word that stands in small letters too is no name
        "what were the sales of clevite?",  # nor does the question show that it is one
        "Sales of Triangle and of Clevite, and of the Company",
        "What were Clevite's Triangle sales?",
        "What were the sales in May?",
    ],
)
def test_nothing_is_beside_the_point_where_nobody_is_named(question: str):
    assert beside(question, **TEXTS) == set()


@pytest.mark.parametrize(
    ("asked", "told"), [("Norvik’s", "Norvik"), ("XR-200", "XR 200"), ("XR-200’s", "xr200"), ("UK", "U.K.")]
)
def test_a_name_is_known_in_another_spelling(asked: str, told: str):
    texts = {"a": f"What {asked.rstrip('s’')} is was told by Lom.", "b": f"The {told} was there, and Bor."}
    assert beside(f"What were {asked} sales?", **texts) == set()


def test_a_document_that_names_it_elsewhere_tells_of_it():
    whole = {**TEXTS, "bare": f"Yearly report of Clevite.\n\n{TEXTS['bare']}"}
    assert beside("What were the sales of Clevite?", whole, **TEXTS) == {"triangle"}


def test_other_names_of_a_state_and_what_an_acronym_stands_for_count():
    texts = {"a": "The envoy said that Pakistan had rejected it.", "b": "The demand was rejected by Islamabad."}
    assert beside("What did Pakistan reject?", **texts) == set()
    texts = {
        "a": "They asked the IAEA for help.",
        "b": "The International Atomic Energy Agency was asked.",
        "c": "It was the board of Lom.",
    }
    assert beside("Who asked the IAEA?", **texts) == {"c"}


def test_words_that_are_a_name_only_together_are_one():
    texts = {
        "a": "It was the Foreign Office that answered; a foreign minister sat in his office.",
        "b": "The office of foreign trade in Lom said so.",
    }
    assert beside("How did the Foreign Office answer?", **texts) == {"b"}


def test_the_figures_of_another_company_are_not_quoted(folder, make_workspace):
    for name, sales in (("Clevite", "69.7"), ("Triangle", "783.7"), ("Grossman", "242.9")):
        (folder / f"{name}.md").write_text(
            f"# Results\n\nThe board of {name} met on Monday.\n\nSales in the fourth quarter were {sales} million dollars."
        )
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    answer = ask(workspace, "What were the sales of Clevite in the fourth quarter?")
    assert "69.7 million" in answer["text"]
    assert "783.7" not in answer["text"]
    assert "242.9" not in answer["text"]
    assert not answer["conflicts"], "nor do they say otherwise"


def test_a_note_that_leaves_the_name_out_still_answers(folder, make_workspace):
    (folder / "restart.md").write_text("To restart the web server, run systemctl restart nginx as root.")
    (folder / "upgrade.md").write_text("Before the upgrade of the Debian machines every service is stopped.")
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    answer = ask(workspace, "How do I restart the web server on Debian?")
    assert "systemctl restart nginx" in answer["text"]
