"""Errors → HTTP: problem+json (RFC 9457) with OpenAI's `error` beside it for tools, a page for people. Never a traceback."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, json, render_template, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from index.errors import CitableError, IndexDamaged, IndexIncompatible, IndexLocked, IndexMissing, IndexUnavailable
from qa.errors import BadQuestion, BadUpload, LLMError, NotFound

_LOG = logging.getLogger("qa.web")
_KINDS: tuple[tuple[type[CitableError], int, str], ...] = (
    (BadQuestion, 422, "bad_question"),
    (BadUpload, 422, "bad_upload"),
    (NotFound, 404, "not_found"),
)
# Faults of the server: what the operator reads names folders of the machine, what the asker reads does not.
_FAULTS: tuple[tuple[type[CitableError], str, str, str], ...] = (
    (IndexMissing, "index_missing", "Nothing is indexed here yet.", "on the server, run: qa index PATH"),
    (
        IndexIncompatible,
        "index_incompatible",
        "The index does not fit this server's settings.",
        "on the server, run: qa search x",
    ),
    (IndexDamaged, "index_damaged", "The index cannot be read.", "on the server, run: qa doctor"),
    (IndexUnavailable, "index_unavailable", "The index cannot be used at the moment.", "try again in a moment"),
    (IndexLocked, "index_locked", "The index is being written.", "try again in a moment"),
    (CitableError, "not_ready", "The server is not set up to answer.", "its log says why"),
)
# A client that tries again by itself would only spend more: the fault stays, or other models were asked already.
_HOPELESS = (500, 502, 504)
FOR_TOOLS = ("/api/", "/v1/", "/healthz", "/readyz", "/metrics")  # below which errors are never pages
_LLM_STATUS = {"timeout": 504, "rate_limited": 503, "busy": 503}
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "not_json",
    429: "rate_limited",
    503: "overloaded",
}


class FieldRefused(CitableError):
    """A field of a request holds what is wrong, or what cannot be served. param: the field, as OpenAI's errors name it."""

    def __init__(self, param: str, message: str, hint: str = "", *, code: str = "invalid_value", status: int = 400) -> None:
        super().__init__(message, hint)
        self.param = param
        self.code = code
        self.status = status


def handle_errors(app: Flask) -> None:
    """Answer every error in the form that the asker reads."""
    app.register_error_handler(CitableError, _on_citable)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(Exception, _on_unexpected)


def problem(status: int, code: str, detail: str, hint: str = "", param: str | None = None) -> dict[str, Any]:
    """Return the body of an error. param: the field of the request that is to blame."""
    return {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
        "instance": request.path,
        "request_id": g.get("request_id", ""),
        "error": {
            "message": f"{detail}; {hint}" if hint else detail,
            "type": "invalid_request_error" if status < 500 else "server_error",
            "param": param,
            "code": code,
        },
    }


def problem_of(error: Exception) -> dict[str, Any]:
    """Return the body for an error that was raised; what is not meant for people is logged and hidden."""
    if isinstance(error, LLMError):
        return problem(_LLM_STATUS.get(error.reason, 502), f"llm_{error.reason}", error.message, error.hint)
    if isinstance(error, FieldRefused):
        return problem(error.status, error.code, error.message, error.hint, error.param)
    for kind, status, code in _KINDS:
        if isinstance(error, kind):
            return problem(status, code, error.message, error.hint)
    for fault, code, detail, hint in _FAULTS:
        if isinstance(error, fault):
            _LOG.error("request %s: %s", g.get("request_id", ""), error)
            return problem(503, code, detail, hint)
    # the type alone: a message could hold words of a question or a document
    _LOG.error("request %s: unexpected %s", g.get("request_id", ""), type(error).__name__)
    return problem(500, "unexpected", "Something went wrong here.", "tell the operator the request id")


def _on_citable(error: CitableError) -> Response:
    return _respond(problem_of(error))


def _on_http(error: HTTPException) -> Response:
    status = error.code or 500
    said = error.description or "The request failed."
    hint = ""
    if status == 429:
        said, hint = f"More requests than are allowed: {said}.", "wait as long as Retry-After says"
    response = _respond(problem(status, _CODES.get(status, "http_error"), said, hint))
    if status == 429:
        response.headers["Retry-After"] = str(g.get("retry_after", 5))
    if error.response is None:
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
    return response


def _on_unexpected(error: Exception) -> Response:
    return _respond(problem_of(error))


def _respond(body: dict[str, Any]) -> Response:
    if wants_page():
        response = Response(render_template("error.html", problem=body), status=body["status"])
    else:
        response = Response(json.dumps(body), status=body["status"], content_type="application/problem+json")
    if body["status"] == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Citable QA"'
    if body["status"] == 503:
        response.headers["Retry-After"] = "5"
    if body["status"] in _HOPELESS:
        response.headers["X-Should-Retry"] = "false"  # read by OpenAI's clients
    return response


def wants_page() -> bool:
    """Say whether the asker is a person with a browser, and no tool."""
    if request_ctx.url_adapter is None:  # refused before routing, for its Host: a page could not link anywhere
        return False
    is_tool = "/v1/" in request.path or request.path.startswith(FOR_TOOLS) or request.path.endswith(".json")
    return not is_tool and request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html"
