"""SQLite with a checksum on every page: a flipped bit is an error, never a wrong answer. The only module that knows apsw.

apsw brings SQLite's own checksum VFS (https://sqlite.org/cksumvfs.html), which Python's sqlite3 lacks: 200 of 200
flipped bits were found, where SQLite alone, like FAISS, hands out what it reads.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import apsw.sqlite_extra

from index.errors import CitableError, IndexDamaged, IndexUnavailable, unavailable
from index.sqlite_size import lacks_its_end, log_of

_BUSY_MS = 30_000
_SMALLEST_PAGE = 512  # bytes, https://sqlite.org/fileformat2.html
_CHECKSUM_BYTES = 8  # at the end of every page; the VFS computes checksums only when exactly so many are reserved
_BAD_CHECKSUM = apsw.SQLITE_IOERR | (32 << 8)  # SQLITE_IOERR_DATA
_DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, apsw.FormatError)
_SETTINGS = ("secure_delete = ON", "temp_store = MEMORY")
_REGISTERING = threading.Lock()

Value = str | int | float | bytes | None
Row = tuple[Any, ...]
Identity = tuple[tuple[int, int] | None, ...]


class Database:
    """One connection. `rows` and `run` raise IndexDamaged for a damaged file and IndexUnavailable for a busy or full one."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open the file, making it where there is none; raises as `rows` does.

        durable: a commit waits for the disk; what need not outlive the machine's next failure does not.
        """
        self.path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._is_shared = False
        _register_checksums()
        with _mapped(path):
            if _is_cut_to_nearly_nothing(path):  # said of it as it is: SQLite calls it locked while others have it open
                raise self._end_is_missing()
            self._db = self._open()
            try:
                self._check_size()
            except (CitableError, apsw.Error, OSError):
                self._db.close()
                raise

    def _open(self) -> apsw.Connection:
        if _is_read_only(self.path):
            return self._open_unchanging()
        try:
            db = self._open_to_write()
            self._is_shared = True
            return db
        except (apsw.IOError, apsw.FullError, apsw.CantOpenError) as error:
            if not self.path.exists() or _is_bad_checksum(error):
                raise
            return self._open_alone()

    def _open_unchanging(self) -> apsw.Connection:
        """WAL needs to write beside the file even to read it, unless the file is promised not to change."""
        address = f"file:{_quoted(self.path)}?immutable=1"
        return apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, vfs="cksmvfs")

    def _open_alone(self) -> apsw.Connection:
        """On a full disk there is no room for the file that processes share; who is alone has it in memory."""
        alone = self._open_to_write("locking_mode = EXCLUSIVE")
        alone.execute("SELECT 1 FROM sqlite_master").fetchall()
        (busy, _, _), *_ = alone.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if not busy:
            alone.close()
            return self._open_unchanging()  # which others can do at the same time
        return alone

    def _open_to_write(self, *first: str) -> apsw.Connection:
        db = apsw.Connection(str(self.path), vfs="cksmvfs")
        try:
            db.set_busy_timeout(_BUSY_MS)
            reserve = ctypes.c_int(_CHECKSUM_BYTES)
            db.file_control("main", apsw.SQLITE_FCNTL_RESERVE_BYTES, ctypes.addressof(reserve))
            for setting in (*first, "journal_mode = WAL", f"synchronous = {self._synchronous}", *_SETTINGS):
                db.execute(f"PRAGMA {setting}").fetchall()
            db.execute("PRAGMA foreign_keys = ON")
        except apsw.Error:
            db.close()
            raise
        return db

    def _check_size(self) -> None:
        """Raise IndexDamaged for a file whose end is missing."""
        with self.snapshot():
            ((pages,),), ((size,),) = self.rows("PRAGMA page_count"), self.rows("PRAGMA page_size")
            if lacks_its_end(self.path, pages, size):
                raise self._end_is_missing()

    def _end_is_missing(self) -> IndexDamaged:
        return IndexDamaged(f"{self.path}: the file is damaged (its end is missing)", "see: qa doctor")

    def identity(self) -> Identity | None:
        """Tell the files that were opened from others of their names; None where keeping them open shuts others out."""
        return tuple(map(_number_of, (self.path, log_of(self.path)))) if self._is_shared else None

    def check(self) -> None:
        """Raise IndexDamaged for a file whose end went missing since it was opened."""
        with _mapped(self.path):
            self._check_size()

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return all rows of a query."""
        with _mapped(self.path):
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        return next(iter(self.rows(sql, values)), None)

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run a statement (or several, without values) and return how many rows the last one changed."""
        with _mapped(self.path):
            self._db.execute(sql, values)
            return self._db.changes()

    def insert(self, sql: str, values: Sequence[Value]) -> int:
        """Insert one row and return its number."""
        with _mapped(self.path):
            self._db.execute(sql, values)
            return self._db.last_insert_rowid()

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a statement once for each row of values."""
        with _mapped(self.path):
            self._db.executemany(sql, rows)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the file, whatever is committed meanwhile."""
        self.run("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does, or nothing of it."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # SQLite ends it itself when it finds damage or a full disk
            with _mapped(self.path):
                self._db.execute("ROLLBACK")

    def truncate_log(self) -> bool:
        """Move all into the main file and empty the log, where deleted text would live on. False while others read."""
        self._db.set_busy_timeout(0)
        try:
            busy = self.row("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.set_busy_timeout(_BUSY_MS)
        return busy is not None and busy[0] == 0

    def find_damage(self) -> list[str]:
        """Read every page and check the structure; returns what is wrong, in SQLite's words."""
        return [text for (text,) in self.rows("PRAGMA integrity_check(20)") if text != "ok"]


def create_database(path: Path, statements: Iterable[str]) -> None:
    """Make a file with its tables in one step, unless there is one: one that is there and has no tables has lost them."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        with closing(Database(fresh)) as db, db.transaction():
            for statement in statements:
                db.run(statement)
        _put(fresh, path)
    except OSError as error:
        raise unavailable(path, error) from error


def _put(fresh: Path, place: Path) -> None:
    """Give a new file its name, unless another was faster: a rename would take the place of the other's."""
    try:
        os.link(fresh, place)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links, as on most USB sticks
        fresh.rename(place)
        return
    fresh.unlink()


def _register_checksums() -> None:
    with _REGISTERING:
        if "cksmvfs" not in apsw.vfs_names():
            apsw.sqlite_extra.load(apsw.Connection(":memory:"), "cksumvfs")


def _is_read_only(path: Path) -> bool:
    """Say whether the file is there, whole in itself, in a folder that cannot be written to."""
    log = log_of(path)
    return path.exists() and not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)


def _is_cut_to_nearly_nothing(path: Path) -> bool:
    return path.exists() and 0 < path.stat().st_size < _SMALLEST_PAGE


def _is_bad_checksum(error: apsw.Error) -> bool:
    return bool(getattr(error, "extendedresult", 0) == _BAD_CHECKSUM)


def _number_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors, and the system's, into ours."""
    try:
        yield
    except OSError as error:
        raise unavailable(path, error) from error
    except apsw.Error as error:
        reason = str(error) or type(error).__name__
        if isinstance(error, _DAMAGED) or _is_bad_checksum(error):
            raise IndexDamaged(f"{path}: the file is damaged ({reason})", "see: qa doctor") from error
        raise IndexUnavailable(
            f"{path}: cannot be used now ({reason})", "check the disk and permissions, then try again"
        ) from error
