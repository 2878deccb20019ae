"""Writes that another site's page makes a browser send are refused: by where they come from, and by a token.

A key in a header needs neither: no page can make a browser send it. JSON, for who shows no key and has no cookie, needs no
token: no page of another site can make a browser send that without asking first, and we never say yes.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, current_app, request
from markupsafe import Markup

from index.errors import CitableError
from qa.web.access import asker, door, needs_of, shown_key

_FIELD, _HEADER = "csrf_token", "X-CSRF-Token"
_CROSS = "A page of another site sent this request."
_STALE = (
    "The page that sent this is not of this server, or is too old. Load it again, and then send it. "
    "A tool sends JSON with Content-Type: application/json."
)


def refuse_forged() -> None:
    """Refuse a write that its sender may not have meant."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None or asker().by == "header":
        return
    need = needs_of(current_app, request.endpoint)
    if need is not None and need.signed:
        return
    _check_origin()
    if asker().by == "nothing" and (request.is_json or shown_key() is not None):
        return
    if not door().sessions.is_token(_sent_token(), asker().session):
        abort(403, _STALE)


def give_tokens(app: Flask) -> None:
    """Give templates `csrf_token()`, and `csrf_field()` for every form that posts."""
    app.jinja_env.globals.update(csrf_token=csrf_token, csrf_field=csrf_field)


def csrf_token() -> str:
    """Return a token for this browser's forms."""
    try:
        return door().sessions.token(asker().session)
    except CitableError:  # the keys cannot be read, which is what the page is about to say
        return ""


def csrf_field() -> Markup:
    """Return the hidden field that carries the token."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(_FIELD, csrf_token())


def _check_origin() -> None:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403, _CROSS)
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        abort(403, _CROSS)


def _sent_token() -> str:
    return request.headers.get(_HEADER) or request.form.get(_FIELD, "")
