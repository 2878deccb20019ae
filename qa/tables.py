"""Where answers, keys and counts are kept: in a file of SQLite, or by the same SQL in PostgreSQL (postgres_tables.py)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index.errors import IndexDamaged, IndexIncompatible, IndexUnavailable, unavailable
from index.sqlite import Database, Row, Value, create_database


class Connection(Protocol):
    """A connection to either; values are bound to `?`. Raises IndexDamaged or IndexUnavailable."""

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return all rows of a query."""

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """Return the first row of a query, or None."""

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run a statement and return how many rows it changed."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a statement once for each row of values."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what the block does, or nothing of it."""

    def snapshot(self) -> AbstractContextManager[None]:
        """See one state, whatever is committed meanwhile."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. columns: as SQLite declares them; key: those of its primary key, where there is no `rowid`.

    added: columns that tables of earlier versions lack, with their declarations.
    """

    name: str
    columns: str
    key: str = ""
    added: tuple[tuple[str, str], ...] = ()

    def create(self) -> str:
        """Return the statement that makes the table in SQLite."""
        parts = [self.columns, *(f"{name} {declared}" for name, declared in self.added)]
        end = f", PRIMARY KEY ({self.key})) WITHOUT ROWID" if self.key else ")"
        return f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(parts)}{end}"


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables that belong together. format: goes up with every table or column that is added; indexes: column by table.

    durable: a commit waits for the disk; what need not outlive the machine's next failure does not.
    """

    name: str
    format: int
    tables: tuple[Table, ...]
    indexes: tuple[tuple[str, str], ...] = ()
    durable: bool = True

    def create(self) -> list[str]:
        """Return the statements that make all of it in SQLite, where it is not there yet."""
        indexes = [f"CREATE INDEX IF NOT EXISTS {table}_by_{column} ON {table} ({column})" for table, column in self.indexes]
        return [*(table.create() for table in self.tables), *indexes]


class Tables(Protocol):
    """Tables in either place. Safe to share between threads."""

    def is_made(self) -> bool:
        """Say whether they are there: they are made when something is first kept in them."""

    def connected(self) -> AbstractContextManager[Connection]:
        """Connect; makes them, or brings those of an older version up. Raises IndexIncompatible, and as Connection."""

    def scrub(self, connection: Connection) -> None:
        """Overwrite what was deleted, where that is ours to do."""

    def find_damage(self) -> list[str]:
        """Read everything and say what is wrong; empty when all is well."""


class TablesFile:
    """A file of SQLite. Every use has a connection of its own, or all take turns with one that stays open."""

    def __init__(self, path: Path, schema: Schema, *, keep_open: bool = False) -> None:
        self._path, self._schema = path, schema
        self._turn = threading.Lock() if keep_open else None
        self._open: Database | None = None

    def is_made(self) -> bool:
        """Say whether the file is there."""
        return self._path.exists()

    @contextmanager
    def connected(self) -> Iterator[Database]:
        """Open the file."""
        if self._turn is None:
            with closing(self._database()) as db:
                yield db
            return
        with self._turn:
            self._open = self._open or self._database()
            yield self._open

    def scrub(self, connection: Connection) -> None:
        """Empty the log, where what was deleted would live on; in the file itself it is overwritten already."""
        if isinstance(connection, Database):
            connection.truncate_log()

    def find_damage(self) -> list[str]:
        """Read every page."""
        if not self.is_made():
            return []
        with self.connected() as db:
            return db.find_damage()

    def _database(self) -> Database:
        if not self._path.exists():
            self._make()
        db = Database(self._path, durable=self._schema.durable)
        try:
            self._bring_up(db)
        except BaseException:
            db.close()
            raise
        return db

    def _make(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise unavailable(self._path.parent, error) from error
        create_database(self._path, [*self._schema.create(), self._format_noted()])

    def _bring_up(self, db: Database) -> None:
        ((known,),) = db.rows("PRAGMA user_version")
        check_known(str(self._path), known, self._schema)
        if known == self._schema.format:
            return
        if db.row("SELECT 1 FROM sqlite_master WHERE name = ?", (self._schema.tables[0].name,)) is None:
            raise IndexDamaged(f"{self._path}: the file is damaged (it has no tables)", "see: qa doctor")
        try:
            with db.transaction():
                self._complete(db)
        except IndexUnavailable:  # a folder that may not be written to, or a full disk
            self._stand_in(db)

    def _complete(self, db: Database) -> None:
        """Make what the file lacks."""
        lacking = self._lacking(db)
        for statement in self._schema.create():
            db.run(statement)
        for table in self._schema.tables:
            for name, declared in lacking[table.name] or ():
                db.run(f"ALTER TABLE {table.name} ADD COLUMN {name} {declared}")
        db.run(self._format_noted())

    def _stand_in(self, db: Database) -> None:
        """Put what the file lacks in front of it, for this connection: empty tables, and columns of defaults."""
        lacking = self._lacking(db)
        for table in self._schema.tables:
            if lacking[table.name] is None:
                db.run(table.create().replace("CREATE TABLE IF NOT EXISTS", "CREATE TEMP TABLE", 1))
            elif columns := [f"{declared.rpartition(' ')[2]} AS {name}" for name, declared in lacking[table.name] or ()]:
                order = "" if table.key else "rowid, "
                seen = f"SELECT {order}*, {', '.join(columns)} FROM main.{table.name}"
                db.run(f"CREATE TEMP VIEW {table.name} AS {seen}")
                for change in ("INSERT", "UPDATE", "DELETE"):
                    refused = "BEGIN SELECT RAISE(FAIL, 'the file cannot be written to'); END"
                    db.run(f"CREATE TEMP TRIGGER {table.name}_{change} INSTEAD OF {change} ON {table.name} {refused}")

    def _lacking(self, db: Database) -> dict[str, list[tuple[str, str]] | None]:
        """Return the columns that each table lacks, None for a table that is not there."""
        found: dict[str, list[tuple[str, str]] | None] = {}
        for table in self._schema.tables:
            there = set(columns_of(db, table))
            found[table.name] = [one for one in table.added if one[0] not in there] if there else None
        return found

    def _format_noted(self) -> str:
        return f"PRAGMA user_version = {self._schema.format}"


def columns_of(db: Connection, table: Table) -> list[str]:
    """Return the names of a table's columns in a file of SQLite, none where there is no such table."""
    return [name for (name,) in db.rows("SELECT name FROM pragma_table_info(?)", (table.name,))]


def check_known(place: str, known: int, schema: Schema) -> None:
    """Raise IndexIncompatible for tables of a newer version."""
    if known > schema.format:
        raise IndexIncompatible(
            f"{place}: {schema.name} is of format {known}, this program knows {schema.format}",
            "install a newer version of it",
        )
