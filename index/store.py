"""The store: what the flows need of a place that keeps and finds passages, and LocalStore, which is one folder.

LocalStore = catalog (SQLite, the truth) + dense (FAISS) + lexical (Tantivy), the last two derived from the first.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout

from index.catalog import Catalog
from index.dense import DenseIndex, open_dense, refresh_dense
from index.embedder import Embedder, Vectors
from index.errors import IndexIncompatible, IndexLocked, IndexMissing
from index.lexical import LexicalIndex, build_in_memory, open_lexical, refresh_lexical
from index.passages import SPLITTER_VERSION
from index.records import AllOf, Document, DocumentInfo, FileRecord, Filter, Passage, Stats
from index.stats import count_all, read_stats

Found = list[tuple[int, float]]

_LOG = logging.getLogger("index.store")
_LOCK_SECONDS = 1.0  # a reader that mends the search files holds the writer's lock for a moment
_WAIT_SECONDS = 10.0  # how long a reader waits for a running writer to bring the derived indexes up


@dataclass(frozen=True, slots=True)
class Part:
    """A document ready to be stored. keys: the sha256 of each passage's embedded text, under which its vector is kept."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class PutFile:
    """The file's documents replace whatever it had before. vectors: those that the store does not have yet, by key."""

    record: FileRecord
    parts: Sequence[Part]
    vectors: Mapping[bytes, Vectors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeepStaged:
    """The file was staged by an interrupted run and is as it was."""

    record: FileRecord


@dataclass(frozen=True, slots=True)
class DropFile:
    """The file is gone: so are its documents and its line in the ledger."""

    path: str


@dataclass(frozen=True, slots=True)
class NoteFile:
    """Only the ledger changes. A file that is no longer indexed loses its documents."""

    record: FileRecord


Change = PutFile | KeepStaged | DropFile | NoteFile


class View(Protocol):
    """One generation of a store: whatever is committed meanwhile, a request sees only this (invariant 7)."""

    @property
    def generation(self) -> int:
        """The number of the last commit in it."""

    def search_dense(self, vector: Vectors, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, cosine), best first: min(k, passages that the filter admits)."""

    def search_lexical(self, text: str, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, BM25), best first, among the passages that share a word with the text."""

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return passages by number, with their documents."""

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension)."""

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by id, with its document."""

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""

    def stats(self) -> Stats:
        """Say what is in the store."""


class Store(Protocol):
    """A place that keeps documents and finds passages."""

    def view(self) -> AbstractContextManager[View]:
        """Open one generation for reading."""

    def writing(self) -> AbstractContextManager[None]:
        """Be the one writer. Raises IndexLocked when another is."""

    def adopt(self, embedder: Embedder) -> None:
        """Tie an empty store to an embedding model; raise IndexIncompatible when it is tied to another."""

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the ledger of a collection by path."""

    def staged(self, collection: str) -> dict[str, str]:
        """Return path → sha256 of the files that an interrupted run left staged."""

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""

    def apply(self, collection: str, changes: Iterable[Change]) -> int:
        """Apply changes, all or nothing, and return the generation. Applying the same twice changes nothing."""


@dataclass(frozen=True)
class LocalView:
    """One generation of a LocalStore."""

    catalog: Catalog
    dense: DenseIndex
    lexical: LexicalIndex
    folder: Path

    @property
    def generation(self) -> int:
        """The number of the last commit in it."""
        return self.dense.generation

    def search_dense(self, vector: Vectors, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, cosine), best first: min(k, passages that the filter admits)."""
        return self.dense.search(vector, k, self.catalog.admitted(scope))

    def search_lexical(self, text: str, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, BM25), best first, among the passages that share a word with the text."""
        return self.lexical.search(text, k, self.catalog.admitted(scope))

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return passages by number, with their documents."""
        return self.catalog.passages(nums)

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension)."""
        return self.catalog.vectors(nums)

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by id, with its document."""
        return self.catalog.passage(passage_id)

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        return self.catalog.document(document_id)

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""
        return self.catalog.documents(scope)

    def stats(self) -> Stats:
        """Say what is in the store."""
        return count_all(self.catalog, self.folder)


class LocalStore:
    """A store in one folder. Safe to share between threads; every view has its own connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._derived: tuple[DenseIndex, LexicalIndex] | None = None
        self._writer: Catalog | None = None

    # ------------------------------------------------------------------ reading

    @contextmanager
    def view(self) -> Iterator[LocalView]:
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
                        yield LocalView(catalog, *derived, self.folder)
                        return
                patient = self._mend_derived(catalog) and time.monotonic() < deadline

    def stats(self) -> Stats:
        """Say what is in the store, without loading what searches need."""
        return read_stats(self.folder)

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path, without loading what searches need."""
        with self._reading() as catalog:
            return catalog.documents(scope)

    def missing(self, document_ids: Iterable[str]) -> set[str]:
        """Return those ids that no document has, or no document has any more."""
        with self._reading() as catalog:
            return catalog.missing(document_ids)

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter (invariant 11)."""
        with self._reading() as catalog:
            _check_compatible(catalog, embedder, self.folder)

    def root(self) -> Path:
        """Return the folder that relative document paths start from."""
        with self._reading() as catalog:
            return (self.folder / (catalog.state("root") or "..")).resolve()

    @contextmanager
    def _reading(self) -> Iterator[Catalog]:
        catalog = Catalog.open(self._catalog_path)
        try:
            yield catalog
        finally:
            catalog.close()

    def _derived_of(self, catalog: Catalog, *, patient: bool) -> tuple[DenseIndex, LexicalIndex] | None:
        """Return the derived indexes of the snapshot's generation, or None while the writer has yet to finish them."""
        with self._lock:
            state = (catalog.generation(), catalog.token())
            if self._derived and (self._derived[0].generation, self._derived[0].token) == state:
                return self._derived
            lexical = open_lexical(self.folder / "lexical", catalog)
            if lexical is None and patient:
                return None
            dimension = int(catalog.state("dimension") or 0) or 1
            dense = open_dense(self.folder, catalog, dimension)
            self._derived = dense, lexical or build_in_memory(catalog)
            return self._derived

    def _mend_derived(self, catalog: Catalog) -> bool:
        """Bring the derived files up if no writer is at it, else give it a moment. False when they cannot be written."""
        try:
            with self._holding_lock(wait=0):
                self._refresh_derived(catalog)
        except IndexLocked:
            time.sleep(0.05)
        except (OSError, ValueError) as error:  # a full disk, a folder that may not be written; Tantivy raises ValueError
            _LOG.warning("the search files cannot be brought up (%s); reading goes on without them", error)
            return False
        return True

    def _refresh_derived(self, catalog: Catalog) -> None:
        with catalog.snapshot():
            dense = refresh_dense(self.folder, catalog, int(catalog.state("dimension") or 0) or 1)
            lexical = refresh_lexical(self.folder / "lexical", catalog)
        with self._lock:
            self._derived = dense, lexical

    # ------------------------------------------------------------------ writing

    @contextmanager
    def writing(self, root: Path | None = None) -> Iterator[None]:
        """Be the one writer. root: what relative paths of a new index start from; the folder's parent by default."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._holding_lock():
            self._writer = Catalog.create(self._catalog_path)
            try:
                if self._writer.state("root") is None:
                    start = os.path.relpath((root or self.folder.parent).resolve(), self.folder.resolve())
                    self._writer.set_state({"root": start})
                yield
            finally:
                self._writer.close()
                self._writer = None

    def adopt(self, embedder: Embedder) -> None:
        """Tie an empty index to an embedding model; raise IndexIncompatible when it is tied to another."""
        catalog = self._writing_catalog()
        if catalog.generation() == 0 and catalog.state("fingerprint") != embedder.fingerprint:
            catalog.clear_unfinished()
            catalog.set_state(
                {
                    "dimension": str(embedder.dimension),
                    "embedder": embedder.name,
                    "splitter": SPLITTER_VERSION,
                    "fingerprint": embedder.fingerprint,
                }
            )
        _check_compatible(catalog, embedder, self.folder)

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the ledger of a collection by path."""
        return self._writing_catalog().files(collection)

    def staged(self, collection: str) -> dict[str, str]:
        """Return path → sha256 of the files that an interrupted run left staged."""
        return self._writing_catalog().pending_files(collection)

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""
        return self._writing_catalog().known_vectors(keys)

    def apply(self, collection: str, changes: Iterable[Change]) -> int:
        """Stage the changes as they come, commit them all at the end, bring the derived indexes up."""
        catalog = self._writing_catalog()
        began = time.monotonic()
        put: list[str] = []
        drop: list[str] = []
        ledger: list[FileRecord] = []
        for change in changes:
            if isinstance(change, PutFile):
                _stage(catalog, change)
            if isinstance(change, DropFile):
                drop.append(change.path)
                continue
            ledger.append(change.record)
            if isinstance(change, PutFile | KeepStaged):
                put.append(change.record.path)
        drop += _no_longer_indexed(catalog.files(collection), ledger)
        generation = catalog.commit(collection, put, drop, ledger, time.monotonic() - began)
        try:
            self._refresh_derived(catalog)
        except (OSError, ValueError) as error:  # committed is committed: the next reader or writer brings them up
            _LOG.warning("the search files could not be brought up (%s); the catalog is complete", error)
        return generation

    def _writing_catalog(self) -> Catalog:
        if self._writer is None:
            raise RuntimeError("only inside `with store.writing():`")
        return self._writer

    @contextmanager
    def _holding_lock(self, wait: float = _LOCK_SECONDS) -> Iterator[None]:
        """Hold the writer's lock, which the system frees when its holder dies. Raises IndexLocked if it stays taken."""
        lock = FileLock(self.folder / "writer.lock")
        holder = self.folder / "writer.json"
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            raise IndexLocked(
                f"{self.folder}: {_holder_name(holder)} is writing", "wait for it to end, then try again"
            ) from None
        try:
            holder.write_text(json.dumps({"pid": os.getpid(), "command": Path(sys.argv[0]).name, "since": time.time()}))
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    @property
    def _catalog_path(self) -> Path:
        return self.folder / "catalog.db"


def _stage(catalog: Catalog, change: PutFile) -> None:
    keys = list(change.vectors)
    if keys:
        catalog.add_vectors(keys, np.stack([change.vectors[key] for key in keys]))
    parts = ((part.document, part.passages, part.keys) for part in change.parts)
    catalog.stage(change.record.collection, change.record.path, change.record.sha256, parts)


def _no_longer_indexed(before: Mapping[str, FileRecord], ledger: Iterable[FileRecord]) -> list[str]:
    """Return the files that were indexed and now fail or are skipped: what they held must not answer any more."""
    now = {record.path for record in ledger if record.status != "indexed"}
    return sorted(path for path in now if path in before and before[path].status == "indexed")


def _check_compatible(catalog: Catalog, embedder: Embedder, folder: Path) -> None:
    made_with = catalog.state("embedder") or ""
    again = f'index anew: rm "{folder}"/catalog.db* && qa index PATH'
    if not made_with:
        return
    if catalog.state("fingerprint") != embedder.fingerprint or catalog.state("dimension") != str(embedder.dimension):
        raise IndexIncompatible(
            f"{folder}: indexed with the embedder {made_with} ({catalog.state('dimension')} dimensions), "
            f"not with {embedder.name} ({embedder.dimension})",
            f"set `embedder` back to {made_with}, or {again}",
        )
    if catalog.state("splitter") != SPLITTER_VERSION:
        raise IndexIncompatible(f"{folder}: split by version {catalog.state('splitter')}, this is {SPLITTER_VERSION}", again)


def _holder_name(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['pid']} ({holder['command']})"
    except (OSError, ValueError, KeyError):
        return "another process"
