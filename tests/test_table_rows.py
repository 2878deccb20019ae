"""Rows of tables: which of them name the cells of the others."""

from __future__ import annotations

import pytest

from index.table_rows import group_of, header_of, is_header

PRICES = """Our stock is quoted.

| 2021 | | 2020
Quarter Ended | High ($) | Low ($) | High ($) | Low ($)
March 31, | 3.02 | 1.72 | 1.95 | 0.70
September 30, | 4.64 | 3.68 | 1.36 | 1.08

Afterwards."""


PER_SHARE = """| 2021 | 2020
Revenue | 19,984 | 10,230
Net income per share:
Basic | $0.12 | $0.11
Total | $0.10 | $0.09
Shares, in thousands | 20,328 | 18,282"""


def header(text: str, row: str) -> str:
    return header_of(text, text.index(row))


@pytest.mark.parametrize("row", ["March 31", "September 30"])
def test_a_row_is_read_under_the_names_of_its_columns(row):
    assert header(PRICES, row) == "Quarter Ended | 2021 High ($) | 2021 Low ($) | 2020 High ($) | 2020 Low ($)"


def test_a_year_names_a_column():
    table = "Years ended | 2021 | 2020\nNet income | $2,111 | $(2,208)"
    assert header(table, "Net") == "Years ended | 2021 | 2020"


@pytest.mark.parametrize(
    "table",
    [
        "Director | Edwin Porter\nYear | 1903\nRunning time | 12 minutes",
        "Command | What it does\nGet-Job | lists jobs\nStop-Job | ends one",
        "Item 1 | 5\nItem 2 | 6",
        "A | b\nC | d\nE | f\nG | 1",
        "Code | Meaning | Cure\nE1 | too hot | wait\nE2 | too cold | wait",
    ],
    ids=["names beside values", "words alone", "numbers alone", "words for three rows", "words in three columns"],
)
def test_a_table_that_names_no_columns_has_no_header(table):
    last = table.rindex("\n") + 1
    assert header_of(table, last) == ""
    assert not is_header(table, 0)


@pytest.mark.parametrize("names", ["Item | Price", "December 31, | Total (EUR)"])
def test_two_columns_are_named_by_a_row_that_says_what_the_figures_are(names):
    table = f"{names}\nPen | 5\nBook | 12\nGifts:\nCard | 2"
    assert header(table, "Book").split(" | ")[-1] == names.split(" | ")[-1]
    assert is_header(table, 0)


@pytest.mark.parametrize(
    "table", ["Company | Acme\nSales | 12\nStaff | 30", "Item | Price\nPen | 5\nBook | sold", "Price | 5\nCost | 4"]
)
def test_two_columns_of_names_and_values_are_not_named(table):
    assert header(table, table.split("\n")[-1]) == ""


def test_the_rows_that_name_columns_are_told_from_those_below():
    assert [is_header(PRICES, PRICES.index(row)) for row in ("| 2021", "Quarter", "March", "September")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_header_of_another_table_is_none():
    text = PRICES.replace("Afterwards.", "Rent | 500\nFood | 200")
    assert header(text, "Food") == ""


def test_a_label_below_the_names_of_columns_is_none_of_them():
    table = "ASSETS | 2021 | 2020\nCurrent assets:\nCash | 16 | 5\nGoodwill | 10 | 10"
    assert header(table, "Goodwill") == "| 2021 | 2020"
    assert header(table.replace("Current assets:\n", ""), "Goodwill") == "ASSETS | 2021 | 2020"


def test_a_title_in_the_first_row_names_no_column():
    table = "Pay of the officers\nName | Year | Salary\nAnn | 2021 | 275\nBob | 2021 | 200"
    assert header(table, "Bob") == "Name | Year | Salary"


@pytest.mark.parametrize(
    "table",
    [
        "Day | Morning | Afternoon\nMonday | closed | closed\nTuesday | 9–12 | 14–18",
        "Name | Role | Phone\nAnna Smith | Chair | n/a\nBob Jones | Treasurer | 7946 0958",
        "Code | Meaning | Wait\nE0 | No error | none\nE1 | Pump blocked | 10 min",
    ],
)
def test_the_first_row_of_data_is_no_second_row_of_names(table):
    first, data, last = table.split("\n")
    assert not is_header(table, table.index(data))
    assert header(table, data) == header(table, last) == first


def test_below_a_row_that_names_the_columns_anew_nothing_tells_their_names():
    table = "Pizza | small | large\nRoma | 9 | 12\nWine | glass | bottle\nMerlot | 5 | 22"
    assert header(table, "Roma") == "Pizza | small | large"
    assert header(table, "Merlot") == ""


@pytest.mark.parametrize("table", ["A | b | c\nD | e", "A | b\nD | e | f\n | | ", "A | b | c | d\n|", " | ", "A | b | c"])
def test_rows_of_any_lengths_are_looked_at(table):
    for start in range(0, len(table), 2):
        assert header_of(table, start) == "" or is_header(table, 0)


@pytest.mark.parametrize(
    ("row", "label"),
    [("Revenue", ""), ("Basic", "Net income per share:"), ("Total", "Net income per share:"), ("Shares", "")],
)
def test_a_row_stands_under_the_last_label_above_it_until_its_total(row, label):
    assert group_of(PER_SHARE, PER_SHARE.index(row)) == label


def test_a_row_below_other_names_of_columns_stands_under_no_label():
    table = "Food | small | large\nPizzas\nMargherita | 8 | 11\nWine | glass | bottle\nRed | 5 | 20"
    assert group_of(table, table.index("Margherita")) == "Pizzas"
    assert group_of(table, table.index("Red")) == ""


def test_far_down_a_table_nothing_tells_what_a_row_stands_under():
    long = "| 2021 | 2020\nFees:\n" + "".join(f"Licence {n} | {n} | {n}\n" for n in range(2000))
    assert (header(long, "Licence 7 "), group_of(long, long.index("Licence 7 "))) == ("| 2021 | 2020", "Fees:")
    assert (header(long, "Licence 1999"), group_of(long, long.index("Licence 1999"))) == ("", "")


@pytest.mark.parametrize(
    ("label", "group"),
    [
        ("Assets:", "Assets:"),
        ("interest rate swaps", ""),
        ("(in thousands)", ""),
        ("336M", ""),
        ("Common stock, par value 1;", ""),
    ],
)
def test_a_unit_or_part_of_a_name_is_no_label(label, group):
    table = f"| 2021 | 2020\n{label}\nTolls | 12 | 9"
    assert group_of(table, table.index("Tolls")) == group


@pytest.mark.parametrize("row", ["Total liabilities", "Net cash provided by operations", "Cash and cash equivalents, end"])
def test_a_total_that_says_of_what_it_is_stands_under_no_label_and_ends_it(row):
    table = f"| 2021 | 2020\nLoans\nFrom banks | 3 | 4\n{row} | 5 | 6\nLand | 7 | 8"
    assert [group_of(table, table.index(name)) for name in ("From", row, "Land")] == ["Loans", "", ""]


def test_numbers_with_units_are_no_names():
    table = "Setting | LARGE | BASE\nLayers | 24 | 12\nWarmup | 30k | 24k\nRate | 4 | 6"
    assert header(table, "Rate") == "Setting | LARGE | BASE"


def test_sizes_name_columns():
    table = "Task | 7B | 13B | 33B\nAll | 66.0 | 64.7 | 69.0\nNone | 1.0 | 2.0 | 3.0"
    assert header(table, "None") == "Task | 7B | 13B | 33B"
