"""Counts of requests that the processes of one server share: a storage of the library `limits`, in SQLite.

The window slides as that library's own storages let it: what counts is the current minute, and of the one before as much as
still lies within 60 seconds, taken to be spread evenly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import floor
from pathlib import Path
from urllib.parse import urlsplit

from limits.storage import SlidingWindowCounterSupport, Storage
from limits.storage.base import TimestampedSlidingWindow

from index.errors import CitableError, IndexUnavailable
from index.sqlite import Database

SCHEME = "workers"


class SharedStorage(Storage, SlidingWindowCounterSupport, TimestampedSlidingWindow):
    """Counts by key, each with the time when it is of no more use. One connection, which threads take in turn."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  # as the library declares it

    def __init__(self, uri: str = "", wrap_exceptions: bool = False, **_: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._path = Path(urlsplit(uri).path)
        self._lock = threading.Lock()
        self._db: Database | None = None

    @property
    def base_exceptions(self) -> type[Exception]:
        """What goes wrong here."""
        return CitableError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request unless it is one too many; says whether it is not. A full disk keeps nobody out."""
        try:
            with self._turn() as db:
                now = time.time()
                before, current = self.sliding_window_keys(key, expiry, now)
                weighted = _count(db, before, now) * _left_of_before(expiry, now) + _count(db, current, now)
                if floor(weighted) + amount > limit:
                    return False
                _add(db, current, amount, now, 2 * expiry)
        except IndexUnavailable:
            pass
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return count and seconds to live of the window before and of the current one."""
        now = time.time()
        before, current = self.sliding_window_keys(key, expiry, now)
        with self._turn() as db:
            counts = _count(db, before, now), _count(db, current, now)
        left = (1 - now / expiry % 1) * expiry
        return counts[0], (left if counts[0] else 0.0), counts[1], left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget both windows of a key."""
        for one in self.sliding_window_keys(key, expiry, time.time()):
            self.clear(one)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a count, and return it."""
        with self._turn() as db:
            _add(db, key, amount, time.time(), expiry)
            return _count(db, key, time.time())

    def get(self, key: str) -> int:
        """Return a count."""
        with self._turn() as db:
            return _count(db, key, time.time())

    def get_expiry(self, key: str) -> float:
        """Return when a count will be of no more use, in seconds since 1970; now where there is none."""
        with self._turn() as db:
            row = db.row("SELECT expires FROM counts WHERE key = ?", (key,))
        return float(row[0]) if row else time.time()

    def check(self) -> bool:
        """Say whether it can be counted."""
        with self._turn() as db:
            return db.row("SELECT count(*) FROM counts") is not None

    def reset(self) -> int | None:
        """Forget all, and return how much that was."""
        with self._turn() as db:
            return db.run("DELETE FROM counts")

    def clear(self, key: str) -> None:
        """Forget a count."""
        with self._turn() as db:
            db.run("DELETE FROM counts WHERE key = ?", (key,))

    @contextmanager
    def _turn(self) -> Iterator[Database]:
        with self._lock:
            if self._db is None:
                self._db = Database(self._path, durable=False)
            with self._db.transaction():
                yield self._db


def _left_of_before(expiry: int, now: float) -> float:
    """Return the share of the window before that still lies within so many seconds."""
    return 1 - now / expiry % 1


def _count(db: Database, key: str, now: float) -> int:
    row = db.row("SELECT count FROM counts WHERE key = ? AND expires > ?", (key, now))
    return int(row[0]) if row else 0


def _add(db: Database, key: str, amount: int, now: float, seconds: float) -> None:
    if not db.run("UPDATE counts SET count = count + ? WHERE key = ? AND expires > ?", (amount, key, now)):
        db.run("DELETE FROM counts WHERE expires <= ?", (now,))
        db.run("INSERT INTO counts VALUES (?, ?, ?)", (key, amount, now + seconds))
