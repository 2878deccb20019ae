"""A store on engines made for many machines: vectors and words in Milvus, all else in PostgreSQL, the one truth.

Milvus and PostgreSQL commit apart. So nothing in Milvus is seen because it is there: a reader takes from PostgreSQL, in one
snapshot, which runs' rows its generation sees and which documents' it does not, and asks Milvus for just those.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from index.compatible import check_compatible, made_with, staged_for
from index.embedder import Embedder
from index.errors import IndexMissing, IndexUnavailable, unavailable
from index.milvus import Milvus
from index.milvus_filters import EVERYTHING
from index.milvus_view import MilvusView, Narrow
from index.milvus_writing import Stager, clear, clear_once_unread, clear_unknown
from index.postgres import Session
from index.postgres_pool import Postgres
from index.records import AllOf, Document, DocumentInfo, FileRecord, Filter, Run, Stats
from index.scan import disk_path, entry_of, index_path, outermost
from index.shared_catalog import SharedCatalog, Target, holding, reading
from index.shared_schema import bring_up
from index.shared_staging import File
from index.shared_writer import SharedWriter
from index.store import Capabilities, Change, DropFile, MoveFile, NoteFile, View

_LOG = logging.getLogger("index.store")
_LOCK_SECONDS = 1.0


class MilvusStore:
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
            yield MilvusView(catalog, self.engine, catalog.generation(), catalog.target(), catalog.seen(), self._narrow)

    def stats(self) -> Stats:
        """Say what is in the store, from the catalog alone."""
        with reading(self.postgres) as catalog:
            return catalog.stats()

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""
        with reading(self.postgres) as catalog:
            return catalog.runs(most)

    def indexed_paths(self) -> dict[str, list[Path]]:
        """Return by collection the files and folders that runs were told to index."""
        with reading(self.postgres) as catalog:
            root = self._root_of(catalog)
            return {name: [disk_path(one, root) for one in paths] for name, paths in catalog.indexed_paths().items()}

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""
        with reading(self.postgres) as catalog:
            return catalog.documents(scope)

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""
        with reading(self.postgres) as catalog:
            return catalog.documents_of_file(collection, path)

    def documents_with_ids(self, document_ids: Iterable[str]) -> Iterator[Document]:
        """Yield those of the documents that are there, with their texts, one at a time."""
        with reading(self.postgres) as catalog:
            yield from filter(None, map(catalog.document, document_ids))

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        with reading(self.postgres) as catalog:
            return catalog.versions(document_ids)

    def origin(self, document_id: str) -> tuple[Path, str] | None:
        """Return where the file lies that a document was read from, and the sha256 of the bytes it had then."""
        with reading(self.postgres) as catalog:
            found = catalog.origin(document_id)
            return (disk_path(found[0], self._root_of(catalog)), found[1]) if found else None

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter (invariant 11)."""
        with reading(self.postgres) as catalog:
            check_compatible(catalog.state, embedder, self.postgres.place, "")

    def check_searchable(self) -> None:
        """Raise IndexUnavailable where Milvus does not answer."""
        with reading(self.postgres) as catalog:
            self.engine.numbers(catalog.target().name, EVERYTHING, 1, catalog.seen().timestamp)

    def root(self) -> Path:
        """Return the folder that relative document paths start from."""
        with reading(self.postgres) as catalog:
            return self._root_of(catalog)

    def root_or(self, root: Path | None) -> Path:
        """Return `root()`, or for an index that is yet to be made what it would be."""
        try:
            return self.root()
        except IndexMissing:
            return self._new_root(root)

    def _root_of(self, catalog: SharedCatalog) -> Path:
        return Path(catalog.state("root") or self._new_root(None))

    def _new_root(self, root: Path | None) -> Path:
        return (root or self.folder.absolute().parent).resolve()

    def ledger(self, collection: str) -> dict[str, FileRecord]:
        """Return the ledger of a collection by path, outside of `writing()`; empty where nothing is indexed."""
        try:
            with reading(self.postgres) as catalog:
                return catalog.files(collection)
        except IndexMissing:
            return {}

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files that have documents; none where nothing is indexed."""
        try:
            with reading(self.postgres) as catalog:
                return catalog.held(collection)
        except IndexMissing:
            return set()

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
        writer = self._writer()
        if not anew:
            check_compatible(writer.state, embedder, self.postgres.place, "")
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

    def remember_paths(self, collection: str, paths: Iterable[Path]) -> None:
        """Note which files and folders a run was told to index. What lies below another one is not noted apart."""
        writer = self._writer()
        root, known = self._root_of(writer), writer.indexed_paths()
        kept = outermost([*(index_path(entry_of(path), root) for path in paths), *known.get(collection, [])])
        if kept != known.get(collection):
            writer.set_state({"paths": json.dumps({**known, collection: kept}, ensure_ascii=False)})

    def files(self, collection: str) -> dict[str, FileRecord]:
        """Return the ledger of a collection by path."""
        return self._writer().files(collection)

    def staged(self) -> dict[File, str]:
        """Return (collection, path) → sha256 of the files that an interrupted run left staged."""
        return self._writer().staged_files()

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""
        return set(self._writer().sources(keys, self._target.name)) if self._target else set()

    def document_ids(self, collection: str, path: str) -> dict[str, str]:
        """Return part → id of the documents of a file."""
        return self._writer().document_ids(collection, path)

    def is_taken(self, document_id: str) -> bool:
        """Say whether a document has this id."""
        return self._writer().is_taken(document_id)

    def apply(self, changes: Iterable[Change]) -> int:
        """Stage the changes as they come, commit them all at the end, delete from Milvus what they replace."""
        writer = self._writer()
        began = time.monotonic()
        put: list[File] = []
        drop: list[File] = []
        move: list[tuple[File, str]] = []
        ledger: list[FileRecord] = []
        for change in self._staged(writer, changes):
            if isinstance(change, DropFile):
                drop.append((change.collection, change.path))
                continue
            record = change.record
            ledger.append(record)
            if isinstance(change, MoveFile):
                move.append(((record.collection, change.old_path), record.path))
            elif not isinstance(change, NoteFile):
                put.append((record.collection, record.path))
        new_places = [(collection, path) for (collection, _), path in move]
        writer.put_aside_rest([*put, *new_places], sorted({record.collection for record in ledger}))
        clear(writer, self.engine, 0)  # before the commit ends its runs, or it would be seen
        writer.forget_empty_runs()
        generation = writer.commit(put, drop, move, ledger, self._state(wrote=bool(put or move)), time.monotonic() - began)
        self._clear_old(generation)
        return generation

    def mend(self, lost: Sequence[int], strays: Sequence[int]) -> None:
        """Let the next rebuild embed lost documents anew, and delete passages that do not belong in Milvus, by number."""
        writer = self._writer()
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

    def _writer(self) -> SharedWriter:
        if self._session is None:
            raise RuntimeError("only inside `with store.writing():`")
        return SharedWriter(self._session)
