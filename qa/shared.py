"""What all processes know together that answer for one index: those of one server, or of servers on several machines.

It is counts of requests, which messages of chat tools have come, how far indexing is, and what forms are signed with where
there are no keys; nothing that is of use for long. The processes of one server have a folder for it, which begins and ends
with the server and is its user's alone; servers on several machines have tables in PostgreSQL.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from index.errors import IndexUnavailable
from qa.kept_secret import SECRET_BYTES
from qa.tables import Schema, Table, Tables, TablesFile

SERVER = Schema(
    "server",
    1,
    (
        Table("counts", "key TEXT NOT NULL, count INTEGER NOT NULL, expires REAL NOT NULL", key="key"),
        Table("seen", "key TEXT NOT NULL, at REAL NOT NULL", key="key"),
        Table("job", "turn INTEGER NOT NULL, state TEXT NOT NULL", key="turn"),
    ),
    indexes=(("counts", "expires"), ("seen", "at")),
    durable=False,
)
FORMS = Schema("forms", 1, (Table("form_secrets", "name TEXT NOT NULL, value BLOB NOT NULL", key="name"),))
_SEEN_SECONDS = 3600.0  # Slack sends an event again for a few minutes


class Shared:
    """The folder of one server's processes, for one of them. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = metrics_folder(folder)
        self.tables = TablesFile(folder / "server.db", SERVER, keep_open=True)

    @cached_property
    def secret(self) -> bytes:
        """What forms are signed with where nothing can be kept in the data directory."""
        return (self.folder / "secret").read_bytes()


def prepare_shared(folder: Path) -> None:
    """Put into an empty folder what its processes expect there. Raises IndexUnavailable."""
    metrics_folder(folder).mkdir()
    (folder / "secret").write_bytes(secrets.token_bytes(SECRET_BYTES))
    with TablesFile(folder / "server.db", SERVER).connected():
        pass


def metrics_folder(folder: Path) -> Path:
    """Return where the processes put their numbers (PROMETHEUS_MULTIPROC_DIR)."""
    return folder / "metrics"


class SharedSeen:
    """Which keys have come to any of them. Threads may share it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, key: str, _: bool = True, /) -> bool:
        """Keep a key; says whether it is new. A disk that takes no note makes every key new."""
        with suppress(IndexUnavailable), self._tables.connected() as db:
            db.run("DELETE FROM seen WHERE at < ?", (time.time() - _SEEN_SECONDS,))
            return db.run("INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", (key, time.time())) > 0
        return True

    def forget(self, key: str) -> None:
        """Drop a key."""
        with suppress(IndexUnavailable), self._tables.connected() as db:
            db.run("DELETE FROM seen WHERE key = ?", (key,))


class SharedSecret:
    """Random bytes that all of them sign forms with."""

    def __init__(self, tables: Tables) -> None:
        """tables: of FORMS."""
        self._tables = tables

    def value(self) -> bytes:
        """Return the bytes, made when they are first asked for. Raises IndexUnavailable."""
        with self._tables.connected() as db:
            made = secrets.token_bytes(SECRET_BYTES)
            db.run("INSERT INTO form_secrets VALUES (?, ?) ON CONFLICT DO NOTHING", ("forms", made))
            ((kept,),) = db.rows("SELECT value FROM form_secrets")
        return bytes(kept)
