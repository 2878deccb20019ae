"""Numbers that a claim works out of its source are left to a judge; those that follow from nothing there are not."""

from __future__ import annotations

import pytest

from qa.support import Evidence, judge

DERIVED = [
    ("Cash rose by $562 million, from $6,823 million to $7,385 million.", "Cash flow | $7,385 million | $6,823 million"),
    ("All four people were hurt.", "The two pilots and two passengers were hurt."),
    (
        "The treatments take 110 minutes a day.",
        "It is 40 minutes of one, 30 minutes of two, 20 minutes of it and 20 minutes more.",
    ),
    ("The share fell by 25 percent, from 80 to 60 seats.", "They held 80 seats before and 60 seats then."),
    ("There are 15 sessions.", "Train 5 days a week, for 3 weeks."),
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
        "The treatments take 120 minutes a day.",
        "It is 40 minutes of one, 30 minutes of two, 20 minutes of it and 20 minutes more.",
    ),
    ("Three quarters of the proteins are made.", "Of the proteins 60% are made."),
    ("Four in five patients left.", "Of the patients 20% left."),
    ("It is done within four months.", "It is done within 90 days."),
    ("Women have played since the 1980s.", "Women have played since 1998."),
    ("Women have played since 1998.", "Women have played since the 1990s."),
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
