"""Picked sentences as an answer: named by their documents, as a list where several are asked for, never a dangling "it"."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from index.records import Document, Hit, Locator, Passage, Scores
from qa.draft import Draft
from qa.quoting import quote
from qa.reading.pick import Pick

TEXT = (
    "The mill at Horsk was built in 1840. It burned down in 1902, with all its wheels. The owners left the valley. "
    "They are said to have gone to Bergen.\n\nIt rains often in Horsk."
)


def document(text: str = TEXT, name: str = "mills") -> Document:
    return Document(
        id=f"d{name}", collection="c", path=f"{name}.txt", title=name.title(), sha256="0" * 64, length=len(text),
        media_type="text/plain", text=text,
    )  # fmt: skip


def pick(source: Document, sentence: str, score: float = 0.9) -> Pick:
    start = source.text.index(sentence)
    passage = Passage(f"{source.id}-p", source.id, 0, len(source.text), source.text, Locator())
    return Pick(Hit(passage, source, Scores()), start, start + len(sentence), sentence, score)


def written(*picks: Pick, listed: bool = False, names: frozenset[str] = frozenset()) -> Draft:
    draft = Draft()
    documents = {one.hit.document.id: one.hit.document for one in picks}
    for _ in quote(documents, picks, draft, listed=listed, names=names):
        pass
    for claim in draft.claims:
        assert draft.text[claim.start : claim.end] == claim.text
    for citation in draft.citations:
        source = documents[citation.document_id]
        assert source.text[citation.start : citation.end] == citation.quote
    assert set(re.findall(r"\[(\d+)\]", draft.text)) == {str(one.n) for one in draft.citations}
    return draft


def test_one_sentence_stands_by_itself():
    assert (
        written(pick(document(), "The mill at Horsk was built in 1840.")).text == "The mill at Horsk was built in 1840. [1]"
    )


def test_a_title_is_shown_where_no_sentence_has_the_name_that_is_asked_about():
    source = document("Sales were 69.7 million. Clevite said so.", "clevite")
    sales, both = pick(source, "Sales were 69.7 million."), pick(source, "Clevite said so.")
    assert written(sales, names=frozenset(["clevite"])).text == "Clevite: Sales were 69.7 million. [1]"
    assert written(sales, names=frozenset(["triangle"])).text == "Clevite: Sales were 69.7 million. [1]"
    for picks, names in (((sales, both), ["clevite"]), ((sales,), [])):
        assert not written(*picks, names=frozenset(names)).text.startswith("Clevite:")


def test_sentences_of_several_documents_stand_under_their_names():
    other = document("The mill at Horsk had four wheels.", "wheels")
    draft = written(pick(document(), "The owners left the valley."), pick(other, "The mill at Horsk had four wheels."))
    assert draft.text == "Mills: The owners left the valley. [1]\n\nWheels: The mill at Horsk had four wheels. [2]"


def test_documents_of_one_title_are_named_by_their_files_too():
    one, other = document(), document("The mill at Horsk had four wheels.", "wheels")
    draft = written(
        pick(one, "The owners left the valley."), pick(replace(other, title="Mills"), "The mill at Horsk had four wheels.")
    )
    assert "Mills, mills.txt: The owners left" in draft.text
    assert "Mills, wheels.txt: The mill at" in draft.text


@pytest.mark.parametrize(("opening", "closing"), ["“”", '""'])
def test_what_somebody_said_is_quoted_to_its_end(opening: str, closing: str):
    said = f"The owner said: {opening}It was all rumour. None of it came true.{closing} He left the valley."
    source = document(f"{said} They had gone.")
    whole = said.removesuffix(" He left the valley.")
    first = f"The owner said: {opening}It was all rumour."
    assert written(pick(source, first)).text == f"{whole} [1]"
    both = written(pick(source, first), pick(source, f"None of it came true.{closing}", 0.8))
    assert both.text == f"{whole} [1]", "and not twice"


@pytest.mark.parametrize(
    "text",
    [
        'The board is 12" wide. It is of oak.',
        'The owner said: "It was all rumour. "And I know who began it."',
        "The “board is wide. It is of oak and was never closed.",
        "The owner said: “It was all rumour. "
        + "It was long ago and far away in the valley. " * 5
        + "None of it came true.”",
        "The owner said: “It was all rumour.\n\nNone of it came true.”",
    ],
)
def test_a_sentence_ends_where_no_quotation_closes_soon(text: str):
    first = text.partition(". ")[0].partition("\n\n")[0].removesuffix(".") + "."
    assert written(pick(document(text), first)).text == f"{first} [1]"


def test_what_is_asked_for_as_a_list_is_given_as_one():
    source = document()
    draft = written(
        pick(source, "The mill at Horsk was built in 1840."), pick(source, "The owners left the valley."), listed=True
    )
    assert draft.text == "Mills:\n- The mill at Horsk was built in 1840. [1]\n- The owners left the valley. [2]"


def test_a_sentence_that_begins_with_a_pronoun_brings_the_one_before_it():
    draft = written(pick(document(), "It burned down in 1902, with all its wheels."))
    assert draft.text == "The mill at Horsk was built in 1840. It burned down in 1902, with all its wheels. [1]"
    assert len(draft.claims) == 1


def test_the_sentence_before_is_not_given_twice():
    source = document()
    draft = written(
        pick(source, "The mill at Horsk was built in 1840."), pick(source, "It burned down in 1902, with all its wheels.")
    )
    assert draft.text.count("built in 1840") == 1


def test_a_pronoun_at_the_beginning_of_a_paragraph_brings_nothing():
    assert written(pick(document(), "It rains often in Horsk.")).text == "It rains often in Horsk. [1]"


def test_the_sentence_before_is_left_out_where_the_answer_would_get_too_long():
    long = " ".join(["The mill of the valley"] * 30) + "."
    source = document(f"{long} It burned down in 1902.")
    assert written(pick(source, "It burned down in 1902.")).text == "It burned down in 1902. [1]"


@pytest.mark.parametrize("title", ["Mills [7]", "A [link](http://x.example) title"])
def test_a_title_cannot_bring_markers_or_links_of_its_own(title: str):
    other = document("The mill at Horsk had four wheels.", "wheels")
    named = replace(other, title=title)
    text = written(pick(document(), "The owners left the valley."), pick(named, "The mill at Horsk had four wheels.")).text
    assert "[7]" not in text
    assert "http" not in text


def opening(source: Document) -> Pick:
    return pick(source, source.text.split("\n")[0])


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
@pytest.mark.parametrize("marks", [("1.", "2."), ("-", "-"), ("(a)", "(b)"), ("a)", "b)"), ("(i)", "(ii)")])
def test_a_sentence_that_opens_a_list_goes_on_into_it(gap: str, marks: tuple[str, str]):
    one, two = marks
    draft = written(opening(document(f"To clean the mill:{gap}{one} Stop it.\n{two} Sweep the floor.\n\nIt rains often.")))
    assert draft.text == f"To clean the mill: {one} Stop it. {two} Sweep the floor. [1]"


def test_an_item_of_a_list_that_is_given_whole_is_not_given_twice():
    source = document("To clean the mill:\n- It must be stopped.\n- Sweep the floor.")
    draft = written(opening(source), pick(source, "It must be stopped."), pick(source, "Sweep the floor."))
    assert draft.text.count("must be stopped") == 1
    assert draft.text.count("Sweep the floor.") == 1


def test_a_list_that_is_too_long_is_given_as_far_as_whole_items_go():
    items = "".join(f"\n- {'The mill of the valley ' * 5}number {i}." for i in range(9))
    draft = written(opening(document(f"There are nine:{items}")))
    assert draft.text.endswith("number 3. [1]")
    assert len(draft.text.split()) <= 121  # with the marker


def test_a_colon_that_opens_no_list_brings_nothing():
    assert written(opening(document("He said this:\nIt rains often."))).text == "He said this: [1]"


@pytest.mark.parametrize("opening", ["Most of them", "None of these", "Two of them"])
def test_some_of_them_bring_the_sentence_that_says_what_they_are(opening: str):
    source = document(f"There were 14 mills in the valley. {opening} burned down.")
    assert written(pick(source, f"{opening} burned down.")).text.startswith("There were 14 mills")


def test_the_sentence_before_may_make_an_answer_a_little_longer_than_others_are():
    source = document(f"{' '.join(['The mill of the valley'] * 20)}. It burned down in 1902. {' '.join(['lamp'] * 30)}.")
    text = written(pick(source, "It burned down in 1902."), pick(source, f"{' '.join(['lamp'] * 30)}.")).text
    assert text.startswith("The mill of the valley")


def test_a_row_of_a_table_is_quoted_under_the_names_of_its_columns():
    ports = document("Place | Depth (m) | Ships\nAden | 12 | 36\nBasra | 9 | 27", "ports")
    draft = written(pick(ports, "Basra | 9 | 27"))
    assert draft.text == "Ports, Place | Depth (m) | Ships: Basra | 9 | 27 [1]"


def test_a_list_ends_where_the_next_one_is_opened():
    text = "1. The seller shall:\n- deliver on time\n- insure it all\n2. The buyer shall:\n- pay within a month"
    deal = document(text, "deal")
    assert written(pick(deal, "The seller shall:")).text == "The seller shall: - deliver on time - insure it all [1]"
    last = replace(pick(deal, "insure it all"), item=True, fits=True, heading="The seller shall:")
    assert "goes on" not in written(last).text
