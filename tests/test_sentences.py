"""Sentence spans: what ends a sentence and what does not, with nothing of the text lost."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.sentences import sentence_spans

# Characters that the splitter treats in its own way, often enough that hypothesis joins them.
_TELLING = st.sampled_from(
    [*".!?…۔؟。！？।॥\"'”’»)]([“- \n\t|#*•1a.AZé漢\u00a0\u2028\u200b\u0301", "\n\n", " | ", "e.g.", "Dr."]
)
TEXTS = st.lists(st.one_of(_TELLING, st.text(max_size=4)), max_size=60).map("".join)

steady = settings(max_examples=100, deadline=None, derandomize=True)


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@steady
@given(TEXTS)
def test_sentence_spans_are_in_order_and_do_not_overlap(text):
    spans = sentence_spans(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@steady
@given(TEXTS)
def test_every_sentence_begins_and_ends_with_a_visible_character(text):
    for sentence in split(text):
        assert sentence == sentence.strip()
        assert sentence


@steady
@given(TEXTS)
def test_the_sentences_together_hold_every_visible_character(text):
    held = {position for start, end in sentence_spans(text) for position in range(start, end)}
    assert all(character.isspace() for position, character in enumerate(text) if position not in held)


def test_a_text_without_capitals_has_sentences_too():
    text = (
        "the facility bears interest at libor plus 1.5 percent, e.g. in march. the commitment fee is 0.2 percent of what is "
        "unused! it is due at the end of no. 5 of the u.s. quarter."
    )
    assert [one[:8] for one in split(text)] == ["the faci", "the comm", "it is du"]


@pytest.mark.parametrize(
    "text",
    [
        "The film was shot in HD. It was released later.",
        "It is owned by ING. The bank is Dutch.",
        "The firm was founded in 2015. August 2016 saw its first sale.",
        "It begins at 5 p. m. The next one is on Monday.",
    ],
)
def test_rules_for_german_join_no_english_sentences(text):
    assert len(split(text)) == 2


@steady
@given(TEXTS)
def test_no_sentence_crosses_an_empty_line(text):
    assert not any("\n\n" in sentence for sentence in split(text))


@pytest.mark.parametrize("text", ["", " ", "\n\n\t \n", "\u00a0\u2003"])
def test_white_space_holds_no_sentence(text):
    assert sentence_spans(text) == []


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rained. We left.", ["It rained.", "We left."]),
        ("Why? Nobody knows! Then it stopped…", ["Why?", "Nobody knows!", "Then it stopped…"]),
        ("He left?! She stayed.", ["He left?!", "She stayed."]),
        ("He said “we go.” She stayed.", ["He said “we go.”", "She stayed."]),
        ("He called it an “emerging threat.”Finer said more.", ["He called it an “emerging threat.”", "Finer said more."]),
        ("(It rained.) We left.", ["(It rained.)", "We left."]),
        ("It was denied.[3] The ministry said so.", ["It was denied.[3]", "The ministry said so."]),
        ("It was denied. [3] [4] The ministry said so.", ["It was denied. [3] [4]", "The ministry said so."]),
        ("It was denied. [3] shows why.", ["It was denied.", "[3] shows why."]),
        ("It was denied. All agreed. [5]", ["It was denied.", "All agreed. [5]"]),
        ("[1] Smith, J. Title of it. [2] Jones, K. Other.", ["[1] Smith, J. Title of it.", "[2] Jones, K. Other."]),
        (
            "It reads x1, . . . , xN and y1, . . . . Then it ends.",
            ["It reads x1, . . . , xN and y1, . . . .", "Then it ends."],
        ),
        ("It costs 3.5 million. He paid.", ["It costs 3.5 million.", "He paid."]),
        ("It ended in 2019. The talks went on.", ["It ended in 2019.", "The talks went on."]),
        ("He lives in the U.S. The house is old.", ["He lives in the U.S.", "The house is old."]),
        ("They met at 5 p.m. The talks failed.", ["They met at 5 p.m.", "The talks failed."]),
        ("They chose plan B. The rest followed.", ["They chose plan B.", "The rest followed."]),
        ("She said no. We left.", ["She said no.", "We left."]),
        ("No full stop at the end", ["No full stop at the end"]),
    ],
)
def test_a_full_stop_ends_a_sentence(text, sentences):
    assert split(text) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "The U.S. Senate met on Monday.",
        "The U.S. government said so.",
        "We saw Dr. Khan and Mr. Finer there.",
        "Gen. Asim and Lt. Gen. Malik spoke.",
        "As shown in Fig. 3 the range grew.",
        "It began at 5 p.m. Friday in the capital.",
        "The speaker was J. Finer of Washington.",
        "Under No. 5 of the list stands a firm.",
        "Sie erhalten bis zum 28. März Ersatz, z. B. Deckel, u. a. Schrauben.",
        "Es gilt z. Hd. Frau Meier, Tel. 040, seit dem 19. Jahrhundert nach Abs. 3.",
        "See pp. 12 and Vol. 2 for more.",
        "Some arms, e.g. Shaheen missiles, are older.",
        "Arms, i.e. Shaheen missiles, are older.",
        "The rate is 3.5 percent and 1.25 more.",
        "It is at www.example.org/a.b for all.",
        "He waited … and then he left.",
        "“Stop!” he said to them.",
        "Acme Inc. Chairman Smith resigned.",
        "It was signed on Jan. 5 by both.",
        "Version 2.0.1 was out.",
        "It is shown (Sect. 4) to hold.",
    ],
)
def test_a_full_stop_within_a_sentence_does_not_end_it(text):
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("پاکستان نے کہا۔ کیا یہ درست ہے؟ ہاں۔", ["پاکستان نے کہا۔", "کیا یہ درست ہے؟", "ہاں۔"]),
        ("今天下雨。我们走了！真的吗？是。", ["今天下雨。", "我们走了！", "真的吗？", "是。"]),
        ("It is in the library.1 Because of that it is used.", ["It is in the library.1", "Because of that it is used."]),
        ("It treats the shoulder.1,3-6 First comes rest.", ["It treats the shoulder.1,3-6", "First comes rest."]),
        ("他说「走吧。」然后离开。", ["他说「走吧。」", "然后离开。"]),
        ("यह पहला है। यह दूसरा है॥ अंत", ["यह पहला है।", "यह दूसरा है॥", "अंत"]),
    ],
)
def test_full_stops_of_other_scripts_end_sentences_with_or_without_a_space(text, sentences):
    assert split(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("- one thing\n- another thing\n- a third", ["- one thing", "- another thing", "- a third"]),
        ("* one\n* two", ["* one", "* two"]),
        ("1. First thing\n2. Second thing", ["1. First thing", "2. Second thing"]),
        ("a) first thing\nb) second thing", ["a) first thing", "b) second thing"]),
        ("Criteria of the trial\n(a) adults\n(b) women", ["Criteria of the trial", "(a) adults", "(b) women"]),
        ("The number of the\n2Rather than that", ["The number of the", "2Rather than that"]),  # a note with its mark
        ("Told from\nKarachi", ["Told from\nKarachi"]),
        ("From\nKarachi", ["From", "Karachi"]),  # a label
        ("What we pay for\nThe firm pays for it.", ["What we pay for", "The firm pays for it."]),  # a heading
        ("It says the following,\n- one\n- two", ["It says the following,", "- one", "- two"]),
        (
            "Name | Range\nShaheen | 2,750 km\nAbabeel | 2,200 km",
            ["Name | Range", "Shaheen | 2,750 km", "Ababeel | 2,200 km"],
        ),
        (
            "Background\nThe sanctions were announced in December.",
            ["Background", "The sanctions were announced in December."],
        ),
        (
            "4.3 SQuAD v2.0\nThe task extends the problem by\nallowing that there is no answer.",
            ["4.3 SQuAD v2.0", "The task extends the problem by\nallowing that there is no answer."],
        ),
        (
            "Bring your passport\nAsk for a blue form\nPay at the desk",
            ["Bring your passport", "Ask for a blue form", "Pay at the desk"],
        ),
        (
            "Which of them is so?\n(A) The first one\n(B) The second\nor none",
            ["Which of them is so?", "(A) The first one", "(B) The second\nor none"],
        ),
        ("Anna Bell\nOmar Khan\nLi Wei\nvan Gogh", ["Anna Bell", "Omar Khan", "Li Wei\nvan Gogh"]),
        (
            "Grilled salmon from Norway, with lemon\nRoast chicken from the farm nearby\nwith rice and salad from Lom\nVegetable lasagne for one person\nFresh fruit",
            [
                "Grilled salmon from Norway, with lemon",
                "Roast chicken from the farm nearby\nwith rice and salad from Lom",
                "Vegetable lasagne for one person",
                "Fresh fruit",
            ],
        ),
        ("لاہور\nکراچی\nپشاور", ["لاہور", "کراچی", "پشاور"]),
        ("北京市\n上海市\n广州市", ["北京市", "上海市", "广州市"]),
        ("log p 0.64 0.55\nDetect 0.84 0.77\nwith more 0.9", ["log p 0.64 0.55", "Detect 0.84 0.77\nwith more 0.9"]),
        ("10\n11\n12", ["10", "11", "12"]),
        ("پاسپورٹ لائیں\nنیلا فارم مانگیں جو میز پر ہے", ["پاسپورٹ لائیں", "نیلا فارم مانگیں جو میز پر ہے"]),
        ("# Background\nThe rest", ["# Background", "The rest"]),
        ("First line\n \t\nsecond paragraph", ["First line", "second paragraph"]),
    ],
)
def test_items_rows_headings_and_paragraphs_are_kept_apart(text, sentences):
    assert split(text) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "The sanctions were announced in the capital on Monday by\nthe State Department and two other offices.",
        "The sanctions were\nannounced on Monday.",  # a short line, but the next goes on in lower case
        "He named Karachi,\nLahore and Islamabad.",  # a short line that ends with a comma
        "The long line of this paragraph that was wrapped goes to\nIslamabad and further.",
        # a narrow column, as two of them make a page
        "Our best model is trained on books\n(800M words) and reaches the state\nof the art results on GLUE, RACE and\nSQuAD.",
        "It was trained (Devlin et al.\n, 2019) on books1\n.",  # what a PDF sets apart: a link, a raised number
        "अंतरराष्ट्रीय बाज़ार में कीमत\nबढ़ने के बाद सरकार ने यह कहा\nकि आयात किया जाएगा।",
        "We denote the number of layers\n(i.e., Transformer blocks) as L, the hidden size as\nH.",
        "It was sent to the\nMinistry of Defence.",
        "It grew by the\n10 million that were promised.",
    ],
)
def test_a_wrapped_line_goes_on_in_the_next(text):
    assert split(text) == [text]


@pytest.mark.parametrize(
    "unit",
    [
        "The range is 3.5 km, said Dr. Khan of the U.S. Senate. ",
        "A. B. C. ",
        "- item\n",
        "1. ",
        "." * 50 + " ",
        "。",
        "\"'”[1]",
    ],
)
def test_splitting_takes_linear_time(unit):
    once, twice = unit * (200_000 // len(unit)), unit * (400_000 // len(unit))
    small = min(_seconds(once) for _ in range(2))
    large = min(_seconds(twice) for _ in range(2))
    assert large < 3
    assert large < 3 * small + 0.05  # what quadratic time would make four times as much; the rest is the clock's noise


def _seconds(text: str) -> float:
    start = time.process_time()
    sentence_spans(text)
    return time.process_time() - start


@steady
@given(st.lists(st.sampled_from(["It rained.", "We left!", "Who knows?"]), min_size=1, max_size=20))
def test_plain_sentences_come_back_one_by_one(sentences):
    assert split(" ".join(sentences)) == sentences


@pytest.mark.parametrize(
    "row",
    ["* Wilma | Oct 15-25 (Cuba, Honduras, etc.) | 368", "Is it free? | Yes. | No. 5", "Tammy | Oct 5-? (Georgia) | 18"],
)
def test_a_row_of_a_table_is_one_sentence(row):
    text = f"Name | Date | Articles\n{row}\nVince | Oct 8 | 12"
    assert row in [text[start:end] for start, end in sentence_spans(text)]
