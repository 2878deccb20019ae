"""Answers as messages of chat tools: never too long, and no cited source lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.web.chat_text import write_message
from qa.web.mattermost import _DIALECT as MARKDOWN
from qa.web.slack import _DIALECT as MRKDWN
from qa.web.slack import _SECTION, _sections

BASE = "https://qa.example.org"


def make_answer(claims: int, sources: int, words: str = "Stones lie in the river. ", title: str = "River") -> dict[str, Any]:
    """Make an answer object with so many claims, each of which cites a source."""
    text, made = "", []
    for number in range(claims):
        n = number % sources + 1 if sources else 0
        claim = f"{number}: {words}".strip()
        start = len(text)
        text += claim
        made.append(
            {
                "text": claim,
                "start": start,
                "end": len(text),
                "verdict": "supported" if n else "unchecked",
                "citations": [n] if n else [],
            }
        )
        text += f" [{n}] " if n else " "
    url = "/documents/d0123456789ab?start=1000&end=2000&v=0123456789ab#cited"
    cited = [
        {"n": n, "document_id": "d1", "title": title, "quote": words, "locator": {"page": n}, "url": url}
        for n in range(1, sources + 1)
    ]
    return {
        "id": "a1",
        "text": text.strip(),
        "status": "answered",
        "claims": made,
        "citations": cited,
        "passages": [],
        "notes": [],
        "degraded": None,
    }


@pytest.mark.parametrize("dialect", [MRKDWN, MARKDOWN])
@pytest.mark.parametrize(("claims", "sources"), [(1, 1), (5, 5), (40, 20), (400, 30), (3, 3)])
@pytest.mark.parametrize("words", ["Stones lie in the river. ", "دریا میں پتھر ہیں۔ " * 30, "<&> * @all " * 400])
def test_a_message_fits_and_lists_every_source(dialect: Any, claims: int, sources: int, words: str):
    written = write_message(make_answer(claims, sources, words), BASE, dialect)
    whole = "\n".join([written.body, *written.sources])
    assert len(whole) <= dialect.limit
    assert written.body
    for n in range(1, sources + 1):
        assert [line for line in written.sources if f"[{n}" in line.replace("\\", "")], n


@given(
    claims=st.integers(1, 60),
    sources=st.integers(0, 30),
    words=st.text(min_size=1, max_size=300),
    title=st.text(max_size=200),
)
@settings(max_examples=60, deadline=None)
def test_whatever_it_says_slacks_blocks_hold_whole_links(claims: int, sources: int, words: str, title: str):
    written = write_message(make_answer(claims, sources, words, title), BASE, MRKDWN)
    for text in _sections(written):
        assert len(text) <= _SECTION
        assert text.count("<") == text.count(">")
        for link in re.findall(r"<([^<>]*)>", text):
            assert link.startswith(BASE)


def test_more_sources_than_fit_are_a_click_away():
    (line,) = write_message(make_answer(300, 300), BASE, MRKDWN).sources
    assert line == "<https://qa.example.org/answers/a1|All 300 sources>"


def test_an_answer_that_is_cut_leads_to_all_of_it():
    written = write_message(make_answer(400, 3), BASE, MRKDWN)
    assert written.body.endswith("… <https://qa.example.org/answers/a1|Read all of it>")
    assert not write_message(make_answer(4, 3), BASE, MRKDWN).body.endswith("Read all of it>")


def test_doubts_notes_and_lists_are_said():
    answer = make_answer(2, 1)
    answer["claims"][1] |= {"verdict": "unsupported", "citations": []}
    answer["notes"] = ["Read it with <care>."]
    body = write_message(answer, BASE, MRKDWN).body
    assert "1: Stones lie in the river. (no source found)" in body
    assert body.endswith("\n\nRead it with &lt;care&gt;.")


def test_mattermost_shows_no_mention_link_or_markup_of_a_document():
    answer = make_answer(1, 1, "@all see https://evil.example and ![x](y) *now* [z](http://z)")
    written = write_message(answer, BASE, MARKDOWN)
    for text in (written.body, *written.sources):
        assert "@all" not in text
        assert "https://evil" not in text
        assert "![x]" not in text
        assert "*now*" not in text.replace("\\*", "")
