"""Writing the catalog: stage rows that nobody sees, then commit them all at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Self

from index.catalog import FORMAT, Catalog, check_never_filled
from index.catalog_reading import File
from index.catalog_rows import FILE_COLUMNS, document_row, file_row, locator_to_text, sections_to_json
from index.changes import Changes
from index.embedder import Vectors
from index.records import Document, FileRecord, Passage
from index.sqlite import Database, Value

_SCHEMA = """
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE generations (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL, committed_at TEXT NOT NULL,
    added INTEGER NOT NULL, removed INTEGER NOT NULL, seconds REAL NOT NULL);
CREATE TABLE files (
    collection TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, status TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL,
    checked_ns INTEGER NOT NULL, readers TEXT NOT NULL,
    PRIMARY KEY (collection, path)) WITHOUT ROWID;
CREATE TABLE documents (
    num INTEGER PRIMARY KEY AUTOINCREMENT, generation INTEGER NOT NULL, id TEXT NOT NULL, collection TEXT NOT NULL,
    path TEXT NOT NULL, part TEXT NOT NULL, title TEXT NOT NULL, sha256 TEXT NOT NULL, length INTEGER NOT NULL,
    media_type TEXT NOT NULL, lang TEXT NOT NULL, metadata TEXT NOT NULL, indexed_at TEXT NOT NULL,
    file_sha256 TEXT NOT NULL);
CREATE INDEX documents_by_id ON documents (id);
CREATE INDEX documents_by_path ON documents (collection, path, generation);
CREATE INDEX documents_by_generation ON documents (generation);
CREATE TABLE texts (document INTEGER PRIMARY KEY, text TEXT NOT NULL, sections TEXT NOT NULL);
CREATE TABLE passages (
    num INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, id TEXT NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, text TEXT NOT NULL, context TEXT NOT NULL, locator TEXT NOT NULL, vector INTEGER NOT NULL);
