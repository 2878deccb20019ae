"""An answer to take along: what Markdown and plain text say, and that no text becomes markup on the way."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from qa.web.export import escape_markdown

QUESTION = "Under which legal instrument were the four Pakistani entities listed in December 2024?"
ATTACKS = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1)) ![x](http://evil.example/y.png)",
    "**bold** __bold__ `code` ~~gone~~ $x$ a_b_c",
    "# heading",
    "- item",
    "1. first",
    "1) first",
    "> quote",
    "a | b\n--- | ---",
    "<http://evil.example>",
    "&lt;b&gt; &#60;",
    "back\\slash \\[x\\]",
    "```\ncode\n```",
    "[1]: http://evil.example",
    "===",
    "---",
    "***",
    "+ plus",
    "\t tab",
]


@pytest.fixture
def answer(client: FlaskClient) -> dict[str, Any]:
    return dict(client.post("/api/ask", json={"question": QUESTION, "k": 3}).get_json())


def taken(client: FlaskClient, answer: dict[str, Any], form: str) -> str:
    response = client.get(f"/answers/{answer['id']}.{form}")
    assert response.status_code == 200
    assert response.content_type == {"md": "text/markdown", "txt": "text/plain"}[form] + "; charset=utf-8"
    return response.text


def test_the_text_holds_every_claim_and_every_reference(client: FlaskClient, answer: dict[str, Any]):
    text = taken(client, answer, "txt")
    assert text.startswith(QUESTION)
    for claim in answer["claims"]:
        assert f"{claim['text']} {' '.join(f'[{n}]' for n in claim['citations'])}" in text
    for citation in answer["citations"]:
        assert f"[{citation['n']}] {citation['title']}" in text
        assert f"“{' '.join(citation['quote'].split())}”" in text or f"“{citation['quote']}”" in text
        assert f"http://localhost{citation['url']}" in text


def test_the_markdown_renders_to_the_same_words_with_links_to_the_sources(client: FlaskClient, answer: dict[str, Any]):
    tree = HTMLParser(MarkdownIt("commonmark").render(taken(client, answer, "md")))
    assert tree.css_first("h1").text() == QUESTION
    shown = " ".join(tree.body.text().split())
    for claim in answer["claims"]:
        assert " ".join(claim["text"].split()) in shown
    links = [node.attributes["href"] for node in tree.css("a")]
    for citation in answer["citations"]:
        assert links.count(f"http://localhost{citation['url'].replace('&', '&')}") >= 2
        assert " ".join(citation["quote"].split()) in shown
    assert [node.text() for node in tree.css("a")][: len(answer["claims"])] == [
        f"[{n}]" for claim in answer["claims"] for n in claim["citations"]
    ][: len(answer["claims"])]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_markup(attack: str):
    tree = HTMLParser(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escape_markdown(attack)))
    assert {node.tag for node in tree.body.css("*")} <= {"body", "p"}
    assert tree.body.text().split() == attack.split()


def test_an_answer_without_evidence_says_so(client: FlaskClient):
    answer = client.post(
        "/api/ask", json={"question": "How many goals did Brazil score in the final of 1970?", "k": 1}
    ).get_json()
    for form in ("md", "txt"):
        text = taken(client, answer, form)
        assert "do not answer this question" in text
        assert "Sources" not in text


def test_in_urdu_the_words_around_it_are_urdu(client: FlaskClient, answer: dict[str, Any]):
    assert "## ماخذ" in client.get(f"/answers/{answer['id']}.md?lang=ur").text


@pytest.mark.parametrize(
    "path", ["/answers/a0.md", "/answers/a0.txt", "/answers/a0.json", "/answers/a0.exe", "/answers/.md"]
)
def test_what_is_not_stored_is_404(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404
