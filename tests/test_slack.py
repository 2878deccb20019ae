"""Slack, played by a server on loopback: commands, events and buttons, signed; what is refused, and what goes wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from chat_server import ChatServer
from flask.testing import FlaskClient
from llm_server import Hang, LLMServer, StatusError, Text, passages_of, quoting
from slack_sdk.signature import SignatureVerifier
from werkzeug.test import TestResponse

from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

SECRET = "a-signing-secret"
QUESTION = "When was the red bridge built?"
QUOTE = "The red bridge was built in 1901 by the town."


@pytest.fixture
def make_app(make_workspace: Callable[..., Workspace], folder: Path, chat: ChatServer):
    """Make a client of an application that Slack is set up for, over two short documents; and its workspace."""
    (folder / "bridge.txt").write_text(f"{QUOTE}\n")
    (folder / "پل.txt").write_text("سرخ پل ۱۹۰۱ میں شہر نے بنایا تھا۔\n")
    index_paths(make_workspace(), [folder])

    def make(**settings: object) -> tuple[FlaskClient, Workspace]:
        known = {
            "slack_signing_secret": SECRET,
            "slack_bot_token": "xoxb-1",
            "slack_api": f"{chat.url}/api/",
            "slack_hooks": chat.url,
            "base_url": "https://qa.example.org",
            "trusted_hosts": "localhost",
        }
        workspace = make_workspace(**{**known, **settings})
        return create_app(workspace).test_client(), workspace

    return make


@pytest.fixture
def app(make_app) -> FlaskClient:
    client, _ = make_app()
    return client


def signed(
    client: FlaskClient, path: str, body: str, *, secret: str = SECRET, age: int = 0, kind: str = "", **headers: str
) -> TestResponse:
    """Post a body as Slack does."""
    timestamp = str(int(time.time()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    given = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature, **headers}
    kind = kind or "application/x-www-form-urlencoded"
    return client.post(path, data=body.encode(), content_type=kind, headers=given)


def ask(client: FlaskClient, chat: ChatServer, text: str = QUESTION, url: str = "", **how: Any) -> TestResponse:
    form = {"text": text, "response_url": url or f"{chat.url}/hooks/1", "user_id": "U1", "team_id": "T1"}
    return signed(client, "/slack/command", urlencode(form), **how)


def event(client: FlaskClient, text: str = QUESTION, number: str = "Ev1", **fields: Any) -> TestResponse:
    said = {"type": "app_mention", "user": "U1", "text": f"<@UBOT> {text}", "channel": "C1", "ts": "10.1", **fields}
    headers = {name: fields.pop(name) for name in list(fields) if name.startswith("X-")}
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": number,
        "event": {name: value for name, value in said.items() if not name.startswith("X-")},
        "authorizations": [{"user_id": "UBOT"}],
    }
    return signed(client, "/slack/events", json.dumps(body), kind="application/json", **headers)


def press(client: FlaskClient, chat: ChatServer, action: str, value: str) -> TestResponse:
    payload = {
        "type": "block_actions",
        "actions": [{"action_id": action, "value": value}],
        "response_url": f"{chat.url}/hooks/2",
    }
    return signed(client, "/slack/actions", urlencode({"payload": json.dumps(payload)}))


def shown(message: dict[str, Any]) -> str:
    blocks = message["blocks"]
    blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    return "\n".join(block["text"]["text"] for block in blocks if block["type"] == "section")


def test_a_command_is_answered_with_numbered_links_to_the_sources(app: FlaskClient, chat: ChatServer):
    told = ask(app, chat)
    assert told.status_code == 200
    assert told.get_json() == {"response_type": "ephemeral", "text": f"Looking for: {QUESTION}"}
    posted = chat.next()
    assert posted.path == "/hooks/1"
    assert posted.body["response_type"] == "in_channel"
    text = shown(posted.body)
    assert text.startswith(f"{QUOTE} <https://qa.example.org/documents/d")
    assert "|[1]>" in text.split("\n")[0]
    assert f"|[1] bridge>: “{QUOTE}”" in text.split("\n")[-1]
    assert posted.body["text"].startswith(QUOTE), "what notifications show"


def test_a_command_in_urdu_is_answered_in_urdu(app: FlaskClient, chat: ChatServer):
    ask(app, chat, "سرخ پل کب بنایا گیا تھا؟")
    assert "سرخ پل ۱۹۰۱ میں شہر نے بنایا تھا۔" in shown(chat.next().body)


def test_without_evidence_it_says_so_and_asks_for_no_feedback(app: FlaskClient, chat: ChatServer):
    ask(app, chat, "What is the capital of Mongolia?")
    body = chat.next().body
    assert "do not answer this question" in shown(body)
    assert "• <https://qa.example.org/documents/d" in shown(body)
    assert not [block for block in body["blocks"] if block["type"] == "actions"]


def test_an_empty_command_says_how_to_ask(app: FlaskClient, chat: ChatServer):
    for text in ("", "  ", "<@UBOT>"):
        assert "Ask in words" in ask(app, chat, text).get_json()["text"]
    ask(app, chat, "?!")
    assert "the question is empty" in shown(chat.next().body)


def test_what_is_typed_reaches_the_question_as_it_was_typed(make_app, chat: ChatServer):
    client, workspace = make_app()
    ask(client, chat, "When was the <http://x.example|red> bridge built, &lt;1902&gt; &amp; by <@U2|eva>? <!channel>")
    chat.next()
    assert workspace.history.past(1)[0][0].question == "When was the red bridge built, <1902> & by ?"


def test_what_documents_hold_is_no_markup_of_slack(make_app, chat: ChatServer, folder: Path):
    client, workspace = make_app()
    (folder / "odd.txt").write_text("The <!channel> ferry of A&B <https://evil.example|sails> at noon.\n")
    index_paths(workspace, [folder])
    ask(client, chat, "When does the ferry of A&B sail?")
    posted = chat.next().body
    assert "&lt;!channel&gt; ferry of A&amp;B &lt;https" in shown(posted)
    for text in (shown(posted), posted["text"]):
        assert "<!channel>" not in text
        assert "<https://evil" not in text


# Signatures


@pytest.mark.parametrize("path", ["/slack/command", "/slack/events", "/slack/actions"])
def test_what_is_not_signed_by_slack_is_refused(app: FlaskClient, chat: ChatServer, path: str):
    form = urlencode({"text": QUESTION, "response_url": f"{chat.url}/hooks/1"})
    now = str(int(time.time()))
    for headers in (
        {},
        {"X-Slack-Request-Timestamp": now},
        {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": "é"},
        {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=0"},
    ):
        assert app.post(path, data=form, headers=headers).status_code == 401, headers
    assert signed(app, path, form, secret="another").status_code == 401
    assert signed(app, path, form, age=600).status_code == 401
    assert signed(app, path, form, age=-600).status_code == 401
    raw = app.post(path, data=b"\xff\xfe", headers={"X-Slack-Request-Timestamp": now, "X-Slack-Signature": "v0=0"})
    assert raw.status_code == 401
    assert chat.is_silent()


def test_a_signature_is_of_this_body_only(app: FlaskClient, chat: ChatServer):
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body="text=harmless")
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    form = {"text": QUESTION, "response_url": f"{chat.url}/hooks/1"}
    assert app.post("/slack/command", data=form, headers=headers).status_code == 401


def test_until_it_is_set_up_there_is_nothing_there(make_app, chat: ChatServer):
    client, _ = make_app(slack_signing_secret="")
    for path in ("/slack/command", "/slack/events", "/slack/actions"):
        assert signed(client, path, "text=x").status_code == 404
    client, _ = make_app(slack_bot_token="")
    assert event(client).status_code == 404
    assert ask(client, chat).status_code == 200


# Where answers go


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/hooks",
        "{chat}.evil.example/x",
        "{chat}@evil.example/x",
        "{chat}\\@evil.example/x",
        "{chat}/a b",
        "{chat}/\r\nHost: x",
        "file:///etc/passwd",
        "//evil.example",
        "",
    ],
)
def test_an_answer_is_sent_to_slack_only(app: FlaskClient, chat: ChatServer, url: str):
    url = url.replace("{chat}", chat.url) or "x"
    assert ask(app, chat, url=url).status_code == 400
    assert chat.is_silent(0.2)


def test_a_redirect_is_not_followed(app: FlaskClient, chat: ChatServer):
    chat.redirect_to = f"{chat.url}/caught"
    ask(app, chat)
    assert chat.next().path == "/hooks/1"
    assert chat.is_silent()


# The LLM


def test_a_slow_llm_keeps_nobody_waiting(make_app, chat: ChatServer, llm: LLMServer):
    client, _ = make_app(model="openai/test", api_base=llm.url, api_key="k")
    llm.reply_with(
        lambda body: quoting([(QUOTE, [(label, QUOTE)]) for label, words in passages_of(body).items() if "1901" in words])
    )
    slow = llm.behaviour

    class Late(type(slow)):  # type: ignore[misc]
        def respond(self, to: Any, request: Any) -> None:
            to.pause(4)
            slow.respond(to, request)

    llm.reply_with(Late(slow.reply))
    began = time.monotonic()
    assert ask(client, chat).status_code == 200
    assert event(client).status_code == 200
    assert time.monotonic() - began < 2
    assert QUOTE in shown(chat.next().body)
    assert QUOTE in shown(chat.next().body)


@pytest.mark.parametrize("fault", [StatusError(500), Text("no form at all")])
def test_an_llm_that_fails_leaves_the_quoted_sentences_and_says_so(make_app, chat: ChatServer, llm: LLMServer, fault: Any):
    client, _ = make_app(model="openai/test", api_base=llm.url, api_key="k", llm_timeout=20)
    llm.reply_with(fault)
    ask(client, chat)
    text = shown(chat.next().body)
    assert text.startswith(QUOTE)
    assert len(text.split("\n\n")) == 3, "the answer, why it is not the one asked for, the sources"


def test_without_an_index_the_asker_learns_no_folder(
    make_workspace: Callable[..., Workspace], tmp_path: Path, chat: ChatServer
):
    workspace = make_workspace(tmp_path / "none", slack_signing_secret=SECRET, slack_hooks=chat.url)
    ask(create_app(workspace).test_client(), chat)
    text = shown(chat.next().body)
    assert "nothing to answer from" in text
    assert str(tmp_path) not in text


def test_more_questions_than_can_wait_are_refused_at_once(make_app, chat: ChatServer, llm: LLMServer):
    client, _ = make_app(model="openai/test", api_base=llm.url, api_key="k", llm_timeout=3)
    work, going = client.application.extensions["chat_work"], threading.Event()
    while work.give(lambda: going.wait(20)):
        time.sleep(0.01)
    try:
        assert "Too many questions" in ask(client, chat).get_json()["text"]
        assert event(client).status_code == 503, "Slack sends it again"
    finally:
        going.set()
    while not work.give(lambda: None):
        time.sleep(0.01)
    assert event(client, **{"X-Slack-Retry-Num": "1"}).status_code == 200
    assert chat.next().body["thread_ts"] == "10.1", "asked again, it is answered"


# Events


def test_a_mention_is_answered_in_its_thread(app: FlaskClient, chat: ChatServer):
    assert event(app).status_code == 200
    posted = chat.next()
    assert posted.path == "/api/chat.postMessage"
    assert posted.authorization == "Bearer xoxb-1"
    assert (posted.body["channel"], posted.body["thread_ts"]) == ("C1", "10.1")
    assert str(posted.body["unfurl_links"]).lower() in ("false", "0")
    assert QUOTE in shown(posted.body)


def test_a_direct_message_is_answered_and_a_channels_talk_is_not(app: FlaskClient, chat: ChatServer):
    event(app, type="message", channel_type="channel", number="Ev1")
    assert chat.is_silent()
    event(app, type="message", channel_type="im", number="Ev2", text=QUESTION)
    assert QUOTE in shown(chat.next().body)


def test_the_challenge_is_answered_if_it_is_signed(app: FlaskClient):
    body = json.dumps({"type": "url_verification", "challenge": "abc"})
    assert signed(app, "/slack/events", body, kind="application/json").get_json() == {"challenge": "abc"}
    assert app.post("/slack/events", data=body, content_type="application/json").status_code == 401


def test_an_event_that_is_delivered_again_is_answered_once(app: FlaskClient, chat: ChatServer):
    for number in range(4):
        again = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"} if number else {}
        assert event(app, **again).status_code == 200
    chat.next()
    assert chat.is_silent()
    event(app, number="Ev2")
    chat.next()


@pytest.mark.parametrize(
    "fields",
    [{"bot_id": "B1"}, {"subtype": "bot_message"}, {"user": "UBOT"}, {"user": None}, {"subtype": "message_changed"}],
)
def test_what_a_bot_wrote_is_not_answered(app: FlaskClient, chat: ChatServer, fields: dict[str, Any]):
    assert event(app, **fields).status_code == 200
    assert chat.is_silent(0.3)


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '{"type": "event_callback"}', '{"event": []}', '{"event": {}}'])
def test_an_odd_event_is_no_fault_of_the_server(app: FlaskClient, body: str):
    assert signed(app, "/slack/events", body, kind="application/json").status_code in (200, 400)


def test_a_thread_is_a_conversation(make_app, chat: ChatServer):
    client, workspace = make_app()
    event(client, number="Ev1", ts="10.1")
    chat.next()
    event(client, "And who built it?", number="Ev2", ts="11.1", thread_ts="10.1")
    assert chat.next().body["thread_ts"] == "10.1"
    event(client, number="Ev3", ts="12.1")
    chat.next()
    answers = [workspace.history.get(one.id) for one in workspace.history.past(3)[0]]
    apart, second, first = (answer["conversation_id"] for answer in answers)
    assert first == second != apart


def test_a_thread_goes_on_after_a_restart(make_app, chat: ChatServer):
    client, workspace = make_app()
    event(client, number="Ev1", ts="10.1")
    chat.next()
    later, again = make_app()
    event(later, "And who built it?", number="Ev2", ts="11.1", thread_ts="10.1")
    chat.next()
    answers = [again.history.get(one.id) for one in again.history.past(2)[0]]
    assert len({answer["conversation_id"] for answer in answers}) == 1
    thread = "slack T1 C1 10.1"
    assert workspace.history.conversation_of(thread) == answers[0]["conversation_id"]
    assert again.history.delete(answers[0]["id"])
    assert workspace.history.conversation_of(thread) == answers[1]["conversation_id"]
    again.history.delete_all()
    assert workspace.history.conversation_of(thread) == ""
    held = b"".join(path.read_bytes() for path in workspace.settings.data.glob("history.db*"))
    assert thread.encode() not in held, "deleted with its answers, from the bytes too"


def test_a_thread_whose_answers_are_gone_goes_on(make_app, chat: ChatServer):
    client, workspace = make_app()
    event(client, number="Ev1")
    chat.next()
    workspace.history.delete_all()
    event(client, number="Ev2", ts="11.1", thread_ts="10.1")
    assert QUOTE in shown(chat.next().body)


# Feedback


def test_the_buttons_under_an_answer_give_feedback(make_app, chat: ChatServer):
    client, workspace = make_app()
    ask(client, chat)
    (row,) = [block for block in chat.next().body["blocks"] if block["type"] == "actions"]
    helpful, not_helpful = row["elements"]
    for button in (helpful, not_helpful):
        assert press(client, chat, button["action_id"], button["value"]).status_code == 200
        note = chat.next()
        assert note.path == "/hooks/2"
        assert note.body == {"response_type": "ephemeral", "replace_original": False, "text": "Thank you: this was noted."}
    assert workspace.history.feedback(helpful["value"]) == {0: "not_helpful"}


def test_feedback_on_an_answer_that_is_gone_says_so(app: FlaskClient, chat: ChatServer):
    assert press(app, chat, "helpful", "a0").status_code == 200
    assert "no stored answer" in chat.next().body["text"]


def test_other_clicks_are_not_looked_at(app: FlaskClient, chat: ChatServer):
    assert press(app, chat, "delete", "a0").status_code == 200
    assert signed(app, "/slack/actions", "payload=").status_code == 400
    assert signed(app, "/slack/actions", urlencode({"payload": '{"actions": null}'})).status_code == 200
    assert chat.is_silent(0.3)


def test_a_hanging_llm_is_given_up_and_the_quotes_are_sent(make_app, chat: ChatServer, llm: LLMServer):
    client, _ = make_app(model="openai/test", api_base=llm.url, api_key="k", llm_timeout=1)
    llm.reply_with(Hang())
    ask(client, chat)
    assert shown(chat.next().body).startswith(QUOTE)


ODD = [5, "words", [], {}, None, [5], {"deep": [{}]}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_what_is_signed_and_odd_all_the_same_is_no_fault_of_ours(app: FlaskClient, odd: object):
    for name in ("event", "event_id", "authorizations", "team_id"):
        body = {
            "event": {"type": "app_mention", "user": "U1", "text": "", "channel": "C1", "ts": "1.1"},
            "event_id": f"{odd}",
        }
        sent = signed(app, "/slack/events", json.dumps({**body, name: odd}), kind="application/json")
        assert sent.status_code == 200, name
    for payload in ({"actions": odd}, {"actions": [{"action_id": odd, "value": odd}], "response_url": odd}):
        assert signed(app, "/slack/actions", urlencode({"payload": json.dumps(payload)})).status_code == 200
    assert signed(app, "/slack/actions", urlencode({"payload": json.dumps(odd)})).status_code in (200, 400)
