"""The JSON API under /api, and the two health checks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from index.clock import Clock
from index.errors import CitableError
from index.records import AllOf, Equals
from qa.answer import answer_question, check_request
from qa.answer_json import hit_to_json
from qa.documents import document_to_json, info_to_json
from qa.errors import NotFound
from qa.outcome import Outcome, told
from qa.retrieval import find
from qa.verify import verify_answer
from qa.web.access import asker, needs
from qa.web.bodies import AskBody, DocumentsQuery, SearchBody, ask_request, read_body, read_query
from qa.web.openapi import Events, described
from qa.web.problems import problem_of
from qa.web.schemas import AnswerOut, ChecksOut, DocumentOut, DocumentsOut, FoundOut, HealthOut
from qa.web.stream import asker_is_gone, stream_answer
from qa.workspace import Workspace

bp = Blueprint("api", __name__)

_EVENTS = Events(
    "Where the client accepts it: events `meta`, `passages`, `text`, `citation`, `claim`, then `done`, whose data is the "
    "whole answer, or `error`, whose data is a Problem; a comment every 15 seconds while nothing else is to say."
)


def workspace() -> Workspace:
    """Return the workspace as far as the asker may see it."""
    if "workspace" not in g:
        seen = asker().collections
        g.workspace = whole_workspace().narrowed(seen) if seen else whole_workspace()
    found = g.workspace
    assert isinstance(found, Workspace)  # noqa: S101
    return found


def whole_workspace() -> Workspace:
    """Return the workspace that the application was made with: for what the asker is not shown, such as indexing."""
    found = current_app.extensions["workspace"]
    assert isinstance(found, Workspace)  # noqa: S101
    return found


def base_address() -> str:
    """Return the address that links begin with: the public one where it is set, else the one that was asked."""
    return workspace().settings.base_url or request.host_url.rstrip("/") + request.script_root


@bp.post("/api/ask")
@needs("ask")
@described(AnswerOut, takes=AskBody, errors=(502, 504), streams=_EVENTS)
def ask() -> Response:
    """Answer a question: the answer object, or server-sent events where the client asks for them."""
    wanted = ask_request(read_body(AskBody))
    if request.accept_mimetypes.best_match(["application/json", "text/event-stream"]) == "text/event-stream":
        # what is wrong from the start is an HTTP error, not an event
        check_request(workspace(), wanted)
        workspace().store.check_embedder(workspace().embedder)
        return stream_answer(workspace(), wanted)
    return jsonify(answer_question(workspace(), wanted, asker_is_gone()))


@bp.post("/api/search")
@needs("read")
@described(FoundOut, takes=SearchBody)
def search_passages() -> Response:
    """Find passages, with every stage's score."""
    wanted = check_request(workspace(), ask_request(read_body(SearchBody)))
    workspace().store.check_embedder(workspace().embedder)
    clock = Clock()
    with told(workspace().listeners, Outcome("search", clock)), workspace().store.view() as view:
        hits = find(view, workspace(), wanted, clock=clock)
        clock.note("search")
        generation = view.generation
    passages = [hit_to_json(hit, cited=False, base_url=workspace().settings.base_url) for hit in hits]
    return jsonify({"question": wanted.question, "generation": generation, "passages": passages})


@bp.get("/api/documents")
@needs("read")
@described(DocumentsOut, query=DocumentsQuery)
def documents() -> Response:
    """List documents: ?collection=, ?limit= (100), ?offset=. `next` is the offset of the following page, or null."""
    asked = read_query(DocumentsQuery)
    limit, offset, collection = asked.limit, asked.offset, asked.collection
    found = workspace().store.documents(AllOf((Equals("collection", collection),)) if collection else AllOf())
    following = offset + limit if offset + limit < len(found) else None
    listed = [info_to_json(document) for document in found[offset : offset + limit]]
    return jsonify({"documents": listed, "total": len(found), "next": following})


@bp.get("/api/documents/<document_id>")
@needs("read")
@described(DocumentOut)
def document(document_id: str) -> Response:
    """Return a document with its text: citations index this text."""
    with workspace().store.view() as view:
        found = view.document(document_id)
    if found is None:
        raise NotFound("no document has this id", "see: GET /api/documents")
    response = jsonify(document_to_json(found))
    response.set_etag(found.sha256)
    return response


@bp.get("/api/answers/<answer_id>")
@needs("read")
@described(AnswerOut)
def answer(answer_id: str) -> Response:
    """Return a stored answer object."""
    return jsonify(stored_answer(answer_id))


@bp.get("/api/answers/<answer_id>/verify")
@bp.get("/answers/<answer_id>/verify")
@needs("read")
@described(ChecksOut)
def verify(answer_id: str) -> Response:
    """Check each quote of a stored answer against today's documents."""
    found = stored_answer(answer_id)
    with workspace().store.view() as view:
        return jsonify(verify_answer(view, found, workspace().settings.base_url))


def stored_answer(answer_id: str) -> dict[str, Any]:
    """Return a stored answer object; raises NotFound."""
    found = workspace().history.get(answer_id)
    if found is None:
        raise NotFound("no stored answer has this id", "answers go when a document that they quote is deleted")
    return found


@bp.get("/healthz")
@needs("nothing")
@described(HealthOut)
def healthz() -> Response:
    """Say that the process answers."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
@needs("nothing")
@described(HealthOut)
def readyz() -> tuple[Response, int] | Response:
    """Say whether a question could be answered now: index and model are there and fit each other."""
    try:
        whole_workspace().check_ready()
        generation = whole_workspace().store.stats().generation
    except CitableError as error:
        body = jsonify(problem_of(error))
        body.content_type = "application/problem+json"
        body.headers["Retry-After"] = "5"
        return body, 503
    return jsonify({"status": "ready", "generation": generation})
