"""Slack: a slash command, mentions and direct messages, and feedback by buttons. Off until its secrets are set."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, request
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient
from werkzeug.exceptions import BadRequest

from index.errors import CitableError
from qa.web.access import needs
from qa.web.api import base_address, whole_workspace
from qa.web.chat_text import ChatMessage, Dialect, escape_mrkdwn, link_mrkdwn, write_message
from qa.web.chat_work import BUSY, USAGE, ChatWork, Seen, answer_in_thread, may_send, send
from qa.web.feedback import FeedbackBody, keep

bp = Blueprint("slack", __name__)

_MAX_BODY = 512 * 1024  # bytes; a click sends the message that it is on
_SECTION = 3_000  # characters of a block of text
# All of a message: far below Slack's own limit, for what it sends back with a click must fit a request.
_DIALECT = Dialect(escape_mrkdwn, link_mrkdwn, limit=6_000)
_NOTIFIED = 150  # characters shown in notifications
_MENTION = re.compile(r"<(?:@[UW][A-Z0-9]*(?:\|[^>]*)?|![^>]*)>")
_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


@bp.post("/slack/command")
@needs("nothing", signed=True)
def command() -> Response:
    """Take a question of a slash command; its answer is sent to the command's response_url."""
    form = _verified_form()
    question, url = _plain(form.get("text", "")), _own_address(form.get("response_url", ""))
    if not question:
        return jsonify({"response_type": "ephemeral", "text": USAGE})
    base, asked = base_address(), whole_workspace()

    def answer() -> None:
        found = answer_in_thread(asked, question, "")
        send(url, {"response_type": "in_channel", **_message(found, base)})

    taken = _work().give(answer)
    return jsonify({"response_type": "ephemeral", "text": f"Looking for: {escape_mrkdwn(question)}" if taken else BUSY})


@bp.post("/slack/events")
@needs("nothing", signed=True)
def events() -> Response | tuple[Response, int]:
    """Take a mention or a direct message; its answer is posted into the thread. A retry is answered once."""
    if not whole_workspace().settings.slack_bot_token.get_secret_value():
        abort(404)
    event_body = _json(_verified_body())
    if event_body.get("type") == "url_verification":
        return jsonify({"challenge": str(event_body.get("challenge", ""))})
    event = event_body.get("event")
    if not isinstance(event, dict) or not _is_question(event, event_body):
        return jsonify({})
    seen: Seen = current_app.extensions["chat_events"]
    event_id = str(event_body.get("event_id", ""))
    if not seen.put(event_id, True):
        return jsonify({})
    if not _work().give(_reply_to(event, str(event_body.get("team_id", "")))):
        seen.forget(event_id)  # Slack sends it again
        return jsonify({}), 503
    return jsonify({})


@bp.post("/slack/actions")
@needs("nothing", signed=True)
def actions() -> Response:
    """Take a click on a feedback button, and say thank you to the one who clicked."""
    click = _json(_verified_form().get("payload", "").encode())
    pressed = next(iter(_objects(click.get("actions"))), {})
    if pressed.get("action_id") not in ("helpful", "not_helpful"):
        return jsonify({})
    said = _give_feedback(str(pressed.get("value", ""))[:64], pressed["action_id"])
    url = str(click.get("response_url", ""))
    if may_send(url, whole_workspace().settings.slack_hooks):
        note = {"response_type": "ephemeral", "replace_original": False, "text": said}
        _work().give(lambda: send(url, note))
    return jsonify({})


def _give_feedback(answer_id: str, value: str) -> str:
    try:
        keep(FeedbackBody.model_validate({"answer_id": answer_id, "value": value}))
    except CitableError as error:
        return escape_mrkdwn(str(error))
    return "Thank you: this was noted."


def _reply_to(event: Mapping[str, Any], team: str) -> Callable[[], None]:
    """Return the work that answers an event where it was asked."""
    settings, asked, base = whole_workspace().settings, whole_workspace(), base_address()
    channel, thread = str(event["channel"]), str(event.get("thread_ts") or event["ts"])
    question = _plain(str(event.get("text", "")))
    slack = WebClient(settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api, timeout=10)
    slack.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))

    def reply() -> None:
        found = answer_in_thread(asked, question, f"slack {team} {channel} {thread}")
        try:
            slack.chat_postMessage(
                channel=channel, thread_ts=thread, unfurl_links=False, unfurl_media=False, **_message(found, base)
            )
        except SlackApiError as error:
            # its own text could hold what was sent
            raise ConnectionError(str(error.response.get("error", ""))) from None

    return reply


