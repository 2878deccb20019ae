"""A store on engines made for many machines: vectors and words in Milvus, all else in PostgreSQL, the one truth.

Milvus and PostgreSQL commit apart. So nothing in Milvus is seen because it is there: a reader takes from PostgreSQL, in one
snapshot, which runs' rows its generation sees and which documents' it does not, and asks Milvus for just those.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from index.catalog_reading import CatalogReading
from index.catalog_store import CatalogStore
from index.changes import sort_changes
from index.compatible import check_compatible, made_with, staged_for
from index.embedder import Embedder
from index.errors import IndexMissing, IndexUnavailable, unavailable
from index.milvus import Milvus
from index.milvus_filters import EVERYTHING
from index.milvus_view import MilvusView, Narrow
from index.milvus_writing import Stager, clear, clear_once_unread, clear_unknown
from index.postgres import Session
from index.postgres_pool import Postgres
from index.shared_catalog import SharedCatalog, Target, holding, reading
from index.shared_schema import bring_up
from index.shared_writer import SharedWriter
from index.store import Capabilities, Change, View

_LOG = logging.getLogger("index.store")
_LOCK_SECONDS = 1.0


class MilvusStore(CatalogStore):
    """A store in Milvus and PostgreSQL. Safe to share between threads, processes and machines."""

    def __init__(self, postgres: Postgres, engine: Milvus, folder: Path) -> None:
        """folder: the data directory of this machine; paths of a new index start from its parent."""
        self.folder = folder
        self.engine = engine
        self.postgres = postgres
        self._narrow: Narrow = {}
        self._session: Session | None = None
        self._target: Target | None = None
        self._made_with: dict[str, str] = {}

    # ------------------------------------------------------------------ reading

    @property
    def capabilities(self) -> Capabilities:
        """What it can do: the index says, or where there is none Milvus."""
        try:
            with reading(self.postgres) as catalog:
                return Capabilities(catalog.target().lexical)
        except IndexMissing:
            return Capabilities(self.engine.has_words)

    @contextmanager
    def view(self) -> Iterator[View]:
        """Open the newest generation for reading. Raises IndexMissing where nothing is indexed."""
        with holding(self.postgres) as catalog:
            generation, token = catalog.generation(), catalog.token()
            yield MilvusView(catalog, self.engine, generation, token, catalog.target(), catalog.seen(), self._narrow)

    def check_searchable(self) -> None:
        """Raise IndexUnavailable where Milvus does not answer."""
        with reading(self.postgres) as catalog:
            self.engine.numbers(catalog.target().name, EVERYTHING, 1, catalog.seen().timestamp)

    def _root_of(self, catalog: CatalogReading) -> Path:
        return Path(catalog.state("root") or self._new_root(None))

    def _reading(self) -> AbstractContextManager[SharedCatalog]:
        return reading(self.postgres)

    def _check_compatible(self, catalog: CatalogReading, embedder: Embedder) -> None:
        check_compatible(catalog.state, embedder, self.postgres.place, "")

    # ------------------------------------------------------------------ writing

    @contextmanager
    def writing(self, root: Path | None = None) -> Iterator[None]:
        """Be the one writer. root: what relative paths of a new index start from; the data directory's parent by default."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # where the history lies
        except OSError as error:
            raise unavailable(self.folder, error) from error
        with self.postgres.lend(patient=True) as session, session.writer_lock(_LOCK_SECONDS):
            bring_up(session)
            self._session = session
            try:
                self._begin(SharedWriter(session), root)
                yield
            finally:
                self._session, self._target, self._made_with = None, None, {}

    def _begin(self, writer: SharedWriter, root: Path | None) -> None:
        if writer.state("root") is None:
            writer.set_state({"root": str(self._new_root(root))})
        writer.throw_away_unfinished()
        clear(writer, self.engine, 0)
        if writer.garbage(writer.generation()):  # of a run that could not wait for its readers
            self._clear_old(writer.generation())
        writer.forget_empty_runs()
        clear_unknown(writer, self.engine)
        self._target = writer.target() if writer.state("target") else None

    def adopt(self, embedder: Embedder, *, anew: bool = False) -> None:
        """Say what the vectors to come are made with; raise IndexIncompatible when the index holds others.

        anew: they replace all that the index holds, with the next `apply`.
        """
        writer = self._writing_catalog()
        if not anew:
            self._check_compatible(writer, embedder)
        writer.stage_for(staged_for(embedder))
        target = writer.target_for(embedder.fingerprint, embedder.dimension)
        if target is None:
            target = self.engine.new_target(f"qa_{secrets.token_hex(8)}", embedder.fingerprint, embedder.dimension)
            writer.add_target(target)
        if target.name != writer.state("target"):
            self.engine.create(target)
        writer.give_up_targets([target.name, writer.state("target") or ""])
        self._target = target
        self._made_with = {**made_with(embedder), "target": target.name}

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""
        return set(self._writing_catalog().sources(keys, self._target.name)) if self._target else set()

    def apply(self, changes: Iterable[Change]) -> int:
        """Stage the changes as they come, commit them all at the end, delete from Milvus what they replace."""
        writer = self._writing_catalog()
        began = time.monotonic()
        found = sort_changes(self._staged(writer, changes))
        writer.put_aside_rest([*found.put, *found.new_places], sorted({record.collection for record in found.ledger}))
        clear(writer, self.engine, 0)  # before the commit ends its runs, or it would be seen
        writer.forget_empty_runs()
        state = self._state(wrote=bool(found.put or found.move))
        generation = writer.commit(found, state, time.monotonic() - began)
        self._clear_old(generation)
        return generation

    def mend(self, lost: Sequence[int], strays: Sequence[int]) -> None:
        """Let the next rebuild embed lost documents anew, and delete passages that do not belong in Milvus, by number."""
        writer = self._writing_catalog()
        self.engine.create(writer.target())
        writer.note_lost(lost)
        self.engine.delete(writer.target().name, strays, by="num")

    def _staged(self, writer: SharedWriter, changes: Iterable[Change]) -> Iterator[Change]:
        if self._target is None:  # nothing was ever indexed: there is nothing to put, either
            return iter(changes)
        return Stager(writer, self.engine, self._target).stage(changes)

    def _state(self, *, wrote: bool) -> dict[str, str]:
        """Return what the commit notes. wrote: rows become visible, of which this process may have written none."""
        timestamp = self.engine.timestamp(self._target.name) if self._target else 0
        return {**self._made_with, **({"timestamp": str(timestamp)} if timestamp or wrote else {})}

    def _clear_old(self, generation: int) -> None:
        session = self._session
        try:
            if session and not clear_once_unread(session, self.engine, generation):
                _LOG.warning("what this run has replaced is still being read; Milvus forgets it with the next run")
        except IndexUnavailable as error:  # committed is committed: the next writer clears it away
            _LOG.warning("what this run has replaced could not be deleted from Milvus yet (%s)", error)

    def _writing_catalog(self) -> SharedWriter:
        if self._session is None:
            raise RuntimeError("only inside `with store.writing():`")
        return SharedWriter(self._session)
