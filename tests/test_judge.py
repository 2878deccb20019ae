"""The embedded reader as the judge of claims: it doubts what the cited words do not say, vouches for nothing, reads English."""

from __future__ import annotations

import pytest

from qa.evidence import Evidence
from qa.reading.calibration import fitted
from qa.reading.reader_model import ReaderModel
from qa.support import judge
from qa.workspace import Workspace

RULE = "Employees may work from home up to three days a week if their line manager agrees."


@pytest.fixture
def entails(make_workspace, reader_model: ReaderModel):
    return make_workspace().entails


def verdict(claim: str, entails) -> str:
    return judge(claim, [Evidence(RULE)], entails).verdict


def test_what_the_cited_words_are_silent_on_is_doubted(entails):
    for claim in (
        "The company pays for the internet connection of its staff.",
        "The canteen is closed in the first week of the year.",
        "Overtime is paid at the end of the month.",
    ):
        assert verdict(claim, None) == "unchecked"
        assert verdict(claim, entails) == "unsupported"


def test_what_they_contradict_is_doubted(entails):
    assert verdict("Employees can never work from home.", entails) == "contradicted"


def test_it_never_vouches_however_sure_it_is(entails):
    claim = "Staff are allowed to work from home with the consent of their manager."
    opinion = entails(claim, RULE)
    assert opinion.supported > 0.7
    found = judge(claim, [Evidence(RULE)], entails)
    assert (found.verdict, found.opinion) == ("unchecked", "supported")


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("Angestellte dürfen zu Hause arbeiten.", RULE),
        ("مکان بڑا ہے", RULE),
        ("The staff may work at home.", "Die Angestellten dürfen zu Hause arbeiten, wenn ihr Vorgesetzter zustimmt."),
        ("El inquilino debe salir a fin de mes.", "El inquilino debe salir a fin de mes. Es la norma a seguir."),
        ("It is so.", ""),
        ("Nájemce musí být v bytě do konce měsíce.", "Nájemce musí být v bytě do konce měsíce, jak to má ve smlouvě."),
        ("The staff may work at home.", " ".join([RULE] * 30)),
        ("The staff may work at home.", RULE.replace("Employees", " and ".join(["employees"] * 200))),
        (f"The staff may work at home, {'and so on ' * 30}in Senegal.", RULE),
    ],
)
def test_what_it_cannot_read_whole_or_is_not_english_is_not_judged(entails, claim: str, evidence: str):
    assert entails(claim, evidence) is None


def test_it_can_be_switched_off(make_workspace):
    off: Workspace = make_workspace(judge="none")
    assert off.entails is None


def test_chances_are_of_three_verdicts_and_add_up_to_one():
    chances = fitted().stance.chances((50.0, -50.0, 0.0))
    assert chances.sum() == pytest.approx(1.0)
    assert chances.argmax() == 0
