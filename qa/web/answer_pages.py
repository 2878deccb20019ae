"""A stored answer, exactly as it was given: as a page, and as Markdown, text or JSON to take along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from qa.verify import verify_answer
from qa.web.access import needs
from qa.web.api import base_address, stored_answer, workspace
from qa.web.ask_pages import form_fields
from qa.web.export import to_markdown, to_text
from qa.web.paragraphs import (
    count_verdicts,
    doubtful_claims,
    paragraphs_of,
    score_word,
    verdict_key,
    with_bars,
    with_languages,
)

bp = Blueprint("answers", __name__)


@bp.get("/answers/<answer_id>")
@needs("read")
def answer(answer_id: str) -> str | Response:
    """Show a stored answer as it was given; ?check=1 checks its quotes, ?only=1 hides what is not supported."""
    identifier, dot, form = answer_id.rpartition(".")
    if dot and form in _FORMS:
        return _FORMS[form](stored_answer(identifier))
    return render_template("answer.html", **_page(stored_answer(answer_id)))


def _page(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the page of an answer shows."""
    history = workspace().history
    return {
        **form_fields(found["question"], request.args.get("collection", "")),
        "answer": found,
        "paragraphs": paragraphs_of(found),
        "citations": with_languages(found),
        "verdicts": count_verdicts(found),
        "doubtful": doubtful_claims(found),
        "others": [one for one in with_bars(found["passages"]) if not one["cited"]],
        "score_word": score_word(found["score"]) if found.get("score") else "",
        "verdict_key": verdict_key,
        "turns": [turn for turn in history.conversation(found["conversation_id"]) if turn["id"] != found["id"]],
        "feedback": history.feedback(found["id"]),
        "checks": _checks(found) if request.args.get("check") else {},
        "only_supported": bool(request.args.get("only")),
    }


def _checks(answer: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return by its number what has become of each citation."""
    with workspace().store.view() as view:
        return {check["n"]: check for check in verify_answer(view, answer)["citations"]}


def _written(make: Callable[[dict[str, Any], str], str], kind: str) -> Callable[[dict[str, Any]], Response]:
    """Return what responds with an answer as text, its links leading to this server."""

    def respond(found: dict[str, Any]) -> Response:
        base = base_address()
        return Response(make(found, base), content_type=f"{kind}; charset=utf-8")

    return respond


_FORMS: dict[str, Callable[[dict[str, Any]], Response]] = {
    "json": jsonify,
    "md": _written(to_markdown, "text/markdown"),
    "txt": _written(to_text, "text/plain"),
}