CREATE INDEX passages_by_document ON passages (document);
CREATE INDEX passages_by_id ON passages (id);
CREATE INDEX passages_by_vector ON passages (vector);
CREATE TABLE vectors (num INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL);
CREATE TABLE tombstones (passage INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE INDEX tombstones_by_generation ON tombstones (generation);
"""


class CatalogWriter(Catalog):
    """The one connection that writes. Only under the writer's lock."""

    @classmethod
    def create(cls, path: Path) -> Self:
        """Open the catalog, making it first where there is none. Raises IndexDamaged for one that was emptied."""
        is_there = path.exists()
        db = Database(path)
        try:
            if db.row("SELECT 1 FROM sqlite_master WHERE name = 'state'") is None:
                if is_there:
                    check_never_filled(path)
                with db.transaction():
                    for statement in _SCHEMA.split(";"):
                        if statement.strip():
                            db.run(statement)
                    db.run("INSERT INTO state VALUES ('format', ?), ('generation', '0')", (FORMAT,))
        finally:
            db.close()
        catalog = cls.open(path)
        catalog._db.run("CREATE TEMP TABLE loose (vector INTEGER)")
        return catalog

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make what is staged inside durable together: one fsync, not one for each file."""
        with self._db.transaction():
            yield

    def set_state(self, values: Mapping[str, str]) -> None:
        """Set values of the index's state."""
        with self._db.transaction():
            self._put_state(values)

    def _put_state(self, values: Mapping[str, str]) -> None:
        self._db.run_many("INSERT OR REPLACE INTO state VALUES (?, ?)", values.items())

    # ------------------------------------------------------------------ stage

    def stage_for(self, made_with: str) -> None:
        """Forget what was staged, vectors too, unless it was made with the same model, splitter and readers."""
        if self.state("staged_for") == made_with:
            return
        with self._db.transaction():
            self._drop_rows("generation = 0", ())
            self._db.run("DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM passages WHERE passages.vector = vectors.num)")
            self._db.run("DELETE FROM temp.loose")
            self._put_state({"staged_for": made_with})

    def known_vectors(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return those of the keys (of model and embedded text) whose vectors are already here."""
        return {row[0] for row in self._rows_among("SELECT key FROM vectors WHERE key", list(keys))}

    def staged_files(self) -> dict[File, str]:
        """Return (collection, path) → sha256 of the files that an interrupted run has already staged."""
        rows = self._db.rows("SELECT collection, path, file_sha256 FROM documents WHERE generation = 0")
        return {(collection, path): sha256 for collection, path, sha256 in rows}

    def stage(
        self,
        record: FileRecord,
        parts: Iterable[tuple[Document, Sequence[Passage], Sequence[bytes]]],
        vectors: Mapping[bytes, Vectors],
    ) -> None:
        """Write a file's documents and passages so that only `commit` can make them visible. Call inside `batch()`.

        parts: document, its passages, and the keys of their vectors; vectors: by key, those that are not here yet.
        """
        self._db.run_many(
            "INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)",
            ((key, vector.tobytes()) for key, vector in vectors.items()),
        )
        self._drop_rows("generation = 0 AND collection = ? AND path = ?", (record.collection, record.path))
        for document, passages, keys in parts:
            self._stage_document(document, record.sha256, passages, keys)

    def _stage_document(
        self, document: Document, file_sha256: str, passages: Sequence[Passage], keys: Sequence[bytes]
    ) -> None:
        num = self._db.insert(
            "INSERT INTO documents (generation, id, collection, path, part, title, sha256, length, media_type, lang, "
            "metadata, indexed_at, file_sha256) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document_row(document, file_sha256),
        )
        self._db.run("INSERT INTO texts VALUES (?, ?, ?)", (num, document.text, sections_to_json(document.sections)))
        self._db.run_many(
            'INSERT INTO passages (document, id, start, "end", text, context, locator, vector) '
            "SELECT ?, ?, ?, ?, ?, ?, ?, num FROM vectors WHERE key = ?",
            (
                (num, p.id, p.start, p.end, p.text, p.context, locator_to_text(p.locator), key)
                for p, key in zip(passages, keys, strict=True)
            ),
        )

    # ------------------------------------------------------------------ commit

    def commit(self, changes: Changes, state: Mapping[str, str], seconds: float) -> int:
        """Make staged files visible, remove dropped and replaced ones, write the ledger: all in one transaction.

        state: what the vectors were made with. Returns the generation: the old one when no document changed.
        """
        with self._db.transaction():
            self._note_files([*changes.drop, *(file for file, _ in changes.move)], changes.ledger)
            generation = self.generation() + 1
            self._move(changes.move)
            removed = sum(self._bury(file, generation) for file in {*changes.put, *changes.drop})
            for file in changes.drop:
                self._drop_rows("generation = 0 AND collection = ? AND path = ?", file)
            added = sum(self._reveal(file, generation) for file in changes.put)
            for collection in {record.collection for record in changes.ledger}:
                # what an earlier run staged and this one did not put has changed or gone since
                self._drop_rows("generation = 0 AND +collection = ?", (collection,))  # + keeps it off the index of paths
            self._drop_loose_vectors()
            if not changes.put and not changes.drop and not changes.move:
                return self.generation()
            self._db.run(
                "INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?)",
                (generation, secrets.token_hex(8), _now(), added, removed, seconds),
            )
            self._put_state({**state, "generation": str(generation)})
        return generation

    def forget_removed(self, generation: int) -> None:
        """Forget which passages were removed up to a generation: the derived files do not need to know any more."""
        with self._db.transaction():
            self._db.run("DELETE FROM tombstones WHERE generation <= ?", (generation,))
            self._put_state({"forgotten_before": str(generation)})

    def erase_traces(self) -> bool:
        """Empty the log, where deleted text would live on; False while a reader holds it."""
        return self._db.truncate_log()

    def _note_files(self, gone: Sequence[File], ledger: Sequence[FileRecord]) -> None:
        self._db.run_many("DELETE FROM files WHERE collection = ? AND path = ?", gone)
        marks = ", ".join("?" * (FILE_COLUMNS.count(",") + 1))
        self._db.run_many(f"INSERT OR REPLACE INTO files ({FILE_COLUMNS}) VALUES ({marks})", map(file_row, ledger))

    def _move(self, moves: Sequence[tuple[File, str]]) -> None:
        """Give documents their new path; a title that is no more than the file's name follows it."""
        for (collection, old), new in moves:
            self._db.run(
                "UPDATE documents SET title = ? "
                "WHERE generation > 0 AND collection = ? AND path = ? AND part = '' AND title = ?",
                (PurePath(new).stem, collection, old, PurePath(old).stem),
            )
            self._db.run(
                "UPDATE documents SET path = ? WHERE generation > 0 AND collection = ? AND path = ?", (new, collection, old)
            )

    def _bury(self, file: File, generation: int) -> int:
        """Remove a file's visible documents, leaving the numbers of their passages for the derived indexes."""
        self._db.run(
            "INSERT INTO tombstones SELECT p.num, ? FROM documents d JOIN passages p ON p.document = d.num "
            "WHERE d.generation > 0 AND d.collection = ? AND d.path = ?",
            (generation, *file),
        )
        return self._drop_rows("generation > 0 AND collection = ? AND path = ?", file)

    def _reveal(self, file: File, generation: int) -> int:
        return self._db.run(
            "UPDATE documents SET generation = ? WHERE generation = 0 AND collection = ? AND path = ?", (generation, *file)
        )

    def _drop_rows(self, condition: str, values: Sequence[Value]) -> int:
        """Delete documents with their texts and passages; returns how many documents."""
        chosen = f"(SELECT num FROM documents WHERE {condition})"
        self._db.run(f"INSERT INTO temp.loose SELECT vector FROM passages WHERE document IN {chosen}", values)
        self._db.run(f"DELETE FROM passages WHERE document IN {chosen}", values)
        self._db.run(f"DELETE FROM texts WHERE document IN {chosen}", values)
        return self._db.run(f"DELETE FROM documents WHERE {condition}", values)

    def _drop_loose_vectors(self) -> None:
        """Delete the vectors of dropped passages that no other passage shares."""
        self._db.run(
            "DELETE FROM vectors WHERE num IN (SELECT vector FROM temp.loose) "
            "AND NOT EXISTS (SELECT 1 FROM passages WHERE passages.vector = vectors.num)"
        )
        self._db.run("DELETE FROM temp.loose")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
