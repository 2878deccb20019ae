"""Contracts, manuals and mails as a law office and a support team have them: clauses, amendments, codes, rows, mail heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hits import hit_of

from index.embedder import Embedder
from index.records import Hit
from qa.answer import answer_question
from qa.config import Settings
from qa.documents import files_apart
from qa.indexing import index_paths
from qa.reading.amended import with_amendments
from qa.reading.codes import names_what_is_nowhere
from qa.reading.hit_sentences import sentences_of
from qa.reading.pick import Pick
from qa.reading.questions import analyse
from qa.reading.reader_model import ReaderModel
from qa.records import AskRequest
from qa.workspace import Workspace

Ask = Callable[[str], str]

AGREEMENT = """# Supply agreement

This agreement is dated 14 March 2022.

## 3. Supply

3.1 Norvik shall buy, and the Supplier shall sell, the Goods.

3.2 The Supplier shall:

(a) make the Goods as the specification says;

(b) keep a stock of 1,500 units in its store; and

(c) let nobody else make them.

3.3 Norvik shall:

(a) give the Supplier the drawings; and

(b) pay the price in accordance with clause 8.

## 12. Liability

12.3 Each party's total liability in any year shall not exceed 750,000 euros.

12.4 The limit in clause 12.3 does not apply to fraud.

## 13. Words

"Business Day" means a day other than a Saturday, Sunday or public holiday.

The Supplier answers each order within three Business Days.
"""
AMENDMENT = """# Second amendment to the supply agreement

2. Liability. In clause 12.3 the figure "750,000" is replaced by "1,200,000".
"""
OTHER_AMENDMENT = """# Amendment to the lease of the mill

1. In clause 12.3 the word "mill" is replaced by "warehouse".
"""
MANUAL = """# Gateway XR-210

## Factory reset

Warning: a factory reset erases all settings.

1. Leave the gateway on. Wait for the green light.
2. Press the button for 15 seconds.
3. Release it.

## Errors

| Code | Meaning | What to do |
| --- | --- | --- |
| E12 | No network | Check the cable |
| E23 | Certificate expired | Update the firmware |
"""
RATES = """# Terms of engagement

| Fee earner | Rate per hour |
| --- | --- |
| Partner | 340 pounds |
| Associate | 245 pounds |
| Senior associate | 285 pounds |
| Trainee | 140 pounds |
"""
MAIL = """From: Joana Pires <joana@fenwick.example>
To: Bertil Holm <bertil@nordkyl.example>
Subject: SMS alarms
Date: Thu, 3 Jul 2025 10:00:00 +0000

Hello Bertil,

Your number was on the block list because someone replied STOP on 19 June.

