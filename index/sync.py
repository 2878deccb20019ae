"""The index flow: scan → plan → read → split → embed → commit → derived indexes catch up."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.embedder import Embedder, Vectors
from index.errors import BadPath, TooManyDeletions, UnreadableFile
from index.passages import embedded_text, split_document
from index.readers import READERS_VERSION, is_readable, read_bytes
from index.records import DEFAULT_COLLECTION, Document, Extracted, FileRecord, FileStatus
from index.store import Change, DropFile, KeepStaged, NoteFile, Part, PutFile, Store

Progress = Callable[[int, int, str], None]  # files done, files in all, the file at hand

_EMBED_AT_ONCE = 64  # new passages gathered over several files before the embedder is called
_FILES_AT_ONCE = 200  # held in memory at the most, when hardly anything in them is new
_RACY_NS = 2_000_000_000  # a file written this shortly before it was last looked at may have changed unseen
_GUARD_FROM = 10  # documents; smaller collections may lose any number of them


@dataclass(frozen=True)
class Plan:
    """What a sync is about to do. Paths as the index names them.

    skipped: files that are not read, and folders that cannot be; deleted: documents whose files are gone;
    forgotten: files that are gone and were no documents.
    """

    added: Sequence[FileRecord] = ()
    changed: Sequence[FileRecord] = ()
    unchanged: Sequence[FileRecord] = ()
    skipped: Sequence[FileRecord] = ()
    deleted: Sequence[str] = ()
    forgotten: Sequence[str] = ()

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
    scopes = [_entry(path) for path in paths]
    found: dict[str, FileRecord] = {}
    for path, scope in zip(paths, scopes, strict=True):
        if not os.path.lexists(scope) and not any(_is_under(root / name, scope) for name in ledger):
            raise BadPath(f"{path}: no such file or folder", "give the path of a file or folder that exists")
        found |= {record.path: record for record in _scan(scope, root, collection)}
    blind = [root / record.path for record in found.values() if record.status == "failed"]
    gone = [name for name in ledger if name not in found and _is_gone(root / name, scopes, blind)]
    kinds: dict[str, list[FileRecord]] = {"added": [], "changed": [], "unchanged": [], "skipped": []}
    for record in found.values():
        known = ledger.get(record.path)
        kind = _compare(record, known, root)
        if known and kind == "unchanged":
            # what the ledger says of it stands, an old failure included
            record = replace(known, size=record.size, mtime_ns=record.mtime_ns, checked_ns=record.checked_ns)
        kinds[kind].append(record)
    deleted = [name for name in gone if ledger[name].status == "indexed"]
    return Plan(**kinds, deleted=deleted, forgotten=[name for name in gone if name not in set(deleted)])


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
    failed = [*work.failed, *(record for record in (*plan.unchanged, *plan.skipped) if record.status == "failed")]
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
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return os.fsencode(shown.as_posix()).decode("utf-8", "backslashreplace")


def _entry(path: Path) -> Path:
    """Return the one absolute form of a path that a user may give in many: links are followed but for its last part."""
    return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name


def _scan(scope: Path, root: Path, collection: str) -> Iterator[FileRecord]:
    """Yield a record for each file at or under a path; hidden files and folders are not looked at."""
    if not scope.is_dir():
        yield from _look_at(scope, root, collection)
        return
    unlisted: list[OSError] = []
    for folder, folders, files in os.walk(scope, onerror=unlisted.append):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            if not file.startswith("."):
                yield from _look_at(Path(folder, file), root, collection)
    for error in unlisted:
        name = index_path(Path(str(error.filename)), root)
        yield _record(collection, name, "failed", f"the folder cannot be listed: {error.strerror}")


def _look_at(path: Path, root: Path, collection: str) -> Iterator[FileRecord]:
    name = index_path(path, root)
    try:
        info = path.lstat()
    except FileNotFoundError:
        return  # gone since the folder was listed
    except OSError as error:
        yield _record(collection, name, "failed", f"cannot be looked at: {error.strerror}")
        return
    reason = ""
    if stat.S_ISLNK(info.st_mode):
        reason = "a symbolic link"
    elif not stat.S_ISREG(info.st_mode):
        reason = "not a regular file"
    elif not is_readable(path.name):
        reason = f"no reader for files {path.suffix.lower() or 'that have no suffix'}"
    record = _record(collection, name, "skipped" if reason else "indexed", reason)
    yield replace(record, size=info.st_size, mtime_ns=info.st_mtime_ns)


def _record(collection: str, name: str, status: FileStatus, reason: str) -> FileRecord:
    return FileRecord(
        collection=collection,
        path=name,
        size=0,
        mtime_ns=0,
        status=status,
        reason=reason,
        checked_ns=time.time_ns(),
        readers=READERS_VERSION,
    )


def _is_under(path: Path, scope: Path) -> bool:
    return path == scope or path.is_relative_to(scope)


def _is_gone(path: Path, scopes: Sequence[Path], blind: Sequence[Path]) -> bool:
    """Say whether a file that the scan did not find is gone, and not just where the scan could not or did not look."""
    scope = next((scope for scope in scopes if _is_under(path, scope)), None)
    if scope is None or any(_is_under(path, folder) for folder in blind):
        return False
    hidden = any(part.startswith(".") for part in path.relative_to(scope).parts)
    return not hidden or not os.path.lexists(path)


def _compare(record: FileRecord, known: FileRecord | None, root: Path) -> str:
    """Say which part of the plan a file belongs to."""
    if record.status != "indexed":
        return "skipped"
    if known is None or known.status == "skipped":
        return "added"
    if known.readers != READERS_VERSION:
        return "changed"
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
        yield from map(DropFile, (*plan.deleted, *plan.forgotten))
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
            if len(texts) >= _EMBED_AT_ONCE or len(waiting) >= _FILES_AT_ONCE:
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
