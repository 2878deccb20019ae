"""Verdicts: what the rules decide, and what they leave to a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Document, Hit, Locator, Passage, Scores
from qa.citations import cite_span
from qa.evidence import Evidence, evidence_of
from qa.facts import number_key, tokens_of
from qa.records import Citation
from qa.support import Entailment, judge

HARM = "In the trial of 2019, no patients were harmed by the new drug."
RATE = "The interest rate was raised to 5 % in March 2023 by the Reserve Bank."
LISTINGS = "The Entity List has 17 listings in connection with Pakistan's missile programme."


def verdict(claim: str, sentences: str, beside: str = "", setting: str = "") -> str:
    return judge(claim, [Evidence(sentences, beside, setting)]).verdict


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The interest rate was raised to 5 percent in March 2023 by the Reserve Bank.", RATE),
        ("The Entity List has seventeen listings in connection with Pakistan's missile programme.", LISTINGS),
        ("In the trial of 2019, no patients were harmed by the new drug.", HARM),
        ("The treaty entered into force on 3 March 2020.", "The treaty entered into force on 2020-03-03."),
    ],
)
def test_a_claim_that_says_what_its_source_says_is_supported(claim, source):
    assert verdict(claim, source) == "supported"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Many patients were harmed by the new drug.", HARM),
        ("The interest rate was raised to 6 % in March 2023.", RATE),
        ("The interest rate was not raised to 5 % in March 2023.", RATE),
        (
            "The interest rate was lowered to 5 % in March 2023.",
            RATE.replace("raised", "increased").replace("rate", "share"),
        ),
        ("The Entity List has 18 listings in connection with Pakistan's missile programme.", LISTINGS),
        ("Sales decreased in the north.", "Sales increased in the north."),
        ("The council rejected the plan for the bridge.", "The council approved the plan for the bridge."),
    ],
)
def test_a_number_negation_or_direction_that_is_turned_round_is_never_supported(claim, source):
    assert verdict(claim, source) in ("contradicted", "unsupported", "unchecked")
    assert verdict(claim, source) != "supported"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Many patients were harmed by the new drug.", HARM),
        ("The interest rate was raised to 6 % in March 2023.", RATE),
        ("The interest rate was not raised to 5 % in March 2023.", RATE),
        ("Sales decreased in the north.", "Sales increased in the north."),
        ("The council rejected the plan for the bridge.", "The council approved the plan for the bridge."),
        ("There were 5 doctors among the dead.", "There were 6 doctors among the dead, and 5 nurses."),
    ],
)
def test_the_same_statement_turned_round_is_contradicted(claim, source):
    assert verdict(claim, source) == "contradicted"


@pytest.mark.parametrize("claim", ["No patients were harmed by the new drug.", "The interest rate was raised to 5 %."])
def test_a_part_of_what_its_source_says_is_unchecked(claim):
    assert {verdict(claim, source) for source in (HARM, RATE)} <= {"unchecked", "unsupported"}


@pytest.mark.parametrize(
    "claim", ["The CORONAVIRUS was studied.", "YES, the virus was studied.", "Crushed Garlic Water Cures The Virus."]
)
def test_an_ordinary_word_in_capitals_is_not_taken_for_a_name(claim):
    assert verdict(claim, "The virus was studied in many laboratories.") == "unchecked"


def test_a_virus_is_known_by_its_disease():
    assert (
        verdict("Masks help against COVID-19.", "We saw less transmission of SARS-CoV-2 where masks were worn.")
        == "unchecked"
    )


def test_a_sentence_among_myths_supports_nothing():
    said = "Vaccines weaken the immune system of children."
    assert verdict(said, said) == "supported"
    assert verdict(said, said, beside="Three myths are told again and again.") == "unchecked"
    assert verdict(said, said, setting="Misconceptions about vaccines") == "unchecked"


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("The drug was tested in Karachi.", "Karachi"),
        ("The drug was tested on 400 people.", "400"),
        ("The drug was tested by the WHO.", "WHO"),
        ("The drug helps against COVID-19.", "COVID-19"),
    ],
)
def test_a_name_or_number_that_is_not_there_makes_a_claim_unsupported_and_is_named(claim, missing):
    judgement = judge(claim, [Evidence("The drug was given to many people.")])
    assert judgement.verdict == "unsupported"
    assert missing in judgement.reason


def test_a_name_may_stand_in_the_sentence_beside_the_title_or_the_heading():
    source = "It rejects the sanctions as biased."
    assert verdict("Pakistan rejects the sanctions as biased, so Islamabad said.", source) == "unsupported"
    for place in ({"beside": "The Pakistani government spoke."}, {"setting": "Why Islamabad says no"}):
        assert verdict("The paper says that Pakistan rejects the sanctions as biased.", source, **place) == "unchecked"


def test_a_number_in_the_title_bears_nothing_out():
    assert verdict("The bridge cost 12 crowns.", "The bridge cost many crowns.", setting="12 bridges") == "unsupported"


@pytest.mark.parametrize(
    "source",
    [
        "The drug may reduce the risk of stroke in old patients.",
        "Critics deny that the drug reduces the risk of stroke in old patients.",
        "According to its maker, the drug reduces the risk of stroke in old patients.",
        "The drug hardly reduces the risk of stroke in old patients.",
        "The drug was expected to reduce the risk of stroke in old patients.",
    ],
)
def test_a_reservation_of_the_source_that_the_claim_leaves_out_is_not_passed_over(source):
    assert verdict("The drug reduces the risk of stroke in old patients.", source) != "supported"


def test_who_did_it_to_whom_is_not_passed_over():
    assert verdict("The court of Milan overruled the court of Rome.", "The court of Rome overruled the court of Milan.") != (
        "supported"
    )
    assert verdict("Pakistan fired the new missile.", "Pakistan's ally China fired the new missile.") != "supported"


def test_a_paraphrase_is_unchecked_without_a_model_and_the_models_with_one():
    claim, source = "Old people died less often of strokes.", "The drug cut mortality from stroke among the elderly."
    assert verdict(claim, source) == "unchecked"
    for opinion, expected in (
        (Entailment(0.9, 0.05), "supported"),
        (Entailment(0.1, 0.8), "contradicted"),
        (Entailment(0.2, 0.1), "unsupported"),
    ):
        assert judge(claim, [Evidence(source)], lambda *_, opinion=opinion: opinion).verdict == expected


@pytest.mark.parametrize(
    ("opinion", "leaning"),
    [
        (Entailment(0.6, 0.3), "supported"),
        (Entailment(0.3, 0.6), "contradicted"),
        (Entailment(0.2, 0.15), "unsupported"),
        (Entailment(0.95, 0.01, vouches=False), "supported"),
    ],
)
def test_a_model_that_is_not_sure_or_may_only_doubt_leaves_a_claim_unchecked_and_says_what_is_likeliest(
    opinion: Entailment, leaning: str
):
    found = judge("Old people died less often.", [Evidence("The drug cut mortality among the elderly.")], lambda *_: opinion)
    assert (found.verdict, found.opinion) == ("unchecked", leaning)
    assert "the judge" in found.reason


def test_a_model_that_may_only_doubt_does_doubt():
    opinion = Entailment(0.05, 0.9, vouches=False)
    found = judge("Old people died more often.", [Evidence("The drug cut mortality among the elderly.")], lambda *_: opinion)
    assert (found.verdict, found.opinion) == ("contradicted", "contradicted")


def test_a_model_is_asked_about_each_citation_once_and_about_all_and_believed_where_it_sees_most_for_the_claim():
    asked = []

    def entails(claim: str, evidence: str) -> Entailment:
        asked.append(evidence)
        return Entailment(0.8, 0.1) if evidence == "The drug cut mortality." else Entailment(0.05, 0.05)

    sentences = ("It was tested twice.", "The drug cut mortality.", "It was tested twice.")
    found = judge("People died less often.", [Evidence(one) for one in sentences], entails)
    assert sorted(asked) == sorted({*sentences, " ".join(dict.fromkeys(sentences))})
    assert found.verdict == "supported"


def test_what_a_model_cannot_read_is_unchecked():
    found = judge("Alte starben seltener.", [Evidence("The drug cut mortality among the elderly.")], lambda *_: None)
    assert (found.verdict, found.opinion) == ("unchecked", None)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It was tested 12 times.", "It was tested."),
        ("It was tested in Karachi.", "It was tested."),
        ("The lake has two ferries.", "The lake has three ferries."),
        ("Road A29 is closed.", "Road A27 is closed."),
        ("The drug is safe for old people.", "The drug is not safe for old people."),
        ("The drug was given to 40 people.", "The drug was given to 400 people."),
    ],
)
def test_a_model_is_not_asked_about_what_no_other_words_can_say(claim: str, source: str):
    def never(claim: str, evidence: str) -> Entailment:
        raise AssertionError

    assert judge(claim, [Evidence(source)], never).verdict in ("unsupported", "contradicted")


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The cause is not known.", "What brings it on is a mystery."),
        ("It does not look alike in all animals.", "Its structure varies among animal species."),
    ],
)
def test_a_negation_that_rules_miss_is_unsupported_unless_a_model_is_sure_of_the_claim_and_then_it_is_only_unchecked(
    claim: str, source: str
):
    opinions: list[tuple[Entailment | None, str, str | None]] = [
        (None, "unsupported", None),
        (Entailment(0.95, 0.01), "unchecked", "supported"),
        (Entailment(0.6, 0.1), "unsupported", "supported"),
        (Entailment(0.05, 0.9), "contradicted", "contradicted"),
        (Entailment(0.1, 0.6), "unsupported", "contradicted"),
        (Entailment(0.05, 0.05), "unsupported", "unsupported"),
    ]
    for opinion, expected, leaning in opinions:
        found = judge(claim, [Evidence(source)], lambda *_, opinion=opinion: opinion)
        assert (found.verdict, found.opinion) == (expected, leaning)
        assert found.missed
        assert "negation" in found.reason


def test_without_a_citation_nothing_is_supported():
    assert judge("The sky is blue.", []).verdict == "unsupported"


def test_several_citations_bear_a_claim_out_together():
    both = [Evidence("The bridge in Ava is of stone."), Evidence("The bridge in Bor is of steel.")]
    assert judge("Ava has a bridge of stone, Bor one of steel.", both).verdict == "unchecked"
    assert judge("Ava has a bridge of stone, Bor one of steel.", both[:1]).verdict == "unsupported"


def test_the_sentences_of_a_citation_are_found_with_their_neighbours():
    text = "One came first. The second came then. Third was the last. Nobody was fourth."
    document = Document(
        id="d",
        collection="default",
        path="a.txt",
        title="Order",
        sha256="x",
        length=len(text),
        media_type="text/plain",
        text=text,
    )
    start = text.index("second")
    found = evidence_of(document, citation(document, start, start + 6), "Heading")
    assert (found.sentences, found.beside) == ("The second came then.", "One came first. Third was the last.")
    assert (found.setting, found.before, found.behind) == (
        "Order Heading",
        "One came first. ",
        " Third was the last. Nobody was fourth.",
    )


def citation(document: Document, start: int, end: int) -> Citation:
    passage = Passage("p", document.id, 0, len(document.text), document.text, Locator())
    return cite_span(document, Hit(passage, document, Scores()), start, end)


@pytest.mark.parametrize(("one", "other"), [("1,000", "1000"), ("5", "5.0"), ("1\u202f000", "1000"), ("2,500.5", "2500.50")])
def test_a_number_has_one_form(one, other):
    assert number_key(one) == number_key(other)


@pytest.mark.parametrize(("one", "other"), [("1.5", "15"), ("1,5", "15"), ("1,5", "1.5"), ("1.000", "1000")])
def test_different_numbers_have_different_forms(one, other):
    assert number_key(one) != number_key(other)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("twenty-one ships", ["21"]),
        ("2.5 million people", ["2500000"]),
        ("two hundred thousand", ["200000"]),
        ("COVID-19 and N95", []),
        ("17 of 20", ["17", "20"]),
    ],
)
def test_numbers_are_read_as_people_write_them(text, numbers):
    assert [token.key for token in tokens_of(text) if token.kind == "number"] == numbers


_WORDS = st.lists(
    st.sampled_from("the river bank raised taxes people in Ava 12 300 not never steel bridge".split()), min_size=3
)


@given(_WORDS, st.integers(13, 299))
def test_a_changed_number_is_never_supported(words, number):
    source = " ".join([*words, "cost 12 crowns"])
    assert verdict(source.replace("12", str(number)), source) != "supported"


@given(_WORDS)
def test_a_negation_put_in_is_never_supported(words):
    source = " ".join(["The bridge", *(word for word in words if word not in ("not", "never")), "was built"])
    assert verdict(source.replace("was", "was not"), source) != "supported"


def test_long_texts_are_judged_in_no_time():
    words = " ".join(f"a1-b{n} word-{n}.x" for n in range(3000))
    assert verdict("a1-b5 did it " * 30, words[:3000]) != "supported"
    assert len(tokens_of(words)) == 6000
