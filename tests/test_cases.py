"""Documents on several cases of a kind, with one title: the cause of one accident is not given as that of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.records import Document
from qa.answer import answer_question
from qa.indexing import index_paths
from qa.reading.cases import on_another_case
from qa.reading.questions import analyse
from qa.records import AskRequest

REPORT = """# Accident report {number}

The airplane was destroyed on the field of {place} on a winter morning.

## Pilot

The pilot of the airplane was {age} years old and had a total flight time of {hours} hours.
"""
CASES = {"Wausau": ("31", "2640"), "Tallahassee": ("52", "2319"), "Latrobe": ("47", "475")}


@pytest.fixture
def asked(folder: Path, make_workspace):
    for number, (place, (age, hours)) in enumerate(CASES.items(), start=1):
        (folder / f"{number}.md").write_text(REPORT.format(number=number, place=place, age=age, hours=hours))
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    return lambda question: answer_question(workspace, AskRequest(question, mode="extractive"))


@pytest.mark.parametrize("place", CASES)
def test_what_a_report_tells_is_not_given_for_another_case_nor_said_to_contradict_it(asked, place: str):
    answer = asked(f"What was the total flight time of the pilot in the {place} crash?")
    assert f"{CASES[place][1]} hours" in answer["text"]
    assert not [hours for name, (_, hours) in CASES.items() if name != place and hours in answer["text"]]
    assert answer["conflicts"] == []


def document(key: str, title: str, text: str) -> Document:
    return Document(
        id=key, collection="c", path=key, title=title, sha256="0" * 64, length=len(text), media_type="text/plain", text=text
    )


def others(question: str, *documents: Document) -> set[str]:
    return set(on_another_case(analyse(question), {one.id: one for one in documents}))


def test_only_documents_of_the_same_title_but_for_numbers_are_told_apart():
    here, there = document("a", "Report 12", "It fell at Wausau."), document("b", "Report 17", "It fell at Latrobe.")
    assert others("What fell at Wausau?", here, there) == {"b"}
    assert others("What fell at Wausau?", here, document("b", "Notes on the weather", "It snowed.")) == set()


def test_where_no_document_or_each_has_the_names_or_none_is_asked_for_nothing_is_told():
    here, there = document("a", "Report", "It fell at Wausau."), document("b", "Report", "It fell at Latrobe.")
    assert others("What fell at Boston?", here, there) == set()
    assert others("What fell there?", here, there) == set()
    assert others("What fell at Wausau?", here, document("b", "Report", "Wausau's mayor came.")) == set()


def test_a_name_may_be_spelled_out_or_stand_for_another():
    here, there = document("a", "Report", "The Missile Technology Control Regime met."), document("b", "Report", "It met.")
    assert others("When did the MTCR meet?", here, there) == {"b"}
    assert others("What did Pakistan say?", document("a", "Report", "Islamabad said no."), there) == {"b"}
