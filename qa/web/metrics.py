"""`GET /metrics`, for Prometheus; and each request counted when its response is over, a stream at its end."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, current_app, g, request

from qa.metrics import Metrics
from qa.web.access import needs

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
@needs("admin", whole=True)
def metrics() -> Response:
    """Show what this process did, and what is in the index."""
    text, content_type = _metrics().text(request.headers.get("Accept", ""))
    return Response(text, content_type=content_type)


def measure(app: Flask, kept: Metrics) -> None:
    """Count the requests of an application. Must be the first that a request meets: refusals take time, too."""
    app.extensions["metrics"] = kept
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    kept, began = _metrics(), g.get("began", time.monotonic())
    if refused := g.pop("refused", ""):
        kept.note_refusal(refused)
    # the rule, for a path may hold anything; of what has no route the method may be anything, too
    rule = request.url_rule
    method, route = (request.method, rule.rule) if rule else ("other", "none")
    status = response.status_code
    response.call_on_close(lambda: kept.note_request(method, route, status, time.monotonic() - began))
    return response


def _metrics() -> Metrics:
    found = current_app.extensions["metrics"]
    assert isinstance(found, Metrics)  # noqa: S101
    return found
