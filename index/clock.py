"""How long each step of one request took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is over. began, ended: nanoseconds since 1970, by a clock that never goes back."""

    name: str
    began: int
    ended: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began) / 1e9


class Clock:
    """Times the steps of one request, in one thread. Those that are noted follow each other; others lie within them."""

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()
        self._began = self._last = self._now()
        self._noted: list[Step] = []
        self._within: list[Step] = []

    @property
    def began(self) -> int:
        """When the request began, in nanoseconds since 1970."""
        return self._began

    @property
    def steps(self) -> list[Step]:
        """Every step that is over."""
        return [*self._noted, *self._within]

    def note(self, name: str) -> None:
        """Set down the time since the last note, or the beginning, as this step's."""
        now = self._now()
        self._noted.append(Step(name, self._last, now))
        self._last = now

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done within; a step that fails counts too."""
        began = self._now()
        try:
            yield
        finally:
            self._within.append(Step(name, began, self._now()))

    def total_ms(self) -> dict[str, int]:
        """Return the time of every step that was noted, and of all, in whole milliseconds."""
        noted = {step.name: round(step.seconds * 1000) for step in self._noted}
        return {**noted, "total": round((self._now() - self._began) / 1e6)}

    def _now(self) -> int:
        return time.monotonic_ns() + self._offset
