"""The pages for people: ask, the answer, the documents. Complete without JavaScript."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from index.errors import CitableError, IndexMissing
from index.locators import describe, locate, locator_from_json
from index.records import AllOf, Document, Equals
from qa.answer import answer_question
from qa.errors import NotFound
from qa.records import AskRequest, Mode
from qa.verify import verify_answer
from qa.web.api import stored_answer, workspace
from qa.web.excerpt import cut_document
from qa.web.problems import problem_of
from qa.web.stream import asker_is_gone

_MARKERS = re.compile(r"(?:\[\d+\])+")

bp = Blueprint("pages", __name__)

_MAX_LISTED = 500


@bp.get("/")
def home() -> str:
    """Show the empty form."""
    return render_template("home.html", **_form(""))


@bp.post("/ask")
def ask() -> BaseResponse:
    """Answer the form's question, then send the browser to the stored answer: reloading asks nothing twice."""
    question, collection = request.form.get("question", ""), request.form.get("collection", "")
    mode: Mode = "extractive" if request.form.get("mode") == "extractive" else "auto"
    wanted = AskRequest(question, collection, mode=mode, conversation_id=request.form.get("conversation_id", ""))
    try:
        answer = answer_question(workspace(), wanted, asker_is_gone())
    except CitableError as error:
        problem = problem_of(error)
        page = make_response(render_template("home.html", **_form(question, collection), problem=problem), problem["status"])
        if page.status_code == 503:
            page.headers["Retry-After"] = "5"
        return page
    return redirect(url_for("pages.answer", answer_id=answer["id"], collection=collection or None), code=303)


@bp.get("/answers/<answer_id>")
def answer(answer_id: str) -> str | Response:
    """Show a stored answer as it was given; with .json give the answer object, with ?check=1 check its quotes."""
    if answer_id.endswith(".json"):
        return jsonify(stored_answer(answer_id.removesuffix(".json")))
    found = stored_answer(answer_id)
    form = _form(found["question"], request.args.get("collection", ""))
    earlier = [turn for turn in workspace().history.conversation(found["conversation_id"]) if turn["id"] != found["id"]]
    checks = _checks(found) if request.args.get("check") else {}
    return render_template("answer.html", **form, answer=found, paragraphs=_paragraphs(found), turns=earlier, checks=checks)


@bp.get("/documents")
def documents() -> str:
    """List the documents that are indexed, all or those of ?collection=."""
    chosen = request.args.get("collection", "")
    found = workspace().store.documents(Equals("collection", chosen) if chosen else AllOf())
    listed = {"documents": found[:_MAX_LISTED], "total": len(found)}
    return render_template("documents.html", **listed, collections=_collections(), chosen=chosen)


@bp.get("/status")
def status() -> str:
    """Show what is indexed, and which files are not, with the reason."""
    try:
        stats = workspace().store.stats()
    except IndexMissing:
        stats = None
    return render_template("status.html", stats=stats, listed=_MAX_LISTED)


@bp.get("/documents/<document_id>")
def document(document_id: str) -> str:
    """Show a document's text; with ?start=&end= that span is marked, if `v` still names the version that is here."""
    with workspace().store.view() as view:
        found = view.document(document_id)
    if found is None:
        raise NotFound("this document is not in the index (any more)", "its file may have been deleted since")
    span, notice = _wanted_span(found)
    pieces = cut_document(found, *(span or (0, 0)))
    place = describe(locate(found.sections, *span)) if span else ""
    return render_template("document.html", document=found, pieces=pieces, span=span, place=place, notice=notice)


@bp.app_template_filter("place")
def place(locator: dict[str, Any]) -> str:
    """Name the place that an answer object's locator means."""
    return describe(locator_from_json(locator))


def _form(question: str, collection: str = "") -> dict[str, Any]:
    """Return what the form shows besides the question: what it would be asked of, and who would write."""
    settings, collections = workspace().settings, _collections()
    return {
        "question": question,
        "indexed": sum(collections.values()),
        # no choice where there is nothing to choose
        "collections": [] if list(collections) == [settings.collection] else list(collections),
        "collection": collection or settings.collection,
        "model": settings.model,
    }


def _collections() -> dict[str, int]:
    """Return how many documents each collection has."""
    try:
        counted = workspace().store.stats().collections
    except IndexMissing:
        return {}
    return {name: collection.documents for name, collection in counted.items()}


def _wanted_span(document: Document) -> tuple[tuple[int, int] | None, str]:
    """Return the span to mark, and a notice when the link's span cannot be shown."""
    try:
        start, end = int(request.args.get("start", "")), int(request.args.get("end", ""))
    except ValueError:
        return None, ""
    version = request.args.get("v", "")
    if version and not document.sha256.startswith(version):
        return None, "This document has changed since it was cited, so the quoted words are not marked."
    if not 0 <= start < end <= len(document.text):
        return None, "The link names a place that this document does not have."
    return (start, end), ""


def _checks(answer: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return by its number what has become of each citation."""
    with workspace().store.view() as view:
        return {check["n"]: check for check in verify_answer(view, answer)["citations"]}


def _paragraphs(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answer's paragraphs: `lead` in, `listed`, and `parts`, each a list of claims with their citations."""
    if not answer["claims"]:
        return [{"lead": "", "listed": False, "parts": [[{"text": answer["text"], "cited": [], "verdict": "none"}]]}]
    by_number = {citation["n"]: citation for citation in answer["citations"]}
    paragraphs: list[dict[str, Any]] = []
    end = 0
    for claim in answer["claims"]:
        between = _MARKERS.sub("", answer["text"][end : claim["start"]])
        listed = between.endswith("\n- ")
        if not paragraphs or "\n\n" in between:
            lead = between.removesuffix("- ").strip()
            paragraphs.append({"lead": lead, "listed": listed, "parts": [[]]})
        elif listed:
            paragraphs[-1]["parts"].append([])
        paragraphs[-1]["parts"][-1].append({**claim, "cited": [by_number[n] for n in claim["citations"]]})
        end = claim["end"]
    return paragraphs
