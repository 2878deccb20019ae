"""Gives up on statements that a database does not answer: a server that was stopped holds its connections open for ever."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LOOKS_EVERY = 0.5  # seconds


class StatementWatch:
    """Cuts connections, under whoever waits, when their time is over. One thread; safe to share between threads."""

    def __init__(self) -> None:
        self.begin_anew()
        os.register_at_fork(after_in_child=self.begin_anew)

    def begin_anew(self) -> None:
        """Watch nothing yet: a child has no thread that does."""
        self._due: dict[object, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, number: int, seconds: float) -> Iterator[None]:
        """Cut the connection whose socket has this number unless the block ends within so many seconds."""
        entry = object()
        with self._lock:
            self._due[entry] = (time.monotonic() + seconds, number)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_on, daemon=True, name="statements")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:  # or what has the number of this connection next might be cut
                del self._due[entry]

    def _look_on(self) -> None:
        while True:
            time.sleep(_LOOKS_EVERY)
            with self._lock:
                now = time.monotonic()
                for due, number in self._due.values():
                    if due < now:
                        _cut(number)


def _cut(number: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)
