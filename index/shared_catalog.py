"""The shared catalog, read: documents, passages, ledger and generations in PostgreSQL. Vectors are not here.

What a run has staged has generation 0, what it has put aside again -1: nobody sees either (`SharedWriter`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from index.catalog_reading import CatalogReading
from index.errors import IndexMissing
from index.filters import POSTGRES
from index.postgres import Session
from index.postgres_pool import Postgres
from index.shared_schema import is_made

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


class SharedCatalog(CatalogReading):
    """One reading connection to the catalog, within a snapshot or not.

    Its state has also target: the engine's collection that is searched; last_run, timestamp: see `Seen`.
    """

    dialect = POSTGRES

    _db: Session

    def __init__(self, session: Session) -> None:
        self._db = session

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

    def visible(self, nums: Sequence[int]) -> set[int]:
        """Return those of the numbers whose passages are there to be seen."""
        rows = self._db.rows(
            "SELECT p.num FROM passages p JOIN documents d ON d.num = p.document WHERE d.generation > 0 AND p.num = ANY(%s)",
            (list(nums),),
        )
        return {row[0] for row in rows}

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

    def sizes(self) -> dict[str, int]:
        """Return how many bytes the catalog takes up on the server."""
        return {"catalog": int(self._db.rows("SELECT pg_database_size(current_database())")[0][0])}

    def find_damage(self) -> list[str]:
        """Say what is wrong with the tables, one line each; PostgreSQL checks its files itself."""
        return self._find_wrong_rows()


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
