"""The first page, with the form, and what the form sends."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from index.errors import CitableError, IndexMissing
from qa.answer import answer_question
from qa.records import AskRequest, Mode
from qa.web.access import needs
from qa.web.api import workspace
from qa.web.problems import problem_of
from qa.web.stream import asker_is_gone
from qa.web.strings import language
from qa.web.suggestions import Suggestion, Suggestions

bp = Blueprint("ask", __name__)


@bp.get("/")
@needs("read")
def home() -> str:
    """Show the empty form."""
    return render_template("home.html", **form_fields(""), suggestions=suggestions())


@bp.post("/ask")
@needs("ask")
def ask() -> BaseResponse:
    """Answer the form's question, then send the browser to the stored answer: reloading asks nothing twice."""
    question, collection = request.form.get("question", ""), request.form.get("collection", "")
    mode: Mode = "extractive" if request.form.get("mode") == "extractive" else "auto"
    wanted = AskRequest(question, collection, mode=mode, conversation_id=request.form.get("conversation_id", ""))
    try:
        answer = answer_question(workspace(), wanted, asker_is_gone())
    except CitableError as error:
        problem = problem_of(error)
        fields = form_fields(question, collection)
        page = make_response(render_template("home.html", **fields, problem=problem), problem["status"])
        if page.status_code == 503:
            page.headers["Retry-After"] = "5"
        return page
    return redirect(url_for("answers.answer", answer_id=answer["id"], collection=collection or None), code=303)


def form_fields(question: str, collection: str = "") -> dict[str, Any]:
    """Return what the form shows besides the question: what it would be asked of, and who would write."""
    settings, collections = workspace().settings, count_collections()
    return {
        "question": question,
        "indexed": sum(collections.values()),
        # no choice where there is nothing to choose
        "collections": [] if list(collections) == [settings.collection] else list(collections),
        "collection": collection or settings.collection,
        "model": settings.model,
    }


def suggestions(spoken: str = "") -> list[Suggestion]:
    """Return questions to begin with, for readers of a language; of the request's, if it is empty."""
    known: Suggestions = current_app.extensions["suggestions"]
    try:
        return known.at(workspace().store.stats().generation, spoken or language().code, workspace().settings.collection)
    except IndexMissing:
        return []


def count_collections() -> dict[str, int]:
    """Return how many documents each collection has."""
    try:
        counted = workspace().store.stats().collections
    except IndexMissing:
        return {}
    return {name: collection.documents for name, collection in counted.items()}
