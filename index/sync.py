"""The index flow: scan → plan (`plan.make_plan`) → read → split → embed → commit → derived indexes catch up."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from index.embedder import Embedder, Vectors
from index.errors import UnreadableFile, Unsupported
from index.passages import embedded_text, make_passage, split_document
from index.plan import Plan, check_deletions
from index.records import Document, Extracted, FileRecord, FileStatus
from index.sandbox import Reading
from index.scan import disk_path, hash_file
from index.source import Prepared, Source
from index.store import Change, DropFile, KeepStaged, MoveFile, NoteFile, Part, PutFile, Store

Progress = Callable[[int, int, str], None]  # files done, files in all, the file at hand

_EMBED_AT_ONCE = 64  # new passages gathered over several files before the embedder is called
_FILES_AT_ONCE = 200  # held in memory at the most, when hardly anything in them is new
_CHARACTERS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Report:
    """What a sync has done. failed: the files of the run that could not be read, old failures included.

    skipped: those that are no documents. deleted: files whose documents went, those that cannot be read any more included;
    embedded: passages whose vectors had to be made.
    """

    plan: Plan
    generation: int
    failed: Sequence[FileRecord]
    skipped: Sequence[FileRecord]
    deleted: Sequence[str]
    passages: int
    embedded: int
    seconds: float


def sync(
    store: Store,
    embedder: Embedder,
    plan: Plan,
    root: Path,
    source: Source,
    *,
    no_delete: bool = False,
    yes: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Carry a plan out: all of it is committed, or nothing. Call inside `store.writing()`. source: reads the files.

    no_delete: a file that cannot be read any more keeps its documents; yes: any number may lose theirs. Without it
    TooManyDeletions is raised, before anything is read or, if only that shows it, before the commit.
    """
    began = time.monotonic()
    if not yes:
        check_deletions(plan)
    store.adopt(embedder)
    work = _Work(store, embedder, root, source, progress, no_delete=no_delete, yes=yes)
    generation = store.apply(work.changes(plan))
    noted = [*work.unread, *plan.unchanged, *plan.skipped]
    failed = [record for record in noted if record.status == "failed"]
    skipped = [record for record in noted if record.status == "skipped"]
    counts = work.embedding
    deleted = [*plan.deleted, *work.lost]
    return Report(plan, generation, failed, skipped, deleted, counts.passages, counts.embedded, time.monotonic() - began)


