"""The catalog: SQLite with every document, passage and vector. The one truth; all else is derived from it.

Rows of a run that has not committed yet have generation 0 (PENDING): nobody sees them, the next run resumes
from them, and one transaction at the end makes them visible and removes what they replace.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from index.catalog_rows import (
    INFO_COLUMNS,
    PASSAGE_COLUMNS,
    document_row,
    row_to_document,
    row_to_file,
    row_to_info,
    row_to_passage,
    sections_to_json,
    where,
)
from index.embedder import Vectors
from index.errors import CitableError, IndexDamaged, IndexIncompatible, IndexMissing, IndexUnavailable
from index.locators import locator_to_json
from index.records import AllOf, CollectionStats, Document, DocumentInfo, FileRecord, Filter, Passage

_T = TypeVar("_T")

FORMAT = "2"
PENDING = 0
_SQL_VARIABLES = 500

_SCHEMA = """
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE generations (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL, committed_at TEXT NOT NULL,
    added INTEGER NOT NULL, removed INTEGER NOT NULL, seconds REAL NOT NULL);
CREATE TABLE files (
    collection TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    status TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL, checked_ns INTEGER NOT NULL,
    readers TEXT NOT NULL,
    PRIMARY KEY (collection, path)) WITHOUT ROWID;
CREATE TABLE documents (
    num INTEGER PRIMARY KEY AUTOINCREMENT, generation INTEGER NOT NULL, id TEXT NOT NULL, collection TEXT NOT NULL,
    path TEXT NOT NULL, title TEXT NOT NULL, sha256 TEXT NOT NULL, length INTEGER NOT NULL, media_type TEXT NOT NULL,
    lang TEXT NOT NULL, metadata TEXT NOT NULL, indexed_at TEXT NOT NULL, file_sha256 TEXT NOT NULL);
CREATE INDEX documents_by_id ON documents (id);
CREATE INDEX documents_by_path ON documents (collection, path);
CREATE TABLE texts (document INTEGER PRIMARY KEY, text TEXT NOT NULL, sections TEXT NOT NULL);
CREATE TABLE passages (
    num INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, id TEXT NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, text TEXT NOT NULL, context TEXT NOT NULL, locator TEXT NOT NULL, vector INTEGER NOT NULL);
