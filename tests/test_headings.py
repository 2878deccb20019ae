"""Lists and sections: what stands under a heading that says what is asked for is the answer, whole and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hits import hit_of

from qa.answer import answer_question
from qa.indexing import index_paths
from qa.reading.headings import headed
from qa.reading.hit_sentences import sentences_of
from qa.reading.questions import analyse
from qa.records import AskRequest
from qa.retrieval import find
from qa.workspace import Workspace

TRIAL = """# Shoulder trial protocol

The trial compares two injections for pain of the shoulder. It runs for eighteen months in two hospitals.

## Inclusion criteria

- Age between 18 and 70 years
- Pain for at least three months
- Signed consent

## Exclusion criteria

- Pregnancy
- Earlier surgery of the same shoulder
- Allergy to corticosteroids

## Required equipment

1. Ultrasound machine
2. Centrifuge for plasma

## Contact

Questions go to the trial office in Lom, which is open from 9 to 17 on working days.
"""
VISIT = """Site visits of the shoulder trial take place twice a year, and end with a talk to the doctor.

Documents to bring:
Delegation log
Signed protocol pages
"""
LEAFLET = """# Ibuprofen leaflet

Ibuprofen is a medicine against pain and fever.

## Side effects

- Stomach pain
- Headache

## What must not be taken with it

