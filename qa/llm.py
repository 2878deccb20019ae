"""Messages → the LLM's reply as it arrives. The only module that knows litellm."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any

from qa.config import Settings
from qa.errors import LLMError

_USAGE_SECONDS = 1.0
_POLL = 0.25  # seconds after which it is looked at again whether the asker is still there
_MAX_CHARACTERS = 32_000  # of one reply; more is no answer
_MAX_CHUNKS = 20_000  # the same, where a server sends them empty


@dataclass
class Reply:
    """A reply in the making: iterate `chunks`; `usage` is filled in when the model reports it, at its very end."""

    chunks: Generator[str, None, None]
    usage: dict[str, float]
    ended: threading.Event

    def await_usage(self) -> None:
        """Wait a moment for the end of a reply whose last words have been read."""
        self.ended.wait(_USAGE_SECONDS)


def stream_reply(
    messages: Sequence[Mapping[str, str]],
    model: str,
    settings: Settings,
    deadline: float,
    check_asker: Callable[[], None] = lambda: None,
) -> Reply:
    """Ask the model. Closing `chunks` closes the connection, and so does the deadline (by time.monotonic).

    check_asker: called several times a second; what it raises ends the call.
    Raises LLMError while iterating, whatever goes wrong; its message names no key and quotes no upstream text.
    """
    call = _Call(messages, model, settings, deadline)
    return Reply(_chunks(call, model, check_asker), call.usage, call.ended)


def _chunks(call: _Call, model: str, check_asker: Callable[[], None]) -> Generator[str, None, None]:
    """Yield the reply's text. A thread of its own reads it, for litellm may wait for ever on a server that only drips."""
    threading.Thread(target=call.run, daemon=True).start()
    total = 0
    try:
        while (item := _next(call, model, check_asker)) is not None:
            total += len(item)
            if total > _MAX_CHARACTERS:
                raise LLMError("too_long", f"{model}: the reply is longer than {_MAX_CHARACTERS} characters")
            yield item
    finally:
        call.close()
        _note_cost(model, call.usage)


def _next(call: _Call, model: str, check_asker: Callable[[], None]) -> str | None:
    while True:
        check_asker()
        left = call.deadline - time.monotonic()
        if left <= 0:
            raise LLMError("timeout", f"{model}: no whole answer in time", "raise `llm_timeout` or use a faster model")
        try:
            item = call.arrived.get(timeout=min(_POLL, left))
        except queue.Empty:
            continue
        if isinstance(item, LLMError):
            raise item
        return item


