"""Mattermost, played by a server on loopback: a slash command by its token, and buttons that are signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chat_server import ChatServer
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

TOKEN = "a-token"
QUESTION = "When was the red bridge built?"
QUOTE = "The red bridge was built in 1901 by the town."


@pytest.fixture
def workspace(make_workspace: Callable[..., Workspace], folder: Path, chat: ChatServer) -> Workspace:
    (folder / "bridge.txt").write_text(f"{QUOTE}\n")
    index_paths(make_workspace(), [folder])
    return make_workspace(
        mattermost_token=TOKEN,
        mattermost_url=f"{chat.url}/chat",
        base_url="https://qa.example.org",
        trusted_hosts="localhost",
    )


@pytest.fixture
def app(workspace: Workspace) -> FlaskClient:
    return create_app(workspace).test_client()


def ask(client: FlaskClient, chat: ChatServer, **fields: str) -> TestResponse:
    form = {"token": TOKEN, "text": QUESTION, "response_url": f"{chat.url}/chat/hooks/1", "channel_id": "c1", **fields}
    return client.post("/mattermost/command", data=form)


def buttons_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(body["attachments"][0]["actions"])


def test_a_command_is_answered_with_numbered_links_to_the_sources(app: FlaskClient, chat: ChatServer):
    told = ask(app, chat)
    assert told.get_json() == {"response_type": "ephemeral", "text": f"Looking for: {QUESTION}"}
    posted = chat.next()
    assert posted.path == "/chat/hooks/1"
    assert posted.body["response_type"] == "in_channel"
    text = posted.body["text"]
    assert text.startswith(rf"{QUOTE} [\[1\]](https://qa.example.org/documents/d")
    assert text.endswith(f": “{QUOTE}”")


@pytest.mark.parametrize("token", ["", "wrong", "a-toke", "a-token ", "é", "\ud800"])
def test_another_token_is_refused(app: FlaskClient, chat: ChatServer, token: str):
    data = f"token={token}&text=x&response_url={chat.url}/chat/hooks/1".encode("utf-8", "surrogatepass")
    told = app.post("/mattermost/command", data=data, content_type="application/x-www-form-urlencoded")
    assert told.status_code == 401
    assert chat.is_silent(0.2)


@pytest.mark.parametrize("without", ["mattermost_token", "mattermost_url"])
def test_until_it_is_set_up_there_is_nothing_there(make_workspace: Callable[..., Workspace], chat: ChatServer, without: str):
    settings = {"mattermost_token": TOKEN, "mattermost_url": chat.url, without: ""}
    client = create_app(make_workspace(**settings)).test_client()
    assert ask(client, chat).status_code == 404
    assert client.post("/mattermost/actions", json={}).status_code == 404


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "{chat}/elsewhere", "{chat}/chat.evil.example/", ""])
def test_an_answer_is_sent_to_the_server_that_is_set_only(app: FlaskClient, chat: ChatServer, url: str):
    assert ask(app, chat, response_url=url.replace("{chat}", chat.url)).status_code == 400
    assert chat.is_silent(0.2)


def test_an_empty_command_says_how_to_ask(app: FlaskClient, chat: ChatServer):
    assert "Ask in words" in ask(app, chat, text=" ").get_json()["text"]


def test_a_thread_is_a_conversation(app: FlaskClient, chat: ChatServer, workspace: Workspace):
    for root in ("r1", "r1", "r2"):
        ask(app, chat, root_id=root)
        chat.next()
    answers = [workspace.history.get(one.id) for one in workspace.history.past(3)[0]]
    apart, second, first = (answer["conversation_id"] for answer in answers)
    assert first == second != apart


def test_the_buttons_under_an_answer_give_feedback(app: FlaskClient, chat: ChatServer, workspace: Workspace):
    ask(app, chat)
    helpful, _ = buttons_of(chat.next().body)
    where, context = urlsplit(helpful["integration"]["url"]), helpful["integration"]["context"]
    assert (where.netloc, where.path) == ("qa.example.org", "/mattermost/actions")
    clicked = {"user_id": "u1", "post_id": "p1", "context": context}
    assert app.post(where.path, json=clicked).get_json() == {"ephemeral_text": "Thank you: this was noted."}
    assert workspace.history.feedback(context["answer_id"]) == {0: "helpful"}
    for forged in ({**context, "value": "not_helpful"}, {**context, "answer_id": "a0"}, {**context, "signature": "é"}):
        assert app.post(where.path, json={"context": forged}).status_code == 401
    assert workspace.history.feedback(context["answer_id"]) == {0: "helpful"}
    workspace.history.delete_all()
    assert "no stored answer" in app.post(where.path, json=clicked).get_json()["ephemeral_text"]
