"""What the processes of one server have in common: a folder that begins and ends with the server, of its user alone.

It holds counts of requests, which messages of chat tools have come, how far indexing is, the numbers of each process, and a
secret. Nothing in it is of use to the next server: that goes into the data directory.
"""

from __future__ import annotations

import secrets
import time
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from threading import Lock

from index.errors import IndexUnavailable
from index.sqlite import Database, create_database
from qa.kept_secret import SECRET_BYTES

_SCHEMA = (
    "CREATE TABLE counts (key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX counts_by_expiry ON counts (expires)",
    "CREATE TABLE seen (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX seen_by_time ON seen (at)",
)
_SEEN_SECONDS = 3600.0  # Slack sends an event again for a few minutes


class Shared:
    """The folder, for one process. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = metrics_folder(folder)
        self.counts = folder / "counts.db"

    @cached_property
    def secret(self) -> bytes:
        """What forms are signed with where nothing can be kept in the data directory."""
        return (self.folder / "secret").read_bytes()

    @cached_property
    def seen(self) -> SharedSeen:
        """Which messages of chat tools have come."""
        return SharedSeen(self.counts)


def prepare_shared(folder: Path) -> None:
    """Put into an empty folder what its processes expect there. Raises IndexUnavailable."""
    metrics_folder(folder).mkdir()
    (folder / "secret").write_bytes(secrets.token_bytes(SECRET_BYTES))
    create_database(folder / "counts.db", _SCHEMA)


def metrics_folder(folder: Path) -> Path:
    """Return where the processes put their numbers (PROMETHEUS_MULTIPROC_DIR)."""
    return folder / "metrics"


class SharedSeen:
    """Which keys have come to any process of this server. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def put(self, key: str, _: bool = True, /) -> bool:
        """Keep a key; says whether it is new. A disk that takes no note makes every key new."""
        with suppress(IndexUnavailable), self._lock, closing(Database(self._path, durable=False)) as db, db.transaction():
            db.run("DELETE FROM seen WHERE at < ?", (time.time() - _SEEN_SECONDS,))
            return db.run("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, time.time())) > 0
        return True

    def forget(self, key: str) -> None:
        """Drop a key."""
        with suppress(IndexUnavailable), self._lock, closing(Database(self._path, durable=False)) as db:
            db.run("DELETE FROM seen WHERE key = ?", (key,))
