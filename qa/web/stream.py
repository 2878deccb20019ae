"""An answer as server-sent events, with a sign of life while nothing else is to say."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, copy_current_request_context, g, json, stream_with_context
from flask import request as flask_request

from qa.answer import answer_events
from qa.records import AskRequest
from qa.web.problems import problem_of
from qa.workspace import Workspace

HEARTBEAT_SECONDS = 15.0
_DONE = ("", None)


def stream_answer(workspace: Workspace, request: AskRequest) -> Response:
    """Return a response whose events are meta, passages, text, citation, claim, and done or error."""
    events: queue.Queue[tuple[str, Any]] = queue.Queue()
    gone = threading.Event()

    left = asker_is_gone()
    request_id = g.get("request_id", "")

    @copy_current_request_context
    def work() -> None:
        g.request_id = request_id  # the copied context has a fresh g
        _produce(workspace, request, events, lambda: gone.is_set() or left())

    threading.Thread(target=work, daemon=True).start()
    response = Response(stream_with_context(_consume(events, gone)), content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"  # or nginx holds the events back
    return response


def asker_is_gone() -> Callable[[], bool]:
    """Return what tells whether the client of this request has closed its connection (waitress says so, others do not)."""
    ask: Callable[[], bool] = flask_request.environ.get("waitress.client_disconnected", lambda: False)
    return ask


def _produce(
    workspace: Workspace, request: AskRequest, events: queue.Queue[tuple[str, Any]], is_gone: Callable[[], bool]
) -> None:
    """Put every event into the queue. When the client is gone the answer is dropped, and with it the call to the LLM."""
    steps = answer_events(workspace, request, is_gone)
    try:
        for event in steps:
            if is_gone():
                return
            events.put((event.name, event.data))
    except Exception as error:  # the last place that can tell the client
        events.put(("error", problem_of(error)))
    finally:
        steps.close()
        events.put(_DONE)


def _consume(events: queue.Queue[tuple[str, Any]], gone: threading.Event) -> Iterator[str]:
    try:
        while True:
            try:
                name, data = events.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield ": keep-alive\n\n"
                continue
            if (name, data) == _DONE:
                return
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n"
    finally:
        gone.set()
