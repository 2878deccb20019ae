"""Counts of requests that all who answer for one index share: a storage of the library `limits`, in tables.

The window slides as that library's own storages let it: what counts is the current minute, and of the one before as much as
still lies within 60 seconds, taken to be spread evenly.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import floor

from limits.storage import SlidingWindowCounterSupport, Storage
from limits.storage.base import TimestampedSlidingWindow

from index.errors import CitableError, IndexUnavailable
from qa.tables import Connection, Tables

SCHEME = "tables"
_CLEAR_EVERY = _SAID_EVERY = 60.0  # seconds
_LOG = logging.getLogger("qa.web")


class SharedStorage(Storage, SlidingWindowCounterSupport, TimestampedSlidingWindow):
    """Counts by key, each with the time when it is of no more use. Threads may share it."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  # as the library declares it

    def __init__(self, uri: str = "", wrap_exceptions: bool = False, *, tables: Tables) -> None:
        """tables: of SERVER (qa/shared.py)."""
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._tables = tables
        self._cleared = self._said = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What goes wrong here."""
        return CitableError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request unless it is one too many; says whether it is not. A full disk keeps nobody out."""
        now = time.time()
        before, current = self.sliding_window_keys(key, expiry, now)
        try:
            with self._tables.connected() as db:
                self._clear_at_times(db, now)
                with suppress(_OneTooMany), db.transaction():
                    _add(db, current, amount, now, 2 * expiry)  # first, so that others with this key wait
                    weighted = _count(db, before, now) * _left_of_before(expiry, now) + _count(db, current, now)
                    if floor(weighted) > limit:
                        raise _OneTooMany
                    return True
                return False
        except IndexUnavailable as error:
            self._say_at_times(error, now)
            return True

    def _say_at_times(self, error: IndexUnavailable, now: float) -> None:
        if abs(now - self._said) > _SAID_EVERY:
            self._said = now
            _LOG.warning("requests are not counted, so nobody is limited: %s", error)

    def _clear_at_times(self, db: Connection, now: float) -> None:
        """Drop counts of no more use, apart from counting: in one transaction two servers could wait for each other."""
        if abs(now - self._cleared) > _CLEAR_EVERY:
            self._cleared = now
            db.run("DELETE FROM counts WHERE expires <= ?", (now,))

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
    def _turn(self) -> Iterator[Connection]:
        with self._tables.connected() as db, db.transaction():
            yield db


class _OneTooMany(Exception):
    """Takes back what was counted."""


def _left_of_before(expiry: int, now: float) -> float:
    """Return the share of the window before that still lies within so many seconds."""
    return 1 - now / expiry % 1


def _count(db: Connection, key: str, now: float) -> int:
    row = db.row("SELECT count FROM counts WHERE key = ? AND expires > ?", (key, now))
    return int(row[0]) if row else 0


def _add(db: Connection, key: str, amount: int, now: float, seconds: float) -> None:
    """Add to a count, or begin it anew where it is of no more use."""
    db.run(
        "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
        "count = CASE WHEN counts.expires > ? THEN counts.count ELSE 0 END + excluded.count, "
        "expires = CASE WHEN counts.expires > ? THEN counts.expires ELSE excluded.expires END",
        (key, amount, now + seconds, now, now),
    )
