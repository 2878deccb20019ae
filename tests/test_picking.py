"""Which rated sentences make the answer: as many as pay, none twice, never too many words, in an order that reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import DocumentInfo, Hit, Locator, Passage, Scores
from qa.reading.hit_sentences import sentences_of
from qa.reading.pick import Pick
from qa.reading.picking import choose, worth_taking
from qa.reading.questions import analyse

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


def test_a_question_with_its_mark_is_answered_more_narrowly_than_words_that_are_typed():
    rated = [pick(sentence(i), score, i) for i, score in enumerate((0.8, 0.45))]
    assert len(choose(analyse("Where is the lamp?"), rated)) == 1
    assert len(choose(analyse("where is the lamp"), rated)) == 2
    assert len(choose(analyse("What are the reasons for it?"), rated)) == 2


def test_of_a_fact_more_is_told_where_the_question_has_no_mark():
    rated = [pick(f"The lamp {i} was lit on {i + 1} May 1921.", score, i) for i, score in enumerate((0.5, 0.29))]
    assert len(choose(analyse("When was the lamp lit?"), rated)) == 1
    assert len(choose(analyse("when was the lamp lit"), rated)) == 2


ROWS = ("Manager | £47,000", "Senior manager | £61,000", "Porter | £30,000")


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What does a manager get?", ROWS[:2]),  # the longer label may be meant
        ("What does a senior manager get?", ROWS[:2]),
        ("Who gets more than a manager?", ROWS),
        ("What are the rates of a manager?", ROWS),
        ("What does a driver get?", ROWS),
    ],
)
def test_rows_that_another_is_likelier_than_are_left_out_where_its_label_is_asked_for(question: str, rows: tuple[str, ...]):
    rated = [pick(row, 0.9 - i / 100, 20 * i) for i, row in enumerate(ROWS)]
    assert [one.text for one in choose(analyse(question), rated)] == list(rows)


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


FAQ = (
    "What do you accept?\n\n- Cash\n- Debit cards, except one\n\nDo you deliver?\n\nYes, within 15 kilometres. It is free "
    "over 60 euros.\n\nThe shop was founded in 1990."
)


def rate(text: str, chances: dict[str, float]) -> list[Pick]:
    """Rate the sentences of a passage: those that begin as a key says with its chance, all others with very little."""
    hit = hit_of("d")
    hit = replace(hit, passage=replace(hit.passage, text=text, end=len(text)))
    return [
        Pick(hit, one.start, one.end, one.text, next((chances[key] for key in chances if one.text.startswith(key)), 0.01))
        for one in sentences_of([hit])
    ]


def texts(picks: list[Pick]) -> list[str]:
    return [one.text for one in picks]


def test_a_question_is_no_answer_but_what_stands_beneath_it_is():
    chosen = choose(analyse("Do you bring it to my house?"), rate(FAQ, {"Do you": 0.9}))
    assert texts(chosen) == ["Yes, within 15 kilometres.", "It is free over 60 euros."]


def test_a_fact_is_told_by_the_first_sentence_beneath_a_question():
    chosen = choose(analyse("How far do you deliver?"), rate(FAQ, {"Do you": 0.9}))
    assert texts(chosen) == ["Yes, within 15 kilometres."]


def test_short_items_of_a_list_answer_too():
    chosen = choose(analyse("Can I pay by card?"), rate(FAQ, {"What do you": 0.8}))
    assert texts(chosen) == ["Cash", "Debit cards, except one"]


def test_a_question_without_anything_beneath_it_gives_its_chance_to_nobody():
    text = "It rains often in Bergen.\n\nWhen was it founded?"
    chosen = choose(analyse("When was Bergen founded?"), rate(text, {"When": 0.9, "It rains": 0.3}))
    assert [(one.text, one.score) for one in chosen] == [("It rains often in Bergen.", 0.3)]


@pytest.mark.parametrize("text", ["When was it founded?", "When was it founded? Who rebuilt it?"])
def test_questions_are_given_where_nothing_else_was_found(text):
    assert choose(analyse("Founded when?"), rate(text, {"When": 0.9}))


def test_questions_are_given_where_they_are_asked_for():
    chosen = choose(analyse("Which question came first?"), rate(FAQ, {"What do you": 0.9}))
    assert texts(chosen) == ["What do you accept?"]


def test_a_sentence_that_tells_the_cause_goes_with_what_it_is_the_cause_of():
    text = "The parcels came late. This was because the van broke down. It rains often."
    why, other = (
        choose(analyse(question), rate(text, {"The parcels": 0.9}))
        for question in ("Why did the parcels come late?", "How did the parcels come?")
    )
    assert texts(why) == ["The parcels came late.", "This was because the van broke down."]
    assert texts(other) == ["The parcels came late."]


def test_one_who_asks_when_something_may_be_done_asks_for_a_condition():
    rated = [pick("They may end it if the mill stands still.", 0.6), pick("It was signed on 3 May 1921.", 0.1, 50)]
    assert [one.start for one in choose(analyse("When may they end it?"), rated)] == [0]


def test_a_short_sentence_stands_in_for_one_too_long_only_where_it_is_nearly_as_likely():
    long = [pick(sentence(i, 55), 0.8, i) for i in range(3)]
    for score, taken in ((0.7, 3), (0.3, 2)):
        chosen = choose(analyse("What are the reasons for it?"), [*long, pick(sentence(4), score, 9)])
        assert len(chosen) == taken


@pytest.mark.parametrize(
    "announced",
    [
        "In this section, we explore the effect of the lamps on the river.",
        "In Section 4.2, we describe the lamps.",
        "Appendix B describes the lamps.",
        "Table 5 shows the lamps of the river and its anchors.",
        "They are described below.",
        "The results are shown in Table 3.",
        "Table 2: Lamps of the river.",
        "Fig. 3. Lamps by year.",
    ],
)
def test_what_a_text_tells_of_its_own_parts_is_no_answer_beside_one(announced: str):
    question, told = analyse("What is the effect of the lamps?"), pick(sentence(1), 0.7, 99)
    assert choose(question, [pick(announced, 0.9), told]) == [told]
    alone = pick(announced, 0.9)
    assert choose(question, [alone]) == [alone], "but where there is nothing else"


@pytest.mark.parametrize(
    "told",
    [
        "In this work, we light lamps on the river.",
        "In this paper, lamps are told of.",
        "Table salt is what the lamps are cleaned with.",
        "In Table 5, we show that the lamp hurts the river.",
        "Table 5 shows that lamps hurt.",
        "Section 4 of the law bans lamps.",
        "Section 12 provides for the end of the lease.",
        "In the following year, we plan to open a yard of lamps.",
        "They are given in two doses, six weeks apart.",
        "Results are given in writing within 14 days.",
        "Table 3 lists the lamps in store: brass, copper and tin.",
        "Section 3 gives the tenant a right to it.",
    ],
)
def test_what_a_text_finds_and_what_a_law_says_in_its_parts_may_answer(told: str):
    found = [pick(told, 0.9), pick(sentence(1), 0.8, 99)]
    assert found[0] in choose(analyse("What is told of the lamps?"), found)


def test_a_question_about_a_table_is_answered_by_what_tells_of_it():
    found = [pick("Table 3 lists the lamps in store.", 0.9), pick(sentence(1), 0.7, 99)]
    assert found[0] in choose(analyse("What does Table 3 list?"), found)


def test_rows_of_figures_are_left_out_where_the_answer_takes_words():
    row, told = pick("ELMo | 180 | 895", 0.8), pick(sentence(1), 0.7, 99)
    assert choose(analyse("How does the lamp compare with others?"), [row, told]) == [told]
    assert choose(analyse("How does the lamp compare with others?"), [row, pick(sentence(1), 0.3, 99)]) == [row]
    for question in ("What did ELMo score?", "How did ELMo do on GLUE?", "How does ELMo of 1921 compare?", "elmo results"):
        assert row in choose(analyse(question), [row, told])
    words = pick("ELMo | a model of language | by AllenNLP", 0.8)
    assert words in choose(analyse("How does ELMo work?"), [words, told])


def test_a_sentence_that_only_announces_reasons_is_none_of_them():
    question = analyse("What reasons does the board give for the delay?")
    announced, told = pick("The board has several further reasons for it.", 0.9), pick(sentence(1), 0.5, 99)
    assert choose(question, [announced, told]) == [told]
    assert choose(question, [announced]) == [announced]
    with_all = pick("The board has two other reasons: rain and the strike.", 0.9)
    assert choose(question, [with_all, told]) == [with_all, told]


def test_a_row_of_bare_numbers_is_no_answer_where_there_is_another():
    row, told = pick("BERT-base 93.46 81.2/88.5", 0.9), pick(sentence(1), 0.4, 99)
    assert choose(analyse("What was BERT fine-tuned on?"), [row, told]) == [told]
    assert choose(analyse("What was BERT fine-tuned on?"), [row]) == [row]
    assert choose(analyse("How high is the score of BERT-base?"), [row, told])[0] == row


@pytest.mark.parametrize(
    "nothing",
    ["Inclusion criteria ............7", "Inclusion criteria . . . . . . 7", "Time of Departure: Type of Airspace:"],
)
def test_contents_and_empty_forms_are_no_answers_where_there_is_another(nothing: str):
    told = pick(sentence(1), 0.4, 99)
    assert choose(analyse("What are the inclusion criteria?"), [pick(nothing, 0.9), told]) == [told]


@pytest.mark.parametrize("row", ["2021 | | | 2020 |", "Revenue: | | | | |", "1,840 | 2,319 | 475"])
def test_a_row_without_words_or_with_one_filled_cell_is_no_answer_where_there_is_another(row: str):
    told = pick("Revenue was 19 million dollars in 2021.", 0.4, 99)
    for question in ("What was the revenue?", "How much was the revenue?", "When was revenue 19 million?"):
        assert choose(analyse(question), [pick(row, 0.9), told]) == [told]
    assert choose(analyse("What was the revenue?"), [pick(row, 0.9)])[0].text == row


def test_a_row_of_a_table_with_words_and_cells_is_an_answer():
    row = pick("Gas to be stored, Nm³: 5 | 2,210 | 3,435", 0.9)
    assert choose(analyse("How much gas is to be stored?"), [row, pick(sentence(1), 0.2, 99)]) == [row]


@pytest.mark.parametrize("row", ["M | 96 – 101 | 81 – 86", "| | Closed on Mondays and in August |", "B | 80–89"])
def test_a_row_with_a_letter_or_a_sentence_is_an_answer(row: str):
    assert choose(analyse("Which sizes are there?"), [pick(row, 0.9), pick(sentence(1), 0.2, 99)])[0].text == row


def test_a_row_of_numbers_with_the_number_that_is_asked_for_is_an_answer():
    row = replace(pick("77 | 1,840 | 2,319", 0.9), numbered=True)
    assert choose(analyse("How many lamps of kind 77 are there?"), [row, pick(sentence(1), 0.2, 99)]) == [row]


def test_references_are_an_answer_to_who_asks_for_them():
    told = replace(pick("Two references of former employers are to be given.", 0.9), heading="8. References")
    assert choose(analyse("Which references are to be given?"), [told, pick(sentence(1), 0.2, 99)]) == [told]
    assert choose(analyse("What is to be paid?"), [told, pick(sentence(1), 0.2, 99)])[0] != told


def test_what_stands_under_see_also_is_no_answer_where_there_is_another():
    told, other = pick(sentence(1), 0.4, 99), pick("Domestic duck", 0.9)
    assert choose(analyse("What do ducks eat?"), [replace(other, heading="See also"), told]) == [told]
    assert choose(analyse("What do ducks eat?"), [replace(other, heading="Reference implementation"), told])[0] != told


def test_where_a_better_sentence_is_left_out_as_a_repeat_a_worse_one_does_not_take_its_place():
    best = sentence(0, 12)
    rated = [pick(best, 0.99), pick(f"So {best[:-1]} too.", 0.93, 50), pick(sentence(1), 0.46, 99)]
    assert [one.text for one in choose(analyse("what of the lamp"), rated)] == [best]
    assert len(choose(analyse("what of the lamp"), [rated[0], rated[2]])) == 2


def test_who_is_named_in_a_list_is_named_whole():
    names = [
        replace(pick(f"{THINGS[i]} {THINGS[i + 7]}".title(), 0.9 - i / 50, 20 * i), item=True, heading="Members:")
        for i in range(6)
    ]
    stranger = replace(pick("Thistle Lamp", 0.8, 300), item=True, heading="Guests:")
    doubtful = replace(pick("And so on", 0.1, 200), item=True, heading="Members:")
    chosen = choose(analyse("Who is on the council?"), [*names, doubtful])
    assert chosen == names
    assert doubtful not in chosen
    assert len(choose(analyse("Who is on the council?"), [replace(one, heading="") for one in names])) == 4
    assert len(choose(analyse("Who is on the council?"), [*names, stranger])) == 6
    assert (
        choose(analyse("Who is on the council?"), [names[0], *(replace(one, score=0.1) for one in names[1:])]) == names[:1]
    )


def test_of_many_numbered_things_only_the_one_that_is_asked_for_is_told_of_however_alike_they_are():
    rated = [replace(pick(f"The parcel number {n} holds nails.", 0.99, n), numbered=n == 7) for n in (7, 14, 49)]
    assert [one.start for one in choose(analyse("What does parcel number 7 hold?"), rated)] == [7]
    assert len(choose(analyse("What are the 7 reasons for parcels?"), rated)) == 3
