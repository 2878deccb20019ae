"""How many calls to an LLM go on at once, over all questions: what a provider, or one's own machine, can take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qa.errors import LLMError

_POLL = 0.25  # seconds after which it is looked at again whether the asker is still there


class Slots:
    """So many calls at once; the next waits for one to end. Shared by all threads."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def one(self, deadline: float, check: Callable[[], None]) -> Iterator[None]:
        """Hold a slot. deadline: of the monotonic clock; check: raises when nobody waits for the call any more.

        Raises LLMError "busy" when none is free before half of the time that is left is over: the other half is the call's.
        """
        until = time.monotonic() + (deadline - time.monotonic()) / 2
        while not self._free.acquire(timeout=min(_POLL, max(0.0, until - time.monotonic()))):
            check()
            if time.monotonic() >= until:
                raise LLMError("busy", "too many questions are with the model at the moment", "try again in a moment")
        try:
            yield
        finally:
            self._free.release()
