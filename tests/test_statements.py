"""A claim is what a sentence says only when it says all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from index.sentences import sentence_spans
from qa.evidence import Evidence
from qa.statements import says, stands_apart
from qa.support import judge

ROOT = Path(__file__).parent.parent
PAIRS = [line.split(" || ") for line in (ROOT / "tests" / "not_supported.txt").read_text(encoding="utf-8").splitlines()]


def corpus_sentences() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "corpus").glob("*.md"))]
    found = [text[start:end] for text in texts for start, end in sentence_spans(text)]
    return [one for one in found if one[-1] == "." and 8 <= len(one.split()) <= 40 and one[0].isalpha()]


SENTENCES = corpus_sentences()
sentences = st.sampled_from(SENTENCES)
thorough = settings(max_examples=100, deadline=None, derandomize=True)
_SWAPS = (
    ("from", "to"), ("by", "for"), ("all", "some"), ("can", "must"), ("and", "or"), ("is", "was"), ("in", "on"),
    ("the", "a"), ("that", "whether"), ("will", "may"), ("before", "after"), ("of", "without"), ("has", "had"),
)  # fmt: skip


def verdict(claim: str, source: str) -> str:
    return judge(claim, [Evidence(source)]).verdict


@pytest.mark.parametrize(("claim", "source"), PAIRS)
def test_what_only_resembles_its_source_is_not_supported(claim, source):
    assert verdict(claim, source) != "supported"


@thorough
@given(sentences)
def test_a_sentence_bears_itself_out(sentence):
    assert verdict(sentence, sentence) == "supported"
    assert verdict(sentence.rstrip("."), f"However, {sentence}") == "supported"


@thorough
@given(sentences, st.data(), st.sampled_from("only rarely not never hardly allegedly almost former two and".split()))
def test_a_word_put_in_is_never_supported(sentence, data, word):
    words = sentence.split()
    at = data.draw(st.integers(1, len(words) - 1))
    assert verdict(" ".join([*words[:at], word, *words[at:]]), sentence) != "supported"
    assert verdict(sentence, " ".join([*words[:at], word, *words[at:]])) != "supported"


@thorough
@given(sentences, st.data())
def test_a_word_left_out_changed_or_moved_is_never_supported(sentence, data):
    words = sentence.split()
    at = data.draw(st.integers(1, len(words) - 2))
    assume(re.search(r"\w", words[at]) and words[at] != words[at + 1])
    for changed in (
        [*words[:at], *words[at + 1 :]],
        [*words[:at], "oranges", *words[at + 1 :]],
        [*words[:at], words[at + 1], words[at], *words[at + 2 :]],
        words[:at],
        words[at + 1 :],
    ):
        assert verdict(" ".join(changed), sentence) != "supported"


@thorough
@given(sentences)
def test_a_small_word_changed_is_never_supported(sentence):
    for one, other in (*_SWAPS, *((b, a) for a, b in _SWAPS)):
        changed = re.sub(rf"\b{one}\b", other, sentence)
        assert changed == sentence or verdict(changed, sentence) != "supported"


@thorough
@given(st.sampled_from([one for one in SENTENCES if re.search(r"\d", one)]), st.data())
def test_a_digit_or_sign_changed_is_never_supported(sentence, data):
    at = data.draw(st.sampled_from([match.start() for match in re.finditer(r"\d", sentence)]))
    other = str((int(sentence[at]) + data.draw(st.integers(1, 9))) % 10)
    for new in (other, sentence[at] + other, f"-{sentence[at]}", f".{sentence[at]}", ""):
        assert verdict(sentence[:at] + new + sentence[at + 1 :], sentence) != "supported"


@thorough
@given(
    sentences,
    st.sampled_from(
        [
            "Evidence is lacking that {}",
            "Critics deny that {}",
            "He said that {}",
            "If true, {}",
            "It is a myth that {}",
            "{}, say its makers",
            "{} in mice",
            "{} until 2010",
            "{}, but nobody believes it",
            "Is it so that {}?",
        ]
    ),
)
def test_a_sentence_within_another_is_never_supported(sentence, frame):
    assert verdict(sentence, frame.format(sentence.rstrip("."))) != "supported"


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("The plan was approved by the council.", "the  plan was\napproved by the coun-\ncil"),
        ("Council members approved the plan.", "The Council members approved the plan."),
        ("Seventeen people and 5 percent of 1000000 dogs left.", "17 people and 5 % of 1,000,000 dogs left."),
        ("It began on 3 March 2020 in Ava.", "It began on March 3, 2020 in Ava."),
        ("It began on 2020-03-03 in Ava.", "It began on 3 March 2020 in Ava."),
        ("In addition, the plan was approved.", "Also, the plan was approved."),
        ("The CORONAVIRUS spreads fast.", "The coronavirus spreads fast."),
        ("The plan was approved.", "- The **plan** was approved.[3]"),
        ("According to the report, the plan was approved.", "The plan was approved."),
    ],
)
def test_what_may_differ(claim, sentence):
    assert says(sentence, claim)


def test_who_is_quoted_may_only_be_the_document_itself():
    assert says("The plan was approved.", "According to the report, the plan was approved.")
    assert not says("The plan was approved.", "According to the Ava Council, the plan was approved.")


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("No campaign won the prize.", "The no campaign won the prize."),
        ("Drugs are banned in the town.", "The drugs are banned in the town."),
        ("But for the treaty, war was certain.", "For the treaty, war was certain."),
        ("Das Paket wiegt 1,234 kg.", "Das Paket wiegt 1234 kg."),
    ],
)
def test_a_word_or_comma_that_may_carry_meaning_is_not_dropped(sentence, claim):
    assert not says(sentence, claim)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("The reviewers found no evidence that\nAspirin prevents cancer in adults.", "Aspirin prevents cancer in adults."),
        ("Alcohol is served in all rooms\n(except on weekdays).", "Alcohol is served in all rooms"),
        ("Residents pay no fee at all:\n- if they are under ten", "Residents pay no fee at all:"),
        ("It is not true that:\n- The earth is a flat disc.\n", "The earth is a flat disc."),
        ("Patients must not:\n\n- Drive a car\n- Drink much wine.", "- Drink much wine."),
        ("It is not true that Mt. Everest lies in Lom.", "Everest lies in Lom."),
        ("He denied that Yahoo! Japan was sold to Lom.", "Japan was sold to Lom."),
        ("The moon is made of cheese. This is not true.", "The moon is made of cheese."),
        ("They say: “The tax will fall. Nobody pays more than before. All win.”", "Nobody pays more than before."),
    ],
)
def test_a_sentence_that_others_lead_into_or_take_back_does_not_stand_apart(text, sentence):
    before, _, after = text.partition(sentence)
    assert not stands_apart(before, sentence, after)


@pytest.mark.parametrize("before", ["", "It rained.\n", "# Notes\n\n", "It rained, he said. ", "- The sun shone.\n"])
@pytest.mark.parametrize("after", ["", "\n", " It was Monday.", "\n\nThen he left."])
def test_a_sentence_among_others_stands_apart(before, after):
    assert stands_apart(before, "The bridge was built in 1907.", after)
