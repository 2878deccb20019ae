"""Picked sentences as an answer: named by their documents, as a list where several are asked for, never a dangling "it"."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from index.records import Document, Hit, Locator, Passage, Scores
from qa.draft import Draft
from qa.picking import Pick
from qa.quoting import quote

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


def written(*picks: Pick, listed: bool = False) -> Draft:
    draft = Draft()
    documents = {one.hit.document.id: one.hit.document for one in picks}
    for _ in quote(documents, picks, draft, listed=listed):
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


def test_sentences_of_several_documents_stand_under_their_names():
    other = document("The mill at Horsk had four wheels.", "wheels")
    draft = written(pick(document(), "The owners left the valley."), pick(other, "The mill at Horsk had four wheels."))
    assert draft.text == "Mills: The owners left the valley. [1]\n\nWheels: The mill at Horsk had four wheels. [2]"


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
