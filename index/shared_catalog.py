"""The shared catalog, read: documents, passages, ledger and generations in PostgreSQL. Vectors are not here.

What a run has staged has generation 0, what it has put aside again -1: nobody sees either (`SharedWriter`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from index.catalog_rows import (
    FILE_COLUMNS,
    INFO_COLUMNS,
    PASSAGE_COLUMNS,
    row_to_document,
    row_to_file,
    row_to_info,
    row_to_passage,
)
from index.errors import IndexMissing
from index.filters import POSTGRES
from index.postgres import Session
from index.postgres_pool import Postgres
from index.records import AllOf, CollectionStats, Document, DocumentInfo, FileRecord, Filter, Passage, Run, Stats
from index.shared_schema import is_made

_MUST_BE_EMPTY = {
    "passages without a document": "passages p LEFT JOIN documents d ON d.num = p.document WHERE d.num IS NULL",
    "documents without a text": "documents d LEFT JOIN texts t ON t.document = d.num WHERE t.document IS NULL",
    "passages that are not words of their document": (
        "passages p JOIN texts t ON t.document = p.document "
        'WHERE substr(t.text, p.start::int + 1, (p."end" - p.start)::int) <> p.text'
    ),
}
NAMED_AT_ONCE = 2_000  # removed documents that a search names; rows of further ones are sifted out afterwards
_TRIES = 20  # to hold a generation that is not over before it is held


@dataclass(frozen=True)
class Target:
    """A collection of the vector engine. lexical: it is searched by words, too; flat: every search of it is exact."""

    name: str
    fingerprint: str
    dimension: int
    lexical: bool
    flat: bool


@dataclass(frozen=True)
class Seen:
    """Which of the engine's rows a generation sees: those of finished runs, without those of removed documents.

    last_run: the newest of them; open_runs: those before it that are not finished; removed: documents whose rows may
    still be there, the newest ones (is_cut: there are more); timestamp: of the engine, after which it has all that is to
    be seen, 0 where it has no clock.
    """

    last_run: int
    open_runs: tuple[int, ...]
    removed: tuple[int, ...]
    is_cut: bool
    timestamp: int


class SharedCatalog:
    """One reading connection to the catalog, within a snapshot or not."""

    def __init__(self, session: Session) -> None:
        self._db = session

    def state(self, key: str) -> str | None:
        """Return a value of the index's state.

        generation, embedder, fingerprint, dimension, splitter, root, paths, staged_for: as in the local catalog; target:
        the engine's collection that is searched; last_run, timestamp: see `Seen`.
        """
        row = self._db.row("SELECT value FROM state WHERE key = %s", (key,))
        return str(row[0]) if row else None

    def generation(self) -> int:
        """Return the number of the last commit; 0 before the first."""
        return int(self.state("generation") or 0)

    def target(self) -> Target:
        """Return the engine's collection that is searched."""
        row = self._db.row(
            "SELECT name, fingerprint, dimension, lexical, flat FROM targets WHERE name = %s", (self.state("target"),)
        )
        if row is None:
            raise IndexMissing("nothing is indexed here", "run: qa index PATH")
        return Target(*row)

    def seen(self) -> Seen:
        """Return which of the engine's rows this generation sees."""
        last_run = int(self.state("last_run") or 0)
        open_runs = tuple(row[0] for row in self._db.rows("SELECT num FROM runs WHERE num <= %s ORDER BY num", (last_run,)))
        removed = self._db.rows(
            "SELECT document FROM garbage WHERE target = %s ORDER BY document DESC LIMIT %s",
            (self.state("target"), NAMED_AT_ONCE + 1),
        )
        named = tuple(row[0] for row in removed[:NAMED_AT_ONCE])
        return Seen(last_run, open_runs, named, len(removed) > len(named), int(self.state("timestamp") or 0))

    def given(self) -> tuple[int, list[int], int]:
        """Return `last_run`, the runs that are not finished, and the last number that any passage was given."""
        runs = [int(row[0]) for row in self._db.rows("SELECT num FROM runs ORDER BY num")]
        row = self._db.row("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM passages_num_seq")
        return int(self.state("last_run") or 0), runs, int(row[0]) if row else 0

    def targets(self) -> list[Target]:
        """Return the engine's collections that are not given up, searched or not."""
        rows = self._db.rows("SELECT name, fingerprint, dimension, lexical, flat FROM targets WHERE retired IS NULL")
        return [Target(*row) for row in rows]

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""
        rows = self._db.rows(
            "SELECT number, committed_at, added, removed, seconds FROM generations ORDER BY number DESC LIMIT %s", (most,)
        )
        return [Run(*row) for row in rows]

    def indexed_paths(self) -> dict[str, list[str]]:
        """Return by collection the files and folders that runs were told to index, as the index names them."""
        found: dict[str, list[str]] = json.loads(self.state("paths") or "{}")
        return found

    # ------------------------------------------------------------------ documents

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return the documents that a filter admits, by collection, path and part."""
        condition, values = POSTGRES.where(scope)
        rows = self._db.rows(
            f"SELECT {INFO_COLUMNS} FROM documents d WHERE generation > 0 AND {condition} ORDER BY collection, path, num",
            values,
        )
        return [row_to_info(row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        return next(iter(self._documents_where("d.id = %s", (document_id,))), None)

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""
        return self._documents_where("d.collection = %s AND d.path = %s", (collection, path))

    def _documents_where(self, condition: str, values: Sequence[object]) -> list[Document]:
        rows = self._db.rows(
            f"SELECT {INFO_COLUMNS}, t.text, t.sections FROM documents d JOIN texts t ON t.document = d.num "
            f"WHERE d.generation > 0 AND {condition} ORDER BY d.num",
            values,
        )
        return [row_to_document(row) for row in rows]

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        rows = self._db.rows(
            "SELECT id, sha256 FROM documents WHERE generation > 0 AND id = ANY(%s)", (sorted(document_ids),)
        )
        return dict(rows)

    def origin(self, document_id: str) -> tuple[str, str] | None:
        """Return the path of the file that a document was read from, and the sha256 of the bytes it had then."""
        row = self._db.row("SELECT path, file_sha256 FROM documents WHERE generation > 0 AND id = %s", (document_id,))
        return (row[0], row[1]) if row else None

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""
        condition, values = POSTGRES.where(scope)
        rows = self._db.rows(
            f"SELECT DISTINCT m.key FROM documents d, {POSTGRES.pairs} m WHERE d.generation > 0 AND {condition}", values
        )
        return {row[0] for row in rows}

    # ------------------------------------------------------------------ passages

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return visible passages by number, each with its document; numbers that are not there are left out."""
        return self._passages_where("p.num = ANY(%s)", (list(nums),))

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by its id, with its document."""
        return next(iter(self._passages_where("p.id = %s", (passage_id,)).values()), None)

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""
        found = self._passages_where(
            "d.id = %s AND p.start > %s ORDER BY p.start LIMIT 1", (passage.document_id, passage.start)
        )
        return next((one for one, _ in found.values()), None)

    def _passages_where(self, condition: str, values: Sequence[object]) -> dict[int, tuple[Passage, DocumentInfo]]:
        rows = self._db.rows(
            f"SELECT p.num, {PASSAGE_COLUMNS}, {INFO_COLUMNS} FROM passages p JOIN documents d ON d.num = p.document "
            f"WHERE d.generation > 0 AND {condition}",
            values,
        )
        return {row[0]: (row_to_passage(row[1:7], row[7]), row_to_info(row[7:])) for row in rows}

    def visible(self, nums: Sequence[int]) -> set[int]:
        """Return those of the numbers whose passages are there to be seen."""
        rows = self._db.rows(
            "SELECT p.num FROM passages p JOIN documents d ON d.num = p.document WHERE d.generation > 0 AND p.num = ANY(%s)",
            (list(nums),),
        )
        return {row[0] for row in rows}

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the visible passages, document by document in the order of their paths."""
        condition, values = POSTGRES.where(scope)
        rows = self._db.rows(
            f"SELECT p.num FROM documents d JOIN passages p ON p.document = d.num WHERE d.generation > 0 AND {condition} "
            "ORDER BY d.collection, d.path, d.num, p.start",
            values,
        )
        return [row[0] for row in rows]

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""
        rows = self._db.rows(
            "SELECT p.id, p.num FROM passages p JOIN documents d ON d.num = p.document "
            "WHERE d.generation > 0 AND p.id = ANY(%s)",
            (list(passage_ids),),
        )
        return dict(rows)

    def documents_by_passage(self, low: int, high: int) -> dict[int, int]:
        """Return the number of a passage → that of its document, of visible ones from `low` to before `high`."""
        rows = self._db.rows(
            "SELECT p.num, d.num FROM passages p JOIN documents d ON d.num = p.document "
            "WHERE d.generation > 0 AND p.num >= %s AND p.num < %s",
            (low, high),
        )
        return dict(rows)

    def last_number(self) -> int:
        """Return the highest number of a passage, 0 where there is none."""
        row = self._db.row("SELECT coalesce(max(num), 0) FROM passages")
        return int(row[0]) if row else 0

    def find_damage(self) -> list[str]:
        """Say what is wrong with the tables, one line each; PostgreSQL checks its files itself."""
        counts = {what: self._db.rows(f"SELECT count(*) FROM {query}")[0][0] for what, query in _MUST_BE_EMPTY.items()}
        return [f"{count} {what}" for what, count in counts.items() if count]

    # ------------------------------------------------------------------ the ledger and counts

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the file ledger of a collection by path."""
        rows = self._db.rows(f"SELECT {FILE_COLUMNS} FROM files WHERE collection = %s ORDER BY path", (collection,))
        return {record.path: record for record in map(row_to_file, rows)}

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files of a collection that have documents."""
        rows = self._db.rows("SELECT DISTINCT path FROM documents WHERE generation > 0 AND collection = %s", (collection,))
        return {row[0] for row in rows}

    def stats(self) -> Stats:
        """Count what the catalog holds, and what it takes up on the server."""
        failures = self._db.rows(f"SELECT {FILE_COLUMNS} FROM files WHERE status <> 'indexed' ORDER BY collection, path")
        collections = self._db.rows(
            "SELECT d.collection, count(DISTINCT d.num), count(p.num) FROM documents d "
            "LEFT JOIN passages p ON p.document = d.num WHERE d.generation > 0 GROUP BY d.collection ORDER BY 1"
        )
        row = self._db.row("SELECT committed_at FROM generations ORDER BY number DESC LIMIT 1")
        size = self._db.row("SELECT pg_database_size(current_database())")
        return Stats(
            generation=self.generation(),
            committed_at=str(row[0]) if row else "",
            embedder=self.state("embedder") or "",
            dimension=int(self.state("dimension") or 0),
            collections={name: CollectionStats(documents, passages) for name, documents, passages in collections},
            media_types=self._count_by("media_type"),
            languages=self._count_by("lang"),
            failures=tuple(row_to_file(row) for row in failures),
            sizes={"catalog": int(size[0]) if size else 0},
        )

    def _count_by(self, column: str) -> dict[str, int]:
        query = f"SELECT {column}, count(*) FROM documents WHERE generation > 0 GROUP BY 1 ORDER BY 1"
        return dict(self._db.rows(query))


@contextmanager
def reading(postgres: Postgres) -> Iterator[SharedCatalog]:
    """Lend a catalog for a few reads. Raises IndexMissing where there is none."""
    with postgres.lend() as session:
        _check_made(session, postgres.place)
        yield SharedCatalog(session)


@contextmanager
def holding(postgres: Postgres, *, patient: bool = False) -> Iterator[SharedCatalog]:
    """Lend a catalog that stands still at its newest generation; writers are told. Raises IndexMissing without one."""
    with postgres.lend(patient=patient) as session:
        _check_made(session, postgres.place)
        catalog = SharedCatalog(session)
        for _ in range(_TRIES):
            generation = catalog.generation()
            if generation == 0:
                raise _missing(postgres.place)
            # held before the snapshot is taken: a writer that commits in between is noticed here, one after it notices us
            with session.reading(generation), session.snapshot():
                if catalog.generation() == generation:
                    yield catalog
                    return
        raise IndexMissing(f"{postgres.place}: the index changes faster than it can be read", "try again")


def _check_made(session: Session, place: str) -> None:
    if not is_made(session):
        raise _missing(place)


def _missing(place: str) -> IndexMissing:
    return IndexMissing(f"{place}: nothing is indexed here", "run: qa index PATH")
