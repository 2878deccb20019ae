"""The catalog: SQLite with every document, passage and vector. The one truth; all else is derived from it.

Rows of a run that has not committed yet have generation 0: nobody sees them, the next run resumes from them, and
one transaction at the end makes them visible and removes what they replace (`CatalogWriter`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from index.catalog_reading import CatalogReading
from index.embedder import Vectors
from index.errors import CitableError, IndexDamaged, IndexIncompatible, IndexMissing, move_away
from index.filters import SQLITE
from index.records import AllOf, Filter
from index.sqlite import Database, Identity, Row

FORMAT = "3"


class Catalog(CatalogReading):
    """One reading connection to the catalog.

    Its state has also forgotten_before: the generation before which removed passages are not known any more.
    """

    dialect = SQLITE

    _db: Database

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

    def dimension(self) -> int:
        """Return the length of the vectors; 1 before there are any."""
        return int(self.state("dimension") or 1)

    def can_catch_up(self, generation: int, token: str) -> bool:
        """Say whether this very commit is in this catalog's history, and what was removed since is still known."""
        known = self._db.row("SELECT 1 FROM generations WHERE number = ? AND token = ?", (generation, token))
        return known is not None and generation >= int(self.state("forgotten_before") or 0)

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
        query = "SELECT p.num, v.vector FROM passages p JOIN vectors v ON v.num = p.vector WHERE p.num"
        found: dict[int, bytes] = dict(self._rows_among(query, nums))
        joined = b"".join(found[num] for num in nums)
        return np.frombuffer(joined, np.float32).reshape(len(nums), -1) if nums else np.zeros((0, 0), np.float32)

    def searched_texts(self, nums: Sequence[int]) -> Iterator[Row]:
        """Yield (passage number, context and text) for the lexical index."""
        return self._rows_among("SELECT num, context || char(10) || text FROM passages WHERE num", nums)

    def sizes(self) -> dict[str, int]:
        """Return how many bytes the parts of the index take up on disk."""
        folder = self.path.parent
        return {
            "catalog": _size(folder.glob("catalog.db*")),
            "dense": _size(folder.glob("dense-*")),
            "lexical": _size((folder / "lexical").glob("*")),
        }

    def find_damage(self) -> list[str]:
        """Read and check everything; returns what is wrong, one line each, empty when all is well."""
        without_vector = "passages p LEFT JOIN vectors v ON v.num = p.vector WHERE v.num IS NULL"
        return [*self._db.find_damage(), *self._find_wrong_rows({"passages without a vector": without_vector})]


def check_never_filled(path: Path) -> None:
    """Raise IndexDamaged for a catalog without tables beside what was derived from one: it has lost them."""
    if (path.parent / "lexical").exists() or next(path.parent.glob("dense-*"), None):
        raise IndexDamaged(f"{path}: the file is damaged (it has no tables)", "see: qa doctor")


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # a writer has just put another in its place
    return total
