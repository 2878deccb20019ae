"""Documents that contradict each other: both sides are shown, and the newer version wins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llm_server import Body, LLMServer, passages_of, quoting
from test_written_answers import KEY, MODEL, Writer, ask, holder, writer

from index.records import DocumentInfo, Hit, Locator, Passage, Scores
from qa.conflicts import find_conflicts
from qa.documents import supersedes
from qa.indexing import index_paths
from qa.reading.hit_sentences import sentences_of
from qa.workspace import Workspace

__all__ = ["writer"]

TOTALS = "How many listings connected with Pakistan's missile programme were made from October 2023 to December 2024?"
NEW = "17 listings in connection with Pakistan's missile programme"
OLD = "12 listings have been made so far in connection with Pakistan's missile programme"


def test_both_sides_are_quoted_with_dates_and_the_newer_version_comes_first(corpus: Workspace):
    answer = ask(corpus, TOTALS)
    [conflict] = answer["conflicts"]
    one, other = answer["claims"][conflict["claim"]], answer["claims"][conflict["other"]]
    assert NEW in one["text"]
    assert OLD in other["text"]
    assert "2024-12-19), superseded since, said:" in other["text"]
    assert conflict["newer"] == conflict["claim"] == 0
    assert len(other["citations"]) == 1


def test_a_written_answer_from_the_superseded_version_is_confronted_with_the_newer(writer: Writer, llm: LLMServer):
    def outdated(body: Body) -> str:
        label = next(label for label, text in passages_of(body).items() if OLD in " ".join(text.split()))
        assert f'<passage id="{label}"' in body["messages"][-1]["content"]
        return quoting([(f"Counting from October 2023, {OLD}.", [(label, OLD)])])

    llm.reply_with(outdated)
    answer = ask(writer(), TOTALS)
    [conflict] = answer["conflicts"]
    assert "which supersedes it, says:" in answer["claims"][conflict["other"]]["text"]
    assert NEW in answer["claims"][conflict["other"]]["text"]
    assert conflict["newer"] == conflict["other"]
    shown = llm.requests[0].body["messages"][-1]["content"]
    assert 'date="2024-12-19" superseded="yes"' in shown
    assert 'date="2025-01-10">' in shown


@pytest.fixture
def bridges(folder: Path, make_workspace) -> Any:
    def make(**texts: str) -> Workspace:
        for name, text in texts.items():
            (folder / f"{name}.md").write_text(text)
        workspace = make_workspace(folder / ".qa")
        index_paths(workspace, [folder])
        return workspace

    return make


def dated(date: str, text: str, more: str = "") -> str:
    return f"---\ndate: {date}\n{more}---\n{text}"


def test_of_two_sources_with_dates_the_newer_is_named(bridges):
    workspace = bridges(
        a=dated("2019-05-01", "The bridge of Ava is 40 metres long."),
        b=dated("2023-02-01", "The bridge of Ava is 44 metres long."),
    )
    answer = ask(workspace, "How long is the bridge of Ava?")
    [conflict] = answer["conflicts"]
    assert {"40", "44"} == {word for word in answer["text"].split() if word in ("40", "44")}
    newer = answer["claims"][conflict["newer"]]
    assert "44 metres" in newer["text"]


def test_without_dates_both_sides_are_shown_and_neither_is_preferred(bridges):
    answer = ask(
        bridges(
            a="The council approved the plan for the bridge of Ava.",
            b="The council rejected the plan for the bridge of Ava.",
        ),
        "Did the council approve the plan for the bridge of Ava?",
    )
    [conflict] = answer["conflicts"]
    assert conflict["newer"] is None
    assert "approved" in answer["text"]
    assert "rejected" in answer["text"]


def test_a_sentence_that_is_superseded_gives_way(bridges):
    workspace = bridges(
        plan1="The bridge of Ava will be 40 metres long and made of stone.",
        plan2=dated("2023-01-01", "The bridge of Ava will be 44 metres long and made of stone.", "supersedes: plan1.md\n"),
    )
    answer = ask(workspace, "How long will the bridge of Ava be?")
    assert "44 metres" in answer["claims"][0]["text"]
    assert answer["conflicts"]


def test_what_denies_two_sentences_is_quoted_once(folder: Path, make_workspace, llm: LLMServer):
    lengths = {"a": "The bridge of Ava is 40 metres long.", "b": "In all the bridge of Ava is 40 metres long.",
               "c": "The bridge of Ava is 44 metres long."}  # fmt: skip
    for name, text in lengths.items():
        (folder / f"{name}.md").write_text(text)
    workspace = make_workspace(folder / ".qa", model=MODEL, api_base=llm.url, api_key=KEY)
    index_paths(workspace, [folder])
    llm.reply_with(lambda body: quoting([(text, [(holder(body, text), text)]) for text in list(lengths.values())[:2]]))
    answer = ask(workspace, "How long is the bridge of Ava?")
    assert answer["text"].count("44 metres") == 1
    assert [(one["claim"], one["other"]) for one in answer["conflicts"]] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("In April 2024 four firms were listed.", "In October 2023 three firms were listed."),
        ("The bridge of Ava is 40 metres long.", "The bridge of Bor is 44 metres long."),
        ("The bridge of Ava is 40 metres long.", "The bridge of Ava was built of 44 stones."),
        ("The bridge of Ava is 40 metres long.", "The bridge of Ava is 40 metres long and 5 metres wide."),
        ("The council met on 18 December.", "The council did not forget the bridge."),
        ("The adults' fee for a library card is 10 euros.", "The children's fee for a library card is 3 euros."),
        ("The fee for a card for adults is 10 euros per year.", "The fee for a card for children is 3 euros per year."),
        ("Adults pay 10 euros for a library card.", "Children pay 3 euros for a library card."),
        ("Certificate: Class 2 Hours: 400 Last Exam: May 2007", "Certificate: Class 2 Hours: 900 Last Exam: May 2007"),
        ("The north tower of Bor is 40 metres high.", "The south tower of Bor is 55 metres high."),
    ],
)
def test_what_is_about_something_else_is_no_conflict(one: str, other: str, embedder):
    ones, others = (sentences_of([hit(name, text)]) for name, text in (("a", one), ("b", other)))
    assert find_conflicts(ones, others, embedder) == []
    assert find_conflicts(others, ones, embedder) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The fee for a card for adults is 10 euros per year.", "The fee for a card for adults is now 15 euros per year."),
        ("The bridge of Ava is 40 metres long.", "The bridge of Ava is 44 metres in length."),
        ("The library is closed on Mondays in summer.", "The library is open on Mondays in summer."),
    ],
)
def test_another_number_or_the_opposite_of_the_same_thing_is_a_conflict(one: str, other: str, embedder):
    ones, others = (sentences_of([hit(name, text)]) for name, text in (("a", one), ("b", other)))
    assert len(find_conflicts(ones, others, embedder)) == 1


@pytest.mark.parametrize(
    ("one", "other", "conflicts"),
    [
        ("Ibuprofen leaflet", "Loratadine leaflet", 0),  # of two medicines
        ("Draft leaflet, March", "Final leaflet, June", 1),  # two versions
        ("Leaflet 2023", "Leaflet 2024", 1),
        ("Ibuprofen leaflet", "Notes of the ward", 1),  # nothing tells that they are of two things
    ],
)
def test_what_two_documents_of_a_kind_say_each_of_its_own_thing_is_no_conflict(
    one: str, other: str, conflicts: int, embedder
):
    sides = [
        sentences_of([titled(name, text)])
        for name, text in (
            (one, "Adults take one tablet of 200 mg a day."),
            (other, "Adults take one tablet of 10 mg a day."),
        )
    ]
    assert len(find_conflicts(*sides, embedder)) == conflicts


def titled(title: str, text: str) -> Hit:
    made = hit(title, text)
    return replace(made, document=replace(made.document, title=title))


def test_a_document_does_not_contradict_itself(embedder):
    text = "The bridge of Ava is 40 metres long. The bridge of Ava is 44 metres long."
    sentences = sentences_of([hit("a", text)])
    assert find_conflicts(sentences[:1], sentences[1:], embedder) == []


def hit(name: str, text: str, **metadata: str) -> Hit:
    info = DocumentInfo(
        id=name,
        collection="default",
        path=f"x/{name}.md",
        title=name,
        sha256="",
        length=len(text),
        media_type="",
        metadata=metadata,
    )
    return Hit(Passage(f"p{name}", name, 0, len(text), text, Locator()), info, Scores())


def test_a_document_names_what_it_supersedes_by_file_path_or_title():
    older = hit("plan1", "text").document
    for named in ("plan1.md", "x/plan1.md", "PLAN1", "other.md, plan1.md"):
        assert supersedes(hit("plan2", "text", supersedes=named).document, older)
    assert not supersedes(hit("plan2", "text", supersedes="plan10.md").document, older)
    assert not supersedes(hit("plan2", "text").document, older)


@pytest.mark.parametrize("kind", ["parcel number", "lamp of kind", "article"])
def test_what_is_said_of_another_of_many_numbered_things_is_no_conflict(kind: str, embedder):
    told = "The {} {} holds nails and hooks of brass."
    ones, others = (sentences_of([hit(name, told.format(kind, number))]) for name, number in (("a", 7), ("b", 14)))
    assert find_conflicts(ones, others, embedder) == []


RESULTS = "Oper shr loss three cts vs profit 27 cts, net loss 178,000 vs profit 4,165,000 and sales 783.7 mln vs 464.6 mln."


def conflicts_of(one: str, other: str, workspace: Workspace) -> list[str]:
    ones, others = (sentences_of([hit(name, text)]) for name, text in (("a", one), ("b", other)))
    return [found.reason for found in find_conflicts(ones, others, workspace.sentence_vectors)]


def test_sentences_full_of_figures_deny_each_other_only_where_they_are_nearly_the_same(corpus: Workspace):
    other = "Chemicals had a fourth quarter operating profit of 122 mln dlrs compared to a year-ago loss of 49 mln dlrs."
    assert not conflicts_of(RESULTS, other, corpus)
    assert conflicts_of(RESULTS, RESULTS.replace("178,000", "179,000"), corpus)


def test_entries_of_forms_deny_nothing(corpus: Workspace):
    entry = (
        "Flight Time: {} hours (total, all aircraft), {} hours (total, this make), 5 hours (last 90 days), 2 hours (last 30)"
    )
    assert not conflicts_of(entry.format(2640, 2555), entry.format(2319, 2313), corpus)
    notice = "Note: the museum of the town is open from 9 to {} on all days of the week."
    assert conflicts_of(notice.format(17), notice.format(18), corpus), "but a notice does"
