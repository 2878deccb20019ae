"""OpenAI's API over the documents: GET /v1/models and POST /v1/chat/completions, and below the path of each profile."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from flask import Blueprint, Response, g, jsonify

from index.errors import IndexMissing
from index.readers.language import detect_language
from qa.answer import answer_question, check_request
from qa.claims import WEAK
from qa.errors import BadQuestion
from qa.history import new_answer_id
from qa.profiles import DEFAULT, PROFILES
from qa.records import AskRequest
from qa.web.access import asker, needs
from qa.web.api import base_address, workspace
from qa.web.ask_pages import count_collections, suggestions
from qa.web.openai_bodies import ChatBody, check_servable, earlier_turns, question_of, read_chat_body, wishes_of
from qa.web.openai_reply import Reply, completion_id, completion_of, reply_of, seconds_of
from qa.web.openai_schemas import ChatCompletion, ChatCompletionChunk, ChatModel, ChatModels, ChatStreamError
from qa.web.openai_stream import ChatStream, at_once
from qa.web.openai_tasks import Task, carry_out, task_of
from qa.web.openapi import Events, described
from qa.web.problems import FieldRefused
from qa.web.stream import asker_is_gone, event_stream, stream_answer
from qa.web.strings import language, t

bp = Blueprint("openai", __name__)

DEFAULT_MODEL = "citable-qa"
LARGEST_CHAT = 1 << 20  # bytes: a long conversation
_EVENTS = Events(
    "Where `stream` is true: pieces of the answer, then `[DONE]`; or, for a fault on the way, an error, then `[DONE]`.",
    (ChatCompletionChunk, ChatStreamError),
    last="[DONE]",
)
_PATHS = f"<any({', '.join(name for name in PROFILES if name != DEFAULT.name)}):profile>"


@bp.url_value_preprocessor
def _take_profile(_: str | None, values: dict[str, Any] | None) -> None:
    """Take the profile out of the path, "" for the plain one."""
    g.profile_of_path = (values or {}).pop("profile", "")


@bp.before_request
def _choose_profile() -> None:
    """Choose how the answer is put: as the path says, else as the key says, if it says anything that is known here."""
    key = asker().key
    g.profile = PROFILES.get(g.profile_of_path or (key.profile if key else ""), DEFAULT)


@bp.get("/v1/models")
@bp.get(f"/{_PATHS}/v1/models")
@needs("read")
@described(ChatModels)
def models() -> Response:
    """List the models: one that asks the default collection, and one named after each collection."""
    created = _committed_at()
    return jsonify({"object": "list", "data": [_model(name, created) for name in model_names()]})


@bp.get("/v1/models/<path:name>")
@bp.get(f"/{_PATHS}/v1/models/<path:name>")
@needs("read")
@described(ChatModel)
def model(name: str) -> Response:
    """Return one model."""
    collection_of(name)
    return jsonify(_model(name, _committed_at()))


@bp.post("/v1/chat/completions")
@bp.post(f"/{_PATHS}/v1/chat/completions")
@needs("ask", takes=lambda _: (LARGEST_CHAT, 0))
@described(ChatCompletion, takes=ChatBody, errors=(502, 504), invalid=400, streams=_EVENTS)
def chat_completions() -> Response:
    """Answer the last message of a conversation from the documents; below /openwebui and /links as those clients read it."""
    body = read_chat_body()
    collection = collection_of(body.model)
    if task := task_of(body):
        return _carry_out(task, body)
    check_servable(body)
    wanted = _checked(AskRequest(question_of(body), collection, earlier=earlier_turns(body), wishes=wishes_of(body)))
    if body.stream:
        return _stream(wanted, body)
    answer = answer_question(workspace(), wanted, asker_is_gone())
    return jsonify(completion_of(reply_of(answer, body, g.profile, base_address())))


def model_names() -> list[str]:
    """Return the ids of all models, the default one first."""
    return list(dict.fromkeys((DEFAULT_MODEL, *count_collections())))


def collection_of(name: str) -> str:
    """Return the collection that a model asks, "" for the default one. Raises FieldRefused for a model that is not there."""
    if name in count_collections():
        return name
    if name == DEFAULT_MODEL:
        return ""
    message, hint = f"The model `{name[:80]}` does not exist", "GET /v1/models lists those that do"
    raise FieldRefused("model", message, hint, code="model_not_found", status=404)


def _checked(wanted: AskRequest) -> AskRequest:
    """Check a request before anything is sent: what is wrong from the start is an HTTP error, not an event."""
    try:
        checked = check_request(workspace(), wanted)
    except BadQuestion as error:
        raise FieldRefused("messages", error.message, error.hint, code="bad_question") from error
    workspace().store.check_embedder(workspace().embedder)
    return checked


def _stream(wanted: AskRequest, body: ChatBody) -> Response:
    return stream_answer(workspace(), wanted, ChatStream(body, g.profile, base_address(), int(time.time()), _held()))


def _held() -> Collection[str]:
    """Return the verdicts that may yet change: an LLM that judges may turn down what the rules leave open."""
    return {*WEAK, "unchecked"} if workspace().settings.judge == "llm" else WEAK


def _carry_out(task: Task, body: ChatBody) -> Response:
    is_default = collection_of(body.model) in ("", workspace().settings.collection)
    proposed = _proposed(task) if is_default else []  # which are of that collection
    content = carry_out(task, t("chat.title").unescape(), proposed)
    reply = Reply(id=completion_id(new_answer_id()), created=int(time.time()), model=body.model, content=content)
    return event_stream(at_once(reply, body)) if body.stream else jsonify(completion_of(reply))


def _proposed(task: Task) -> list[str]:
    """Return questions to go on with in the language of the chat; where there are none, in others."""
    spoken = detect_language(" ".join(task.questions)) or language().code
    found = suggestions(spoken)
    return [one.question for one in found if one.lang == spoken] or [one.question for one in found]


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": DEFAULT_MODEL}


def _committed_at() -> int:
    """Return when what the asker may see was last written, in seconds; 0 where there is nothing."""
    try:
        written = workspace().store.stats().committed_at
    except IndexMissing:
        return 0
    return seconds_of(written) if written else 0
