"""PostgreSQL: statements, transactions and locks, with its errors said for people. The only module that imports psycopg."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from index.errors import CitableError, IndexLocked, IndexUnavailable, MissingExtra
from index.statement_watch import StatementWatch

SCHEMA = "citable_qa"
Row = tuple[Any, ...]

_ANSWER_SECONDS = 10.0  # after which an idle connection is given up
_STATEMENT_SECONDS = 30.0  # after which a statement is given up, unless who asks is patient
_FRESH_SECONDS = 1.0  # in which a connection that answered is not asked whether it still does
_LOCKS = 0x51_41  # the first of the two numbers of every advisory lock; the second is a generation, or one of these
_WRITER, _MAKER, INDEXING = 2**31 - 1, 2**31 - 2, 2**31 - 3
_PAUSE_SECONDS = 0.05
_WATCH = StatementWatch()


class Session:
    """One connection. Everything raises IndexUnavailable when the server is away, busy or full."""

    def __init__(self, connection: Any, place: str) -> None:
        self._connection = connection
        self._place = place
        self.worked_at = time.monotonic()
        self.patient = False

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query; values are bound to %s."""
        with self._asking():
            found: list[Row] = self._connection.execute(sql, _storable(values)).fetchall()
            return found

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        return next(iter(self.rows(sql, values)), None)

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Carry out a statement; returns how many rows it changed."""
        with self._asking():
            return int(self._connection.execute(sql, _storable(values)).rowcount)

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Carry out a statement for each row of values."""
        with self._asking(), self._connection.cursor() as cursor:
            cursor.executemany(sql, map(_storable, rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is done inside visible together, or not at all."""
        with _said(self._place), self._connection.transaction():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one state of the database still, for reading."""
        with self.transaction():
            self.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    @contextmanager
    def making(self) -> Iterator[None]:
        """Make tables in a transaction, while nobody else makes any; the schema is there."""
        with self.transaction():
            self.run("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCKS, _MAKER))
            if self.row("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)) is None:  # which takes a right
                self.run(f"CREATE SCHEMA {SCHEMA}")
            yield

    @contextmanager
    def reading(self, generation: int) -> Iterator[None]:
        """Tell writers that somebody reads a generation; the server forgets it with the connection."""
        self.run("SELECT pg_advisory_lock_shared(%s, %s)", (_LOCKS, generation))
        try:
            yield
        finally:
            with suppress(IndexUnavailable):
                self.run("SELECT pg_advisory_unlock_shared(%s, %s)", (_LOCKS, generation))

    def count_readers_before(self, generation: int) -> int:
        """Count those who read a generation older than this one."""
        row = self.row(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND classid = %s "
            "AND objid::bigint < %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (_LOCKS, generation),
        )
        return int(row[0]) if row else 0

    @contextmanager
    def writer_lock(self, wait: float) -> Iterator[None]:
        """Be the one writer of the database. wait: seconds to try. Raises IndexLocked."""
        deadline = time.monotonic() + wait
        while not self.lock(_WRITER):
            if time.monotonic() > deadline:
                raise IndexLocked(f"{self._place}: {self._holder()} is writing", "wait for it to end, then try again")
            time.sleep(_PAUSE_SECONDS)
        try:
            yield
        finally:
            with suppress(IndexUnavailable):
                self.unlock(_WRITER)

    def lock(self, number: int) -> bool:
        """Take a lock that only one connection has, and that ends with it; False where another one has it."""
        return bool(self.rows("SELECT pg_try_advisory_lock(%s, %s)", (_LOCKS, number))[0][0])

    def unlock(self, number: int) -> None:
        """Give a lock back."""
        self.run("SELECT pg_advisory_unlock(%s, %s)", (_LOCKS, number))

    def is_locked(self, number: int) -> bool:
        """Say whether any connection to this database has a lock."""
        row = self.row(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid::bigint = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (_LOCKS, number),
        )
        return row is not None

    def _holder(self) -> str:
        row = self.row(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objid::bigint = %s AND l.granted",
            (_LOCKS, _WRITER),
        )
        return str(row[0]) if row and row[0] else "another process"

    def is_alive(self) -> bool:
        """Say whether the server still answers, and in time; one that did a moment ago is asked nothing."""
        if self._connection.closed:
            return False
        if time.monotonic() - self.worked_at < _FRESH_SECONDS:
            return not _has_sent(self._connection.fileno())  # a farewell: nothing else comes unasked
        try:
            with _WATCH.limit(self._connection.fileno(), _ANSWER_SECONDS):
                return self.row("SELECT 1") is not None
        except CitableError:
            return False

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with _said(self._place):
            if self.patient or self._connection.closed:
                yield
                return
            with _WATCH.limit(self._connection.fileno(), _STATEMENT_SECONDS):
                yield

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _has_sent(number: int) -> bool:
    watched = select.poll()  # select() ends at file number 1023
    watched.register(number, select.POLLIN)
    return bool(watched.poll(0))


def without_nul(text: str) -> str:
    """Return a text without the one character that PostgreSQL cannot keep; no offset changes."""
    return text.replace("\0", "\ufffd")


def _storable(values: Sequence[object]) -> list[object]:
    """Return values as PostgreSQL can keep them; what it is asked for is changed as what it keeps was."""
    return [_storable_one(one) for one in values]


def _storable_one(value: object) -> object:
    if isinstance(value, str):
        return without_nul(value)
    return _storable(value) if isinstance(value, list) else value


def psycopg_module() -> Any:
    """Import psycopg when it is first needed: it is part of an extra."""
    try:
        return import_module("psycopg")
    except ImportError as error:
        raise MissingExtra("PostgreSQL needs the package psycopg", "install it: pip install 'citable-qa[milvus]'") from error


@contextmanager
def _said(place: str) -> Iterator[None]:
    """Say for people what the server or the way to it refuses. Its own message may hold values: it is not passed on."""
    psycopg = psycopg_module()
    try:
        yield
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.InternalError,
        psycopg.DataError,
        psycopg.IntegrityError,  # what a row belongs to went meanwhile
    ) as error:
        raise IndexUnavailable(
            f"{place}: PostgreSQL cannot be used now ({type(error).__name__})", "see that it runs and `catalog_url` is right"
        ) from error
    except psycopg.ProgrammingError as error:
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise IndexUnavailable(f"{place}: this user may not do that", "grant it CREATE on the database") from error
        raise
