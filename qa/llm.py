"""Messages → the LLM's reply as it arrives. The only module that knows litellm."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from qa.config import Settings
from qa.errors import LLMError

_USAGE_SECONDS = 1.0
_MAX_CHARACTERS = 32_000  # of one reply; more is no answer


@dataclass
class Reply:
    """A reply in the making: iterate `chunks`; `usage` is filled in when the model reports it, at its very end."""

    chunks: Generator[str, None, None]
    usage: dict[str, int]
    ended: threading.Event

    def await_usage(self) -> None:
        """Wait a moment for the end of a reply whose last words have been read."""
        self.ended.wait(_USAGE_SECONDS)


def stream_reply(messages: Sequence[Mapping[str, str]], model: str, settings: Settings) -> Reply:
    """Ask the model. Closing `chunks` closes the connection.

    Raises LLMError, here or while iterating, whatever goes wrong; its message names no key and quotes no upstream text.
    """
    call = _Call(messages, model, settings)
    return Reply(_chunks(call, model, settings.llm_timeout), call.usage, call.ended)


def _chunks(call: _Call, model: str, seconds: float) -> Generator[str, None, None]:
    """Yield the reply's text. A thread of its own reads it, for litellm may wait for ever on a server that only drips."""
    arrived: queue.Queue[str | LLMError | None] = queue.Queue()
    threading.Thread(target=call.run, args=(arrived,), daemon=True).start()
    deadline = time.monotonic() + seconds
    total = 0
    try:
        while (item := _next(arrived, deadline, model)) is not None:
            total += len(item)
            if total > _MAX_CHARACTERS:
                raise LLMError("too_long", f"{model}: the reply is longer than {_MAX_CHARACTERS} characters")
            yield item
    finally:
        call.close()


def _next(arrived: queue.Queue[str | LLMError | None], deadline: float, model: str) -> str | None:
    try:
        item = arrived.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        hint = "raise `llm_timeout` or use a faster model"
        raise LLMError("timeout", f"{model}: no whole answer in time", hint) from None
    if isinstance(item, LLMError):
        raise item
    return item


class _Call:
    """One request to the model, read by a thread; `close` ends it from another."""

    def __init__(self, messages: Sequence[Mapping[str, str]], model: str, settings: Settings) -> None:
        self.usage: dict[str, int] = {}
        self.ended = threading.Event()
        self._messages = [dict(message) for message in messages]
        self._model = model
        self._settings = settings
        self._response: Any = None
        self._closed = False

    def run(self, arrived: queue.Queue[str | LLMError | None]) -> None:
        """Put every piece of text into the queue, then None; or the error."""
        try:
            self._response = self._ask()
            if self._closed:  # while it waited for the first byte
                self._shut()
            for chunk in self._response:
                _note_usage(chunk, self.usage)
                text = chunk.choices[0].delta.content if chunk.choices else None
                if text:
                    arrived.put(text)
            arrived.put(None)
        except Exception as error:  # litellm raises dozens of unrelated classes; all mean the same to us
            arrived.put(_as_llm_error(error, self._model))
        finally:
            self.ended.set()

    def close(self) -> None:
        """Close the connection at once, if the reply is still coming; a read that waits on it returns."""
        self._closed = True
        if not self.ended.is_set():
            self._shut()

    def _shut(self) -> None:
        stream = getattr(self._response, "completion_stream", None)
        response: Any = getattr(stream, "response", stream)
        with contextlib.suppress(Exception):  # whatever is closed already, or of another make
            network = response.extensions["network_stream"]
            network.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(Exception):
            response.close()

    def _ask(self) -> Any:
        settings = self._settings
        return _litellm().completion(
            model=self._model,
            messages=self._messages,
            stream=True,
            stream_options={"include_usage": True},
            api_base=settings.api_base or None,
            # servers of one's own need no key, but the client insists on one
            api_key=settings.api_key.get_secret_value() or ("none" if settings.api_base else None),
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            timeout=settings.llm_timeout,  # of each read; the whole is held by `_chunks`
            max_retries=0,
            drop_params=True,  # models that do not know a parameter do without it
        )


def _note_usage(chunk: Any, usage: dict[str, int]) -> None:
    found = getattr(chunk, "usage", None)
    if found is not None:
        usage["prompt_tokens"] = int(found.prompt_tokens or 0)
        usage["completion_tokens"] = int(found.completion_tokens or 0)


_REASONS = {
    "AuthenticationError": ("auth", "the provider refuses the key", "check QA_API_KEY or the provider's own variable"),
    "PermissionDeniedError": ("auth", "the provider refuses the key for this model", "check the key and the model's name"),
    "NotFoundError": ("not_found", "the provider knows no such model", "check the setting `model`"),
    "RateLimitError": ("rate_limited", "the provider says: too many requests", "try again later"),
    "Timeout": ("timeout", "no answer in time", "raise `llm_timeout` or use a faster model"),
    "ContextWindowExceededError": ("too_long", "the passages do not fit into the model's context", "lower `k`"),
    "APIConnectionError": ("unreachable", "cannot be reached", "check `api_base` and that the server is running"),
    "BadRequestError": ("bad_request", "the provider refuses the request", "check the setting `model`"),
}


def _as_llm_error(error: Exception, model: str) -> LLMError:
    if getattr(error, "status_code", None) == 403:
        reason, message, hint = _REASONS["PermissionDeniedError"]
        return LLMError(reason, f"{model}: {message}", hint)
    for kind in type(error).__mro__:
        if kind.__name__ in _REASONS:
            reason, message, hint = _REASONS[kind.__name__]
            # a refused connection comes as an InternalServerError around an APIConnectionError
            return LLMError(reason, f"{model}: {message}", hint)
    if _has_cause(error, "OpenAIError") and "api_key" in str(error):
        return LLMError("auth", f"{model}: no key is set", "set QA_API_KEY or the provider's own variable")
    if _has_cause(error, "APIConnectionError", "ConnectError"):
        reason, message, hint = _REASONS["APIConnectionError"]
        return LLMError(reason, f"{model}: {message}", hint)
    return LLMError("failed", f"{model}: the provider failed ({type(error).__name__})", "try again later")


def _has_cause(error: BaseException | None, *names: str) -> bool:
    seen = 0
    while error is not None and seen < 10:
        if type(error).__name__ in names:
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _litellm() -> ModuleType:
    # Before the import: without these it asks the network for a price list and loads any .env file it finds.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")
    os.environ.setdefault("LITELLM_LOCAL_BLOG_POSTS", "True")
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    warnings.filterwarnings("ignore", message=".*ReadOnly", category=UserWarning)  # pydantic on litellm's types
    import httpx  # on first use: the import of litellm, which brings httpx, takes seconds
    import litellm

    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.callbacks, litellm.success_callback, litellm.failure_callback = [], [], []
    # A redirect would carry the question and the passages to another host. No connection is kept for later, so that
    # ending one call can never end another.
    litellm.client_session = httpx.Client(follow_redirects=False, limits=httpx.Limits(max_keepalive_connections=0))
    return litellm
