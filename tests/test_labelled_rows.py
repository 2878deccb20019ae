"""Tables: the row whose first cell, with the names of its columns, says what is asked for is the answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from hits import hit_of

from qa.answer import answer_question
from qa.indexing import index_paths
from qa.reading.hit_sentences import sentences_of
from qa.reading.questions import analyse
from qa.reading.rows import has_label_of, is_of_another_year, labelled
from qa.records import AskRequest
from qa.workspace import Workspace

REPORT = """# Harbour Works annual report

Total assets grew because the two cranes were bought in 2021, and other assets fell by a little in the same year.

## Balance sheet

| | 2021 | 2020 |
| --- | --- | --- |
| Cash | 1,204 | 988 |
| Other assets | 167 | 117 |
| Total assets | 40,452 | 30,574 |
| Total liabilities | 12,001 | 11,900 |

## Results

| | 2021 | 2020 |
| --- | --- | --- |
| Net income (loss) | 2,111 | (2,208) |
| Adjusted earnings | 8,733 | 1,377 |

## Dues

| | 2021 | 2020 |
| --- | --- | --- |
| North quay | | |
| Berth rent | 50 | 40 |
| Crane hire | 9 | 8 |
| South quay | | |
| Berth rent | 30 | 20 |
| Crane hire | 5 | 4 |

