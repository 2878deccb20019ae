"""Past questions: the list, and deleting one or all, each after a page that asks whether it is meant."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from qa.errors import NotFound
from qa.web.access import needs
from qa.web.api import stored_answer, workspace

bp = Blueprint("history", __name__)

_ON_A_PAGE = 50


@bp.get("/history")
@needs("read")
def past() -> str:
    """List past questions, the newest first; ?page=2 the ones before."""
    asked = request.args.get("page", "1")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 1
    _, total = workspace().history.past(0)
    pages = max(1, -(-total // _ON_A_PAGE))
    page = min(max(1, page), pages)
    listed, total = workspace().history.past(_ON_A_PAGE, (page - 1) * _ON_A_PAGE)
    return render_template("history.html", past=listed, total=total, page=page, pages=pages)


@bp.get("/answers/<answer_id>/delete")
@needs("admin")
def sure_one(answer_id: str) -> str:
    """Ask whether an answer is to be deleted."""
    return render_template("delete.html", question=stored_answer(answer_id)["question"], answer_id=answer_id, total=1)


@bp.post("/answers/<answer_id>/delete")
@needs("admin")
def delete_one(answer_id: str) -> BaseResponse:
    """Delete an answer."""
    if not workspace().history.delete(answer_id):
        raise NotFound("no stored answer has this id", "it may have been deleted already")
    return redirect(url_for("history.past"), code=303)


@bp.get("/history/delete")
@needs("admin")
def sure_all() -> str:
    """Ask whether every answer is to be deleted."""
    _, total = workspace().history.past(0)
    return render_template("delete.html", question="", answer_id="", total=total)


@bp.post("/history/delete")
@needs("admin")
def delete_all() -> BaseResponse:
    """Delete every answer."""
    workspace().history.delete_all()
    return redirect(url_for("history.past"), code=303)
