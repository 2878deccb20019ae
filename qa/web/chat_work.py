"""Work for chat tools behind their backs: they want a sign of life at once, an answer takes as long as it takes."""

from __future__ import annotations

import json
import logging
import queue
import threading
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from index.errors import CitableError
from qa.answer import answer_question
from qa.errors import BadQuestion, LLMError, NotFound
from qa.records import AskRequest
from qa.workspace import Workspace

_LOG = logging.getLogger("qa.web")
_WORKERS, _WAITING = 4, 16
_SEND_SECONDS = 10.0
_KEPT = 5_000
_T = TypeVar("_T")
BUSY = "Too many questions at the moment: ask again in a minute."
USAGE = "Ask in words, for example: What was decided about the budget?"


class ChatWork:
    """A few threads that take what is given them in turn. Safe to share between threads."""

    def __init__(self, workers: int = _WORKERS, waiting: int = _WAITING) -> None:
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(waiting)
        self._workers, self._started = workers, 0
        self._lock = threading.Lock()

    def give(self, work: Callable[[], None]) -> bool:
        """Take work to do as soon as a thread is free; False when too much waits already."""
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            return False
        with self._lock:
            if self._started < self._workers:
                self._started += 1
                threading.Thread(target=self._run, daemon=True, name="chat").start()
        return True

    def _run(self) -> None:
        while True:
            work = self._waiting.get()
            try:
                work()
            except Exception as error:  # the type alone: a message could hold words of a question, or a token
                _LOG.error("a chat tool got no answer: %s", type(error).__name__)


class Seen(Protocol):
    """What has come already: once in this process, or in any process of this server."""

    def put(self, key: str, value: bool, /) -> bool:
        """Keep a key; says whether it is new."""

    def forget(self, key: str) -> None:
        """Drop a key."""


class Remembered(Generic[_T]):
    """The last few thousand values by their keys. Safe to share between threads."""

    def __init__(self, most: int = _KEPT) -> None:
        self._values: OrderedDict[str, _T] = OrderedDict()
        self._most, self._lock = most, threading.Lock()

    def get(self, key: str) -> _T | None:
        """Return what was put under a key."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: str, value: _T) -> bool:
        """Keep a value, the oldest going for it; says whether the key is new."""
        with self._lock:
            is_new = key not in self._values
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
            return is_new

    def forget(self, key: str) -> None:
        """Drop a key."""
        with self._lock:
            self._values.pop(key, None)


def answer_in_thread(asked: Workspace, question: str, thread: str) -> dict[str, Any] | str:
    """Return the answer object, or in a sentence why there is none. thread: a key of what belongs together, "" for none.

    A thread goes on with the conversation of its newest answer; where its answers have gone since, with the documents that
    they quoted, it begins another.
    """
    try:
        conversation = asked.history.conversation_of(thread) if thread else ""
        answer = answer_question(asked, AskRequest(question, conversation_id=conversation))
    except (BadQuestion, NotFound, LLMError) as error:
        return str(error)
    except CitableError as error:
        _LOG.error("a chat tool's question: %s", error)
        return "There is nothing to answer from at the moment; the server's log says why."
    except Exception as error:
        _LOG.error("a chat tool's question: unexpected %s", type(error).__name__)
        return "Something went wrong here; the server's log says what."
    if thread:
        _keep_thread(asked, thread, str(answer["id"]))
    return answer


def _keep_thread(asked: Workspace, thread: str, answer_id: str) -> None:
    try:
        asked.history.keep_thread(thread, answer_id)
    except CitableError as error:  # a full disk costs no answer
        _LOG.error("a chat tool's thread could not be noted: %s", error)


def may_send(url: str, home: str) -> bool:
    """Say whether an address lies below the chat tool's own: nobody makes this server call others."""
    is_plain = url.isascii() and url.isprintable() and not any(character in url for character in " \\@")
    return bool(home) and is_plain and url.startswith(home.rstrip("/") + "/")


def send(url: str, message: Mapping[str, Any]) -> None:
    """Post a message as JSON to an address that `may_send` lets pass; redirects are not followed."""
    body = json.dumps(message).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    posted = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - may_send has checked it
    try:
        with urllib.request.build_opener(_NoRedirects).open(posted, timeout=_SEND_SECONDS) as response:
            response.read(1_000)
    except (OSError, ValueError) as error:  # the address holds a secret of its own: it is not logged
        _LOG.error("a message to a chat tool was not taken: %s", getattr(error, "code", type(error).__name__))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return nothing: the redirect is an error like any other status."""
