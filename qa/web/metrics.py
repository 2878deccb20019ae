"""`GET /metrics`, for Prometheus; each request counted, and logged, when its response is over, a stream at its end."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request

from qa.metrics import Metrics
from qa.web.access import asker, needs

bp = Blueprint("metrics", __name__)
_LOG = logging.getLogger("qa.web.requests")


@bp.get("/metrics")
@needs("admin", whole=True)
def metrics() -> Response:
    """Show what this server did, all its processes together, and what is in the index."""
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
    status, said = response.status_code, _said()

    def over() -> None:
        seconds = time.monotonic() - began
        kept.note_request(method, route, status, seconds)
        fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000), **said}
        _LOG.info("request", extra=fields)

    response.call_on_close(over)
    return response


def _said() -> dict[str, Any]:
    """Return by what a request is told from others in the log: its id, and the id of the key, which opens nothing."""
    key = asker().key if "asker" in g else None
    return {"request_id": g.get("request_id", ""), "key": key.id if key else ""}


def _metrics() -> Metrics:
    found = current_app.extensions["metrics"]
    assert isinstance(found, Metrics)  # noqa: S101
    return found
