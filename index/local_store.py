"""A store in one folder: the catalog (SQLite, the truth), with dense (FAISS) and lexical (Tantivy) derived from it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from index.catalog import Catalog
from index.catalog_pool import CatalogPool
from index.catalog_reading import CatalogReading
from index.catalog_store import CatalogStore
from index.catalog_writer import CatalogWriter
from index.changes import sort_changes
from index.compatible import check_compatible, made_with, staged_for
from index.dense import open_dense
from index.embedder import Embedder
from index.errors import CitableError, IndexLocked, IndexMissing, IndexUnavailable, data_flag, unavailable
from index.files import remove_leftovers
from index.lexical import build_in_memory, open_lexical
from index.local_view import Derived, LocalView
from index.local_writing import forget_words, refresh_derived, stage
from index.lock import writer_lock
from index.records import Stats
from index.stats import read_stats
from index.store import Capabilities, Change, View

_LOG = logging.getLogger("index.store")
_LOCK_SECONDS = 1.0  # a reader that mends the search files holds the writer's lock for a moment
_WAIT_SECONDS = 10.0  # how long a reader waits for a running writer to bring the derived indexes up


class LocalStore(CatalogStore):
    """A store in one folder. Safe to share between threads; every view has its own connection."""

    capabilities = Capabilities(lexical=True)

    def __init__(self, folder: Path, *, mapped: bool = False) -> None:
        """Open nothing yet. mapped: other processes read the same folder, and share the memory of its vectors."""
        self.folder = folder
        self._mapped = mapped
        self._lock = threading.Lock()
        self._catalogs = CatalogPool(self._catalog_path)
        self._derived: Derived | None = None
        self._writer: CatalogWriter | None = None
        self._made_with: dict[str, str] = {}

    # ------------------------------------------------------------------ reading

    @contextmanager
    def view(self) -> Iterator[View]:
        """Open the newest generation for reading. Raises IndexMissing where nothing is indexed."""
        with self._reading() as catalog:
            if catalog.generation() == 0:
                raise IndexMissing(f"{self.folder}: nothing is indexed here", "run: qa index PATH")
            deadline = time.monotonic() + _WAIT_SECONDS
            patient = True
            while True:
                with catalog.snapshot():
                    derived = self._derived_of(catalog, patient=patient)
                    if derived is not None:
                        yield LocalView(catalog, derived)
                        return
                patient = self._mend_derived() and time.monotonic() < deadline

    def stats(self) -> Stats:
        """Say what is in the store, without loading what searches need."""
        return read_stats(self.folder)

    def check_searchable(self) -> None:
        """Raise nothing: what searches is made from the catalog, wherever it is missing."""

    def _reading(self) -> AbstractContextManager[Catalog]:
        return self._catalogs.lend()

    def _derived_of(self, catalog: Catalog, *, patient: bool) -> Derived | None:
        """Return the derived indexes of the snapshot's generation, or None while the writer has yet to finish them."""
        with self._lock:
            held = self._derived.dense if self._derived else None
            if self._derived and held and (held.generation, held.token) == (catalog.generation(), catalog.token()):
                return self._derived
            lexical = open_lexical(self.folder / "lexical", catalog)
            if lexical is None and patient:
                return None
            dense = open_dense(self.folder, catalog, held, mapped=self._mapped)
            self._derived = Derived(dense, lexical or build_in_memory(catalog), {})
            return self._derived

    def _mend_derived(self) -> bool:
        """Bring the derived files up if no writer is at it, else give it a moment. False when they cannot be written."""
        try:
            with writer_lock(self.folder, 0):
                catalog = CatalogWriter.create(self._catalog_path)
                try:
                    refresh_derived(self.folder, catalog)
                finally:
                    catalog.close()
        except IndexLocked:
            time.sleep(0.05)
        except (OSError, ValueError, CitableError) as error:  # a full disk, no permission; Tantivy raises ValueError
            _LOG.warning("the search files cannot be brought up (%s); reading goes on without them", error)
            return False
        return True

    # ------------------------------------------------------------------ writing

    @contextmanager
    def writing(self, root: Path | None = None) -> Iterator[None]:
        """Be the one writer. root: what relative paths of a new index start from; the folder's parent by default."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise unavailable(self.folder, error) from error
        with writer_lock(self.folder, _LOCK_SECONDS):
            remove_leftovers(self.folder)
            self._writer = CatalogWriter.create(self._catalog_path)
            try:
                if self._writer.state("root") is None:
                    start = os.path.relpath(self._new_root(root), self.folder.resolve())
                    self._writer.set_state({"root": start})
                yield
            finally:
                self._writer.close()
                self._writer = None

    def adopt(self, embedder: Embedder, *, anew: bool = False) -> None:
        """Say what the vectors to come are made with; raise IndexIncompatible when the index holds others.

        anew: they replace all that the index holds, with the next `apply`.
        """
        catalog = self._writing_catalog()
        if not anew:
            self._check_compatible(catalog, embedder)
        self._made_with = made_with(embedder)
        catalog.stage_for(staged_for(embedder))

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""
        return self._writing_catalog().known_vectors(keys)

    def apply(self, changes: Iterable[Change]) -> int:
        """Stage the changes as they come, commit them all at the end, bring the derived indexes up."""
        catalog = self._writing_catalog()
        began = time.monotonic()
        found = sort_changes(stage(catalog, changes))
        generation = catalog.commit(found, self._made_with, time.monotonic() - began)
        self._bring_up(catalog, dropped=bool(found.drop))
        return generation

    def _bring_up(self, catalog: CatalogWriter, *, dropped: bool) -> None:
        try:
            refresh_derived(self.folder, catalog)
            forget_words(self.folder, catalog, dropped=dropped)
        # committed is committed: the next reader or writer brings them up
        except (OSError, ValueError, IndexUnavailable) as error:
            _LOG.warning("the search files could not be brought up (%s); the catalog is complete", error)

    def _writing_catalog(self) -> CatalogWriter:
        if self._writer is None:
            raise RuntimeError("only inside `with store.writing():`")
        return self._writer

    def _root_of(self, catalog: CatalogReading) -> Path:
        return (self.folder / (catalog.state("root") or "..")).resolve()

    def _check_compatible(self, catalog: CatalogReading, embedder: Embedder) -> None:
        check_compatible(catalog.state, embedder, str(self.folder), data_flag(self.folder))

    @property
    def _catalog_path(self) -> Path:
        return self.folder / "catalog.db"
