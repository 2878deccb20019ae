"""Which rated sentences make the answer: as many as pay, none twice, never too many words, in an order that reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import DocumentInfo, Hit, Locator, Passage, Scores
from qa.picking import Pick, choose, worth_taking
from qa.questions import analyse

THINGS = "lamp river saddle violin copper meadow anchor candle barrel orchard ladder pigeon kettle harbour thistle".split()


def hit_of(document: str) -> Hit:
    info = DocumentInfo(
        id=document, collection="c", path=document, part="", title=document, sha256="", length=9, media_type=""
    )
    return Hit(Passage(f"p-{document}", document, 0, 9, "", Locator()), info, Scores(0.5, 1.0, 0.5))


def pick(text: str, score: float, start: int = 0, document: str = "d") -> Pick:
    return Pick(hit_of(document), start, start + len(text), text, score)


def sentence(number: int, words: int = 8) -> str:
    return " ".join(f"{THINGS[number % len(THINGS)]}{chr(97 + i)}{chr(97 + number)}" for i in range(words)) + "."


def test_one_sentence_where_one_stands_out():
    rated = [pick(sentence(0), 0.95), pick(sentence(1), 0.2), pick(sentence(2), 0.1)]
    assert [one.text for one in choose(analyse("Where is the lamp?"), rated)] == [sentence(0)]


def test_several_where_several_may_well_be_right():
    rated = [pick(sentence(i), score, i) for i, score in enumerate((0.6, 0.55, 0.5, 0.05))]
    assert len(choose(analyse("Where is the lamp?"), rated)) == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_what_is_worth_taking_is_never_more_than_half(chances):
    assert 0 <= worth_taking(sorted(chances, reverse=True)) <= 0.5


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=40), st.integers(5, 60))
def test_an_answer_of_several_sentences_has_no_more_than_120_words(scores, words):
    rated = [pick(sentence(i, words), score, i) for i, score in enumerate(scores)]
    chosen = choose(analyse("What are the reasons for it?"), rated)
    assert chosen
    assert len(chosen) == 1 or sum(len(one.text.split()) for one in chosen) <= 120


def test_nothing_is_said_twice():
    text = "The bridge at Rorvik was built of stone in the old town by masons"
    rated = [pick(f"{text}.", 0.9), pick(f"{text} indeed.", 0.8, 99)]
    assert len(choose(analyse("What are the materials?"), rated)) == 1


def test_sentences_that_disagree_on_a_number_are_both_given():
    rated = [
        pick("The fee for members is 50 euros a year.", 0.8),
        pick("The fee for members is 75 euros a year.", 0.8, 0, "e"),
    ]
    assert len(choose(analyse("What is the fee?"), rated)) == 2


def test_a_sentence_with_a_date_is_preferred_where_a_date_is_asked_for():
    rated = [pick("The treaty was signed after long talks.", 0.6), pick("They met on 3 May 1921 in Riga.", 0.5, 50)]
    assert [one.start for one in choose(analyse("When was the treaty signed?"), rated)] == [50]


@pytest.mark.parametrize("scores", [(0.6, 0.5, 0.55), (0.5, 0.6, 0.55)])
def test_sentences_of_one_document_stand_together_in_its_order(scores):
    places = (("a", 50), ("b", 0), ("a", 10))
    rated = [
        pick(sentence(i), score, start, document)
        for i, (score, (document, start)) in enumerate(zip(scores, places, strict=True))
    ]
    chosen = choose(analyse("What are the reasons?"), rated)
    assert [(one.hit.document.id, one.start) for one in chosen] == [("a", 10), ("a", 50), ("b", 0)]
