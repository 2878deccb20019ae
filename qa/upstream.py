"""Which model is asked how often: one deadline for an answer, few calls, other models, and a rest for what keeps failing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing

from index.clock import Clock
from qa.config import Settings
from qa.errors import LLMError
from qa.llm import stream_reply
from qa.outcome import Call
from qa.slots import Slots

Messages = Sequence[Mapping[str, str]]

_POLL = 0.25  # seconds after which it is looked at again whether the asker is still there
_PAUSE = (0.2, 0.6)  # seconds before a second try, by chance, so that many who failed at once do not return at once
_LEAST_LEFT = 1.0  # seconds; with less before the deadline nothing is asked
# What may be gone a moment later; a refused key or request is the same the second time.
_PASSING = frozenset(("rate_limited", "unreachable", "failed"))
_FAULTS = _PASSING | {"timeout", "bad_reply"}


class Budget:
    """What one answer may spend: `calls` until `seconds` from now, and no more once the asker is gone."""

    def __init__(self, seconds: float, calls: int, is_gone: Callable[[], bool] = lambda: False) -> None:
        self.deadline = time.monotonic() + seconds
        self.calls_left = calls
        self.calls_made = 0
        self._is_gone = is_gone

    @property
    def seconds_left(self) -> float:
        """Seconds before the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def has_call(self) -> bool:
        """Whether a call may begin: the first always, another while it has time to say something."""
        return self.calls_left > 0 and (self.calls_made == 0 or self.seconds_left > _LEAST_LEFT)

    def can_spare(self, share: float) -> bool:
        """Say whether a call may take a share of the time and leave another call enough of it."""
        return self.calls_left > 1 and (1 - share) * self.seconds_left > _LEAST_LEFT

    def take_call(self) -> None:
        """Count a call that begins."""
        self.calls_left -= 1
        self.calls_made += 1

    def check_asker(self) -> None:
        """Raise LLMError "gone" when nobody waits for the answer any more."""
        if self._is_gone():
            raise LLMError("gone", "the asker has left")

    def sleep(self, seconds: float) -> None:
        """Wait, but not for an asker who has left."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check_asker()
            time.sleep(min(_POLL, left))


class Breaker:
    """Leaves a model alone for `rest` seconds after `limit` failures within `window` seconds. Shared by all threads."""

    def __init__(self, limit: int = 5, window: float = 30.0, rest: float = 15.0) -> None:
        self._limit, self._window, self._rest = limit, window, rest
        self._failures: dict[str, list[float]] = {}
        self._open_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, model: str) -> None:
        """Raise LLMError "resting" while the model is left alone."""
        if time.monotonic() < self._open_until.get(model, 0.0):
            raise LLMError("resting", f"{model}: failed again and again, and is left alone for a moment", "try again later")

    def note(self, model: str, *, failed: bool) -> None:
        """Take down how a call ended."""
        now = time.monotonic()
        with self._lock:
            recent = [when for when in self._failures.get(model, []) if when > now - self._window] if failed else []
            self._failures[model] = [*recent, now] if failed else []
            if len(self._failures[model]) >= self._limit:
                self._open_until[model] = now + self._rest
                self._failures[model] = []


class Upstream:
    """The calls for one answer. `model` is the one that answered last; `usage` adds up what all of them took.

    calls: each by itself. clock: times the step llm, once a call.
    """

    def __init__(self, settings: Settings, breaker: Breaker, slots: Slots, budget: Budget, model: str, clock: Clock) -> None:
        self.budget = budget
        self.model = model
        self.usage: dict[str, float] = {}
        self.calls: list[Call] = []
        self.said_all = False  # set it when the last words were read: the usage may still be on its way
        self._settings = settings
        self._breaker = breaker
        self._slots = slots
        self._clock = clock
        self._passed: set[str] = set()

    def stream(self, messages: Messages) -> Generator[str, None, None]:
        """Yield a reply as it comes, from the first model that gives one.

        Another is asked only before the first word. Raises the LLMError of the last one asked.
        """
        failure = LLMError("calls", "no call to the model was left for this")
        for model, pause in self._turns():
            if not self.budget.has_call or not self._may_pause(failure, pause):
                break
            begun = False
            try:
                for chunk in self._call(messages, model):
                    begun = True
                    yield chunk
                return
            except LLMError as error:
                failure = error
                if begun or not self._helps(error):
                    break
        raise failure

    def pass_over(self) -> bool:
        """Leave aside the model whose reply was of no use; say whether another may be asked."""
        self._passed.add(self.model)
        left = [model for model in self._settings.fallbacks if model not in self._passed]
        if not left or not self.budget.has_call:
            return False
        self.model = left[0]
        return True

    def text(self, messages: Messages) -> str:
        """Return a whole reply."""
        with closing(self.stream(messages)) as chunks:
            return "".join(chunks)

    def aside(self, messages: Messages, share: float) -> str:
        """Return a whole reply to something that the answer can do without: one try, of this model, in a share of the time.

        Raises the LLMError when it fails.
        """
        deadline = time.monotonic() + share * self.budget.seconds_left
        with closing(self._call(messages, self.model, deadline)) as chunks:
            return "".join(chunks)

    def _turns(self) -> Iterator[tuple[str, bool]]:
        """Yield the models in turn, and the only one twice; with whether to pause before it."""
        others = (model for model in self._settings.fallbacks if model not in self._passed)
        models = list(dict.fromkeys((self.model, *others)))
        for model in models:
            yield model, False
        if len(models) == 1:
            yield models[0], True

    def _helps(self, failure: LLMError) -> bool:
        """Say whether to go on: another model may do what this one does not; the same only what failed in passing."""
        return (bool(self._settings.fallbacks) and failure.reason != "gone") or failure.reason in _PASSING

    def _may_pause(self, failure: LLMError, pause: bool) -> bool:
        """Wait before the same model is asked again; False when it wants to be left alone for longer than there is."""
        if not pause:
            return True
        seconds = max(failure.retry_after, random.uniform(*_PAUSE))  # noqa: S311  # no secret
        if seconds > self.budget.seconds_left - _LEAST_LEFT:
            return False
        self.budget.sleep(seconds)
        return True

    def _call(self, messages: Messages, model: str, deadline: float | None = None) -> Generator[str, None, None]:
        self._breaker.check(model)
        self.budget.check_asker()
        until = self.budget.deadline if deadline is None else deadline
        with self._slots.one(until, self.budget.check_asker), self._clock.step("llm"):
            yield from self._call_now(messages, model, until)

    def _call_now(self, messages: Messages, model: str, until: float) -> Generator[str, None, None]:
        self.budget.take_call()
        self.model = model
        reply = stream_reply(messages, model, self._settings, until, self.budget.check_asker)
        result = "closed"
        try:
            yield from reply.chunks
            self._breaker.note(model, failed=False)
            result = "ok"
        except LLMError as error:
            result = error.reason
            if error.reason in _FAULTS:
                self._breaker.note(model, failed=True)
            raise
        finally:
            if self.said_all:
                reply.await_usage()
            reply.chunks.close()
            self._add(reply.usage)
            self.calls.append(_call(model, "ok" if self.said_all else result, reply.usage))

    def _add(self, usage: Mapping[str, float]) -> None:
        self.usage["calls"] = self.budget.calls_made
        for name, value in usage.items():
            self.usage[name] = round(self.usage.get(name, 0) + value, 8)


def _call(model: str, result: str, usage: Mapping[str, float]) -> Call:
    prompt, completion = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
    return Call(model, result, prompt, completion, usage.get("cost_usd", 0.0))