class _Call:
    """One request to the model, read by a thread; `close` ends it from another."""

    def __init__(self, messages: Sequence[Mapping[str, str]], model: str, settings: Settings, deadline: float) -> None:
        self.arrived: queue.Queue[str | LLMError | None] = queue.Queue()
        self.deadline = deadline
        self.usage: dict[str, float] = {}
        self.ended = threading.Event()
        self._messages = [dict(message) for message in messages]
        self._model = model
        self._settings = settings
        self._response: Any = None
        self._streams: list[Any] = []  # the connections that were opened for this call
        self._closed = False

    def run(self) -> None:
        """Put every piece of text into the queue, then None; or the error."""
        _running.call = self
        try:
            self._response = self._ask()
            if self._closed:  # while it waited for the first byte
                self._shut()
            self._read()
            self.arrived.put(None)
        except Exception as error:  # litellm raises dozens of unrelated classes; all mean the same to us
            self.arrived.put(_as_llm_error(error, self._model))
        finally:
            self.ended.set()

    def _read(self) -> None:
        for count, chunk in enumerate(self._response):
            _note_usage(chunk, self.usage)
            choice = chunk.choices[0] if chunk.choices else None
            text = choice.delta.content if choice else None
            if text:
                self.arrived.put(text)
            if choice and choice.finish_reason in _CUT_SHORT:
                reason, message, hint = _CUT_SHORT[choice.finish_reason]
                raise LLMError(reason, f"{self._model}: {message}", hint)
            if count > _MAX_CHUNKS:
                raise LLMError("too_long", f"{self._model}: the reply does not end")

    def note_stream(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep hold of a connection when it is opened (httpx's trace extension)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.append(info["return_value"])
            if self._closed:
                self._shut()

    def close(self) -> None:
        """Close the connection at once, if the reply is still coming; a read that waits on it returns."""
        self._closed = True
        if not self.ended.is_set():
            self._shut()

    def _shut(self) -> None:
        stream = getattr(self._response, "completion_stream", None)
        response: Any = getattr(stream, "response", stream)
        with contextlib.suppress(Exception):  # whatever is closed already, or of another make
            self._streams.append(response.extensions["network_stream"])
        for one in self._streams:
            with contextlib.suppress(Exception):
                one.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
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
            timeout=max(0.1, self.deadline - time.monotonic()),  # of each read; the whole is held by `_chunks`
            max_retries=0,
            drop_params=True,  # models that do not know a parameter do without it
        )


_running = threading.local()  # .call: the _Call whose thread this is


def _trace(request: Any) -> None:
    """Let the call of this thread know of the connections that a request opens, so that it can end them."""
    call = getattr(_running, "call", None)
    if call is not None:
        request.extensions = {**request.extensions, "trace": call.note_stream}


def context_window(model: str) -> int:
    """Return how many tokens a model reads, as litellm's list says; 0 when it is not in it."""
    with contextlib.suppress(Exception):  # a model that litellm does not know
        return int(_litellm().get_model_info(model)["max_input_tokens"] or 0)
    return 0


def _note_cost(model: str, usage: dict[str, float]) -> None:
    """Add what the tokens cost, in US dollars, where litellm's list has a price."""
    if not usage:
        return
    with contextlib.suppress(Exception):  # a model of one's own has no price
        tokens = {name: int(usage[name]) for name in ("prompt_tokens", "completion_tokens")}
        cost = sum(_litellm().cost_per_token(model=model, **tokens))
        if cost > 0:
            usage["cost_usd"] = round(cost, 8)


def _note_usage(chunk: Any, usage: dict[str, float]) -> None:
    found = getattr(chunk, "usage", None)
    if found is not None:
        usage["prompt_tokens"] = int(found.prompt_tokens or 0)
        usage["completion_tokens"] = int(found.completion_tokens or 0)


_CUT_SHORT = {
    "content_filter": ("refused", "the provider's content filter stopped the answer", "ask in other words"),
    "length": ("length", "the reply was cut off at its longest", "raise `max_tokens`"),
}
_REASONS = {
    "AuthenticationError": ("auth", "the provider refuses the key", "check QA_API_KEY or the provider's own variable"),
    "PermissionDeniedError": ("auth", "the provider refuses the key for this model", "check the key and the model's name"),
    "NotFoundError": ("not_found", "the provider knows no such model", "check the setting `model`"),
    "RateLimitError": ("rate_limited", "the provider says: too many requests", "try again later"),
    "Timeout": ("timeout", "no answer in time", "raise `llm_timeout` or use a faster model"),
    "ContextWindowExceededError": ("context", "the passages do not fit into the model's context", "lower `k`"),
    "APIConnectionError": ("unreachable", "cannot be reached", "check `api_base` and that the server is running"),
    "ContentPolicyViolationError": ("refused", "the provider's content filter refuses this", "ask in other words"),
    "BadRequestError": ("bad_request", "the provider refuses the request", "check the setting `model`"),
}


_CODES = {
    "context_length_exceeded": "ContextWindowExceededError",
    "content_filter": "ContentPolicyViolationError",
    "content_policy_violation": "ContentPolicyViolationError",
}


def _as_llm_error(error: Exception, model: str) -> LLMError:
    if isinstance(error, LLMError):
        return error
    found = _classify(error, model)
    found.retry_after = _retry_after(error)
    return found


def _retry_after(error: Exception) -> float:
    """Return the seconds that a provider asks to wait, 0 when it does not say."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    if milliseconds := _number(headers.get("retry-after-ms")):
        return milliseconds / 1000
    text = str(headers.get("retry-after", ""))
    with contextlib.suppress(ValueError, OverflowError):  # neither a number nor a date
        return _number(text) or max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0


def _number(text: object) -> float:
    return float(str(text)) if str(text).isascii() and str(text).replace(".", "", 1).isdigit() else 0.0


def _classify(error: Exception, model: str) -> LLMError:
    if getattr(error, "status_code", None) == 403:
        reason, message, hint = _REASONS["PermissionDeniedError"]
        return LLMError(reason, f"{model}: {message}", hint)
    coded = [_CODES[code] for code in _codes(error) if code in _CODES]
    for name in (*coded, *(kind.__name__ for kind in type(error).__mro__)):
        if name in _REASONS:
            reason, message, hint = _REASONS[name]
            # a refused connection comes as an InternalServerError around an APIConnectionError
            return LLMError(reason, f"{model}: {message}", hint)
    if _has_cause(error, "OpenAIError") and "api_key" in str(error):
        return LLMError("auth", f"{model}: no key is set", "set QA_API_KEY or the provider's own variable")
    if _has_cause(error, "APIConnectionError", "ConnectError"):
        reason, message, hint = _REASONS["APIConnectionError"]
        return LLMError(reason, f"{model}: {message}", hint)
    return LLMError("failed", f"{model}: the provider failed ({type(error).__name__})", "try again later")


def _has_cause(error: BaseException, *names: str) -> bool:
    return any(type(one).__name__ in names for one in _causes(error))


def _codes(error: BaseException) -> list[str]:
    """Return the codes of OpenAI's protocol in an error and what caused it: litellm goes by the messages alone."""
    return [code for one in _causes(error) if isinstance(code := getattr(one, "code", None), str)]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


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
    if not isinstance(litellm.client_session, httpx.Client):
        litellm.client_session = httpx.Client(
            follow_redirects=False, limits=httpx.Limits(max_keepalive_connections=0), event_hooks={"request": [_trace]}
        )
    return litellm
