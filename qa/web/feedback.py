"""What readers say of an answer and of its citations: by a form, or POST /api/feedback. It goes when the answer goes."""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.wrappers import Response as BaseResponse

from qa.errors import BadQuestion
from qa.web.access import needs
from qa.web.api import stored_answer, workspace
from qa.web.bodies import read_body
from qa.web.openapi import described
from qa.web.schemas import FeedbackOut

bp = Blueprint("feedback", __name__)

Value = Literal["helpful", "not_helpful", "does_not_support", ""]


class FeedbackBody(BaseModel):
    """Body of POST /api/feedback. citation: its number, 0 for the whole answer; value "" takes back what was said."""

    model_config = ConfigDict(extra="forbid", strict=True)

    answer_id: str = Field(max_length=64)
    citation: int = Field(0, ge=0)
    value: Value


@bp.post("/api/feedback")
@needs("ask")
@described(FeedbackOut, takes=FeedbackBody)
def give() -> Response:
    """Keep what a reader says of an answer or a citation."""
    body = read_body(FeedbackBody)
    return jsonify(keep(body))


@bp.post("/answers/<answer_id>/feedback")
@needs("ask")
def give_by_form(answer_id: str) -> BaseResponse:
    """Keep what the answer's page sends, and show the page again."""
    citation = request.form.get("citation", "0")
    value = request.form.get("value", "")
    if not (citation.isascii() and citation.isdigit() and len(citation) < 6) or value not in _ALLOWED:
        raise BadQuestion("this is nothing that can be said of an answer", "use the buttons of the answer's page")
    keep(FeedbackBody.model_validate({"answer_id": answer_id, "citation": int(citation), "value": value}))
    return redirect(url_for("answers.answer", answer_id=answer_id, _anchor=_anchor(int(citation))), code=303)


_ALLOWED = ("helpful", "not_helpful", "does_not_support", "")


def keep(body: FeedbackBody) -> dict[str, Any]:
    """Keep it. Raises NotFound without such an answer, BadQuestion for what does not fit it."""
    answer = stored_answer(body.answer_id)
    if body.citation and body.citation not in {citation["n"] for citation in answer["citations"]}:
        raise BadQuestion("citation: the answer has none of this number", "0 means the whole answer")
    if body.value and (body.value == "does_not_support") != bool(body.citation):
        raise BadQuestion(
            "value: does not fit", "of an answer: helpful or not_helpful; of a citation: does_not_support; of both: empty"
        )
    workspace().history.give_feedback(body.answer_id, body.citation, body.value)
    return {"answer_id": body.answer_id, "citation": body.citation, "value": body.value}


def _anchor(citation: int) -> str:
    return f"source-{citation}" if citation else "feedback"
