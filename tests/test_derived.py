"""Numbers that a claim works out of its source are left to a judge; those that follow from nothing there are not."""

from __future__ import annotations

import pytest

from qa.evidence import Evidence
from qa.support import judge

DERIVED = [
    ("Cash rose by $562 million, from $6,823 million to $7,385 million.", "Cash flow | $7,385 million | $6,823 million"),
    ("All four people were hurt.", "The two pilots and two passengers were hurt."),
    (
        "The treatments together take 110 minutes a day.",
        "It is 40 minutes of one, 30 minutes of two, 20 minutes of it and 20 minutes more.",
    ),
    ("The share fell by 25 percent, from 80 to 60 seats.", "They held 80 seats before and 60 seats then."),
    ("One in five adults smokes.", "1 of 5 adults smokes."),
    ("Three quarters of the proteins are made.", "Of the proteins 75% are made."),
    ("Two thirds of the members agreed.", "Of the members 67 percent agreed."),
    ("One in five patients left.", "Of the patients 20% left."),
    ("One third of the members agreed.", "A third of the members agreed."),
    ("It is done within three months.", "It is done within 90 days."),
    ("The cycle takes two days.", "It is a 48-h cycle."),
    ("It stood there for six decades.", "It stood there for 60 years."),
    ("Women have played since the 1990s.", "Women have played since 1998."),
]
NOT_DERIVED = [
    ("Cash rose by $572 million, from $6,823 million to $7,385 million.", "Cash flow | $7,385 million | $6,823 million"),
    ("All five people were hurt.", "The two pilots and two passengers were hurt."),
    (
        "The treatments together take 120 minutes a day.",
        "It is 40 minutes of one, 30 minutes of two, 20 minutes of it and 20 minutes more.",
    ),
    ("Three quarters of the proteins are made.", "Of the proteins 60% are made."),
    ("Four in five patients left.", "Of the patients 20% left."),
    ("It is done within four months.", "It is done within 90 days."),
    ("Women have played since the 1980s.", "Women have played since 1998."),
    ("Women have played since 1998.", "Women have played since the 1990s."),
    ("On 5 May 2018 he was elected chairman.", "On 5 May 2019 he was elected chairman."),
    ("It grew by 5% in 2018.", "It grew by 5% in 2019."),
    ("Invoice 10443 is due in 30 days.", "Invoice 10442 is due in 30 days."),
    ("Revenue was $253.7 million in the year.", "Revenue was $252.7 million in the year."),
    ("Payment is due within 61 days.", "Payment is due within 60 days."),
    ("Men retire at the age of 67 years.", "Men retire at the age of 65 years."),
    ("The children were aged 3.", "The children were aged 5 to 8."),
    ("The trial had 150 patients.", "The trial had 50 patients and 3 arms."),
    ("Two thirds of the members agreed.", "A third of the members agreed."),
    ("Three quarters of the staff left.", "In the third quarter some of the staff left."),
    ("About 13 people came.", "At least 31 to 44 people came by bus, 5 by train and 9 on foot."),
]


@pytest.mark.parametrize(("claim", "source"), DERIVED)
def test_a_number_that_follows_from_the_cited_ones_is_not_said_to_be_missing(claim: str, source: str) -> None:
    assert judge(claim, [Evidence(source)]).verdict == "unchecked"


@pytest.mark.parametrize(("claim", "source"), NOT_DERIVED)
def test_a_number_that_follows_from_nothing_there_is_missing(claim: str, source: str) -> None:
    assert judge(claim, [Evidence(source)]).verdict in ("unsupported", "contradicted")


@pytest.mark.parametrize(
    ("claim", "row", "setting"),
    [
        ("Gas added $6.6 million.", "net gas revenue | 6.6", "amount (in millions)"),
        ("Repurchases cost almost $3 billion.", "2011 | $2997688", "stated in thousands"),
        ("Revenue rose by $21.7 million, from $231 million to $252.7 million.", "revenue | $231.0 | $252.7", "($m)"),
    ],
)
def test_a_cell_is_read_in_the_units_that_its_table_names(claim: str, row: str, setting: str) -> None:
    assert judge(claim, [Evidence(row, setting=setting)]).verdict == "unchecked"
    assert judge(claim, [Evidence(row)]).verdict in ("unsupported", "contradicted")


def test_a_scale_makes_no_sum_wrong_and_is_not_taken_from_the_sentence_beside() -> None:
    rows = "north | 2 | south | 3"
    assert judge("Together sales were 5 million.", [Evidence(rows, setting="in millions")]).verdict == "unchecked"
    assert (
        judge("It was 12,000 then.", [Evidence("It was 12 then.", beside="Thousands of visitors came.")]).verdict
        != "unchecked"
    )


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Three out of five patients recovered.", "Three of five patients recovered."),
        ("Under paragraph 2 the parties pay.", "Under paragraph 2, third parties pay."),
    ],
)
def test_a_share_in_other_words_is_not_contradicted(claim: str, source: str) -> None:
    assert judge(claim, [Evidence(source)]).verdict == "unchecked"


def test_a_number_of_hundreds_of_digits_is_no_sum() -> None:
    assert judge("It fell by 40 percent.", [Evidence(f"It was {'9' * 400} before and 5 then.")]).verdict == "unsupported"
