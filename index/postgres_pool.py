"""The connections of a process to one PostgreSQL database."""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from index.errors import IndexUnavailable
from index.postgres import SCHEMA, Session, psycopg_module

_IDLE = 8  # connections kept open while nobody uses them
_CONNECT_SECONDS = 10
# When a machine or the way to it is lost, unless the address says otherwise: by default TCP notices after two hours.
_NOTICED = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}


class Postgres:
    """The connections to one database, lent to one thread at a time. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.place = _without_password(url)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        weakref.finalize(self, _close_all, self._idle)
        # two processes on one connection would read each other's answers
        os.register_at_fork(before=partial(_drop_idle_of, weakref.ref(self)))

    @contextmanager
    def lend(self, *, patient: bool = False) -> Iterator[Session]:
        """Lend a connection until the block ends; one whose block failed is closed. Raises IndexUnavailable.

        patient: its statements may take as long as they take; of others a server that hangs is given up.
        """
        session = self._free() or self._connect()
        session.patient = patient
        try:
            yield session
        except BaseException as error:
            session.close()
            if isinstance(error, IndexUnavailable):
                self.drop_idle()
            raise
        session.worked_at = time.monotonic()
        with self._lock:
            if len(self._idle) < _IDLE:
                self._idle.append(session)
                return
        session.close()

    def drop_idle(self) -> None:
        """Close what is idle: where one connection failed the others, which may look alive, likely do."""
        with self._lock:
            idle, self._idle[:] = self._idle[:], []
        _close_all(idle)

    def _free(self) -> Session | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                session = self._idle.pop()
            if session.is_alive():
                return session
            session.close()

    def _connect(self) -> Session:
        psycopg = psycopg_module()
        if not self.place:
            raise _not_understood()
        name = f"process {os.getpid()} on {socket.gethostname()} (qa)"
        ours = {"connect_timeout": _CONNECT_SECONDS, "application_name": name}
        try:
            connection = psycopg.connect(
                **(_NOTICED | psycopg.conninfo.conninfo_to_dict(self._url) | ours),
                autocommit=True,
                prepare_threshold=None,
            )
            connection.execute(f"SET search_path = {SCHEMA}")
            connection.execute("SET client_encoding = 'UTF8'")
            # a snapshot is held while Milvus or an LLM works
            connection.execute("SET idle_in_transaction_session_timeout = 0")
        except psycopg.OperationalError as error:
            why = (str(error).strip().splitlines() or [""])[0]  # names the host, the user or the database, no password
            raise IndexUnavailable(f"{self.place}: {why}", "see that PostgreSQL runs and `catalog_url` is right") from error
        except psycopg.ProgrammingError as error:  # which may repeat the address, password and all
            raise _not_understood() from error
        return Session(connection, self.place)


def _drop_idle_of(postgres: weakref.ref[Postgres]) -> None:
    found = postgres()
    if found is not None:
        found.drop_idle()


def _close_all(idle: list[Session]) -> None:
    for session in idle:
        session.close()


def _not_understood() -> IndexUnavailable:
    how = "write it as postgresql://user:password@host/name, with %40 for @ and %2F for / in the password"
    return IndexUnavailable("`catalog_url` cannot be understood", how)


def _without_password(url: str) -> str:
    """Return what may be shown of an address: no user, no password. "" where it may be read otherwise than was meant.

    A password with "@", "/", "?" or "#" in it has to be percent-encoded; left as it is, a part of it passes for the host.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # "[" in a password, or a character that stands for ":"; the message repeats what it stumbles over
        return ""
    if not parts.scheme.startswith("postgres"):
        return "the catalog"  # "host=… dbname=…" may hold a password anywhere
    beside = f"{parts.path}{parts.query}{parts.fragment}"
    if parts.netloc.count("@") > 1 or "@" in beside or parts.fragment:
        return ""
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
