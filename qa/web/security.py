"""What every response carries, and every request must pass, in order: a turn, a limit, a key, a sender who meant it."""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, g, request

from qa.tables import Tables
from qa.web.access import authorize
from qa.web.admission import Admission, admit
from qa.web.csrf import refuse_forged
from qa.web.limits import limit

_HEADERS = {
    # Nothing from elsewhere, no inline script or style, and no text that our own script could turn into elements
    # (trusted types: pages are fetched as documents): a document or an answer cannot make the page do anything.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def guard(app: Flask, counts: Tables | None) -> None:
    """Add the checks and headers to an application. counts: where requests are counted, as `limit` says."""
    settings = app.extensions["workspace"].settings
    app.before_request(name_request)
    admit(app, Admission(settings.at_once, settings.queue))
    limit(app, settings, counts)
    app.before_request(authorize)
    app.before_request(refuse_forged)
    app.after_request(_add_headers)


def name_request() -> None:
    """Give the request an id, its sender's own if that is harmless."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
