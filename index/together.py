"""Work that several threads ask for at the same time, done in one batch: nobody waits for others to come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Got = TypeVar("Got")


class Together(Generic[Asked, Got]):
    """Runs what has been asked for while the batch before was running. run: returns as many results as it is given.

    What a batch raises is raised to all who are in it.
    """

    def __init__(self, run: Callable[[Sequence[Asked]], Sequence[Got]]) -> None:
        self._run = run
        self._waiting: list[tuple[Asked, Future[Got]]] = []
        self._waits = threading.Lock()
        self._runs = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many have asked for what has not begun."""
        return len(self._waiting)

    def ask(self, asked: Asked) -> Got:
        """Return the result for one."""
        future: Future[Got] = Future()
        with self._waits:
            self._waiting.append((asked, future))
        with self._runs:  # whoever comes next runs all that wait, its own among them unless the one before has done it
            if not future.done():
                self._run_waiting()
        return future.result()

    def _run_waiting(self) -> None:
        with self._waits:
            batch, self._waiting = self._waiting, []
        try:
            for (_, future), result in zip(batch, self._run([asked for asked, _ in batch]), strict=True):
                future.set_result(result)
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