The cash of 2020 was restated to 1,012 after a count in spring. Adjusted earnings were shown to the board in 2020, and should not be taken for net income.
"""
TABLE = "| 2021 | 2020\nCash | 1,204 | 988\nNet income (loss) | 2,111 | (2,208)\nTotal assets | 40,452 | 30,574\nIdle | — | "
TOLLS = "Vehicle | Toll\nHeavy lorry | 25 EUR\nMotorcycle | 3"


def rows_told(text: str, question: str, title: str = "Report", heading: tuple[str, ...] = ()) -> list[str]:
    sentences = sentences_of([hit_of(text, title, heading)])
    return [one.text for one, told in zip(sentences, labelled(analyse(question), sentences), strict=True) if told]


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("What were total assets at the end of 2020?", "Total assets | 40,452 | 30,574"),
        ("How much cash was there in 2021?", "Cash | 1,204 | 988"),
        ("What was the net income in 2020?", "Net income (loss) | 2,111 | (2,208)"),
        ("What was the net loss in 2020?", "Net income (loss) | 2,111 | (2,208)"),
        ("What are the total assets in the report?", "Total assets | 40,452 | 30,574"),
    ],
)
def test_a_row_says_what_is_asked_for(question, row):
    assert rows_told(TABLE, question) == [row]


@pytest.mark.parametrize(
    "question",
    [
        "What were total assets at the end of 2019?",
        "What were the total assets of Quay Ltd in 2020?",
        "Who sold assets in 2020?",
        "Why did total assets grow in 2021?",
        "What were the assets in 2020?",
        "What was idle in 2020?",
    ],
)
def test_a_row_says_nothing_of_what_neither_it_nor_its_columns_nor_a_title_names(question):
    assert rows_told(TABLE, question) == []


def test_a_column_or_a_title_may_name_what_the_first_cell_does_not():
    assert rows_told(TOLLS, "What toll does a heavy lorry pay?") == []
    assert rows_told(TOLLS, "What is the toll of a heavy lorry?") == ["Heavy lorry | 25 EUR"]
    assert rows_told(TOLLS, "How much is the toll of a motorcycle on the Tay bridge?", "Tay bridge") == ["Motorcycle | 3"]


@pytest.mark.parametrize(
    ("text", "question", "title", "heading"),
    [
        ("Term | Meaning\nTenant | The person named in Part 1", "Who is the tenant?", "Lease", ()),
        ("| 2021 | 2020\nAuditor | 80,000 | 75,000", "Who was the auditor in 2020?", "Report", ()),
        (
            "Term | Loan | From\nInterest | 4 % | 1\nMaximum | 50 | 2",
            "How much is the maximum loan to staff?",
            "Loans to staff",
            ("Members",),
        ),
        ("| 2020 | 2019\nRevenue | 100 | 90\nCosts | 1 | 2", "What was the revenue in 2021?", "Report of 2021", ()),
        ("Leave | Days | Paid\nAnnual leave (part-time) | 14 | 14", "How many days of annual leave are paid?", "Leave", ()),
        ("Code | Meaning | Level\n404 | Tray | 2\n405 | Lid | 3", "Why is there an error 404?", "Error codes", ()),
        ("Chapter | Page | Author\nSick leave | 27 | Miller\nPay | 28 | Stone", "What is the sick leave?", "Handbook", ()),
        ("| 2021 | 2020\nCapital | 1,000 | 1,000", "What is the capital of France?", "Banque de France", ()),
        ("Stop | Weekdays | Friday\nCastle | 07:25 | 08:40", "Who may stop at the castle on Friday?", "Ferry", ()),
    ],
)
def test_a_row_that_holds_the_words_of_a_question_may_tell_nothing_of_it(text, question, title, heading):
    assert rows_told(text, question, title, heading) == []


def test_rows_under_other_years_say_nothing_of_one(asked):
    assert "Total assets | 40,452 | 30,574" in asked("What were total assets in 2020?")
    assert "Total assets |" not in asked("What were total assets in 2017?")


@pytest.mark.parametrize(
    ("text", "question", "others"),
    [
        (TABLE, "What was the cash in 2017?", True),
        (TABLE, "What was the cash in 2020?", False),
        (TABLE, "What was the cash?", False),
        (TABLE.replace("Cash", "Cash of 2017"), "What was the cash in 2017?", False),
        (TOLLS, "What was the toll in 2017?", False),
    ],
)
def test_rows_are_of_another_year_where_their_columns_are_named_by_others(text, question, others):
    cash = next(one for one in sentences_of([hit_of(text, "Report")]) if "1,204" in one.text or "25 EUR" in one.text)
    assert is_of_another_year(analyse(question), cash) == others
    assert not is_of_another_year(analyse("What was the cash in 2017?"), sentences_of([hit_of(text, "Report of 2017")])[0])


GROUPS = """| 2021 | 2020
North America
Revenue | 50 | 40
Operating income | 9 | 8
Europe
Revenue | 30 | 20
Operating income | 5 | 4
Net income per share:
Basic | $0.12 | $0.11
Diluted | $0.10 | $0.09"""


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What was the operating income of North America in 2021?", ["Operating income | 9 | 8"]),
        ("What was Europe's revenue in 2020?", ["Revenue | 30 | 20"]),
        ("What were Europe's sales in 2020?", ["Revenue | 30 | 20"]),
        ("What were diluted earnings per share in 2021?", ["Diluted | $0.10 | $0.09"]),
        ("diluted EPS 2021", ["Diluted | $0.10 | $0.09"]),
        ("What was the operating profit of Asia in 2021?", []),
        ("What was Europe's diluted income per share in 2021?", []),
    ],
)
def test_the_label_above_a_group_of_rows_may_name_what_the_first_cell_does_not(question, rows):
    assert rows_told(GROUPS, question) == rows


def test_a_row_below_the_heading_of_another_product_tells_nothing_of_one():
    text = "Basic\n\n| Price | Data\nFee | 9 EUR | 1 GB\n\nPlus\n\n| Price | Data\nFee | 19 EUR | 10 GB"
    assert rows_told(text, "How much is the fee of Plus?", "Plans for Plus and Basic") == ["Fee | 19 EUR | 10 GB"]


def test_a_line_of_a_table_of_contents_says_nothing():
    assert rows_told("Dividend policy | 27\nRisk factors | 12", "What is the dividend policy?") == []


def test_more_is_said_of_a_figure_where_a_text_has_the_words_of_one_reading_of_its_label():
    row = "Net income (loss) | 2,111 | (2,208)"
    assert has_label_of(row, "The net loss of 2020 was restated.")
    assert has_label_of(row, "Net income does not count gifts.")
    assert not has_label_of(row, "Income was taxed.")


@pytest.fixture
def asked(folder: Path, make_workspace):
    (folder / "report.md").write_text(REPORT)
    workspace: Workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])

    def ask(question: str) -> str:
        return str(answer_question(workspace, AskRequest(question, mode="extractive"))["text"])

    return ask


@pytest.mark.parametrize(
    ("question", "row", "others"),
    [
        (
            "What were total assets at the end of 2020?",
            "Total assets | 40,452 | 30,574",
            ("Other assets", "cranes", "liabilities"),
        ),
        ("What were adjusted earnings in 2020?", "Adjusted earnings | 8,733 | 1,377", ("Net income (loss)", "Cash")),
    ],
)
def test_a_figure_is_answered_by_its_row_alone(asked, question, row, others):
    answer = asked(question)
    assert row in answer
    assert not any(other in answer for other in others)


def test_what_else_is_said_of_the_same_figure_is_told_beside_its_row(asked):
    answer = asked("How much cash was there in 2020?")
    assert "Cash | 1,204 | 988" in answer
    assert "restated" in answer


def test_a_cause_is_not_answered_by_a_row_alone(asked):
    assert "cranes" in asked("Why did total assets grow in 2021?")


def test_a_row_is_quoted_under_the_label_of_its_group_and_the_names_of_its_columns(asked):
    answer = asked("What was the crane hire at the south quay in 2021?")
    assert "South quay, | 2021 | 2020: Crane hire | 5 | 4" in answer
    assert "Crane hire | 9 | 8" not in answer
