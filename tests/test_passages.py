"""Passages: whole sentences that fit the embedder's window, each an exact span of its document."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.embedder import open_embedder
from index.locators import describe, locate, locator_from_json, locator_to_json
from index.passages import embedded_text, split_document
from index.records import Document, Locator, Passage, Section
from index.sentences import sentence_spans

WINDOW = 256
COUNT = open_embedder().count_tokens
WORDS = "sanctions missile range the of Islamabad 3.5 naïve U.S. inter-continental پاکستان राम 今天下雨 (e.g.) Dr.".split()

_sentence = st.builds(
    lambda words, end: " ".join(words) + end,
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=60),
    st.sampled_from(".?!۔"),
)
_paragraph = st.lists(_sentence, min_size=1, max_size=6).map(" ".join)
_heading = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
_quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def make_document(text: str, title: str = "A title", sections: tuple[Section, ...] = ()) -> Document:
    return Document(
        id="d1",
        collection="default",
        path="a.txt",
        title=title,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        length=len(text),
        media_type="text/plain",
        text=text,
        sections=sections,
    )


def split(document: Document, window: int = WINDOW) -> list[Passage]:
    return split_document(document, COUNT, window)


def tokens(passages: list[Passage]) -> list[int]:
    return [count + 2 for count in COUNT([embedded_text(passage) for passage in passages])]


@st.composite
def documents(draw) -> Document:
    """A document with a heading over each paragraph, and each heading a section."""
    text, sections = "", []
    for heading, paragraph in draw(st.lists(st.tuples(_heading, _paragraph), max_size=6)):
        sections.append(Section(len(text), Locator(heading=(heading,))))
        text += f"{heading}\n\n{paragraph}\n\n"
    return make_document(text, draw(_heading), tuple(sections))


LONG_SENTENCE = make_document(" ".join(f"word{i % 977}" for i in range(20_000)) + ".")
NO_SPACE = make_document("x" * 5000)
AWKWARD = pytest.mark.parametrize("document", [LONG_SENTENCE, NO_SPACE], ids=["20,000 words", "5,000 characters"])


def assert_spans(document: Document, passages: list[Passage]) -> None:
    for passage in passages:
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""
        assert passage.document_id == document.id


def assert_complete(document: Document, passages: list[Passage]) -> None:
    held = {position for passage in passages for position in range(passage.start, passage.end)}
    assert all(character.isspace() for position, character in enumerate(document.text) if position not in held)


@_quick
@given(documents())
def test_every_passage_is_a_span_of_its_document(document):
    assert_spans(document, split(document))


@_quick
@given(documents())
def test_every_visible_character_is_in_a_passage(document):
    assert_complete(document, split(document))


@_quick
@given(documents())
def test_context_and_passage_fit_in_the_window(document):
    assert all(count <= WINDOW for count in tokens(split(document)))


@_quick
@given(documents())
def test_passages_are_runs_of_whole_sentences(document):
    spans = sentence_spans(document.text)
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    longest = max(COUNT([document.text[start:end] for start, end in spans]), default=0)
    if longest <= WINDOW - 2 - WINDOW // 5:
        assert all(passage.start in starts and passage.end in ends for passage in split(document))


@AWKWARD
def test_one_endless_sentence_is_cut_into_passages_that_fit(document):
    passages = split(document)
    assert_spans(document, passages)
    assert_complete(document, passages)
    assert max(tokens(passages)) <= WINDOW


def test_an_endless_sentence_is_cut_at_white_space_only():
    passages = split(LONG_SENTENCE)
    assert len(passages) > 10
    text = LONG_SENTENCE.text
    assert all(passage.start == 0 or text[passage.start - 1].isspace() for passage in passages)
    assert all(passage.end == len(text) or text[passage.end].isspace() for passage in passages)


@pytest.mark.parametrize("text", ["", " \n\n\t "])
def test_a_document_without_text_has_no_passages(text):
    assert split(make_document(text)) == []


def test_a_short_document_is_one_passage():
    document = make_document("It rained. We left.\n")
    assert [passage.text for passage in split(document)] == ["It rained. We left."]


def numbered(count: int) -> str:
    return " ".join(f"This is the sentence that has the number {i} in it." for i in range(count))


def test_passages_overlap_by_exactly_one_sentence():
    document = make_document(numbered(120))
    passages = split(document)
    assert len(passages) > 3
    for before, after in pairwise(passages):
        shared = document.text[after.start : before.end]
        assert len(sentence_spans(shared)) == 1
        assert before.text.endswith(shared)
        assert after.text.startswith(shared)


def headed(first: int, second: int) -> Document:
    head, tail = f"One\n\n{numbered(first)}\n\n", f"Two\n\n{numbered(second)}"
    sections = (Section(0, Locator(heading=("One",))), Section(len(head), Locator(heading=("Two",))))
    return make_document(head + tail, "Title", sections)


def test_a_new_heading_starts_a_new_passage():
    passages = split(headed(10, 3))
    assert [passage.text.split("\n")[0] for passage in passages] == ["One", "Two"]
    assert [passage.locator.heading for passage in passages] == [("One",), ("Two",)]
    assert [passage.context for passage in passages] == ["Title | One", "Title | Two"]
    assert passages[0].end <= passages[1].start  # no overlap across a heading


def test_a_very_short_section_is_joined_with_the_next():
    assert len(split(headed(1, 3))) == 1


def table(rows: int, name: str) -> str:
    lines = (f"{name} of the harbour, berth {n} | $1,204,{n:03} | $988,{n:03}" for n in range(rows))
    return "\n".join(["| 2021 | 2020", *lines])


def test_a_block_of_rows_that_does_not_fit_begins_a_passage_with_the_sentence_before_it():
    prose = " ".join(f"The harbour of number {n} was closed to ships for one whole day." for n in range(10))
    text = f"{prose} The fees were as follows.\n\n{table(8, 'Fees')}\n\n{table(8, 'Costs')}"
    passages = split(make_document(text))
    assert [passage.text.split("\n")[0] for passage in passages[-2:]] == ["The fees were as follows.", "| 2021 | 2020"]
    assert passages[-2].text.endswith("berth 7 | $1,204,007 | $988,007")


def test_a_block_of_rows_that_fits_stays_with_the_text_before_it():
    text = f"The harbour was closed to ships for one whole day. {'It rained. ' * 20}\n\n{table(2, 'Fees')}"
    assert len(split(make_document(text))) == 1


def test_a_new_page_is_no_new_heading():
    text = f"{numbered(10)}\n\n{numbered(3)}"
    at = text.index("\n\n") + 2
    passages = split(make_document(text, sections=(Section(0, Locator(page=1)), Section(at, Locator(page=2)))))
    assert [passage.locator for passage in passages] == [Locator(page=1, last_page=2)]


def test_equal_texts_at_two_places_have_different_ids():
    paragraph = numbered(18)
    passages = split(headed(18, 18))
    bodies = [passage.text.split("\n\n")[-1] for passage in passages]
    assert bodies.count(paragraph) == 2
    assert len({passage.id for passage in passages}) == len(passages)


@_quick
@given(documents())
def test_ids_are_distinct_and_the_same_each_time(document):
    passages = split(document)
    assert len({passage.id for passage in passages}) == len(passages)
    assert split(document) == passages


def test_another_version_of_a_document_has_other_ids():
    before, after = make_document("It rained. We left."), make_document("It rained. We left!")
    assert split(before)[0].id != split(after)[0].id


def test_a_long_title_is_cut_to_a_fifth_of_the_window():
    document = make_document(numbered(40), "word " * 300)
    passages = split(document)
    assert 0 < COUNT([passages[0].context])[0] <= WINDOW // 5
    assert max(tokens(passages)) <= WINDOW
    assert_complete(document, passages)


def test_without_title_and_heading_only_the_text_is_embedded():
    (passage,) = split(make_document("It rained.", title=""))
    assert passage.context == ""
    assert embedded_text(passage) == "It rained."


def test_the_title_is_embedded_before_the_text():
    (passage,) = split(make_document("It rained.", title="Weather"))
    assert embedded_text(passage) == "Weather\nIt rained."


def test_a_smaller_window_makes_more_passages_that_fit_in_it():
    document = make_document(numbered(40))
    passages = split(document, window=64)
    assert len(passages) > len(split(document))
    assert max(tokens(passages)) <= 64


SECTIONS = (
    Section(0, Locator(page=1, heading=("A",))),
    Section(10, Locator(page=2, heading=("A", "B"))),
    Section(20, Locator(page=3)),
)


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        (0, 10, "page 1, A"),  # the end is not part of the span
        (0, 11, "pages 1-2, A"),
        (9, 25, "pages 1-3, A"),
        (10, 15, "page 2, A › B"),
        (25, 25, "page 3"),
    ],
)
def test_a_span_is_named_by_where_it_starts_and_the_page_it_ends_on(start, end, name):
    assert describe(locate(SECTIONS, start, end)) == name


def test_what_stands_before_the_first_section_has_no_place():
    assert locate(SECTIONS[1:], 0, 5) == Locator()
    assert describe(Locator()) == ""


@pytest.mark.parametrize(
    "locator", [Locator(), Locator(3), Locator(3, 4), Locator(heading=("A", "B")), Locator(1, 2, ("A",))]
)
def test_a_locator_comes_back_from_json(locator):
    fields = locator_to_json(locator)
    assert locator_from_json(fields) == locator
    assert None not in fields.values()


@pytest.mark.parametrize("text", ["漢" * 3000, "a," * 2500, "aB3/" * 1250], ids=["han", "commas", "mixed"])
def test_text_without_a_space_still_fits_the_window(text):
    document = Document(
        id="d1", collection="c", path="a.txt", title="T", sha256="0", length=len(text), media_type="text/plain", text=text
    )
    passages = split_document(document, COUNT, WINDOW)
    assert max(COUNT([embedded_text(passage) for passage in passages])) + 2 <= WINDOW
    assert passages[-1].end == len(text)


def test_an_overlap_into_a_section_with_a_longer_heading_fits_the_window():
    opening = "Short start here.\n\n"
    sentences = [" ".join(["word"] * count).capitalize() + "." for count in (100, 110, 120)]
    text = opening + "B\n\n" + " ".join(sentences)
    sections = (Section(0, Locator(heading=("A",))), Section(len(opening), Locator(heading=("B", "heading " * 45))))
    document = Document(
        id="d1",
        collection="c",
        path="a.txt",
        title="T",
        sha256="0",
        length=len(text),
        media_type="text/plain",
        text=text,
        sections=sections,
    )
    assert max(COUNT([embedded_text(passage) for passage in split_document(document, COUNT, WINDOW)])) + 2 <= WINDOW
