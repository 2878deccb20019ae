"""Who is speaking: the one whose view is asked for, somebody else, or nobody in particular."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.records import DocumentInfo, Hit, Locator, Passage, Scores
from qa.reading.hit_sentences import sentences_of
from qa.reading.questions import analyse
from qa.reading.speakers import speakers

REASONS = "What reasons does France give for rejecting the treaty?"


def hits_of(*passages: str, context: str = "") -> list[Hit]:
    """Return passages that follow each other in one document."""
    info = DocumentInfo(id="d", collection="c", path="d", part="", title="d", sha256="", length=9, media_type="")
    hits, start = [], 0
    for text in passages:
        hits.append(
            Hit(Passage(f"p{start}", "d", start, start + len(text), text, Locator(), context), info, Scores(0.5, 1, 0.5))
        )
        start += len(text) + 1
    return hits


def marks(*passages: str, asked: str = REASONS, context: str = "") -> list[float]:
    return list(speakers(analyse(asked), sentences_of(hits_of(*passages, context=context))))


@pytest.mark.parametrize(
    ("sentence", "mark"),
    [
        ("Paris argues that the treaty harms its fishermen badly.", 1),
        ("London argues that the treaty harms French fishermen badly.", -1),
        ("The treaty was signed in the spring of that year.", 0),
        ("In Paris's view, the treaty harms the fishermen badly.", 1),
        ("According to the French minister, the treaty harms fishermen.", 1),
        ("According to London, the treaty harms no fishermen at all.", -1),
        ("According to critics of France, the treaty harms nobody.", -1),
        ("According to a report on France by inspectors, stocks have doubled.", 0),
        ("Such firms are taxed according to French law, at a quarter.", 0),
        ("London and Paris account for two thirds of the fishermen.", 0),
        ("What Paris most fears is a base so near to its border.", 1),
        ("Paris has several times condemned the treaty as unfair.", 1),
        ("Paris and its experts maintain that the treaty harms them.", 1),
        ("Paris, above all, fears a base so near to its border.", 1),
        ("London and Paris all condemned the treaty as a danger.", 1),
        ("The French position paper states that the treaty harms ports.", 1),
        ("Paris closed its ports because it fears a new wave of boats.", 1),
        ("The French ambassador to the US said that it was never shown.", 1),
        # not whoever is named before the verb
        ("It lowers interest in Paris, and some believe that harms it.", -1),
        ("Its embassy in Paris said that the treaty helps fishermen.", 0),
        # no verbs of saying
        ("The treaty led to a perceived decline of ports in France.", 0),
        ("Paris has the same duties as the other states of the treaty.", 0),
    ],
)
def test_a_sentence_is_that_of_who_speaks_in_it(sentence: str, mark: float):
    assert marks(sentence) == [mark]


def test_a_pronoun_speaks_for_who_spoke_before_and_not_for_whom_it_speaks_of():
    assert marks("Paris argues that the treaty harms it. London said it rejects that argument.") == [1, -1]
    assert marks("London says that it regrets the treaty. France, they said, remains a friend of theirs.") == [-1, -1]
    assert marks("Paris says that it regrets the treaty. London, they said, remains a friend of theirs.") == [1, 1]


def test_who_speaks_goes_on_speaking_in_the_next_passage_but_not_in_one_further_on():
    first, second = "Paris argues that the treaty harms fishermen.", "Its minister described the duties as unfair."
    assert marks(first, second) == [1, 1]
    assert list(speakers(analyse(REASONS), sentences_of([*hits_of(first), *hits_of("x" * 99, second)[1:]]))) == [1, 0]


def test_under_a_heading_that_names_who_is_asked_about_officials_are_theirs():
    assert marks("Officials argue that the treaty harms fishermen.", context="Why Paris says no") == [1]
    assert marks("Officials argue that the treaty harms fishermen.") == [0]


def test_who_only_does_what_the_question_says_gives_no_reason():
    assert marks("The French ministry has firmly rejected the treaty as it stands.") == [0]
    assert marks("The French ministry has firmly rejected the treaty as unfair.") == [1]
    assert marks("The French ministry firmly rejected the treaty: it closes the best ports.") == [1]
    assert marks("The French ministry has firmly rejected the treaty.", asked="What did France reject?") == [1]
    said = "Paris says that the treaty violates the law of the sea."
    assert marks(said, asked="Why does Paris say that the treaty is wrong?") == [1]


def test_critics_speak_where_it_is_they_who_are_asked_about():
    assert marks("French critics say that the treaty harms ports.", asked="What do French critics say of it?") == [1]
    said = "Paris signed it, though its critics say that it harms ports. Foreign critics say the same."
    assert marks(said, asked="What do French critics say of it?") == [1, 0]
    assert marks(said) == [1, -1]


def test_under_another_heading_nobody_goes_on_speaking():
    one, other = hits_of("London argues that the treaty is fair.", "Officials argue that the duties are unfair.")
    other = replace(other, passage=replace(other.passage, context="Why Paris says no"))
    assert list(speakers(analyse(REASONS), sentences_of([one, other]))) == [-1, 1]


def test_nobody_speaks_where_nobodys_view_is_asked_for():
    assert marks("Paris argues that the treaty harms fishermen.", asked="When was the treaty signed?") == [0]