- Alcohol
- Other medicines against pain
"""


def under(text: str, **named: object) -> dict[str, str]:
    return {one.text: one.under for one in sentences_of([hit_of(text, **named)])}  # type: ignore[arg-type]


@pytest.fixture
def asked(folder: Path, make_workspace):
    (folder / "trial.md").write_text(TRIAL)
    (folder / "leaflet.md").write_text(LEAFLET)
    (folder / "site-visit.txt").write_text(VISIT)
    workspace: Workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])

    def ask(question: str) -> str:
        return str(answer_question(workspace, AskRequest(question, mode="extractive"))["text"])

    return ask


def test_each_sentence_knows_the_heading_that_it_stands_under():
    text = "Costs\n\n- Hotel and train\n- Food\n\nThe rest is not paid by us at all.\n\nOther rules\n\nKeep all receipts for a year."
    assert under(text) == {
        "Hotel and train": "Costs",
        "Food": "Costs",
        "The rest is not paid by us at all.": "Costs",
        "Keep all receipts for a year.": "Other rules",
    }


def test_a_passage_that_begins_within_a_section_stands_under_its_heading():
    assert under("It is paid.", title="Policy", heading=("Policy", "Costs")) == {"It is paid.": "Costs"}
    assert under("It is paid.", title="Policy", heading=("Policy",)) == {"It is paid.": ""}


def test_lines_below_an_opening_line_are_items_and_other_short_lines_are_not():
    [opening, *items] = sentences_of([hit_of("Documents to bring:\nDelegation log\nSigned pages\n\nAnna Smith")])
    assert (opening.text, opening.under) == ("Documents to bring:", "")
    assert [(one.text, one.under, one.item) for one in items] == [
        ("Delegation log", "Documents to bring:", True),
        ("Signed pages", "Documents to bring:", True),
    ]


def test_of_a_table_the_first_row_is_a_heading_and_the_others_are_read():
    text = "Code | Meaning\nE1 | Motor too hot\nE2 | Battery empty"
    assert under(text) == {"E1 | Motor too hot": "Code | Meaning", "E2 | Battery empty": "Code | Meaning"}


def test_numbered_lines_are_items_side_by_side_and_headings_alone():
    items = sentences_of([hit_of("Equipment\n\n1. Machine\n2. Needles\n\n3. Results\n\nThey were good for all of us.")])
    assert [(one.text, one.under) for one in items] == [
        ("Machine", "Equipment"),
        ("Needles", "Equipment"),
        ("They were good for all of us.", "Results"),
    ]


@pytest.mark.parametrize(
    ("question", "fits"),
    [
        ("What are the side effects?", True),
        ("What are the side effects of ibuprofen?", True),
        ("side effects ibuprofen", True),
        ("What are the side effects of aspirin?", False),  # the passage never names it
        ("What are no side effects of ibuprofen?", False),
        ("What are the effects on the economy of a long war?", False),
        ("When were side effects of ibuprofen found?", False),  # a fact, which one sentence tells
    ],
)
def test_a_heading_fits_where_it_says_what_is_asked_for(question: str, fits: bool):
    sentences = sentences_of([hit_of("Side effects\n\n- Stomach pain\n- Headache", title="Ibuprofen leaflet")])
    assert [bool(one > 0) for one in headed(analyse(question), sentences)] == [fits, fits]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "What are the exclusion criteria of the shoulder trial?",
            "Shoulder trial protocol, Exclusion criteria:\n- Pregnancy [1]\n- Earlier surgery of the same shoulder [2]"
            "\n- Allergy to corticosteroids [3]",
        ),
        (
            "Which equipment is required?",
            "Shoulder trial protocol, Required equipment:\n- Ultrasound machine [1]\n- Centrifuge for plasma [2]",
        ),
        (
            "Which documents do I bring to the site visit?",
            "site-visit, Documents to bring:\n- Delegation log [1]\n- Signed protocol pages [2]",
        ),
        ("What are the side effects of ibuprofen?", "Ibuprofen leaflet, Side effects:\n- Stomach pain [1]\n- Headache [2]"),
    ],
)
def test_a_list_is_given_whole_and_under_its_heading(asked, question: str, answer: str):
    assert asked(question) == answer


def test_of_another_thing_the_list_is_not_given(asked):
    assert "Stomach" not in asked("What are the side effects of aspirin?")


def test_a_long_list_ends_early_and_has_no_gaps(folder: Path, make_workspace):
    items = [f"Form {chr(65 + number)} of the office for trade and customs in Lom" for number in range(20)]
    (folder / "forms.md").write_text("# Import\n\n## Required forms\n\n" + "\n".join(f"- {one}" for one in items))
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    text = str(answer_question(workspace, AskRequest("Which forms are required?", mode="extractive"))["text"])
    given = [line.removeprefix("- ").split(" [")[0] for line in text.split("\n") if line.startswith("- ")]
    assert given == items[: len(given)]
    assert 90 <= len(" ".join(given).split()) <= 120
    assert text.endswith("\n\nThe list goes on there.")


ASTRAY = {
    "formulary.md": "# Formulary\n\n## Ibuprofen\n\n### Side effects\n\n- Nausea\n- Heartburn\n\n## Warfarin\n\n### Side effects\n\n"
    "- Bleeding gums\n- Bruises\n",
    "gym.md": "# Rules of the gym\n\n## Allowed items\n\n- Towels of any size\n- Water bottles\n\n## What is forbidden in the gym?\n\n"
    "- Glass bottles\n- Dogs of members\n\n## Fees in 2024\n\n- Thirty euros a month\n",
    "rowing.md": "# Rowing club\n\n## Duties of the secretary\n\n- Keeps the minutes of meetings\n- Writes to the members\n\n## Money\n\n"
    "The treasurer keeps the accounts and collects the dues of all members.\n",
    "loratadine.md": "# Loratadine leaflet\n\nIt can be taken with paracetamol.\n\n## Side effects\n\n- Sleepiness\n- Dry mouth\n",
    "pie.md": "# Apple pie\n\n## Ingredients\n\n- 300 g flour\n- 6 apples\n- 2 eggs\n- Sugar to taste\n",
    "pump.txt": "Heat pumps are bought by many.\n\nPros:\n- Quiet at night\n- Cheap to run\nCons:\n- Expensive to buy\n- Needs a licence\n",
}


@pytest.mark.parametrize(
    ("file", "question", "given", "not_given"),
    [
        (
            "formulary.md",
            "What are the side effects of warfarin?",
            "Formulary, Warfarin, Side effects:\n- Bleeding gums [1]\n- Bruises [2]",
            "Nausea",
        ),
        ("gym.md", "Which items are allowed?", "Allowed items:\n- Towels of any size [1]\n- Water bottles [2]", "Glass"),
        ("gym.md", "What is forbidden in the gym?", "- Glass bottles [1]\n- Dogs of members [2]", "Thirty"),
        ("rowing.md", "What are the duties of the treasurer?", "The treasurer keeps the accounts", "Keeps the minutes"),
        ("loratadine.md", "What are the side effects of paracetamol?", "", "Dry mouth"),
        ("pie.md", "What are the ingredients of apple pie?", "- 6 apples [2]\n- 2 eggs [3]", "goes on"),
        ("pump.txt", "What are the pros?", "Pros:\n- Quiet at night [1]\n- Cheap to run [2]", "Expensive"),
    ],
)
def test_no_list_is_mixed_up_with_another(
    folder: Path, make_workspace, file: str, question: str, given: str, not_given: str
):
    (folder / file).write_text(ASTRAY[file])
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    text = str(answer_question(workspace, AskRequest(question, mode="extractive"))["text"])
    assert given in text
    assert not_given not in text


def test_an_item_is_never_shown_without_its_heading(folder: Path, make_workspace):
    (folder / "costs.md").write_text(
        "# Travel policy\n\n## Expenses not covered\n\n- Traffic fines and parking fines\n- Minibar drinks\n"
    )
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    text = str(answer_question(workspace, AskRequest("Are parking fines reimbursed?", mode="extractive"))["text"])
    assert "fines" not in text or text.startswith("Travel policy, Expenses not covered:")


def test_a_list_that_goes_on_in_the_next_passage_is_told_whole(folder: Path, make_workspace):
    history = "The club was founded by fishermen of the harbour, who met in a shed behind the church. " * 10
    things = "passport,licence,photograph,letter of the doctor,fee in coins,old card,insurance papers,swimming badge".split(
        ","
    )
    items = "".join(f"{number}. Your {thing} in a clear sleeve\n" for number, thing in enumerate(things, 1))
    (folder / "club.txt").write_text(f"{history}\n\nDocuments to bring:\n{items}")
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    with workspace.store.view() as view:
        passages = [hit.passage.text for hit in find(view, workspace, AskRequest("fishermen", collection="default", k=9))]
    assert not any("passport" in text and "swimming" in text for text in passages)  # it does go on in another
    answer = answer_question(workspace, AskRequest("What documents do I need to bring?", mode="extractive", k=2))
    assert [thing for thing in things if thing in str(answer["text"])] == things


def test_a_sentence_that_opens_a_list_is_what_its_items_stand_under():
    text = "Dividends\n\nNothing in our articles forbids them. The law does not allow them where:\n\n- debts are due\n- money is short"
    assert under(text) == {
        "Nothing in our articles forbids them.": "Dividends",
        "The law does not allow them where:": "Dividends",
        "debts are due": "The law does not allow them where:",
        "money is short": "The law does not allow them where:",
    }


@pytest.mark.parametrize("line", ["Page 4", "Page 4 of 12", "4"])
def test_the_number_of_a_page_is_no_heading(line: str):
    assert under(f"Costs\n\nThey are high.\n\n{line}\n\nThey are paid by all of us.") == {
        "They are high.": "Costs",
        "They are paid by all of us.": "Costs",
    }


def test_the_heading_of_a_clause_is_no_sentence_and_so_is_one_with_a_number():
    text = "7. FEDERAL, STATE AND LOCAL LAWS. They are kept.\n\n4.5 Termination of it:\n\nIt ends in May of each year."
    assert under(text, heading=("7. FEDERAL, STATE AND LOCAL LAWS",)) == {
        "They are kept.": "FEDERAL, STATE AND LOCAL LAWS.",
        "It ends in May of each year.": "4.5 Termination of it:",
    }


def test_the_names_of_columns_answer_nothing_and_are_no_heading():
    text = "Prices\n\n| 2021 | | 2020\nQuarter Ended | High ($) | Low ($) | High ($) | Low ($)\nMarch 31, | 3.02 | 1.72 | 1.95 | 0.70"
    assert under(text) == {"March 31, | 3.02 | 1.72 | 1.95 | 0.70": "Prices"}


CRITERIA = """# Melanoma protocol