CREATE INDEX passages_by_document ON passages (document);
CREATE INDEX passages_by_id ON passages (id);
CREATE INDEX passages_by_vector ON passages (vector);
CREATE TABLE vectors (num INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL);
CREATE TABLE tombstones (passage INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
"""


class Catalog:
    """One connection to the catalog. `Catalog.open` for readers, `Catalog.create` for the writer."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    @classmethod
    def open(cls, path: Path) -> Catalog:
        """Open an existing catalog. Raises IndexMissing, IndexDamaged or IndexIncompatible."""
        if not path.exists():
            raise IndexMissing(f"{path.parent}: nothing is indexed here", "run: qa index PATH")
        catalog = cls(path, _connect(path))
        try:
            version = catalog.state("format") if catalog._is_made() else None
        except CitableError:
            catalog.close()
            raise
        if version is None:  # the file is there, its tables are not: a run died while making it
            catalog.close()
            raise IndexMissing(f"{path.parent}: nothing is indexed here", "run: qa index PATH")
        if version != FORMAT:
            catalog.close()
            raise IndexIncompatible(
                f"{path.parent}: index format {version}, this program reads {FORMAT}",
                "move the folder away and run: qa index PATH",
            )
        return catalog

    @classmethod
    def create(cls, path: Path) -> Catalog:
        """Open the catalog, making it first where there is none."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        catalog = cls(path, _connect(path))
        try:
            if not catalog._is_made():
                first = f"INSERT INTO state VALUES ('format', '{FORMAT}'), ('generation', '0');"
                with _mapped(path):
                    catalog._db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}{first}COMMIT;")
        finally:
            catalog.close()
        return cls.open(path)

    def _is_made(self) -> bool:
        with _mapped(self.path):
            return bool(self._db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'state'").fetchone()[0])

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    # ------------------------------------------------------------------ one generation, seen by one reader

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """Hold one state of the catalog still, whatever is committed meanwhile. Yields its generation."""
        with _mapped(self.path):
            self._db.execute("BEGIN")
            try:
                yield self.generation()
            finally:
                self._db.execute("ROLLBACK")

    def generation(self) -> int:
        """Return the number of the last commit; 0 before the first."""
        return int(self.state("generation") or 0)

    def token(self) -> str:
        """Return the random name of the last commit: tells it from another catalog's of the same number."""
        row = self._db.execute("SELECT token FROM generations WHERE number = ?", (self.generation(),)).fetchone()
        return str(row[0]) if row else ""

    def was_committed(self, generation: int, token: str) -> bool:
        """Say whether this very commit is in the history of this catalog."""
        row = self._db.execute("SELECT 1 FROM generations WHERE number = ? AND token = ?", (generation, token)).fetchone()
        return row is not None

    def committed_at(self) -> str:
        """Return when the last commit was, ISO 8601 in UTC, or ""."""
        row = self._db.execute("SELECT committed_at FROM generations ORDER BY number DESC LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def state(self, key: str) -> str | None:
        """Return a value of the index's state: format, generation, embedder, dimension, splitter, root."""
        with _mapped(self.path):
            row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    # ------------------------------------------------------------------ reading

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return the documents that a filter admits, by collection and path."""
        condition, values = where(scope)
        rows = self._db.execute(
            f"SELECT {INFO_COLUMNS} FROM documents d WHERE generation > 0 AND {condition} ORDER BY collection, path", values
        )
        return [row_to_info(row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        row = self._db.execute(
            f"SELECT {INFO_COLUMNS}, t.text, t.sections FROM documents d JOIN texts t ON t.document = d.num "
            "WHERE d.generation > 0 AND d.id = ?",
            (document_id,),
        ).fetchone()
        return row_to_document(row) if row else None

    def missing(self, document_ids: Iterable[str]) -> set[str]:
        """Return those ids that no visible document has."""
        wanted = set(document_ids)
        for batch in _batches(sorted(wanted)):
            marks = ",".join("?" * len(batch))
            wanted -= {
                row[0]
                for row in self._db.execute(f"SELECT id FROM documents WHERE generation > 0 AND id IN ({marks})", batch)
            }
        return wanted

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by its id, with its document."""
        found = self._passages_where("p.id = ?", (passage_id,))
        return next(iter(found.values()), None)

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return visible passages by number, each with its document; numbers that are not there are left out."""
        found: dict[int, tuple[Passage, DocumentInfo]] = {}
        for batch in _batches(nums):
            found.update(self._passages_where(f"p.num IN ({','.join('?' * len(batch))})", batch))
        return found

    def _passages_where(self, condition: str, values: Sequence[object]) -> dict[int, tuple[Passage, DocumentInfo]]:
        rows = self._db.execute(
            f"SELECT p.num, {PASSAGE_COLUMNS}, {INFO_COLUMNS} FROM passages p JOIN documents d ON d.num = p.document "
            f"WHERE d.generation > 0 AND {condition}",
            values,
        )
        return {row[0]: (row_to_passage(row[1:7], row[7]), row_to_info(row[7:])) for row in rows}

    def admitted(self, scope: Filter) -> np.ndarray | None:
        """Return the numbers of the passages that a filter admits, ascending; None when it admits all."""
        if scope == AllOf():
            return None
        condition, values = where(scope)
        rows = self._db.execute(
            "SELECT p.num FROM documents d JOIN passages p ON p.document = d.num "
            f"WHERE d.generation > 0 AND {condition} ORDER BY p.num",
            values,
        )
        return np.fromiter((row[0] for row in rows), np.int64)

    def changes_since(self, generation: int) -> tuple[list[int], list[int]]:
        """Return (added, removed) passage numbers between a generation and now; a passage never changes, it is replaced."""
        added = self._db.execute(
            "SELECT p.num FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > ? ORDER BY p.num",
            (generation,),
        )
        removed = self._db.execute("SELECT passage FROM tombstones WHERE generation > ?", (generation,))
        return [row[0] for row in added], [row[0] for row in removed]

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension), in the order asked for."""
        found: dict[int, bytes] = {}
        for batch in _batches(nums):
            marks = ",".join("?" * len(batch))
            found.update(
                self._db.execute(
                    f"SELECT p.num, v.vector FROM passages p JOIN vectors v ON v.num = p.vector WHERE p.num IN ({marks})",
                    batch,
                )
            )
        joined = b"".join(found[num] for num in nums)
        return np.frombuffer(joined, np.float32).reshape(len(nums), -1) if nums else np.zeros((0, 0), np.float32)

    def searched_texts(self, nums: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield (passage number, context and text) for the lexical index."""
        for batch in _batches(nums):
            marks = ",".join("?" * len(batch))
            yield from self._db.execute(
                f"SELECT num, context || char(10) || text FROM passages WHERE num IN ({marks})", batch
            )

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the file ledger of a collection by path."""
        rows = self._db.execute("SELECT * FROM files WHERE collection = ? ORDER BY path", (collection,))
        return {record.path: record for record in map(row_to_file, rows)}

    def failures(self) -> tuple[FileRecord, ...]:
        """Return every file that was not indexed, with its reason."""
        rows = self._db.execute("SELECT * FROM files WHERE status <> 'indexed' ORDER BY collection, path")
        return tuple(row_to_file(row) for row in rows)

    def collections(self) -> dict[str, CollectionStats]:
        """Count documents and passages by collection."""
        rows = self._db.execute(
            "SELECT d.collection, count(DISTINCT d.num), count(p.num) FROM documents d "
            "LEFT JOIN passages p ON p.document = d.num WHERE d.generation > 0 GROUP BY d.collection ORDER BY 1"
        )
        return {name: CollectionStats(documents, passages) for name, documents, passages in rows}

    def media_types(self) -> dict[str, int]:
        """Count documents by media type."""
        return dict(
            self._db.execute("SELECT media_type, count(*) FROM documents WHERE generation > 0 GROUP BY 1 ORDER BY 1")
        )

    # ------------------------------------------------------------------ writing: stage, then commit once

    def set_state(self, values: Mapping[str, str]) -> None:
        """Set values of the index's state."""
        with self._writing():
            self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values.items())

    def clear_unfinished(self) -> None:
        """Forget all that was staged, vectors too: it was made with another model."""
        with self._writing():
            self._drop_rows("generation = 0", ())
            self._db.execute(
                "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM passages WHERE passages.vector = vectors.num)"
            )

    def known_vectors(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return those of the keys (sha256 of embedded texts) whose vectors are already here."""
        known: set[bytes] = set()
        for batch in _batches(list(keys)):
            marks = ",".join("?" * len(batch))
            known.update(row[0] for row in self._db.execute(f"SELECT key FROM vectors WHERE key IN ({marks})", batch))
        return known

    def add_vectors(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Keep vectors under their keys; durable at once, so that an interrupted run embeds nothing twice."""
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        with self._writing():
            self._db.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)

    def pending_files(self, collection: str) -> dict[str, str]:
        """Return path → sha256 of the files that an interrupted run has already staged."""
        rows = self._db.execute(
            "SELECT path, file_sha256 FROM documents WHERE generation = 0 AND collection = ?", (collection,)
        )
        return {row[0]: row[1] for row in rows}

    def stage(
        self,
        collection: str,
        path: str,
        file_sha256: str,
        parts: Iterable[tuple[Document, Sequence[Passage], Sequence[bytes]]],
    ) -> None:
        """Write a file's documents and passages, by their vectors' keys, so that only `commit` can make them visible."""
        with self._writing():
            self._drop_rows("generation = 0 AND collection = ? AND path = ?", (collection, path))
            for document, passages, keys in parts:
                self._stage_document(document, file_sha256, passages, keys)

    def _stage_document(
        self, document: Document, file_sha256: str, passages: Sequence[Passage], keys: Sequence[bytes]
    ) -> None:
        cursor = self._db.execute(
            "INSERT INTO documents (generation, id, collection, path, title, sha256, length, media_type, lang, "
            "metadata, indexed_at, file_sha256) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document_row(document, file_sha256),
        )
        num = cursor.lastrowid
        self._db.execute("INSERT INTO texts VALUES (?, ?, ?)", (num, document.text, sections_to_json(document.sections)))
        self._db.executemany(
            'INSERT INTO passages (document, id, start, "end", text, context, locator, vector) '
            "SELECT ?, ?, ?, ?, ?, ?, ?, num FROM vectors WHERE key = ?",
            (
                (num, p.id, p.start, p.end, p.text, p.context, json.dumps(locator_to_json(p.locator)), key)
                for p, key in zip(passages, keys, strict=True)
            ),
        )

    def commit(
        self, collection: str, put: Sequence[str], drop: Sequence[str], ledger: Sequence[FileRecord], seconds: float
    ) -> int:
        """Make staged files visible, remove dropped and replaced ones, write the ledger: all in one transaction.

        put: paths whose staged documents replace what was there. drop: paths that are gone.
        Returns the generation: the old one when no document changed.
        """
        with self._writing():
            self._note_files(collection, drop, ledger)
            if not put and not drop:
                self._drop_rows("generation = 0 AND collection = ?", (collection,))
                self._drop_loose_vectors()
                return self.generation()
            generation = self.generation() + 1
            removed = sum(self._bury(collection, path, generation) for path in {*put, *drop})
            added = sum(self._reveal(collection, path, generation) for path in put)
            self._drop_rows("generation = 0 AND collection = ?", (collection,))
            self._drop_loose_vectors()
            self._db.execute(
                "INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?)",
                (generation, secrets.token_hex(8), _now(), added, removed, seconds),
            )
            self._db.execute("UPDATE state SET value = ? WHERE key = 'generation'", (str(generation),))
        return generation

    def _note_files(self, collection: str, drop: Sequence[str], ledger: Sequence[FileRecord]) -> None:
        self._db.executemany("DELETE FROM files WHERE collection = ? AND path = ?", ((collection, path) for path in drop))
        self._db.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (f.collection, f.path, f.size, f.mtime_ns, f.status, f.sha256, f.reason, f.checked_ns, f.readers)
                for f in ledger
            ),
        )

    def _bury(self, collection: str, path: str, generation: int) -> int:
        """Remove a path's visible documents, leaving the numbers of their passages for the derived indexes."""
        self._db.execute(
            "INSERT INTO tombstones SELECT p.num, ? FROM documents d JOIN passages p ON p.document = d.num "
            "WHERE d.generation > 0 AND d.collection = ? AND d.path = ?",
            (generation, collection, path),
        )
        return self._drop_rows("generation > 0 AND collection = ? AND path = ?", (collection, path))

    def _reveal(self, collection: str, path: str, generation: int) -> int:
        return self._db.execute(
            "UPDATE documents SET generation = ? WHERE generation = 0 AND collection = ? AND path = ?",
            (generation, collection, path),
        ).rowcount

    def _drop_rows(self, condition: str, values: Sequence[object]) -> int:
        """Delete documents with their texts and passages; returns how many documents."""
        chosen = f"(SELECT num FROM documents WHERE {condition})"
        self._db.execute(f"INSERT INTO temp.loose SELECT vector FROM passages WHERE document IN {chosen}", values)
        self._db.execute(f"DELETE FROM passages WHERE document IN {chosen}", values)
        self._db.execute(f"DELETE FROM texts WHERE document IN {chosen}", values)
        return self._db.execute(f"DELETE FROM documents WHERE {condition}", values).rowcount

    def _drop_loose_vectors(self) -> None:
        """Delete the vectors of dropped passages that no other passage shares."""
        self._db.execute(
            "DELETE FROM vectors WHERE num IN (SELECT vector FROM temp.loose) "
            "AND NOT EXISTS (SELECT 1 FROM passages WHERE passages.vector = vectors.num)"
        )
        self._db.execute("DELETE FROM temp.loose")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _mapped(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    with _mapped(path):
        # isolation_level None: transactions are begun and ended here in so many words, never by the driver
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("CREATE TEMP TABLE loose (vector INTEGER)")
    return connection


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's word for a damaged file into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:  # busy, no disk, no permission: the catalog itself may be whole
        raise IndexUnavailable(
            f"{path}: cannot be used now ({error})", "check the disk and permissions, then try again"
        ) from error
    except sqlite3.DatabaseError as error:
        raise IndexDamaged(f"{path}: the catalog is damaged ({error})", "restore it from a backup, or index anew") from error


def _batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), _SQL_VARIABLES):
        yield items[start : start + _SQL_VARIABLES]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
