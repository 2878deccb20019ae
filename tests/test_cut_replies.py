"""Replies of a model that try to be code, broken off after every character: nothing of them becomes an element of any page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from llm_server import CutOff, LLMServer, Text, quoting
from test_pages import check_harmless

from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
QUESTION = "When was the zebra protocol signed?"
ATTACK = "<img src=x onerror=alert(1)></textarea><script>alert(1)</script>[x](javascript:alert(1))"
REPLY = quoting([(f"In 1987 by {ATTACK}.", [("p0", "signed in 1987 by <b>Ann</b>")])])
TAG = re.compile(r"<[a-z/!]|javascript:|\]\(", re.IGNORECASE)


@pytest.fixture
def client(folder: Path, make_workspace: MakeWorkspace, llm: LLMServer) -> FlaskClient:
    """A client of one short document, answered by a model alone: quick."""
    (folder / "zebra.md").write_text(
        f"# Zebra {ATTACK}\n\nThe zebra protocol was signed in 1987 by <b>Ann</b> in Nairobi.\n"
    )
    settings = {"model": "openai/test", "api_base": llm.url, "api_key": "sk-canary", "llm_calls": 1, "reranker": "none"}
    workspace = make_workspace(k=1, **settings)
    index_paths(workspace, [folder])
    return create_app(workspace).test_client()


@pytest.mark.slow
def test_a_reply_that_breaks_off_at_any_character_makes_no_element_of_the_answers_page(
    client: FlaskClient, llm: LLMServer
) -> None:
    for end in range(1, len(REPLY) + 1):
        llm.reply_with(CutOff(lambda _, end=end: REPLY[:end]))
        answer = client.post("/api/ask", json={"question": QUESTION, "mode": "llm"}).get_json()
        if "id" not in answer:  # too little had come to be an answer
            continue
        shown = check_harmless(client.get(f"/answers/{answer['id']}"))
        assert not TAG.search(answer["text"]), end
        assert not TAG.search(shown.css_first(".answer-text").text()), end
        client.post(f"/answers/{answer['id']}/delete")


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_no_piece_of_a_stream_holds_a_tag_or_a_link(client: FlaskClient, llm: LLMServer, cut: int) -> None:
    llm.reply_with(Text(REPLY, cut=cut))
    sent = client.post("/api/ask", json={"question": QUESTION, "mode": "llm"}, headers={"Accept": "text/event-stream"})
    body = sent.get_data(as_text=True)
    said = "".join(re.findall(r'^event: text\ndata: \{"text": "((?:[^"\\]|\\.)*)"\}', body, re.MULTILINE))
    assert "In 1987 by" in said
    assert not TAG.search(said)
