"""What is read of a catalog whatever database it lies in: SQLite (`Catalog`) or PostgreSQL (`SharedCatalog`).

Rows of a run that has not committed yet have generation 0: nobody sees them.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from index.catalog_rows import (
    FILE_COLUMNS,
    INFO_COLUMNS,
    PASSAGE_COLUMNS,
    Ledger,
    row_to_document,
    row_to_file,
    row_to_info,
    row_to_passage,
)
from index.filters import Dialect
from index.records import AllOf, CollectionStats, Document, DocumentInfo, Filter, Passage, Run, Stats

Row = tuple[Any, ...]
File = tuple[str, str]  # collection, path

_MUST_BE_EMPTY = {
    "passages without a document": "passages p LEFT JOIN documents d ON d.num = p.document WHERE d.num IS NULL",
    "documents without a text": "documents d LEFT JOIN texts t ON t.document = d.num WHERE t.document IS NULL",
    "passages that are not words of their document": (
        "passages p JOIN texts t ON t.document = p.document "
        'WHERE substr(t.text, CAST(p.start + 1 AS integer), CAST(p."end" - p.start AS integer)) <> p.text'
    ),
}


class Connection(Protocol):
    """A connection to a database."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query."""


class CatalogReading(ABC):
    """Reads a catalog by one connection. In its SQL a value is bound to ?, whatever the dialect's mark is."""

    dialect: ClassVar[Dialect]
    _db: Connection

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._db.rows(sql.replace("?", self.dialect.mark), values)

    def _row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        return next(iter(self._rows(sql, values)), None)

    def _rows_among(self, sql: str, wanted: Sequence[Any]) -> Iterator[Row]:
        """Yield the rows of a query that ends with a column, where that is one of the wanted values."""
        for test, values in self.dialect.among(wanted):
            yield from self._rows(f"{sql} {test}", values)

    # ------------------------------------------------------------------ generations

    def state(self, key: str) -> str | None:
        """Return a value of the index's state.

        format, generation, embedder, fingerprint, dimension, splitter, root; paths: collection → files and folders that it
        was told to index, as JSON; staged_for: what the staged rows were made with.
        """
        row = self._row("SELECT value FROM state WHERE key = ?", (key,))
        return str(row[0]) if row else None

    def generation(self) -> int:
        """Return the number of the last commit; 0 before the first."""
        return int(self.state("generation") or 0)

    def token(self) -> str:
        """Return the random name of the last commit: tells it from another catalog's of the same number."""
        row = self._row("SELECT token FROM generations ORDER BY number DESC LIMIT 1")
        return str(row[0]) if row else ""

    def committed_at(self) -> str:
        """Return when the last commit was, ISO 8601 in UTC, or ""."""
        return next((run.committed_at for run in self.runs(1)), "")

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""
        rows = self._rows(
            "SELECT number, committed_at, added, removed, seconds FROM generations ORDER BY number DESC LIMIT ?", (most,)
        )
        return [Run(*row) for row in rows]

    def indexed_paths(self) -> dict[str, list[str]]:
        """Return by collection the files and folders that runs were told to index, as the index names them."""
        found: dict[str, list[str]] = json.loads(self.state("paths") or "{}")
        return found

    # ------------------------------------------------------------------ documents

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return the documents that a filter admits, by collection, path and part."""
        condition, values = self.dialect.where(scope)
        rows = self._rows(
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

    def _documents_where(self, condition: str, values: Sequence[Any]) -> list[Document]:
        rows = self._rows(
            f"SELECT {INFO_COLUMNS}, t.text, t.sections FROM documents d JOIN texts t ON t.document = d.num "
            f"WHERE d.generation > 0 AND {condition} ORDER BY d.num",
            values,
        )
        return [row_to_document(row) for row in rows]

    def document_ids(self, collection: str, path: str) -> dict[str, str]:
        """Return part → id of the documents of a file."""
        query = "SELECT part, id FROM documents WHERE generation > 0 AND collection = ? AND path = ?"
        return dict(self._rows(query, (collection, path)))

    def is_taken(self, document_id: str) -> bool:
        """Say whether a document has this id."""
        return self._row("SELECT 1 FROM documents WHERE generation > 0 AND id = ?", (document_id,)) is not None

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        query = "SELECT id, sha256 FROM documents WHERE generation > 0 AND id"
        return dict(self._rows_among(query, sorted(document_ids)))

    def origin(self, document_id: str) -> tuple[str, str] | None:
        """Return the path of the file that a document was read from, and the sha256 of the bytes it had then."""
        row = self._row("SELECT path, file_sha256 FROM documents WHERE generation > 0 AND id = ?", (document_id,))
        return (row[0], row[1]) if row else None

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""
        condition, values = self.dialect.where(scope)
        query = f"SELECT DISTINCT m.key FROM documents d, {self.dialect.pairs} m WHERE d.generation > 0 AND {condition}"
        return {row[0] for row in self._rows(query, values)}

    # ------------------------------------------------------------------ passages

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return visible passages by number, each with its document; numbers that are not there are left out."""
        found: dict[int, tuple[Passage, DocumentInfo]] = {}
        for test, values in self.dialect.among(nums):
            found |= self._passages_where(f"p.num {test}", values)
        return found

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by its id, with its document."""
        return next(iter(self._passages_where("p.id = ?", (passage_id,)).values()), None)

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""
        found = self._passages_where(
            "d.id = ? AND p.start > ? ORDER BY p.start LIMIT 1", (passage.document_id, passage.start)
        )
        return next((one for one, _ in found.values()), None)

    def _passages_where(self, condition: str, values: Sequence[Any]) -> dict[int, tuple[Passage, DocumentInfo]]:
        rows = self._rows(
            f"SELECT p.num, {PASSAGE_COLUMNS}, {INFO_COLUMNS} FROM passages p JOIN documents d ON d.num = p.document "
            f"WHERE d.generation > 0 AND {condition}",
            values,
        )
        return {row[0]: (row_to_passage(row[1:7], row[7]), row_to_info(row[7:])) for row in rows}

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the visible passages, document by document in the order of their paths."""
        condition, values = self.dialect.where(scope)
        rows = self._rows(
            f"SELECT p.num FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > 0 AND {condition} "
            "ORDER BY d.collection, d.path, d.num, p.start",
            values,
        )
        return [row[0] for row in rows]

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""
        query = "SELECT p.id, p.num FROM passages p JOIN documents d ON d.num = p.document WHERE d.generation > 0 AND p.id"
        return dict(self._rows_among(query, passage_ids))

    # ------------------------------------------------------------------ the ledger, counts, damage

    def files(self, collection: str) -> Ledger:
        """Return the file ledger of a collection by path."""
        rows = self._rows(f"SELECT {FILE_COLUMNS} FROM files WHERE collection = ? ORDER BY path", (collection,))
        return Ledger(rows)

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files of a collection that have documents."""
        rows = self._rows("SELECT DISTINCT path FROM documents WHERE generation > 0 AND collection = ?", (collection,))
        return {row[0] for row in rows}

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Return how many bytes the parts of the index take up on disk."""

    def stats(self) -> Stats:
        """Count what the catalog holds."""
        failures = self._rows(f"SELECT {FILE_COLUMNS} FROM files WHERE status <> 'indexed' ORDER BY collection, path")
        collections = self._rows(
            "SELECT d.collection, count(DISTINCT d.num), count(p.num) FROM documents d "
            "LEFT JOIN passages p ON p.document = d.num WHERE d.generation > 0 GROUP BY d.collection ORDER BY 1"
        )
        return Stats(
            generation=self.generation(),
            committed_at=self.committed_at(),
            embedder=self.state("embedder") or "",
            dimension=int(self.state("dimension") or 0),
            collections={name: CollectionStats(documents, passages) for name, documents, passages in collections},
            media_types=self._count_by("media_type"),
            languages=self._count_by("lang"),
            failures=tuple(map(row_to_file, failures)),
            sizes=self.sizes(),
        )

    def _count_by(self, column: str) -> dict[str, int]:
        query = f"SELECT {column}, count(*) FROM documents WHERE generation > 0 GROUP BY 1 ORDER BY 1"
        return dict(self._rows(query))

    def _find_wrong_rows(self, more: Mapping[str, str] | None = None) -> list[str]:
        """Say which rows do not belong to each other, one line each. more: further things that there must be none of."""
        wrong = {**_MUST_BE_EMPTY, **(more or {})}
        counts = {what: self._rows(f"SELECT count(*) FROM {query}")[0][0] for what, query in wrong.items()}
        return [f"{count} {what}" for what, count in counts.items() if count]
