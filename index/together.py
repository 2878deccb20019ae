"""Work that several threads ask for at the same time, done in one batch: nobody waits for others to come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Got = TypeVar("Got")


class _Ticket(Generic[Asked, Got]):
    """What one thread waits for. turn: set when there is a result, or when it is to run the next batch."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.turn = threading.Event()
        self.result: Future[Got] = Future()


class Together(Generic[Asked, Got]):
    """Runs what has been asked for while the batch before was running. run: returns as many results as it is given.

    Who finds nobody running runs, and then names the first of those who wait. What a batch raises is raised to all in it.
    """

    def __init__(self, run: Callable[[Sequence[Asked]], Sequence[Got]]) -> None:
        self._run = run
        self._waiting: list[_Ticket[Asked, Got]] = []
        self._is_running = False
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many have asked for what has not begun."""
        return len(self._waiting)

    def ask(self, asked: Asked) -> Got:
        """Return the result for one."""
        ticket: _Ticket[Asked, Got] = _Ticket(asked)
        with self._lock:
            self._waiting.append(ticket)
            if not self._is_running:
                self._is_running = True
                ticket.turn.set()
        ticket.turn.wait()
        if not ticket.result.done():
            self._run_waiting()
        return ticket.result.result()

    def _run_waiting(self) -> None:
        batch: list[_Ticket[Asked, Got]] = []
        try:
            with self._lock:
                batch, self._waiting = self._waiting, batch
            results = self._run([ticket.asked for ticket in batch])
            for ticket, result in zip(batch, results, strict=True):
                ticket.result.set_result(result)
        except BaseException as error:
            for ticket in batch:
                if not ticket.result.done():
                    ticket.result.set_exception(error)
        finally:
            for ticket in batch:
                ticket.turn.set()
            with self._lock:
                self._is_running = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].turn.set()
