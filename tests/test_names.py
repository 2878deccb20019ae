"""Names and numbers of a claim that stand in its source in another form."""

from __future__ import annotations

import pytest

from qa.evidence import Evidence
from qa.facts import tokens_of
from qa.support import differs, judge


def verdict(claim: str, source: str) -> str:
    return judge(claim, [Evidence(source)]).verdict


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The Bavarian court heard the case.", "The case came before a court in Bavaria."),
        ("A court in Bavaria heard the case.", "The case came before a Bavarian court."),
        ("The band came from Scotland.", "It was a Scottish band."),
        ("Many Californians may ask for it.", "Residents of California may ask for it."),
        ("The firm is Italian.", "The firm has its seat in Italy."),
        ("The firm is Chinese.", "The firm has its seat in China."),
        ("The US court heard the case.", "The case came before a court of the United\nStates."),
        ("A court of the United States heard it.", "UNITED STATES DISTRICT COURT"),
        ("The Union adopted it.", "It was adopted by the European Union."),
        ("The case was heard in the United States.", "The case came before an American court."),
        ("The case was heard in the U.K. at once.", "The case came before a British court."),
        ("Some virus has DNA.", "It is a virus with a large DNA-packing capacity."),
        ("It helps against HIV-1 in children.", "It helps HIV-1-positive children."),
        ("They used a PCR-based test.", "They used a test that makes use of PCR."),
        ("They sold the F-16 to others.", "Others bought F-16s."),
        ("It came in December of that year.", "as of december 31 it had come"),
        ("On 11 December 2007 it fell.", "Date & Time: 12/11/2007, 1430 EST"),
        ("On 11 December 2007 it fell.", "Es fiel am 11.12.2007."),
        ("It fell on 30/11/2007.", "It fell on 30 November 2007."),
        ("It fell on 12/11/2007.", "It fell on 12 November 2007."),
        ("It happened at Elyria, Ohio.", "Location: Elyria, OH"),
        ("The under-17 team took part.", "The team of girls under 17 took part."),
        ("Nobody asks under-13s.", "No child under 13 is asked."),
        ("MSCs are given.", "They give the MSC by vein."),
    ],
)
def test_a_name_may_stand_in_another_form(claim: str, source: str) -> None:
    assert verdict(claim, source) == "unchecked"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The Austrian court heard the case.", "The case came before a court in Australia."),
        ("It flows through Niger.", "It flows through Nigeria."),
        ("It was a Roman town.", "It was a town of Romania."),
        ("The American court heard the case.", "The case came before that court."),
        ("The US court heard the case.", "The case came before us, in a court of this state."),
        ("The case went to the UK at once.", "The case went to the United Nations."),
        ("They sold the MiG-31 to others.", "Others bought the MiG-29."),
        ("They used a PCR-based test.", "The test is one that is based on antigens."),
        ("It helps against HIV-2 in children.", "It helps HIV-1-positive children."),
        ("It helps HIV-negative children.", "It helps HIV-positive children."),
        ("They use the GPT-4 model.", "They use the GPT-4-mini model."),
        ("All EU citizens need it.", "All non-EU citizens need it."),
        ("It is by Julian.", "It is by Julia."),
        ("It is in Niger.", "It is in Nigerian hands."),
        ("It was the U.S. economy.", "It was the U.S.S.R. economy."),
        ("On 11 December 2007 it fell.", "Date & Time: 10/11/2007, 1430 EST"),
        ("It happened at Elyria, Ohio.", "Location: Elyria, IA"),
        ("It was made in Colorado.", "It was made by Smith & Co."),
        ("It was made in Maryland.", "It was made by John Smith MD"),
        ("The under-17 team took part.", "The team of girls under 171 took part."),
    ],
)
def test_another_name_is_not_there(claim: str, source: str) -> None:
    assert verdict(claim, source) == "unsupported"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("About 8,000 cases were reported.", "Reports tell of 8,098 cases."),
        ("The firm earned 1.2 million dollars.", "The firm earned 1,234,567 dollars."),
        ("The firm earned $1.2 million.", "The firm earned $1,234,567."),
        ("More than ten thousand people answered.", "The survey had answers of 10,669 people."),
        ("Nearly 200 mothers took part.", "197 mothers took part."),
        ("Fewer than 200 mothers took part.", "197 mothers took part."),
        ("Over 300 people were hurt.", "312 people were hurt."),
        ("About $8,000 was paid.", "In all $8,098 was paid."),
    ],
)
def test_a_number_may_round_the_one_of_its_source(claim: str, source: str) -> None:
    assert verdict(claim, source) == "unchecked"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("8,000 cases were reported.", "Reports tell of 8,098 cases."),
        ("The firm earned 1.3 million dollars.", "The firm earned 1,234,567 dollars."),
        ("More than 31,000 people live there.", "30,847 people live there."),
        ("Nearly 200 mothers took part.", "203 mothers took part."),
        ("Fewer than 200 mothers took part.", "203 mothers took part."),
        ("At least 10 people were hurt.", "9 people were hurt."),
        ("The rate was 16 percent.", "The rate was 16.9 percent."),
        ("It was built around 1990.", "It was built in 1985."),
        ("Children under 12 pay nothing.", "Children under 10 pay nothing."),
        ("About 5 people were hurt.", "Between 3 and 7 people were hurt."),
        ("At least 10 people were hurt.", "12 people were hurt."),
        ("It runs with version 3.1 of Python.", "It runs with version 3.12 of Python."),
        ("The dose is 5 mg.", "The dose is 5.25 mg."),
        ("It costs 12\u00a0000 euros.", "It costs 12\u00a0490 euros."),
        ("No more than 3 tablets are taken.", "In all 3.2 tablets are taken."),
        ("About 5 mg are given.", "Of it 5.3 g are given."),
        ("About 2,000 people died in the flood.", "People died in the flood of 2019."),
        ("About 30 people died.", "On 29 June people died."),
        ("More than 30 people died.", "Of them 31 to 44 people died."),
        ("Children over 60 months pay.", "Children of 65 months or older pay."),
    ],
)
def test_a_number_that_rounds_none_of_its_source_is_not_there(claim: str, source: str) -> None:
    assert verdict(claim, source) in ("unsupported", "contradicted")


