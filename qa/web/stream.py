"""An answer as server-sent events, with a sign of life while nothing else is to say."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Response, copy_current_request_context, g, json, stream_with_context
from flask import request as flask_request

from qa.answer import answer_events
from qa.records import AskRequest
from qa.web.problems import problem_of
from qa.workspace import Workspace

HEARTBEAT_SECONDS = 15.0
_DONE = ("", None)

Encode = Callable[[str, Any], str]


def as_event(name: str, data: Any) -> str:
    """Write an event as a server-sent event of that name."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def stream_answer(workspace: Workspace, request: AskRequest, encode: Encode = as_event) -> Response:
    """Return a response whose events are meta, passages, text, citation, claim, and done or error.

    encode: writes an event as the client reads it, "" for one that says nothing to it.
    """
    events: queue.Queue[tuple[str, Any]] = queue.Queue()
    gone = threading.Event()

    left = asker_is_gone()
    request_id = g.get("request_id", "")

    @copy_current_request_context
    def work() -> None:
        g.request_id = request_id  # the copied context has a fresh g
        _produce(workspace, request, events, lambda: gone.is_set() or left())

    threading.Thread(target=work, daemon=True).start()
    return event_stream(stream_with_context(_consume(events, gone, encode)))


def event_stream(pieces: Iterable[str]) -> Response:
    """Return a response that is a stream of events, which nothing on the way may hold back or keep."""
    response = Response(pieces, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"  # or nginx holds the events back
    return response


def asker_is_gone() -> Callable[[], bool]:
    """Return what tells whether the client of this request has closed its connection."""
    environ = flask_request.environ
    ask: Callable[[], bool] | None = environ.get("waitress.client_disconnected")
    if ask is not None:
        return ask
    connection: socket.socket | None = environ.get("gunicorn.socket")
    return lambda: connection is not None and _is_closed(connection)


def _is_closed(connection: socket.socket) -> bool:
    """Say whether the other end has closed: then there is an end to read. What it may send next is left where it is."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


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


def _consume(events: queue.Queue[tuple[str, Any]], gone: threading.Event, encode: Encode) -> Iterator[str]:
    try:
        while True:
            try:
                name, data = events.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield ": keep-alive\n\n"
                continue
            if (name, data) == _DONE:
                return
            if written := encode(name, data):
                yield written
    finally:
        gone.set()
