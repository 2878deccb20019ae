"""Mattermost: a slash command, and feedback by buttons. Off until its token and the server's address are set."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, request
from pydantic import BaseModel, Field

from index.errors import CitableError
from qa.web.access import needs
from qa.web.api import base_address, whole_workspace
from qa.web.bodies import read_body
from qa.web.chat_text import Dialect, write_message
from qa.web.chat_work import BUSY, USAGE, ChatWork, answer_in_thread, may_send, send
from qa.web.export import escape_markdown
from qa.web.feedback import FeedbackBody, keep

bp = Blueprint("mattermost", __name__)

_BUTTONS = {"helpful": "Helpful", "not_helpful": "Not helpful"}


def _escape(text: str) -> str:
    """Return a text as Mattermost shows it as it is: no mention of all in a channel, no link."""
    return escape_markdown(text).replace("@", "@\u200b").replace("://", ":\u200b//")


def _link(label: str, url: str) -> str:
    return f"[{label}]({url})"


_DIALECT = Dialect(_escape, _link, limit=16_000)  # Mattermost's own limit is 16,383


class _Pressed(BaseModel):
    """What a button sends back of ours: signed, for Mattermost signs nothing."""

    answer_id: str = Field(max_length=64)
    value: str = Field(max_length=20)
    signature: str = Field(max_length=100)


class ActionBody(BaseModel):
    """Body of a click; what else Mattermost tells of it is not looked at."""

    context: _Pressed


@bp.post("/mattermost/command")
@needs("nothing", signed=True)
def command() -> Response:
    """Take a question of a slash command; its answer is sent to the command's response_url."""
    token = _token()
    if not hmac.compare_digest(request.form.get("token", "").encode("utf-8", "replace"), token):
        abort(401, "This is not the token of the slash command.")
    question, url = " ".join(request.form.get("text", "").split()), request.form.get("response_url", "")
    if not may_send(url, whole_workspace().settings.mattermost_url):
        abort(400, "response_url: not an address of the Mattermost server that is set.")
    if not question:
        return jsonify({"response_type": "ephemeral", "text": USAGE})
    asked, base = whole_workspace(), base_address()
    thread = _thread(request.form)

    def answer() -> None:
        found = answer_in_thread(asked, question, thread)
        send(url, {"response_type": "in_channel", **_message(found, base, token)})

    work: ChatWork = current_app.extensions["chat_work"]
    said = f"Looking for: {_escape(question)}" if work.give(answer) else BUSY
    return jsonify({"response_type": "ephemeral", "text": said})


@bp.post("/mattermost/actions")
@needs("nothing", signed=True)
def actions() -> Response:
    """Take a click on a feedback button."""
    token, pressed = _token(), read_body(ActionBody).context
    if pressed.value not in _BUTTONS or not hmac.compare_digest(
        _sign(token, pressed.answer_id, pressed.value).encode(), pressed.signature.encode()
    ):
        abort(401, "This button is none of this server's.")
    try:
        keep(FeedbackBody.model_validate({"answer_id": pressed.answer_id, "value": pressed.value}))
    except CitableError as error:
        return jsonify({"ephemeral_text": _escape(str(error))})
    return jsonify({"ephemeral_text": "Thank you: this was noted."})


def _token() -> bytes:
    """Return the token of the settings; 404 while Mattermost is not set up."""
    settings = whole_workspace().settings
    token = settings.mattermost_token.get_secret_value().strip()
    if not token or not settings.mattermost_url:
        abort(404)
    return token.encode()


def _thread(form: Mapping[str, str]) -> str:
    """Return what belongs together: the questions of one thread, where the command says that it is in one."""
    root = form.get("root_id", "")
    return f"mattermost {form.get('channel_id', '')} {root}" if root else ""


def _message(found: Mapping[str, Any] | str, base: str, token: bytes) -> dict[str, Any]:
    if isinstance(found, str):
        return {"text": _escape(found)}
    written = write_message(found, base, _DIALECT)
    text = "\n\n".join([written.body, *(["\n".join(f"- {line}" for line in written.sources)] if written.sources else [])])
    if found["status"] == "no_evidence":
        return {"text": text}
    buttons = [_button(value, found["id"], base, token) for value in _BUTTONS]
    return {"text": text, "attachments": [{"text": "", "actions": buttons}]}


def _button(value: str, answer_id: str, base: str, token: bytes) -> dict[str, Any]:
    context = {"answer_id": answer_id, "value": value, "signature": _sign(token, answer_id, value)}
    integration = {"url": f"{base}/mattermost/actions", "context": context}
    return {"id": value.replace("_", ""), "name": _BUTTONS[value], "type": "button", "integration": integration}


def _sign(token: bytes, answer_id: str, value: str) -> str:
    return hmac.new(token, f"{answer_id} {value}".encode(), hashlib.sha256).hexdigest()