class Embedding:
    """Gathers files until there is enough to embed, and hands each on with the vectors that it is the first to need."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._waiting: list[PutFile] = []
        self._texts: dict[bytes, str] = {}
        self._characters = 0
        self.passages = 0
        self.embedded = 0

    def add(self, record: FileRecord, documents: Sequence[Document]) -> None:
        """Split the documents of a file and note which of their texts have no vector yet."""
        parts = []
        for document in documents:
            passages = split_document(document, self._embedder.count_tokens, self._embedder.window)
            texts = [embedded_text(passage) for passage in passages]
            keys = [vector_key(text, self._embedder) for text in texts]
            known = self._store.known_vectors(keys)
            self._texts |= {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            self.passages += len(passages)
            self._characters += len(document.text)
            parts.append(Part(document, passages, keys))
        self._waiting.append(PutFile(record, parts))

    def accept(self, record: FileRecord, documents: Sequence[Document], prepared: Prepared) -> PutFile:
        """Return a file that others have split and embedded, without the vectors that the store has."""
        parts = []
        for document, pieces in zip(documents, prepared.pieces, strict=True):
            passages = [make_passage(document, *piece) for piece in pieces]
            parts.append(Part(document, passages, [vector_key(embedded_text(one), self._embedder) for one in passages]))
        keys = [key for part in parts for key in part.keys]
        vectors = dict(zip(keys, prepared.vectors, strict=True))
        for known in self._store.known_vectors(keys):
            del vectors[known]
        self.passages += len(keys)
        self.embedded += len(vectors)
        return PutFile(record, parts, vectors)

    def ready(self) -> Iterator[PutFile]:
        """Yield what waits if it is enough to be embedded at once."""
        if (
            len(self._texts) >= _EMBED_AT_ONCE
            or len(self._waiting) >= _FILES_AT_ONCE
            or self._characters >= _CHARACTERS_AT_ONCE
        ):
            yield from self.rest()

    def rest(self) -> Iterator[PutFile]:
        """Yield all that waits."""
        vectors: dict[bytes, Vectors] = dict(zip(self._texts, self._embedder.embed(list(self._texts.values())), strict=True))
        self.embedded += len(self._texts)
        waiting, self._waiting, self._texts, self._characters = self._waiting, [], {}, 0
        for change in waiting:
            needed = {key for part in change.parts for key in part.keys}
            yield replace(change, vectors={key: vectors.pop(key) for key in needed & vectors.keys()})


class _Work:
    """Turns a plan into changes, a few files at a time, so that memory does not grow with the corpus."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        root: Path,
        source: Source,
        progress: Progress | None,
        *,
        no_delete: bool,
        yes: bool,
    ) -> None:
        self._store = store
        self._root = root
        self._source = source
        self._progress = progress
        self._no_delete = no_delete
        self._yes = yes
        self.embedding = Embedding(store, embedder)
        self.unread: list[FileRecord] = []
        self.lost: list[str] = []  # files that had documents and cannot be read any more

    def changes(self, plan: Plan) -> Iterator[Change]:
        """Yield every change of the plan; files that cannot be read become lines of the ledger."""
        for path in (*plan.deleted, *plan.forgotten):
            yield DropFile(plan.collection, path)
        yield from (MoveFile(record, old_path) for record, old_path in plan.renamed)
        yield from map(NoteFile, plan.noted)
        staged = self._store.staged()
        to_read = []
        for record in plan.to_read:
            sha256 = staged.get((record.collection, record.path), "")
            if sha256 and sha256 == hash_file(disk_path(record.path, self._root)):
                yield KeepStaged(replace(record, sha256=sha256))
            else:
                to_read.append(record)
        left = {old_path for _, old_path in plan.renamed}
        for done, (record, found) in enumerate(self._source.read(to_read, self._root)):
            if self._progress:
                self._progress(done, len(to_read), record.path)
            yield from self._take(record, found, anew=record.path in left)
            yield from self.embedding.ready()
        yield from self.embedding.rest()
        if not self._yes:
            check_deletions(plan, len(self.lost))

    def _take(self, record: FileRecord, found: Reading | Prepared, *, anew: bool) -> Iterator[Change]:
        """Leave a file's documents to the embedding; yields the changes where there is nothing to embed."""
        reading = found.reading if isinstance(found, Prepared) else found
        record = replace(record, sha256=reading.sha256)
        ids = {} if anew else self._store.document_ids(record.collection, record.path)
        if reading.error:
            yield from self._give_up(record, reading.error, held=bool(ids))
            return
        documents = [self._make_document(one, record, ids) for one in reading.documents]
        if isinstance(found, Prepared):
            yield self.embedding.accept(record, documents, found)
        else:
            self.embedding.add(record, documents)

    def _give_up(self, record: FileRecord, error: UnreadableFile, *, held: bool) -> Iterator[Change]:
        """Note why a file cannot be read, and drop what it held if its text is not what is on disk any more for good.

        What is to be tried again without a change of the file keeps no hash.
        """
        status: FileStatus = "skipped" if isinstance(error, Unsupported) else "failed"
        kept = held and (self._no_delete or error.may_pass)
        again = kept or error.try_again
        sha256 = "" if again else record.sha256 or hash_file(disk_path(record.path, self._root))
        reason = f"{error.message} (what was indexed of it before is kept)" if kept else error.message
        record = replace(record, status=status, reason=reason, sha256=sha256)
        self.unread.append(record)
        if held and not kept:
            self.lost.append(record.path)
            yield DropFile(record.collection, record.path)
        yield NoteFile(record)

    def _make_document(self, extracted: Extracted, record: FileRecord, ids: dict[str, str]) -> Document:
        document_id = ids.get(extracted.part) or new_document_id(record, extracted.part, self._store.is_taken)
        return make_document(extracted, record, document_id)


def vector_key(text: str, embedder: Embedder) -> bytes:
    """Return what the vector of a text is kept under: it differs between texts and between models."""
    return hashlib.sha256(f"{embedder.fingerprint}\0{text}".encode()).digest()


def new_document_id(record: FileRecord, part: str, is_taken: Callable[[str], bool]) -> str:
    """Make the id of a new document from its place; a file that moved away may have left with the id of its old place."""
    place = f"{record.collection}\0{record.path}" + (f"\0{part}" if part else "")
    while is_taken(document_id := f"d{hashlib.sha256(place.encode()).hexdigest()[:12]}"):
        place += "\0"
    return document_id


def make_document(extracted: Extracted, record: FileRecord, document_id: str) -> Document:
    """Make a document of what a reader found."""
    return Document(
        id=document_id,
        collection=record.collection,
        path=record.path,
        part=extracted.part,
        title=extracted.title or PurePath(record.path).stem,
        sha256=hashlib.sha256(extracted.text.encode()).hexdigest(),
        length=len(extracted.text),
        media_type=extracted.media_type,
        lang=extracted.lang,
        metadata=extracted.metadata,
        text=extracted.text,
        sections=extracted.sections,
    )