## Exclusion criteria

{}

- Age of 65 years or more
- Pregnancy or lactation

## Costs

{}
"""


def test_a_list_under_an_opening_line_is_that_of_the_heading_above(folder: Path, make_workspace):
    filler = "The hospital pays for all visits, and the study nurse keeps the receipts in a folder. " * 3
    (folder / "a.md").write_text(CRITERIA.format("Patients with any of these are removed from the study:", filler))
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    text = answer_question(workspace, AskRequest("What are the exclusion criteria?", mode="extractive"))["text"]
    assert str(text).startswith("Melanoma protocol, Patients with any of these are removed from the study:\n- Age of 65")
    assert "receipts" not in str(text)


@pytest.mark.parametrize("line", ["This does not apply to:", "These are excluded:", "The law prohibits it for:"])
def test_a_list_of_exceptions_is_not_that_of_the_heading_above(line: str):
    text = f"Cover of it\n\nThe house is insured.\n\n{line}\n\n- Glass of windows\n- Bicycles outside"
    question = analyse("What does the cover include?")
    assert set(headed(question, sentences_of([hit_of(text)]))[-2:]) <= {0.0}


@pytest.mark.parametrize(
    "line", ["3.1 Monthly rent: £950", "10.30 Talk on bats by Dr Lee (hall B)", "2.5 Euro per cubic metre (normal tariff)"]
)
def test_a_numbered_line_that_says_a_fact_is_a_sentence(line: str):
    assert line in under(f"Lease\n\n{line}\n3.2 Deposit paid: £1,900")


def test_numbers_in_a_list_are_items_and_a_fact_under_its_own_name_is_a_sentence():
    assert list(under("Bus lines that stop at the museum:\n\n- 12\n- 47\n- 151"))[1:] == ["12", "47", "151"]
    assert "Annual fee: 45" in under("Annual fee\n\nAnnual fee: 45\nEntry fee: 10", title="Annual fee")


def test_a_short_line_at_the_end_of_a_paragraph_opens_its_list():
    text = "Luggage cover\n\nThe policy pays up to 2,000 euros. It covers:\n\n- Suitcases\n- Cameras"
    assert under(text)["Suitcases"] == "It covers:"
    assert [one.section for one in sentences_of([hit_of(text)]) if one.item] == ["Luggage cover"] * 2


def test_of_two_lists_below_one_heading_neither_is_the_headings():
    text = (
        "Covered costs\n\nThe stipend pays for:\n\n- Tuition\n- Housing\n\nIt leaves to you what else there is:\n\n- Flights"
    )
    assert {one.section for one in sentences_of([hit_of(text)]) if one.item} == {""}


def test_a_paragraph_below_a_list_stands_under_the_heading_again():
    text = (
        "What to bring\n\nYou may bring the following:\n\n- Water in a carton\n\nGlass bottles are taken away at the gate."
    )
    assert under(text)["Glass bottles are taken away at the gate."] == "What to bring"
