"""Lists and sections: what stands under a heading that says what is asked for is the answer, whole and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.records import DocumentInfo, Hit, Locator, Passage, Scores
from qa.answer import answer_question
from qa.indexing import index_paths
from qa.reading.headings import headed
from qa.reading.hit_sentences import sentences_of
from qa.reading.questions import analyse
from qa.records import AskRequest
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


def hit_of(text: str, title: str = "", heading: tuple[str, ...] = ()) -> Hit:
    info = DocumentInfo(id="d", collection="c", path="d", part="", title=title, sha256="", length=9, media_type="")
    context = " | ".join([title, *heading])
    return Hit(Passage("p", "d", 0, len(text), text, Locator(heading=heading), context), info, Scores())


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