def test_two_reports_of_which_one_rounds_do_not_contradict_each_other() -> None:
    exact = "In May 8,098 cases were reported."
    assert differs(tokens_of("In May 9,000 cases were reported."), Evidence(exact)) != ""
    assert differs(tokens_of("In May about 8,000 cases were reported."), Evidence(exact)) == ""
    assert differs(tokens_of(exact), Evidence("In May about 8,000 cases were reported.")) == ""


def test_a_number_of_thousands_of_digits_is_compared_as_it_stands():
    assert differs(tokens_of(f"In all, the sum is about {'9' * 4400} euros."), Evidence("In all, the sum is 5 euros."))


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It came by two routes.", "It came by land and by sea."),
        ("It gives three reasons.", "It says that the rule is unfair, late and costly."),
    ],
)
def test_a_claim_may_count_itself_what_its_source_lists(claim: str, source: str) -> None:
    assert verdict(claim, source) == "unchecked"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It came by two routes.", "It came by three of the routes."),
        ("It came by three routes.", "It came by land and by sea."),
        ("It came by twenty routes.", "It came by land and by sea."),
        ("It came by 2 routes.", "It came by land and by sea."),
        ("Four people were killed in it.", "The crash and the fire left 14 dead."),
        ("He had three children.", "He and his wife had no children, dogs and cats."),
        ("Two doses are needed.", "One dose and some rest are needed."),
        ("It is in phase two trials.", "It is tested in mice and men."),
        ("Two tablets are taken.", "The tablets are taken with food."),
    ],
)
def test_a_claim_counts_nothing_where_its_source_counts_or_lists_no_such_number(claim: str, source: str) -> None:
    assert verdict(claim, source) in ("unsupported", "contradicted")


OPENING = "MINUTES of 4 May. Present: Ben Noor, Carla Sund. The Piper PA-18 of Venice, a Global 5000 and a Cessna 170B."


@pytest.mark.parametrize(
    "claim",
    ["The Venice student came in fast.", "The PA-18 swerved right.", "The Global 5000 came in.", "The 170B came in."],
)
def test_whom_a_document_is_about_by_its_opening_may_be_named(claim: str):
    assert judge(claim, [Evidence("The student came in fast and swerved right.", named=OPENING)]).verdict == "unchecked"


def test_who_is_named_in_the_opening_does_not_take_the_place_of_another():
    evidence = Evidence("It was decided that Ben should write to them.", named=OPENING)
    assert judge("It was decided that Carla should write to them.", [evidence]).verdict == "unsupported"


def test_the_opening_says_nothing_of_dates():
    evidence = Evidence("The lease ends on March 31.", named="Dated March 15, 2023")
    assert judge("The lease ends on March 15.", [evidence]).verdict in ("unsupported", "contradicted")


def test_an_opening_that_speaks_of_false_statements_takes_nothing_back():
    said = "The tenant pays the water bill."
    assert judge(said, [Evidence(said, named="Lease. False statements by the tenant end it.")]).verdict == "supported"
