"""Only so many requests are at work at once; a few more wait; the rest are told to come back, at once.

Without this, threads share the processor ever more finely, and all requests become slow instead of some being refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, abort, current_app, g, request

_PASS = frozenset(("static", "api.healthz", "api.readyz", "metrics.metrics"))  # cheap, and asked for when things go badly
_LONGEST_WAIT = 20.0  # seconds


class Admission:
    """Admits `at_once` together and lets `queue` more wait. Safe to share between threads."""

    def __init__(self, at_once: int, queue: int) -> None:
        self._working = threading.BoundedSemaphore(at_once)
        self._waiting = threading.BoundedSemaphore(at_once + queue)

    def enter(self) -> bool:
        """Wait for a turn; False, at once, when too many wait already, or when it does not come."""
        if not self._waiting.acquire(blocking=False):
            return False
        if self._working.acquire(timeout=_LONGEST_WAIT):
            return True
        self._waiting.release()
        return False

    def leave(self) -> None:
        """Give the turn to who waits."""
        self._working.release()
        self._waiting.release()


def admit(app: Flask, admission: Admission) -> None:
    """Let requests into an application by turns. Must be among the first that a request meets."""
    app.extensions["admission"] = admission
    app.before_request(_enter)
    app.after_request(_leave)
    app.teardown_request(_leave_after_failure)


def _enter() -> None:
    if request.endpoint in _PASS or request.endpoint is None:
        return
    if not _admission().enter():
        g.refused = "overloaded"
        abort(503, "Too many questions are waiting.")
    g.turn = True


def _leave(response: Response) -> Response:
    """End the turn when the response is made; a stream of events is at work until its end."""
    if response.mimetype == "text/event-stream" and _take():
        response.response = _Held(response.response, _admission())
    else:
        _end_turn()
    return response


def _leave_after_failure(_: BaseException | None) -> None:
    _end_turn()


def _end_turn() -> None:
    if _take():
        _admission().leave()


def _take() -> bool:
    """Say whether this request has a turn, which whoever asks then has to end."""
    return bool(g.pop("turn", False))


class _Held:
    """The pieces of a stream, with its turn: ended once, when they are all sent, or when the server closes it."""

    def __init__(self, pieces: Iterable[Any], admission: Admission) -> None:
        self._pieces = pieces
        self._admission = admission
        self._lock = threading.Lock()
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._pieces
        finally:
            self._end()

    def close(self) -> None:
        """End it: the client may have left."""
        close = getattr(self._pieces, "close", None)
        if close:
            close()
        self._end()

    def _end(self) -> None:
        with self._lock:
            ended, self._ended = self._ended, True
        if not ended:
            self._admission.leave()


def _admission() -> Admission:
    found = current_app.extensions["admission"]
    assert isinstance(found, Admission)  # noqa: S101
    return found
