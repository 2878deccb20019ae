"""The catalog: SQLite with every document, passage and vector. The one truth; all else is derived from it.

Rows of a run that has not committed yet have generation 0: nobody sees them, the next run resumes from them, and
one transaction at the end makes them visible and removes what they replace (`CatalogWriter`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from index.catalog_rows import (
    FILE_COLUMNS,
    INFO_COLUMNS,
    PASSAGE_COLUMNS,
    row_to_document,
    row_to_file,
    row_to_info,
    row_to_passage,
)
from index.embedder import Vectors
from index.errors import CitableError, IndexDamaged, IndexIncompatible, IndexMissing, move_away
from index.filters import SQLITE
from index.records import AllOf, CollectionStats, Document, DocumentInfo, FileRecord, Filter, Passage, Run
from index.sqlite import Database, Identity, Row, Value

_T = TypeVar("_T")

FORMAT = "3"
_SQL_VARIABLES = 500


class Catalog:
    """One reading connection to the catalog."""

    def __init__(self, path: Path, db: Database) -> None:
        self.path = path
        self._db = db

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing catalog. Raises IndexMissing, IndexDamaged or IndexIncompatible."""
        missing = IndexMissing(f"{path.parent}: nothing is indexed here", "run: qa index PATH")
        if not path.exists():
            raise missing
        catalog = cls(path, Database(path))
        try:
            version = catalog.state("format") if catalog._is_made() else None
            if version is None:  # the file is there, its tables are not: a run died while making it
                check_never_filled(path)
                raise missing
            if version != FORMAT:
                raise IndexIncompatible(
                    f"{path.parent}: index format {version}, this program reads {FORMAT}",
                    f"move it away and index anew: {move_away(path.parent, '.old')}",
                )
        except CitableError:
            catalog.close()
            raise
        return catalog

    def _is_made(self) -> bool:
        return self._db.row("SELECT 1 FROM sqlite_master WHERE name = 'state'") is not None

    def identity(self) -> Identity | None:
        """Tell the files that were opened from others of their names; None where keeping them open shuts others out."""
        return self._db.identity()

    def check(self) -> None:
        """Raise IndexDamaged if the file has been cut short, or made anew by another version, since it was opened."""
        self._db.check()
        if self.state("format") != FORMAT:
            raise IndexDamaged(f"{self.path}: changed while it was read", "try again")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    # ------------------------------------------------------------------ one generation, seen by one reader

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """Hold one state of the catalog still, whatever is committed meanwhile. Yields its generation."""
        with self._db.snapshot():
            yield self.generation()

    def generation(self) -> int:
        """Return the number of the last commit; 0 before the first."""
        return int(self.state("generation") or 0)

    def token(self) -> str:
        """Return the random name of the last commit: tells it from another catalog's of the same number."""
        row = self._db.row("SELECT token FROM generations WHERE number = ?", (self.generation(),))
        return str(row[0]) if row else ""

    def dimension(self) -> int:
        """Return the length of the vectors; 1 before there are any."""
        return int(self.state("dimension") or 1)

    def can_catch_up(self, generation: int, token: str) -> bool:
        """Say whether this very commit is in this catalog's history, and what was removed since is still known."""
        known = self._db.row("SELECT 1 FROM generations WHERE number = ? AND token = ?", (generation, token))
        return known is not None and generation >= int(self.state("forgotten_before") or 0)

    def committed_at(self) -> str:
        """Return when the last commit was, ISO 8601 in UTC, or ""."""
        row = self._db.row("SELECT committed_at FROM generations ORDER BY number DESC LIMIT 1")
        return str(row[0]) if row else ""

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""
        rows = self._db.rows(
            "SELECT number, committed_at, added, removed, seconds FROM generations ORDER BY number DESC LIMIT ?", (most,)
        )
        return [Run(*row) for row in rows]

    def indexed_paths(self) -> dict[str, list[str]]:
        """Return by collection the files and folders that runs were told to index, as the index names them."""
        found: dict[str, list[str]] = json.loads(self.state("paths") or "{}")
        return found

    def state(self, key: str) -> str | None:
        """Return a value of the index's state.

        format, generation, embedder, fingerprint, dimension, splitter, root; paths: collection → files and folders that it
        was told to index, as JSON; staged_for: what the staged rows were made
        with; forgotten_before: the generation before which removed passages are not known any more.
        """
        row = self._db.row("SELECT value FROM state WHERE key = ?", (key,))
        return row[0] if row else None

    # ------------------------------------------------------------------ reading

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return the documents that a filter admits, by collection, path and part."""
        condition, values = SQLITE.where(scope)
        rows = self._db.rows(
            f"SELECT {INFO_COLUMNS} FROM documents d WHERE generation > 0 AND {condition} ORDER BY collection, path, num",
            values,
        )
        return [row_to_info(row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        return next(iter(self._documents_where("d.id = ?", (document_id,))), None)

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""
        return self._documents_where("d.collection = ? AND d.path = ?", (collection, path))

    def _documents_where(self, condition: str, values: Sequence[Value]) -> list[Document]:
        rows = self._db.rows(
            f"SELECT {INFO_COLUMNS}, t.text, t.sections FROM documents d JOIN texts t ON t.document = d.num "
            f"WHERE d.generation > 0 AND {condition} ORDER BY d.num",
            values,
        )
        return [row_to_document(row) for row in rows]

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        found: dict[str, str] = {}
        for batch in batches(sorted(document_ids)):
            marks = ",".join("?" * len(batch))
            found.update(self._db.rows(f"SELECT id, sha256 FROM documents WHERE generation > 0 AND id IN ({marks})", batch))
        return found

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by its id, with its document."""
        found = self._passages_where("p.id = ?", (passage_id,))
        return next(iter(found.values()), None)

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""
        found = self._passages_where(
            "d.id = ? AND p.start > ? ORDER BY p.start LIMIT 1", (passage.document_id, passage.start)
        )
        return next((one for one, _ in found.values()), None)

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return visible passages by number, each with its document; numbers that are not there are left out."""
        found: dict[int, tuple[Passage, DocumentInfo]] = {}
        for batch in batches(nums):
            found.update(self._passages_where(f"p.num IN ({','.join('?' * len(batch))})", batch))
        return found

    def _passages_where(self, condition: str, values: Sequence[Value]) -> dict[int, tuple[Passage, DocumentInfo]]:
        rows = self._db.rows(
            f"SELECT p.num, {PASSAGE_COLUMNS}, {INFO_COLUMNS} FROM passages p JOIN documents d ON d.num = p.document "
            f"WHERE d.generation > 0 AND {condition}",
            values,
        )
        return {row[0]: (row_to_passage(row[1:7], row[7]), row_to_info(row[7:])) for row in rows}

    def admitted(self, scope: Filter) -> np.ndarray | None:
        """Return the numbers of the passages that a filter admits, ascending; None when it admits all."""
        condition, values = SQLITE.where(scope)
        if (
            scope == AllOf()
            or self._db.row(f"SELECT 1 FROM documents d WHERE generation > 0 AND NOT ({condition})", values) is None
        ):
            return None
        rows = self._db.rows(
            "SELECT p.num FROM documents d JOIN passages p ON p.document = d.num "
            f"WHERE d.generation > 0 AND {condition} ORDER BY p.num",
            values,
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the visible passages, document by document in the order of their paths."""
        condition, values = SQLITE.where(scope)
        rows = self._db.rows(
            f"SELECT p.num FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > 0 AND {condition} "
            "ORDER BY d.collection, d.path, d.num, p.start",
            values,
        )
        return [row[0] for row in rows]

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""
        found: dict[str, int] = {}
        for batch in batches(passage_ids):
            marks = ",".join("?" * len(batch))
            found.update(
                self._db.rows(
                    "SELECT p.id, p.num FROM passages p JOIN documents d ON d.num = p.document "
                    f"WHERE d.generation > 0 AND p.id IN ({marks})",
                    batch,
                )
            )
        return found

    def changes_since(self, generation: int) -> tuple[list[int], list[int]]:
        """Return (added, removed) passage numbers between a generation and now; a passage never changes, it is replaced."""
        added = self._db.rows(
            "SELECT p.num FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > ? ORDER BY p.num",
            (generation,),
        )
        removed = self._db.rows("SELECT passage FROM tombstones WHERE generation > ?", (generation,))
        return [row[0] for row in added], [row[0] for row in removed]

    def count_changes_since(self, generation: int) -> int:
        """Count the passages added and removed between a generation and now."""
        row = self._db.row(
            "SELECT (SELECT count(*) FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > ?1) "
            "+ (SELECT count(*) FROM tombstones WHERE generation > ?1)",
            (generation,),
        )
        return int(row[0]) if row else 0

    def count_removed(self) -> int:
        """Count the removed passages that the derived files may still hold words of."""
        row = self._db.row("SELECT count(*) FROM tombstones")
        return int(row[0]) if row else 0

    def count_passages(self) -> int:
        """Count the visible passages."""
        row = self._db.row("SELECT count(*) FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > 0")
        return int(row[0]) if row else 0

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension), in the order asked for."""
        found: dict[int, bytes] = {}
        for batch in batches(nums):
            marks = ",".join("?" * len(batch))
            found.update(
                self._db.rows(
                    f"SELECT p.num, v.vector FROM passages p JOIN vectors v ON v.num = p.vector WHERE p.num IN ({marks})",
                    batch,
                )
            )
        joined = b"".join(found[num] for num in nums)
        return np.frombuffer(joined, np.float32).reshape(len(nums), -1) if nums else np.zeros((0, 0), np.float32)

    def searched_texts(self, nums: Sequence[int]) -> Iterator[Row]:
        """Yield (passage number, context and text) for the lexical index."""
        for batch in batches(nums):
            marks = ",".join("?" * len(batch))
            yield from self._db.rows(f"SELECT num, context || char(10) || text FROM passages WHERE num IN ({marks})", batch)

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the file ledger of a collection by path."""
        rows = self._db.rows(f"SELECT {FILE_COLUMNS} FROM files WHERE collection = ? ORDER BY path", (collection,))
        return {record.path: record for record in map(row_to_file, rows)}

    def origin(self, document_id: str) -> tuple[str, str] | None:
        """Return the path of the file that a document was read from, and the sha256 of the bytes it had then."""
        row = self._db.row("SELECT path, file_sha256 FROM documents WHERE generation > 0 AND id = ?", (document_id,))
        return (row[0], row[1]) if row else None

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files of a collection that have documents."""
        rows = self._db.rows("SELECT DISTINCT path FROM documents WHERE generation > 0 AND collection = ?", (collection,))
        return {row[0] for row in rows}

    def failures(self) -> tuple[FileRecord, ...]:
        """Return every file that was not indexed, with its reason."""
        rows = self._db.rows(f"SELECT {FILE_COLUMNS} FROM files WHERE status <> 'indexed' ORDER BY collection, path")
        return tuple(row_to_file(row) for row in rows)

    def collections(self) -> dict[str, CollectionStats]:
        """Count documents and passages by collection."""
        rows = self._db.rows(
            "SELECT d.collection, count(DISTINCT d.num), count(p.num) FROM documents d "
            "LEFT JOIN passages p ON p.document = d.num WHERE d.generation > 0 GROUP BY d.collection ORDER BY 1"
        )
        return {name: CollectionStats(documents, passages) for name, documents, passages in rows}

    def media_types(self) -> dict[str, int]:
        """Count documents by media type."""
        return dict(self._db.rows("SELECT media_type, count(*) FROM documents WHERE generation > 0 GROUP BY 1 ORDER BY 1"))

    def languages(self) -> dict[str, int]:
        """Count documents by language; "" where it is not known."""
        return dict(self._db.rows("SELECT lang, count(*) FROM documents WHERE generation > 0 GROUP BY 1 ORDER BY 1"))

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""
        condition, values = SQLITE.where(scope)
        rows = self._db.rows(
            f"SELECT DISTINCT m.key FROM documents d, json_each(d.metadata) m WHERE d.generation > 0 AND {condition}", values
        )
        return {row[0] for row in rows}

    def find_damage(self) -> list[str]:
        """Read and check everything; returns what is wrong, one line each, empty when all is well."""
        damage = self._db.find_damage()
        for what, query in _MUST_BE_EMPTY.items():
            row = self._db.row(f"SELECT count(*) FROM {query}")
            if row and row[0]:
                damage.append(f"{row[0]} {what}")
        return damage


_MUST_BE_EMPTY = {
    "passages without a vector": "passages p LEFT JOIN vectors v ON v.num = p.vector WHERE v.num IS NULL",
    "passages without a document": "passages p LEFT JOIN documents d ON d.num = p.document WHERE d.num IS NULL",
    "documents without a text": "documents d LEFT JOIN texts t ON t.document = d.num WHERE t.document IS NULL",
    "passages that are not words of their document": (
        'passages p JOIN texts t ON t.document = p.document WHERE substr(t.text, p.start + 1, p."end" - p.start) <> p.text'
    ),
}


def check_never_filled(path: Path) -> None:
    """Raise IndexDamaged for a catalog without tables beside what was derived from one: it has lost them."""
    if (path.parent / "lexical").exists() or next(path.parent.glob("dense-*"), None):
        raise IndexDamaged(f"{path}: the file is damaged (it has no tables)", "see: qa doctor")


def batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut a sequence into pieces that SQLite takes as values of one statement."""
    for start in range(0, len(items), _SQL_VARIABLES):
        yield items[start : start + _SQL_VARIABLES]
