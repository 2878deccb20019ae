"""A store in one folder: the catalog (SQLite, the truth), with dense (FAISS) and lexical (Tantivy) derived from it."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from index.catalog import Catalog
from index.catalog_pool import CatalogPool
from index.catalog_writer import CatalogWriter, File
from index.compatible import check_compatible, made_with, staged_for
from index.dense import open_dense
from index.embedder import Embedder
from index.errors import CitableError, IndexLocked, IndexMissing, IndexUnavailable, data_flag, unavailable
from index.files import remove_leftovers
from index.lexical import build_in_memory, open_lexical
from index.local_view import Derived, LocalView
from index.local_writing import forget_words, refresh_derived, stage
from index.lock import writer_lock
from index.records import AllOf, Document, DocumentInfo, FileRecord, Filter, Run, Stats
from index.scan import disk_path, entry_of, index_path, outermost
from index.stats import read_stats
from index.store import Capabilities, Change, DropFile, MoveFile, NoteFile, View

_LOG = logging.getLogger("index.store")
_LOCK_SECONDS = 1.0  # a reader that mends the search files holds the writer's lock for a moment
_WAIT_SECONDS = 10.0  # how long a reader waits for a running writer to bring the derived indexes up


class LocalStore:
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
                        yield LocalView(catalog, derived, self.folder)
                        return
                patient = self._mend_derived() and time.monotonic() < deadline

    def stats(self) -> Stats:
        """Say what is in the store, without loading what searches need."""
        return read_stats(self.folder)

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""
        with self._reading() as catalog:
            return catalog.runs(most)

    def indexed_paths(self) -> dict[str, list[Path]]:
        """Return by collection the files and folders that runs were told to index."""
        with self._reading() as catalog:
            root = (self.folder / (catalog.state("root") or "..")).resolve()
            return {name: [disk_path(one, root) for one in paths] for name, paths in catalog.indexed_paths().items()}

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path, without loading what searches need."""
        with self._reading() as catalog:
            return catalog.documents(scope)

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""
        with self._reading() as catalog:
            return catalog.documents_of_file(collection, path)

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        with self._reading() as catalog:
            return catalog.versions(document_ids)

    def documents_with_ids(self, document_ids: Iterable[str]) -> Iterator[Document]:
        """Yield those of the documents that are there, with their texts, one at a time."""
        with self._reading() as catalog:
            yield from filter(None, map(catalog.document, document_ids))

    def origin(self, document_id: str) -> tuple[Path, str] | None:
        """Return where the file lies that a document was read from, and the sha256 of the bytes it had then."""
        with self._reading() as catalog:
            found = catalog.origin(document_id)
            root = (self.folder / (catalog.state("root") or "..")).resolve()
        return (disk_path(found[0], root), found[1]) if found else None

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter (invariant 11)."""
        with self._reading() as catalog:
            self._check_compatible(catalog, embedder)

    def check_searchable(self) -> None:
        """Raise nothing: what searches is made from the catalog, wherever it is missing."""

    def root(self) -> Path:
        """Return the folder that relative document paths start from."""
        with self._reading() as catalog:
            return (self.folder / (catalog.state("root") or "..")).resolve()

    def root_or(self, root: Path | None) -> Path:
        """Return `root()`, or for an index that is yet to be made what it would be."""
        try:
            return self.root()
        except IndexMissing:
            return (root or self.folder.parent).resolve()

    def ledger(self, collection: str) -> dict[str, FileRecord]:
        """Return the ledger of a collection by path, outside of `writing()`; empty where nothing is indexed."""
        try:
            with self._reading() as catalog:
                return catalog.files(collection)
        except IndexMissing:
            return {}

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files that have documents; none where nothing is indexed."""
        try:
            with self._reading() as catalog:
                return catalog.held(collection)
        except IndexMissing:
            return set()

    @contextmanager
    def _reading(self) -> Iterator[Catalog]:
        with self._catalogs.lend() as catalog:
            yield catalog

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
                    start = os.path.relpath((root or self.folder.parent).resolve(), self.folder.resolve())
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

    def remember_paths(self, collection: str, paths: Iterable[Path]) -> None:
        """Note which files and folders a run was told to index. What lies below another one is not noted apart."""
        catalog, root = self._writing_catalog(), self.root()
        known = catalog.indexed_paths()
        before = known.get(collection, [])
        kept = outermost([*(index_path(entry_of(path), root) for path in paths), *before])
        if kept != before:
            catalog.set_state({"paths": json.dumps({**known, collection: kept}, ensure_ascii=False)})

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the ledger of a collection by path."""
        return self._writing_catalog().files(collection)

    def staged(self) -> dict[File, str]:
        """Return (collection, path) → sha256 of the files that an interrupted run left staged."""
        return self._writing_catalog().staged_files()

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""
        return self._writing_catalog().known_vectors(keys)

    def document_ids(self, collection: str, path: str) -> dict[str, str]:
        """Return part → id of the documents of a file."""
        return self._writing_catalog().document_ids(collection, path)

    def is_taken(self, document_id: str) -> bool:
        """Say whether a document has this id."""
        return self._writing_catalog().is_taken(document_id)

    def apply(self, changes: Iterable[Change]) -> int:
        """Stage the changes as they come, commit them all at the end, bring the derived indexes up."""
        catalog = self._writing_catalog()
        began = time.monotonic()
        put: list[File] = []
        drop: list[File] = []
        move: list[tuple[File, str]] = []
        ledger: list[FileRecord] = []
        for change in stage(catalog, changes):
            if isinstance(change, DropFile):
                drop.append((change.collection, change.path))
                continue
            record = change.record
            ledger.append(record)
            if isinstance(change, MoveFile):
                move.append(((record.collection, change.old_path), record.path))
            elif not isinstance(change, NoteFile):
                put.append((record.collection, record.path))
        generation = catalog.commit(put, drop, move, ledger, self._made_with, time.monotonic() - began)
        self._bring_up(catalog, dropped=bool(drop))
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

    def _check_compatible(self, catalog: Catalog, embedder: Embedder) -> None:
        check_compatible(catalog.state, embedder, str(self.folder), data_flag(self.folder))

    @property
    def _catalog_path(self) -> Path:
        return self.folder / "catalog.db"