On 1 July 2025 at 11:15 Bertil Holm wrote:
> We get no SMS alarms since 20 June.
"""


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, reader_model: ReaderModel) -> Ask:
    folder: Path = tmp_path_factory.mktemp("office")
    texts = {
        "agreement.md": AGREEMENT, "amendment.md": AMENDMENT, "lease.md": OTHER_AMENDMENT, "manual.md": MANUAL,
        "rates.md": RATES, "alarm.eml": MAIL,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    workspace = Workspace(Settings.model_validate({"data": folder / ".qa"}))
    workspace.__dict__.update(embedder=embedder, reader_model=reader_model)  # what the cached properties would load again
    index_paths(workspace, [folder])
    return lambda question: str(answer_question(workspace, AskRequest(question, mode="extractive"))["text"])


def test_the_obligations_of_a_party_are_the_items_below_what_it_shall_do(ask: Ask):
    text = ask("What are the Supplier's obligations under the supply agreement?")
    assert "- (a) make the Goods" in text
    assert "- (b) keep a stock of 1,500 units" in text
    assert "drawings" not in text


def test_a_clause_is_shown_with_the_amendment_that_changes_it_and_no_other(ask: Ask):
    text = ask("What is the limit of liability in any year?")
    assert "750,000 euros" in text
    assert 'is replaced by "1,200,000"' in text
    assert "warehouse" not in text


def test_steps_are_told_whole_where_one_has_two_sentences(ask: Ask):
    text = ask("How do I reset the XR-210 to factory settings?")
    assert [word for word in ("Leave the gateway on", "15 seconds", "Release it") if word not in text] == []


def test_what_a_term_means_is_told_by_its_definition_alone(ask: Ask):
    text = ask("What is a Business Day?")
    assert "other than a Saturday" in text
    assert "three Business Days" not in text


def test_of_a_table_the_row_is_told_that_is_asked_for(ask: Ask):
    text = ask("What is the hourly rate of an associate?")
    assert "245 pounds" in text
    assert "140 pounds" not in text


@pytest.mark.parametrize(
    "question", ["How do I factory reset the XR-300?", "What does clause 21.4 of the supply agreement say?"]
)
def test_what_nothing_has_the_code_of_is_refused(ask: Ask, question: str):
    assert "do not answer" in ask(question)


def test_who_wrote_to_whom_does_not_say_why(ask: Ask):
    text = ask("Why did Bertil not get SMS alarms?")
    assert "block list" in text
    assert "To:" not in text
    assert "Hello Bertil" not in text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is the XR-210?", "The XR 210 is a gateway."),
        ("Who flies the F-16?", "F16s are flown by many."),
        ("Is INV-9004 paid?", "Invoice no. 9004 is paid."),
        ("What were the sales in FY23?", "In the financial year 2023 sales rose."),
        ("What costs EUR210?", "It costs 210 euros."),
        ("What does clause 4 say?", "IV. Nobody shall smoke."),
        ("What does section 4.2 say?", "4.2 Nobody shall smoke."),
        ("Who had COVID-19?", "Many had the coronavirus."),
        ("What happened?", "Nothing."),
    ],
)
def test_a_code_may_be_written_otherwise(question: str, text: str):
    assert not names_what_is_nowhere(question, [hit_of(text)])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is the XR-300?", "The XR-210 and the XR-3000 are gateways."),
        ("What does E55 mean?", "E5 and E555 mean that it is hot. See page 55."),
        ("What does clause 1.4 say?", "21.4 Nobody shall smoke. 1.4.2 Nor drink."),
        ("Is GLM-130B good?", "GLM-10B is good."),
    ],
)
def test_another_code_is_not_it(question: str, text: str):
    assert names_what_is_nowhere(question, [hit_of(text)])


def picks_of(**texts: str) -> list[Pick]:
    return [
        Pick(one.hit, one.start, one.end, one.text, 0.5)
        for name, text in texts.items()
        for one in sentences_of([_named(name, text)])
    ]


def _named(name: str, text: str) -> Hit:
    hit = hit_of(text, title=name)
    return replace(hit, document=replace(hit.document, id=name, path=name), passage=replace(hit.passage, id=name))


def test_an_amendment_belongs_to_the_contract_that_it_names():
    rated = picks_of(
        supply="12.3 The limit is 750,000 euros a year.",
        change="The supply contract is changed. Clause 12.3 is deleted and replaced as follows.",
        foreign="The rental contract is changed. Clause 12.3 is deleted and replaced as follows.",
    )
    found = with_amendments(rated[:1], rated)
    assert [one.hit.document.id for one in found] == ["supply", "change"]


def test_an_amendment_belongs_to_what_it_quotes():
    rated = picks_of(
        supply='"Minimum Quantity" means 18,000 units in each year.',
        change='In the supply contract, in the definition of "Minimum Quantity", "18,000" is replaced by "22,000".',
    )
    assert len(with_amendments(rated[:1], rated)) == 2


def test_a_day_and_a_year_are_no_number_of_a_thing():
    assert not analyse("What caused the outage of 8 May 2025?").has_number
    assert analyse("What does kind 77 of 8 May 2025 hold?").has_number
    assert analyse("What do the 12 marketing plans say?").has_number


def test_documents_of_one_title_are_told_apart_by_their_files():
    one, other = _named("kestrel.docx", "They last three years."), _named("bowline.docx", "They last seven years.")
    same = [replace(hit.document, title="NDA") for hit in (one, other)]
    assert files_apart(same) == {"kestrel.docx": ", kestrel.docx", "bowline.docx": ", bowline.docx"}
    assert files_apart(same[:1] * 2) == {"kestrel.docx": ""}
