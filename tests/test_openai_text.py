"""The text of an answer for chat clients: whatever is claimed and cited, a marker's place is a marker."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from index.records import Locator
from qa.claims import Checked
from qa.draft import Draft
from qa.profiles import PROFILES
from qa.prompts import estimate_tokens
from qa.records import Citation, Event
from qa.support import Judgement
from qa.web import create_app
from qa.web.openai_bodies import ChatBody
from qa.web.openai_reply import reply_of
from qa.web.openai_stream import ChatStream
from qa.web.openai_text import Said, body_of, cut_to, end_of, escape_quote

BASE = "https://qa.example"
TEXTS = st.text(st.sampled_from("ab é漢🙂 \n_*`\\<>[]()$#|!-1.ا"), min_size=1, max_size=30)
VERDICTS = st.sampled_from(["supported", "unchecked", "unsupported", "contradicted"])
CLAIMS = st.lists(st.tuples(TEXTS, VERDICTS, st.lists(st.integers(0, 5), max_size=3, unique=True)), max_size=6)
NOTES = st.lists(TEXTS, max_size=2)

PLACE = Locator(page=3, heading=("A & B",))


def citation(number: int) -> Citation:
    """Make the citation of one of a few spans."""
    return Citation(
        document_id=f"d{number % 2}",
        title="A [title](x) *b*",
        path="a.md",
        sha256="0" * 64,
        start=number,
        end=number + 1,
        quote=f"quote {number} [1](http://evil.example)",
        locator=PLACE,
        passage_id="p1",
        score=0.5,
    )


def events_of(claims: list[tuple[str, str, list[int]]], notes: list[str]) -> list[Event]:
    """Write claims as the ask flow does; the last event is the answer."""
    draft = Draft()
    events: list[Event] = []
    for text, verdict, cited in claims:
        checked = Checked(text, tuple(citation(n) for n in cited), (), Judgement(verdict, 1.0))  # type: ignore[arg-type]
        events += [*draft.write(text), *draft.end_claim(checked)]
    answer = {
        "id": "a1",
        "created_at": "2026-01-01T00:00:00+00:00",
        "text": draft.text,
        "claims": [event.data for event in events if event.name == "claim"],
        "citations": [event.data for event in events if event.name == "citation"],
        "passages": [],
        "status": "answered",
        "degraded": None,
        "notes": notes,
        "usage": {},
    }
    return [Event("meta", {"id": "a1"}), *events, Event("done", answer)]


def body(most: int | None = None) -> ChatBody:
    return ChatBody.model_validate({"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": most})


@pytest.fixture(scope="module")
def app(request: pytest.FixtureRequest) -> Flask:
    """An application, whose requests the words of an answer are in the language of."""
    from qa.config import Settings
    from qa.workspace import Workspace

    return create_app(Workspace(Settings()))


LIMITS = st.one_of(st.none(), st.integers(1, 60))


@pytest.mark.parametrize("name", PROFILES)
@given(claims=CLAIMS, notes=NOTES, most=LIMITS)
def test_the_place_of_a_marker_is_the_marker(app: Flask, name: str, claims: Any, notes: list[str], most: int | None) -> None:
    answer: Any = events_of(claims, notes)[-1].data
    urls = {BASE + one["url"]: one["n"] for one in answer["citations"]}
    with app.test_request_context():
        reply = reply_of(answer, body(most), PROFILES[name], BASE)
    for annotation in reply.annotations:
        cited = annotation["url_citation"]
        marker = f"[{urls[cited['url']]}]"
        shown = reply.content[cited["start_index"] : cited["end_index"]]
        assert shown == (f"[{marker}]({cited['url']})" if PROFILES[name].links else marker)
    if name == "default":
        assert len(reply.annotations) == len(re.findall(r"\[\d+\]", reply.content))
        assert answer["text"].startswith(reply.content)
    assert [one["n"] for one in reply.cited] == list(range(1, len(reply.cited) + 1))


@pytest.mark.parametrize("name", PROFILES)
@given(claims=CLAIMS, notes=NOTES, most=LIMITS)
def test_nothing_that_was_streamed_is_taken_back(
    app: Flask, name: str, claims: Any, notes: list[str], most: int | None
) -> None:
    events = events_of(claims, notes)
    stream = ChatStream(body(most), PROFILES[name], BASE, 0, {"unsupported", "contradicted"})
    with app.test_request_context():
        written = "".join(stream(event.name, event.data) for event in events)
        reply = reply_of(events[-1].data, body(most), PROFILES[name], BASE)
    chunks = [app.json.loads(line.removeprefix("data: ")) for line in written.split("\n\n")[:-2]]
    said = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert said == reply.content
    sources = [chunk["event"]["data"]["source"]["url"] for chunk in chunks if "event" in chunk]
    assert sources == ([BASE + one["url"] for one in reply.cited] if PROFILES[name].sources else [])


@given(claims=CLAIMS, most=st.integers(1, 60))
def test_a_cut_text_fits_and_ends_with_a_whole_claim_or_holds_no_marker(claims: Any, most: int) -> None:
    answer: Any = events_of(claims, [])[-1].data
    said = cut_to(Said(answer["text"], answer["claims"]), most)
    assert estimate_tokens(said.text) <= most or not said.is_cut
    assert said.is_cut == (said.text != answer["text"]) or not said.is_cut
    if said.claims:
        assert len(said.text) == end_of(said.claims[-1], answer["text"])
    elif said.is_cut:
        assert "[" not in said.text


@given(text=TEXTS)
def test_nothing_of_a_claim_is_markup_where_markup_is_read(app: Flask, text: str) -> None:
    from markdown_it import MarkdownIt

    answer: Any = events_of([(f"x {text} x", "supported", [0])], [])[-1].data
    with app.test_request_context():
        content = body_of(Said(answer["text"], answer["claims"]), answer["citations"], PROFILES["links"], BASE)
    tokens = MarkdownIt().parse(content.text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "softbreak", "hardbreak", "link_open", "link_close", "text_special"}
    links = [child.attrGet("href") for token in tokens for child in token.children or () if child.type == "link_open"]
    assert all(str(link).startswith(BASE) for link in links)


@given(quote=st.text(st.sampled_from("ab &;#19\n_*`\\\\<>[]()$~|!-+=.:"), min_size=1, max_size=30))
@example(quote="the sign ![sign](http://evil.example/x.png)")
@example(quote="~~No~~ change, &lt;b&gt; of `it`")
@example(quote="1. of [3] it costs 5 * 3")
def test_a_quote_for_open_webui_is_no_markup_and_reads_as_it_is(quote: str) -> None:
    from markdown_it import MarkdownIt

    reader = MarkdownIt().enable(["strikethrough", "table"])
    shown = escape_quote(f"{quote} x")
    tokens = reader.parse(shown)
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "text_special"}
    assert "".join(child.content for child in inner) == " ".join(f"{quote} x".split())
    assert not re.search(r"\\\[.*\\\]|\\\(.*\\\)|(?<!\\)\$", shown.replace("\\\\", ""))  # as it writes formulas
