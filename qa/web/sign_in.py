"""Signing in with a key, by a form, and signing out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from qa.web.access import asker, door, needs
from qa.web.session import is_safe_path

bp = Blueprint("sign_in", __name__)


@bp.get("/sign-in")
@needs("nothing")
def form() -> str | BaseResponse:
    """Show the form; ?next= is where to go afterwards."""
    if asker().anyone or asker().key:
        return redirect(_next(request.args.get("next", "")), code=303)
    return render_template("sign_in.html", next=request.args.get("next", ""), wrong=False)


@bp.post("/sign-in")
@needs("nothing")
def sign_in() -> BaseResponse | tuple[str, int]:
    """Take a key, and let this browser in from now on."""
    going_to = request.form.get("next", "")
    key = door().ring.find(request.form.get("key", "").strip())
    if key is None:
        return render_template("sign_in.html", next=going_to, wrong=True), 401
    response = redirect(_next(going_to), code=303)
    door().sessions.open(key, response)
    return response


@bp.post("/sign-out")
@needs("nothing")
def sign_out() -> BaseResponse:
    """Let this browser in no more."""
    response = redirect(url_for("sign_in.form"), code=303)
    door().sessions.close(response)
    return response


def _next(path: str) -> str:
    return request.script_root + path if is_safe_path(path) else url_for("ask.home")
