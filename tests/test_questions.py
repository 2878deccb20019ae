"""What a question asks for: its kind, whether it wants several answers, its names, and whose view."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.reading.actors import ALIASES
from qa.reading.questions import acronyms_of, analyse, asks


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When were the sanctions announced?", "when"),
        ("  when did it start", "when"),
        ("Since when has Pakistan had missiles?", "when"),
        ("On what date did it start?", "when"),
        ("In which year was the pact signed?", "when"),
        ("What date was it?", "when"),
        ("How many firms were sanctioned?", "number"),
        ("How far can the missile fly?", "number"),
        ("What range does the Shaheen-III have?", "number"),
        ("At how much is it valued?", "number"),
        ("Who is Jon Finer?", "who"),
        ("Whose missiles are these?", "who"),
        ("Which official announced the sanctions?", "who"),
        ("Why does Pakistan reject the sanctions?", "why"),
        ("What was the reason for the decision?", "why"),
        ("What is the purpose of the MTCR?", "why"),
        ("What reasons did Washington give for the sanctions?", "list"),
        ("On what grounds did Islamabad reject the sanctions?", "list"),
        ("List the firms.", "list"),
        ("Name the companies that were sanctioned.", "list"),
        ("Which companies were sanctioned?", "list"),
        ("What are the types of missiles?", "list"),
        ("What is the MTCR?", "other"),
        ("What does the US say about India?", "other"),
        ("At what temperature does it melt?", "number"),
        ("When may the landlord end the lease?", "other"),
        ("When should it be paid?", "other"),
        ("When maybe?", "when"),
        ("What happens if the rent is late?", "other"),
        ("What makes bread stale?", "other"),
        ("What payment methods are there?", "list"),
        ("What did India sign?", "other"),
        ("What is the status of the talks?", "other"),
        ("Is the Agni-V an ICBM?", "other"),
        ("How did the ministry respond?", "other"),
        ("Whenever it rains, what happens?", "other"),
        ("پاکستان نے کیا کہا؟", "other"),
        ("", "other"),
    ],
)
def test_the_kind_of_a_question_is_told_by_its_words(question, kind):
    assert analyse(question).kind == kind


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("What email address do they use?", False),
        ("What process was followed?", False),
        ("What addresses do they use?", True),
        ("Which companies were sanctioned?", True),
        ("Why does Pakistan reject the sanctions?", True),
        ("What objections does Pakistan raise?", True),
        ("When were the sanctions announced?", False),
        ("How many firms were sanctioned?", False),
        ("Who is Jon Finer?", False),
        ("What is the MTCR?", False),
    ],
)
def test_reasons_and_lists_want_several_answers(question, several):
    assert analyse(question).several is several


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What did Finer say about India’s missiles in 2024?", {"finer", "india", "2024"}),
        ("How did Pakistan's Foreign Office respond?", {"pakistan", "foreign", "office"}),
        ("Is the Agni-V an ICBM?", {"agni-v", "icbm"}),
        ("Was the U.S. told?", {"u.s"}),
        ("Why did it rain?", set()),
        ("Pakistan rejects what?", set()),  # every first word has a capital
        ("Did I go?", set()),
    ],
)
def test_names_are_capitalised_words_and_numbers_after_the_first_word(question, names):
    assert analyse(question).names == names


@pytest.mark.parametrize(
    ("question", "actor"),
    [
        ("Why does Pakistan reject the sanctions?", "pakistan"),
        ("On what grounds did Islamabad reject the US sanctions?", "pakistan"),
        ("How did Pakistan's Foreign Office respond to the US sanctions?", "pakistan"),
        ("What reasons did Washington give for sanctions on Pakistan?", "us"),
        ("What does the US say about India?", "us"),
        ("According to Tehran, what happened?", "iran"),
        ("What was Moscow's position?", "russia"),
        ("What is India’s response?", "india"),
        ("What views does Beijing hold?", "china"),
        ("What is the MTCR?", None),
        ("Which Indian missiles exist?", None),
        ("What did the ministry say?", None),
        ("According to the report, what happened?", None),
        ("When did the US impose sanctions on Pakistan?", None),
        ("", None),
    ],
)
def test_the_actor_is_the_one_whose_statement_is_asked_for(question, actor):
    assert analyse(question).actor == (ALIASES[actor] if actor else frozenset())


@pytest.mark.parametrize(
    ("question", "acronyms"),
    [
        ("When was BECA signed?", {"beca"}),
        ("BECA signed when", {"beca"}),
        ("Which fields does iCET cover?", {"icet"}),
        ("Who heads the United Nations?", set()),
        ("WHEN WAS BECA SIGNED?", set()),  # who shouts names nothing
        ("", set()),
    ],
)
def test_acronyms_are_the_words_of_several_capitals(question, acronyms):
    assert analyse(question).acronyms == acronyms


def test_an_acronym_is_no_title_of_a_person():
    assert acronyms_of("Mr Bell reads the MR scan.") == {"mr"}
    assert not acronyms_of("Mr Bell reads the scan.")


def test_words_are_stems_without_stop_words_in_order():
    assert analyse("Why does Pakistan reject the sanctions?").words == ("pakistan", "reject", "sanction")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=80))
def test_any_text_can_be_analysed(text):
    question = analyse(text)
    assert question.text == text
    assert question.several == (question.kind in ("list", "why"))
    assert all(name == name.lower() for name in question.names)
    assert len(set(question.words)) == len(question.words)


@pytest.mark.parametrize(
    "text", ["Who signed it?", "how does it work", "List the grounds", "Signed when?", "کس نے دستخط کیے؟"]
)
def test_what_asks_is_told_from_words_to_search_for(text):
    assert asks(text)
    assert not asks("signature of the treaty of Lom")
    assert not asks("Whoever signs it is bound.")
