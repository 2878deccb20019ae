"""Tables in PostgreSQL, which several machines share, in the place of a file of SQLite.

The same statements go to both. They are written as SQLite reads them; what PostgreSQL calls otherwise is put into its words
here: the marks of values, the names of types, and `rowid`, which tells the order in which rows came.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from index.postgres import Session
from index.postgres_pool import Postgres
from index.sqlite import Row, Value
from qa.tables import Connection, Schema, TablesFile, check_known, columns_of

_LOOKS_EVERY = 0.5  # seconds


class PostgresTables:
    """Tables in PostgreSQL. before: a file whose rows are moved there, so that nothing is lost where an index moves."""

    def __init__(self, postgres: Postgres, schema: Schema, before: TablesFile | None = None) -> None:
        self._postgres, self._schema, self._before = postgres, schema, before
        self._is_made = self._is_up = False
        self._looked = -_LOOKS_EVERY

    def is_made(self) -> bool:
        """Say whether they are there. What others make is seen within half a second."""
        if not self._is_up and self._before and self._before.is_made():
            with self.connected():
                return True
        if not self._is_made and time.monotonic() - self._looked > _LOOKS_EVERY:
            with self._postgres.lend() as session:
                self._is_made = _format_of(session, self._schema) > 0
            self._looked = time.monotonic()
        return self._is_made

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Borrow a connection."""
        with self._postgres.lend() as session:
            if not self._is_up:
                self._bring_up(session)
                self._is_made = self._is_up = True
            yield _Worded(session)

    def scrub(self, connection: Connection) -> None:
        """Leave it to PostgreSQL, which overwrites what was deleted in its own time."""

    def find_damage(self) -> list[str]:
        """Read what is still to be moved: PostgreSQL checks its pages by itself (data_checksums)."""
        return self._before.find_damage() if self._before else []

    def _are_up(self, session: Session) -> bool:
        known = _format_of(session, self._schema)
        check_known(self._postgres.place, known, self._schema)
        return known == self._schema.format

    def _bring_up(self, session: Session) -> None:
        """Make the tables or what is new in them, and move there what a file holds."""
        if not self._are_up(session):  # which takes no right to make anything
            with session.making():
                self._make(session)
        if self._before and self._before.is_made():
            _move(self._before, self._schema, _Worded(session))

    def _make(self, session: Session) -> None:
        session.run("CREATE TABLE IF NOT EXISTS formats (name text PRIMARY KEY, format bigint NOT NULL)")
        if self._are_up(session):  # by somebody else, meanwhile
            return
        for statement in self._schema.create():
            session.run(_in_its_words(statement, durable=self._schema.durable))
        for table in self._schema.tables:
            for name, declared in table.added:
                session.run(f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {name} {_types(declared)}")
        noted = "INSERT INTO formats VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET format = excluded.format"
        session.run(noted, (self._schema.name, self._schema.format))


class _Worded:
    """A connection to PostgreSQL that takes statements as SQLite reads them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        return self._session.rows(_marks(sql), values)

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        return self._session.row(_marks(sql), values)

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        return self._session.run(_marks(sql), values)

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        self._session.run_many(_marks(sql), rows)

    def transaction(self) -> AbstractContextManager[None]:
        return self._session.transaction()

    def snapshot(self) -> AbstractContextManager[None]:
        return self._session.snapshot()


def _move(file: TablesFile, schema: Schema, target: Connection) -> None:
    """Move all rows of a file, in their order. The file stays, empty: of keys it keeps the door shut."""
    with file.connected() as source:
        if not any(source.row(f"SELECT 1 FROM {table.name} LIMIT 1") for table in schema.tables):
            return
        with source.transaction(), target.transaction():
            for table in schema.tables:
                columns = columns_of(source, table)
                listed, marks = ", ".join(columns), ", ".join("?" * len(columns))
                rows = source.rows(f"SELECT {listed} FROM {table.name}{'' if table.key else ' ORDER BY rowid'}")
                target.run_many(f"INSERT INTO {table.name} ({listed}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows)
            for table in reversed(schema.tables):
                source.run(f"DELETE FROM {table.name}")
        file.scrub(source)


def _format_of(session: Session, schema: Schema) -> int:
    """Return the format that a schema has there, 0 where it is not there."""
    there = session.row("SELECT to_regclass('formats') IS NOT NULL")
    row = session.row("SELECT format FROM formats WHERE name = %s", (schema.name,)) if there and there[0] else None
    return int(row[0]) if row else 0


def _marks(sql: str) -> str:
    return sql.replace("?", "%s")


def _in_its_words(statement: str, *, durable: bool) -> str:
    """Return a statement that makes a table or an index, as PostgreSQL reads it."""
    made = _types(statement)
    keyed = made.removesuffix(" WITHOUT ROWID")
    if made == keyed and made.startswith("CREATE TABLE"):
        keyed = keyed.replace("(", "(rowid bigserial, ", 1)
    return keyed if durable else keyed.replace("CREATE TABLE", "CREATE UNLOGGED TABLE")


def _types(declared: str) -> str:
    """Put the types of columns into PostgreSQL's words; text is compared by code points, as SQLite does."""
    words = {"TEXT": 'text COLLATE "C"', "BLOB": "bytea", "INTEGER": "bigint", "REAL": "double precision"}
    return re.sub(r"\b(TEXT|BLOB|INTEGER|REAL)\b", lambda found: words[found[1]], declared)
