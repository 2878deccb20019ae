"""The index flow: scan → plan → read → split → embed → commit → derived indexes catch up."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.embedder import Embedder, Vectors
from index.errors import BadPath, TooManyDeletions, UnreadableFile
from index.passages import embedded_text, split_document
from index.readers import is_readable, read_bytes
from index.records import DEFAULT_COLLECTION, Document, Extracted, FileRecord
from index.store import Change, DropFile, KeepStaged, NoteFile, Part, PutFile, Store

Progress = Callable[[int, int, str], None]  # files done, files in all, the file at hand

_EMBED_AT_ONCE = 64  # new passages gathered over several files before the embedder is called
_RACY_NS = 2_000_000_000  # a file written this shortly before it was last looked at may have changed unseen
_GUARD_FROM = 10  # documents; smaller collections may lose any number of them


@dataclass(frozen=True)
class Plan:
    """What a sync is about to do. Paths as the index names them."""

    added: Sequence[FileRecord] = ()
    changed: Sequence[FileRecord] = ()
    unchanged: Sequence[FileRecord] = ()
    skipped: Sequence[FileRecord] = ()
    deleted: Sequence[str] = ()

    @property
    def to_read(self) -> list[FileRecord]:
        """The files whose contents are needed."""
        return [*self.added, *self.changed]


@dataclass(frozen=True)
class Report:
    """What a sync has done. `failed` holds the files of the run that could not be read, old failures included."""

    plan: Plan
    generation: int
    failed: Sequence[FileRecord]
    passages: int
    embedded: int
    seconds: float


def make_plan(store: Store, root: Path, paths: Sequence[Path], collection: str = DEFAULT_COLLECTION) -> Plan:
    """Compare the files under the paths with the ledger. Call inside `store.writing()`.

    root: the folder that relative paths in the index start from.
    Raises BadPath for a path that neither exists nor was ever indexed.
    """
    ledger = store.files(collection)
    found = {record.path: record for path in paths for record in _scan(path, root, collection, ledger)}
    scopes = [index_path(path, root) for path in paths]
    gone = [name for name in ledger if name not in found and any(_is_under(name, scope) for scope in scopes)]
    kinds: dict[str, list[FileRecord]] = {"added": [], "changed": [], "unchanged": [], "skipped": []}
    for record in found.values():
        known = ledger.get(record.path)
        kind = _compare(record, known, root)
        if known and kind == "unchanged":
            # what the ledger says of it stands, an old failure included
            record = replace(known, size=record.size, mtime_ns=record.mtime_ns, checked_ns=record.checked_ns)
        kinds[kind].append(record)
    return Plan(**kinds, deleted=gone)


def sync(
    store: Store,
    embedder: Embedder,
    plan: Plan,
    root: Path,
    collection: str = DEFAULT_COLLECTION,
    *,
    progress: Progress | None = None,
) -> Report:
    """Carry a plan out: all of it is committed, or nothing. Call inside `store.writing()`."""
    began = time.monotonic()
    store.adopt(embedder)
    work = _Work(store, embedder, root, collection, progress)
    generation = store.apply(collection, work.changes(plan))
    failed = [*work.failed, *(record for record in plan.unchanged if record.status == "failed")]
    return Report(plan, generation, failed, work.passages, work.embedded, time.monotonic() - began)


def check_deletions(plan: Plan, documents: int) -> None:
    """Raise TooManyDeletions when a plan would empty more than half of a collection of more than ten documents."""
    if documents > _GUARD_FROM and len(plan.deleted) * 2 > documents:
        raise TooManyDeletions(
            f"{len(plan.deleted)} of {documents} documents are gone from disk and would be deleted",
            "if that is right, add --yes; to keep them, add --no-delete",
        )


# ---------------------------------------------------------------------- scan and plan


def index_path(path: Path, root: Path) -> str:
    """Name a file as the index does: relative to root with "/", or absolute when it lies elsewhere."""
    absolute = Path(os.path.abspath(path))  # not resolve(): a link is named by its own place
    shown = absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
    return os.fsencode(shown.as_posix()).decode("utf-8", "backslashreplace")


def _scan(path: Path, root: Path, collection: str, ledger: Iterable[str]) -> Iterator[FileRecord]:
    """Yield a record for each file at or under a path; hidden files and folders are not looked at."""
    name = index_path(path, root)
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            for file in sorted(files):
                if not file.startswith("."):
                    yield _look_at(Path(folder, file), root, collection)
    elif os.path.lexists(path):
        yield _look_at(path, root, collection)
    elif not any(_is_under(known, name) for known in ledger):
        raise BadPath(f"{path}: no such file or folder", "give the path of a file or folder that exists")


def _look_at(path: Path, root: Path, collection: str) -> FileRecord:
    info = path.lstat()
    record = FileRecord(
        collection=collection,
        path=index_path(path, root),
        size=info.st_size,
        mtime_ns=info.st_mtime_ns,
        status="indexed",
        checked_ns=time.time_ns(),
    )
    if stat.S_ISLNK(info.st_mode):
        return replace(record, status="skipped", reason="a symbolic link")
    if not stat.S_ISREG(info.st_mode):
        return replace(record, status="skipped", reason="not a regular file")
    if not is_readable(path.name):
        kind = path.suffix.lower() or "that have no suffix"
        return replace(record, status="skipped", reason=f"no reader for files {kind}")
    return record


def _is_under(name: str, scope: str) -> bool:
    return name == scope or scope in (".", "/") or name.startswith(f"{scope}/")


def _compare(record: FileRecord, known: FileRecord | None, root: Path) -> str:
    """Say which part of the plan a file belongs to."""
    if record.status == "skipped":
        return "skipped"
    if known is None or known.status == "skipped":
        return "added"
    settled = known.checked_ns - known.mtime_ns > _RACY_NS
    if (record.size, record.mtime_ns) == (known.size, known.mtime_ns) and settled and known.sha256:
        return "unchanged"
    return "unchanged" if known.sha256 and _hash_file(root / record.path) == known.sha256 else "changed"


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


# ---------------------------------------------------------------------- read, split, embed


class _Work:
    """Turns a plan into changes, a few files at a time, so that memory does not grow with the corpus."""

    def __init__(self, store: Store, embedder: Embedder, root: Path, collection: str, progress: Progress | None) -> None:
        self._store = store
        self._embedder = embedder
        self._root = root
        self._collection = collection
        self._progress = progress
        self.failed: list[FileRecord] = []
        self.passages = 0
        self.embedded = 0

    def changes(self, plan: Plan) -> Iterator[Change]:
        """Yield every change of the plan; files that cannot be read become lines of the ledger."""
        yield from map(DropFile, plan.deleted)
        yield from map(NoteFile, plan.skipped)
        yield from map(NoteFile, plan.unchanged)
        staged = self._store.staged(self._collection)
        waiting: list[PutFile] = []
        texts: dict[bytes, str] = {}
        for done, record in enumerate(plan.to_read):
            if self._progress:
                self._progress(done, len(plan.to_read), record.path)
            change, new = self._prepare(record, staged)
            if not isinstance(change, PutFile):
                yield change
                continue
            waiting.append(change)
            texts |= {key: text for key, text in new.items() if key not in texts}
            if len(texts) >= _EMBED_AT_ONCE:
                yield from self._embed(waiting, texts)
                waiting, texts = [], {}
        yield from self._embed(waiting, texts)

    def _prepare(self, record: FileRecord, staged: dict[str, str]) -> tuple[Change, dict[bytes, str]]:
        """Read and split one file. Returns the change and, by key, the texts that have to be embedded for it."""
        try:
            data = _read_file(self._root / record.path)
            record = replace(record, sha256=hashlib.sha256(data).hexdigest())
            if staged.get(record.path) == record.sha256:
                return KeepStaged(record), {}
            document = make_document(read_bytes(data, record.path), record)
            passages = split_document(document, self._embedder.count_tokens, self._embedder.window)
        except UnreadableFile as error:
            failed = replace(record, status="failed", reason=error.message)
            self.failed.append(failed)
            return NoteFile(failed), {}
        texts = [embedded_text(passage) for passage in passages]
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        known = self._store.known_vectors(keys)
        self.passages += len(passages)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        return PutFile(record, [Part(document, passages, keys)]), new

    def _embed(self, waiting: Sequence[PutFile], texts: dict[bytes, str]) -> Iterator[PutFile]:
        """Embed the texts and hand each file on with the vectors that it is the first to need."""
        vectors: dict[bytes, Vectors] = dict(zip(texts, self._embedder.embed(list(texts.values())), strict=True))
        self.embedded += len(texts)
        for change in waiting:
            needed = {key for part in change.parts for key in part.keys}
            yield replace(change, vectors={key: vectors.pop(key) for key in needed & vectors.keys()})


def _read_file(path: Path) -> bytes:
    try:
        # O_NOFOLLOW and the check after opening: the file may have become something else since the scan
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableFile("not a regular file any more")
            return file.read()
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror or error}") from error


def make_document(extracted: Extracted, record: FileRecord) -> Document:
    """Make a document of what a reader found. Its id depends on collection and path only, so it outlives changes."""
    identity = hashlib.sha256(f"{record.collection}\0{record.path}".encode()).hexdigest()
    return Document(
        id=f"d{identity[:12]}",
        collection=record.collection,
        path=record.path,
        title=extracted.title or Path(record.path).stem,
        sha256=hashlib.sha256(extracted.text.encode()).hexdigest(),
        length=len(extracted.text),
        media_type=extracted.media_type,
        lang=extracted.lang,
        metadata=extracted.metadata,
        text=extracted.text,
        sections=extracted.sections,
    )
