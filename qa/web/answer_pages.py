"""A stored answer as a page, exactly as it was given."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from qa.verify import verify_answer
from qa.web.api import stored_answer, workspace
from qa.web.ask_pages import form_fields

_MARKERS = re.compile(r"(?:\[\d+\])+")

bp = Blueprint("answers", __name__)


@bp.get("/answers/<answer_id>")
def answer(answer_id: str) -> str | Response:
    """Show a stored answer as it was given; with .json give the answer object, with ?check=1 check its quotes."""
    if answer_id.endswith(".json"):
        return jsonify(stored_answer(answer_id.removesuffix(".json")))
    found = stored_answer(answer_id)
    form = form_fields(found["question"], request.args.get("collection", ""))
    earlier = [turn for turn in workspace().history.conversation(found["conversation_id"]) if turn["id"] != found["id"]]
    checks = _checks(found) if request.args.get("check") else {}
    return render_template("answer.html", **form, answer=found, paragraphs=_paragraphs(found), turns=earlier, checks=checks)


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