def _is_question(event: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Say whether an event is a person's question to us: a mention, or a direct message; nothing that a bot wrote."""
    ours = {str(one.get("user_id")) for one in _objects(body.get("authorizations"))}
    is_to_us = event.get("type") == "app_mention" or (event.get("type") == "message" and event.get("channel_type") == "im")
    by_person = not (event.get("bot_id") or event.get("subtype") or event.get("user") in (None, *ours))
    return bool(is_to_us and by_person and event.get("channel") and event.get("ts"))


def _objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _message(found: Mapping[str, Any] | str, base: str) -> dict[str, Any]:
    """Return an answer, or a sentence, as the parts of a message: text for notifications, blocks for reading."""
    if isinstance(found, str):
        said = escape_mrkdwn(found)
        return {"text": said, "blocks": [_section(said)]}
    written = write_message(found, base, _DIALECT)
    blocks = [_section(text) for text in _sections(written)]
    if found["status"] != "no_evidence":
        blocks.append({"type": "actions", "elements": [_button("helpful", found), _button("not_helpful", found)]})
    return {"text": escape_mrkdwn(found["text"][:_NOTIFIED]), "blocks": blocks}


def _sections(written: ChatMessage) -> list[str]:
    """Return the message in as few pieces as its lines can be put into, each short enough for a block."""
    sections: list[str] = []
    for line in [*written.body.split("\n"), *([""] if written.sources else []), *written.sources]:
        for piece in _cut(line):
            if sections and len(sections[-1]) + len(piece) + 1 <= _SECTION:
                sections[-1] += f"\n{piece}"
            else:
                sections.append(piece)
    return [text for text in sections if text.strip()]


def _cut(line: str) -> Iterator[str]:
    """Cut a line that is too long for a block between words, never inside a link."""
    while len(line) > _SECTION:
        spaces = [at for at in range(_SECTION) if line[at] == " "]
        end = next((at for at in reversed(spaces) if line.count("<", 0, at) == line.count(">", 0, at)), _SECTION)
        yield line[:end]
        line = line[end:].lstrip()
    yield line


def _section(text: str) -> dict[str, Any]:
    # verbatim: what looks like an address or a channel is not made into a link
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_SECTION], "verbatim": True}}


def _button(value: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    label = {"helpful": "Helpful", "not_helpful": "Not helpful"}[value]
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": value, "value": answer["id"], "text": text}


def _plain(text: str) -> str:
    """Return what was typed: without mentions, links as they are called, and nothing escaped."""
    named = _LINK.sub(lambda match: (match[2] or match[1]).removeprefix("#"), _MENTION.sub(" ", text))
    return " ".join(named.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").split())


def _verified_body() -> bytes:
    """Return the body, if Slack has signed it in the last five minutes; 404 while no secret is set."""
    secret = whole_workspace().settings.slack_signing_secret.get_secret_value().strip()
    if not secret:
        abort(404)
    request.max_content_length = _MAX_BODY
    body = request.get_data(cache=True)
    try:
        is_signed = SignatureVerifier(secret).is_valid_request(body, dict(request.headers))
    except (ValueError, TypeError):  # a time that is no number, a body or signature that is no text
        is_signed = False
    if not is_signed:
        abort(401, "This is not signed by Slack.")
    return body


def _verified_form() -> Mapping[str, str]:
    _verified_body()
    return request.form


def _json(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(fields, dict):
        raise BadRequest("The body is not a JSON object.")
    return fields


def _own_address(url: str) -> str:
    if not may_send(url, whole_workspace().settings.slack_hooks):
        abort(400, "response_url: not an address of Slack.")
    return url


def _work() -> ChatWork:
    found = current_app.extensions["chat_work"]
    assert isinstance(found, ChatWork)  # noqa: S101
    return found
