"""Staging in the shared catalog: rows that nobody sees, and what the vector engine is to hold of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from index.catalog_reading import File
from index.catalog_rows import INFO_COLUMNS, document_row, locator_to_text, row_to_info, sections_to_json
from index.postgres import without_nul
from index.records import Document, DocumentInfo, FileRecord, Passage
from index.shared_catalog import SharedCatalog
from index.store import Part, PutFile

_DOCUMENT_COLUMNS = "id, collection, path, part, title, sha256, length, media_type, lang, metadata, indexed_at, file_sha256"
_PATH, _PART, _TITLE = 2, 3, 4  # their places among those


@dataclass(frozen=True)
class Staged:
    """A passage as the vector engine is to hold it. source: the number of a passage with the same vector, or None."""

    num: int
    document: int
    run: int
    info: DocumentInfo
    text: str
    key: bytes
    source: int | None = None


class SharedStaging(SharedCatalog):
    """A connection that stages. Only under the writer's lock."""

    def staged_files(self) -> dict[File, str]:
        """Return (collection, path) → sha256 of the files that an interrupted run has already staged."""
        rows = self._db.rows(
            "SELECT collection, path, file_sha256 FROM documents WHERE generation = 0 AND loaded AND moved = 0"
        )
        return {(collection, path): sha256 for collection, path, sha256 in rows}

    def sources(self, keys: Sequence[bytes], target: str) -> dict[bytes, int]:
        """Return for those of the keys whose vectors the engine has the number of a passage with that vector."""
        # the keys first: before PostgreSQL has counted the rows it would go through every document for each file
        rows = self._db.rows(
            "WITH same AS MATERIALIZED (SELECT key, num, document FROM passages WHERE key = ANY(%s)) "
            "SELECT DISTINCT ON (p.key) p.key, p.num FROM same p JOIN documents d ON d.num = p.document "
            "WHERE d.loaded AND d.target = %s",
            (list(keys), target),
        )
        return {bytes(key): num for key, num in rows}

    def stage(self, changes: Sequence[PutFile], run: int, target: str) -> list[Staged]:
        """Write files down so that only `commit` can make them visible; returns what the engine is to hold of them."""
        staged: list[Staged] = []
        with self._db.transaction():
            for change in changes:
                self._put_aside((change.record.collection, change.record.path))
                for part in change.parts:
                    staged += self._stage_part(part, change.record.sha256, run, target)
        return staged

    def _stage_part(self, part: Part, file_sha256: str, run: int, target: str) -> list[Staged]:
        document = _storable(part.document)
        num = self._insert_document(run, target, 0, document_row(document, file_sha256))
        sections = sections_to_json(document.sections)
        self._db.run("INSERT INTO texts VALUES (%s, %s, %s)", (num, document.text, sections))
        nums = self._insert_passages(num, part.passages, part.keys)
        return [
            Staged(one, num, run, document, f"{passage.context}\n{passage.text}", key)
            for one, passage, key in zip(nums, part.passages, part.keys, strict=True)
        ]

    def stage_move(self, record: FileRecord, old_path: str, run: int, target: str) -> list[Staged]:
        """Stage a copy of a file's documents under another path, with their ids; a title that was its name follows it."""
        staged: list[Staged] = []
        with self._db.transaction():
            self._put_aside((record.collection, record.path))
            for old, generation, *values in self._db.rows(
                f"SELECT num, generation, {_DOCUMENT_COLUMNS} FROM documents "
                "WHERE generation > 0 AND collection = %s AND path = %s ORDER BY num",
                (record.collection, old_path),
            ):
                if (values[_PART], values[_TITLE]) == ("", PurePath(old_path).stem):
                    values[_TITLE] = PurePath(record.path).stem
                values[_PATH] = record.path
                num = self._insert_document(run, target, generation, values)
                self._db.run("INSERT INTO texts SELECT %s, text, sections FROM texts WHERE document = %s", (num, old))
                staged += self._copy_passages(old, num, run)
        return staged

    def _put_aside(self, file: File) -> None:
        """Hide what was staged of a file for good. The engine keeps it till the commit: its vectors may be asked for."""
        self._db.run("UPDATE documents SET generation = -1 WHERE generation = 0 AND collection = %s AND path = %s", file)

    def _insert_document(self, run: int, target: str, moved: int, values: Sequence[Any]) -> int:
        """Insert a hidden document. moved: the generation that it keeps, 0 where it is new."""
        marks = ", ".join(["%s"] * len(values))
        query = (
            f"INSERT INTO documents (run, target, loaded, moved, generation, {_DOCUMENT_COLUMNS}) "
            f"VALUES (%s, %s, false, %s, 0, {marks}) RETURNING num"
        )
        return int(self._db.rows(query, (run, target, moved, *values))[0][0])

    def _insert_passages(self, document: int, passages: Sequence[Passage], keys: Sequence[bytes]) -> list[int]:
        numbered = self._db.rows(
            "SELECT nextval(pg_get_serial_sequence('passages', 'num')) FROM generate_series(1, %s)", (len(passages),)
        )
        nums = [int(row[0]) for row in numbered]
        self._db.run_many(
            "INSERT INTO passages VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                (
                    num,
                    document,
                    one.id,
                    one.start,
                    one.end,
                    without_nul(one.text),
                    without_nul(one.context),
                    locator_to_text(one.locator),
                    key,
                )
                for num, one, key in zip(nums, passages, keys, strict=True)
            ),
        )
        return nums

    def _copy_passages(self, old: int, new: int, run: int) -> list[Staged]:
        sources = {
            (row[0], row[1]): row[2]
            for row in self._db.rows("SELECT start, id, num FROM passages WHERE document = %s", (old,))
        }
        rows = self._db.rows(
            'INSERT INTO passages (document, id, start, "end", text, context, locator, key) '
            'SELECT %s, id, start, "end", text, context, locator, key FROM passages WHERE document = %s '
            "RETURNING num, start, id, text, context, key",
            (new, old),
        )
        info = row_to_info(self._db.rows(f"SELECT {INFO_COLUMNS} FROM documents d WHERE num = %s", (new,))[0])
        return [
            Staged(num, new, run, info, f"{context}\n{text}", bytes(key), sources[start, name])
            for num, start, name, text, context, key in rows
        ]

    def note_loaded(self, run: int) -> None:
        """Note that the engine holds all that a run has staged till now."""
        self._db.run("UPDATE documents SET loaded = true WHERE run = %s AND NOT loaded", (run,))

    def note_lost(self, documents: Sequence[int]) -> None:
        """Note that the engine has lost these documents: what they share vectors with is not to count on them."""
        self._db.run("UPDATE documents SET loaded = false WHERE num = ANY(%s)", (list(documents),))


def _storable(document: Document) -> Document:
    metadata = {without_nul(key): without_nul(value) for key, value in document.metadata.items()}
    return replace(document, text=without_nul(document.text), title=without_nul(document.title), metadata=metadata)
