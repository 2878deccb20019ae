"""Writing the shared catalog: stage rows that nobody sees, then commit them all at once.

The vector engine knows no transaction that spans both, so every row that it may hold is written down here first: what is
staged (`loaded` once the engine has it), what is to go (`garbage`), and its collections (`targets`). Whatever dies where,
the next writer finds in these tables what to clear away.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from index.catalog_reading import File
from index.catalog_rows import FILE_COLUMNS, file_row
from index.changes import Changes
from index.records import FileRecord
from index.shared_catalog import Target
from index.shared_staging import SharedStaging


class SharedWriter(SharedStaging):
    """The one connection that writes. Only under the writer's lock."""

    def set_state(self, values: Mapping[str, str]) -> None:
        """Set values of the index's state."""
        self._db.run_many(
            "INSERT INTO state VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value", values.items()
        )

    # ------------------------------------------------------------------ the engine's collections

    def target_for(self, fingerprint: str, dimension: int) -> Target | None:
        """Return the engine's collection of a model, if one was begun and is not given up."""
        row = self._db.row(
            "SELECT name, fingerprint, dimension, lexical, flat FROM targets "
            "WHERE retired IS NULL AND fingerprint = %s AND dimension = %s",
            (fingerprint, dimension),
        )
        return Target(*row) if row else None

    def add_target(self, target: Target) -> None:
        """Write down a collection before the engine makes it."""
        self._db.run(
            "INSERT INTO targets VALUES (%s, %s, %s, %s, %s, NULL)",
            (target.name, target.fingerprint, target.dimension, target.lexical, target.flat),
        )

    def give_up_targets(self, kept: Sequence[str]) -> None:
        """Retire the collections that are neither searched nor written any more."""
        self._db.run("UPDATE targets SET retired = 0 WHERE retired IS NULL AND NOT name = ANY(%s)", (list(kept),))

    def retired_targets(self, generation: int) -> list[str]:
        """Return the collections that nobody of this generation or a newer one searches."""
        return [row[0] for row in self._db.rows("SELECT name FROM targets WHERE retired <= %s", (generation,))]

    def forget_target(self, name: str) -> None:
        """Forget a collection that the engine has dropped."""
        with self._db.transaction():
            self._db.run("DELETE FROM garbage WHERE target = %s", (name,))
            self._db.run("DELETE FROM targets WHERE name = %s", (name,))

    # ------------------------------------------------------------------ stage

    def stage_for(self, made_with: str) -> None:
        """Put aside what was staged unless it was made with the same model, splitter and readers."""
        if self.state("staged_for") != made_with:
            with self._db.transaction():
                self._db.run("UPDATE documents SET generation = -1 WHERE generation = 0")
                self.set_state({"staged_for": made_with})

    def begin_run(self, target: str) -> int:
        """Return the number of a new run; what it stages is seen by nobody before its commit."""
        return int(self._db.rows("INSERT INTO runs (target) VALUES (%s) RETURNING num", (target,))[0][0])

    # ------------------------------------------------------------------ commit

    def put_aside_rest(self, kept: Sequence[File], collections: Sequence[str]) -> None:
        """Put aside what the coming commit does not make visible, and leave it to be cleared away.

        Of the collections it is about, what an earlier run staged and this one did not put has changed or gone since; and
        a run of which something becomes visible must have nothing hidden left.
        """
        with self._db.transaction():
            self._db.run("CREATE TEMP TABLE IF NOT EXISTS kept (collection text, path text)")
            self._db.run("DELETE FROM kept")
            self._db.run_many("INSERT INTO kept VALUES (%s, %s)", kept)
            self._db.run(
                "UPDATE documents SET generation = -1 WHERE generation = 0 AND (collection, path) NOT IN (TABLE kept) "
                "AND (collection = ANY(%s) OR run IN "
                "(SELECT run FROM documents WHERE generation = 0 AND (collection, path) IN (TABLE kept)))",
                (list(collections),),
            )
            self._throw_away("generation = -1", (), 0)

    def throw_away_unfinished(self) -> None:
        """Leave to be cleared away what a run that died had not wholly given to the engine, or had put aside."""
        with self._db.transaction():
            self._throw_away("generation = -1 OR (generation = 0 AND NOT loaded)", (), 0)

    def _throw_away(self, condition: str, values: Sequence[object], generation: int) -> int:
        """Delete documents with their texts and passages, and note them for the engine; returns how many."""
        chosen = f"(SELECT num FROM documents WHERE {condition})"
        self._db.run(f"INSERT INTO garbage SELECT num, target, %s FROM documents WHERE {condition}", (generation, *values))
        self._db.run(f"DELETE FROM passages WHERE document IN {chosen}", values)
        self._db.run(f"DELETE FROM texts WHERE document IN {chosen}", values)
        return self._db.run(f"DELETE FROM documents WHERE {condition}", values)

    def commit(self, changes: Changes, state: Mapping[str, str], seconds: float) -> int:
        """Make what was staged of the files visible, all or nothing, and end its runs; returns the generation.

        What is moved is staged under its new path. state: what the vectors were made with. The old generation is returned
        when no document changed.
        """
        put, drop, new_places = changes.put, changes.drop, changes.new_places
        old_places = [file for file, _ in changes.move]
        with self._db.transaction():
            self._note_files([*drop, *old_places], changes.ledger)
            generation = self.generation() + 1
            before = {*put, *drop, *old_places, *new_places}
            moved = self._count_documents(old_places)
            removed = sum(self._bury(file, generation) for file in sorted(before)) - moved
            added = sum(self._reveal(file, generation) for file in [*dict.fromkeys([*put, *new_places])]) - moved
            if not put and not drop and not new_places:
                return generation - 1
            self._db.run(
                "INSERT INTO generations VALUES (%s, %s, %s, %s, %s, %s)",
                (generation, secrets.token_hex(8), _now(), max(added, 0), max(removed, 0), seconds),
            )
            self._end_runs(generation)
            self._db.run(
                "UPDATE targets SET retired = %s WHERE retired IS NULL AND name <> %s",
                (generation, state.get("target") or self.state("target")),
            )
            self.set_state({**state, "generation": str(generation)})
        return generation

    def _note_files(self, gone: Sequence[File], ledger: Sequence[FileRecord]) -> None:
        self._db.run_many("DELETE FROM files WHERE collection = %s AND path = %s", gone)
        names = FILE_COLUMNS.split(", ")
        marks, anew = ", ".join(["%s"] * len(names)), ", ".join(f"{name} = excluded.{name}" for name in names)
        query = f"INSERT INTO files ({FILE_COLUMNS}) VALUES ({marks}) ON CONFLICT (collection, path) DO UPDATE SET {anew}"
        self._db.run_many(query, map(file_row, ledger))

    def _count_documents(self, files: Sequence[File]) -> int:
        return sum(len(self.document_ids(*file)) for file in files)

    def _bury(self, file: File, generation: int) -> int:
        return self._throw_away("generation > 0 AND collection = %s AND path = %s", file, generation)

    def _reveal(self, file: File, generation: int) -> int:
        return self._db.run(
            "UPDATE documents SET generation = CASE WHEN moved > 0 THEN moved ELSE %s END, revealed = %s "
            "WHERE generation = 0 AND loaded AND collection = %s AND path = %s",
            (generation, generation, *file),
        )

    def _end_runs(self, generation: int) -> None:
        """Let readers see the rows of the runs of which something has become visible."""
        self._db.run("DELETE FROM runs WHERE num IN (SELECT run FROM documents WHERE revealed = %s)", (generation,))
        row = self._db.row("SELECT max(run) FROM documents WHERE revealed = %s", (generation,))
        newest = int(row[0]) if row and row[0] else 0
        self.set_state({"last_run": str(max(newest, int(self.state("last_run") or 0)))})

    # ------------------------------------------------------------------ what the engine is to forget

    def garbage(self, generation: int) -> dict[str, list[int]]:
        """Return by collection of the engine the documents that nobody of this generation or a newer one sees."""
        found: dict[str, list[int]] = {}
        for target, document in self._db.rows(
            "SELECT target, document FROM garbage WHERE generation <= %s ORDER BY document", (generation,)
        ):
            found.setdefault(target, []).append(document)
        return found

    def forget_garbage(self, documents: Sequence[int]) -> None:
        """Forget documents whose rows the engine has deleted."""
        self._db.run("DELETE FROM garbage WHERE document = ANY(%s)", (list(documents),))

    def forget_empty_runs(self) -> None:
        """Forget runs that have left nothing. Only when nothing is left of them in the engine either."""
        self._db.run("DELETE FROM runs WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.run = runs.num)")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
