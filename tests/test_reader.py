"""The extractive answerer: it picks grounds, not mere mentions; keeps to the kind that is asked for; and abstains."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import CORPUS

from qa.answer import answer_question
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.workspace import Workspace

SAMPLE = "What reasons does Pakistan give for rejecting the sanctions?"
# written for this test; the same grounds as in the article that the sample question is about
ARTICLE = """The United States put new sanctions on companies and on the state agency that build Pakistan's missiles in
December. The sanctions were widely reported. Markets hardly moved after the sanctions, and the sanctions were in all the papers.
Washington defends the sanctions as a way to slow the spread of dangerous weapons. An American official claimed that the
missiles might one day reach his country.
The Foreign Office in Islamabad called the sanctions biased and said that they endanger peace in the region.
Its spokeswoman described the charges as unfounded and at odds with history.
Islamabad contends that its programme follows international safeguards. It also argues that licences were waived for India,
which Pakistan regards as a double standard.
Pakistan views its missiles as essential for its own security, with two larger nuclear powers next door.
Cricket was played in Lahore on the same day. The sanctions came into force at once."""


def ask(workspace: Workspace, question: str) -> dict[str, object]:
    return answer_question(workspace, AskRequest(question))


@pytest.fixture
def article(folder: Path, make_workspace) -> Workspace:
    (folder / "article.txt").write_text(ARTICLE)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    return workspace


def test_the_sample_question_is_answered_with_pakistans_own_grounds(article: Workspace):
    text = str(ask(article, SAMPLE)["text"])
    grounds = ("biased", "unfounded", "safeguards", "double standard", "essential for its own security")
    assert sum(ground in text for ground in grounds) >= 3
    for mention in ("Markets hardly moved", "Cricket", "came into force"):
        assert mention not in text


def test_the_other_sides_reasons_are_not_given_as_pakistans(article: Workspace):
    assert "Washington defends" not in str(ask(article, SAMPLE)["text"])


def test_the_sample_question_over_the_sample_corpus_gives_several_grounds(corpus: Workspace):
    answer = ask(corpus, SAMPLE)
    assert len(answer["claims"]) >= 4
    assert "foreign-office-position.md" in answer["citations"][0]["path"]


@pytest.mark.parametrize(
    "question",
    ["Who is the king of Norway?", "How do I bake sourdough bread?", "What is the capital of Mongolia?", "zxqv wvut?"],
)
def test_a_question_about_something_else_is_refused_with_the_nearest_passages(corpus: Workspace, question: str):
    answer = ask(corpus, question)
    assert answer["status"] == "no_evidence"
    assert answer["citations"] == []
    assert answer["claims"] == []
    assert answer["passages"]
    assert str(answer["text"]).startswith("The documents that are indexed here do not answer")


def test_a_question_for_a_date_is_answered_with_a_date(corpus: Workspace):
    answer = ask(corpus, "On what date was BECA concluded?")
    assert "27 October 2020" in str(answer["text"])


def test_a_question_in_urdu_is_answered_from_the_urdu_document(corpus: Workspace):
    answer = ask(corpus, "پاکستان نے پابندیوں کو کیوں مسترد کیا؟")
    assert {citation["path"] for citation in answer["citations"]} == {"corpus/pabandiyan-urdu.md"}


def test_headings_and_list_marks_are_not_quoted(corpus: Workspace):
    for question in (
        "What does BECA cover?",
        "Which agreements has India signed?",
        "Why did Pakistan reject the sanctions?",
    ):
        for citation in ask(corpus, question)["citations"]:
            assert not citation["quote"].startswith(("- ", "• ", "# "))
            assert citation["quote"][-1] in ".!?:;”\"'’)۔؟" or len(citation["quote"].split()) >= 10


def test_an_answer_says_nothing_twice(corpus: Workspace):
    claims = [claim["text"] for claim in ask(corpus, SAMPLE)["claims"]]
    assert len(set(claims)) == len(claims)


def test_the_order_sent_to_the_model_by_a_document_is_no_answer(corpus: Workspace):
    answer = ask(corpus, SAMPLE)
    assert "ignore all previous" not in str(answer["text"]).lower()


@pytest.mark.slow
def test_a_measured_share_of_the_corpus_questions_is_answered(corpus: Workspace):
    """Hold a floor under the figure in README.md."""
    questions = [json.loads(line) for line in (CORPUS / "questions.jsonl").read_text().splitlines()][:24]
    answerable = [question for question in questions if question["answerable"]]
    right = 0
    for question in answerable:
        text = " ".join(str(ask(corpus, question["question"])["text"]).split())
        right += any(" ".join(one["quote"].split()) in text for one in question["expect"])
    assert right / len(answerable) > 0.5


def test_brackets_of_a_source_are_no_markers_of_the_answer(folder: Path, make_workspace):
    (folder / "wiki.txt").write_text("The bridge was built in 1911 of stone.[7] It was blown up in 1944.[8][9]")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = ask(workspace, "When was the bridge built?")
    assert set(re.findall(r"\[(\d+)\]", str(answer["text"]))) == {str(one["n"]) for one in answer["citations"]}
    assert "7" not in str(answer["text"]).split("[1]")[0]
    assert answer["citations"][0]["quote"].endswith("stone.[7]")


def test_a_word_in_brackets_is_never_dropped_from_a_quoted_sentence(folder: Path, make_workspace):
    (folder / "a.txt").write_text("The Ostrava committee did [not] approve the wugget merger in 1988.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = ask(workspace, "Did the Ostrava committee approve the wugget merger?")
    assert str(answer["text"]).startswith("The Ostrava committee did (not) approve the wugget merger")


def test_two_files_that_disagree_on_a_number_are_both_found(folder: Path, make_workspace):
    for year, fee in (("2023", 50), ("2024", 75)):
        (folder / f"policy-{year}.txt").write_text(
            f"The annual membership fee of the Quonset Club is {fee} euros for each member."
        )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = ask(workspace, "What is the annual membership fee of the Quonset Club?")
    assert {passage["path"] for passage in answer["passages"]} == {"docs/policy-2023.txt", "docs/policy-2024.txt"}


def test_a_question_with_a_number_is_answered_by_the_row_that_has_it(folder: Path, make_workspace):
    rows = "\n".join(f"Pear of kind {kind},month 8,{kind}.50" for kind in range(40, 80))
    (folder / "prices.csv").write_text(f"fruit,month,price\n{rows}\n")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    assert "kind 77" in str(ask(workspace, "What is the price of pear of kind 77?")["text"])


def test_a_title_of_many_words_answers_nothing(folder: Path, make_workspace) -> None:
    title = "Where the stone bridge of Lom was opened by the mayor in 1907"
    (folder / "a.md").write_text(f"# {title}\n\nThe stone bridge was opened in 1907 in the old town by the mayor.\n")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = answer_question(workspace, AskRequest("Where was the stone bridge of Lom opened in 1907?"))
    assert title not in [one["quote"] for one in answer["citations"]]


def test_one_acronym_is_not_taken_for_another(folder: Path, make_workspace) -> None:
    (folder / "agreements.txt").write_text(
        "The agreements came one after another. COMCASA was signed in New Delhi on 6 September 2018, at a meeting of "
        "ministers. BECA followed on 27 October 2020, at the third such meeting. Each took years to negotiate."
    )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    assert "BECA followed on 27 October 2020" in str(ask(workspace, "When was BECA signed?")["text"])


def test_a_time_of_day_says_when(folder: Path, make_workspace) -> None:
    (folder / "bridge.txt").write_text("The red bridge was built in 1901 by the town.")
    (folder / "ferry.txt").write_text("The ferry to the island sails at noon.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    assert str(ask(workspace, "When does the ferry sail?")["text"]).startswith("The ferry to the island sails at noon.")


def test_a_row_of_a_long_table_is_found_by_the_number_that_it_has_and_others_are_not(folder: Path, make_workspace):
    rows = "".join(f"Pear of kind {n},month {n % 12 + 1},{n}.50\n" for n in range(200))
    (folder / "pears.csv").write_text(f"Sort,Ripe in,Price\n{rows}")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    assert "77.50" in str(ask(workspace, "What is the price of a pear of kind 77?")["text"])
    assert ask(workspace, "What is the price of a pear of kind 777?")["status"] == "no_evidence"
