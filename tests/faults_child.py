"""What the fault tests run in processes of their own: cheap indexing, a look at all there is, dying at a chosen step.

`Children` forks each job from a process that has imported everything and used nothing, so that a job costs
milliseconds and a kill hits nobody else. Forking the tests' own process would not do: FAISS and Tantivy keep threads.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw
import numpy as np
from click.testing import CliRunner

import index.local_store
import index.local_writing
import index.search
import index.sync
import qa.cli
import qa.cli.docs
import qa.cli.doctor
import qa.cli.index
import qa.cli.search
import qa.cli.status
import qa.indexing
from index.doctor import examine
from index.embedder import Vectors
from index.errors import CitableError
from index.passages import embedded_text
from index.records import Extracted
from index.sandbox import Reading, Sandbox
from index.search import search
from index.sqlite import Database
from index.stats import read_stats
from qa.config import Settings
from qa.indexing import index_paths, rebuild_index
from qa.workspace import Workspace

QUESTIONS = ("harbour pier copper", "Which entry names the lighthouse?", "railway bridge 17", "entry about apricots")
EVERYWHERE = "entry"  # a word of every sentence that `faults` writes: a search for it must find every passage
_TIMEOUT = 120.0


# ---------------------------------------------------------------------- cheap indexing


class HashEmbedder:
    """A real, cheap embedder: a text is the sum of its words, each a fixed random direction. Notes what it embeds.

    log: gets the key of each text, in hexadecimal, one a line; written without buffering, so it survives a kill.
    """

    dimension = 24
    window = 48

    def __init__(self, log: Path | None = None, name: str = "hash") -> None:
        self.name = self.fingerprint = name
        self._log = log

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""
        if self._log and texts:
            keys = "".join(index.sync.vector_key(text, self).hex() + "\n" for text in texts)
            descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, keys.encode())
            os.close(descriptor)
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 0.1
            for word in text.casefold().split():
                row += _direction(f"{self.name} {word}", self.dimension)
        return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of words of each text."""
        return [len(text.split()) for text in texts]


@functools.lru_cache(maxsize=20_000)
def _direction(word: str, dimension: int) -> Vectors:
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(dimension).astype(np.float32)


class PlainSandbox(Sandbox):
    """Reads text files in this very process: starting the real one takes half a second, and it has its own tests.

    Their beginning is their title, but for files that are called untitled.
    """

    def read(self, path: Path) -> Reading:
        data = path.read_bytes()
        text = data.decode()
        title = "" if path.name.startswith("untitled") else text[:20]
        return Reading(hashlib.sha256(data).hexdigest(), [Extracted(text=text, media_type="text/plain", title=title)])


def open_workspace(data: Path, model: str = "hash", log: Path | None = None) -> Workspace:
    """Return a workspace with a cheap embedder that commits in many small steps."""
    for module, name, value in (
        (index.local_writing, "_BATCH_FILES", 4),
        (index.sync, "_EMBED_AT_ONCE", 12),
        (index.search, "_CANDIDATES", 10_000),  # of equally good ones, which come first depends on their numbers
        (index.local_store, "_WAIT_SECONDS", 3.0),  # of a look that waits in vain, see `faults.SLOW_SECONDS`
        (qa.indexing, "Sandbox", PlainSandbox),
    ):
        setattr(module, name, value)
    workspace = Workspace(Settings.model_validate({"data": data}))
    workspace.__dict__["embedder"] = HashEmbedder(log, model)
    return workspace


@dataclass(frozen=True)
class Done:
    """What an indexing job did; steps: the names of the steps it took, where they were counted."""

    generation: int
    embedded: int
    seconds: float
    steps: Sequence[str] = ()


def index_job(docs: Path, data: Path, log: Path | None = None, at: int = 0, how: str = "", model: str = "hash") -> Done:
    """Index a folder. how: "" or what to do at step number `at`, see `Steps`."""
    steps = Steps(at, how)
    if how:
        steps.install()
    began = time.monotonic()
    report = index_paths(open_workspace(data, model, log), [docs], root=docs.parent, yes=True)
    return Done(report.generation, report.embedded, time.monotonic() - began, steps.names)


def rebuild_job(data: Path, log: Path | None = None, at: int = 0, how: str = "", model: str = "other") -> Done:
    """Make all vectors anew for another model; at, how: as in `index_job`."""
    steps = Steps(at, how)
    if how:
        steps.install()
    began = time.monotonic()
    report = rebuild_index(open_workspace(data, model, log))
    return Done(report.generation, report.embedded, time.monotonic() - began, steps.names)


# ---------------------------------------------------------------------- a look at all there is


@dataclass(frozen=True)
class State:
    """All that users can get out of an index, so that two are alike where these are. Ids and numbers are left out.

    documents: path → title, text, sha256, language and passages; near: question → passages with their cosines, best
    first; with_words: question → passages that share a word with it; found: question → hits with all scores, best
    first. Tantivy counts removed passages in its scores until they are purged, so `found` may differ a little until then.
    """

    documents: Mapping[str, Any]
    near: Mapping[str, Sequence[Any]]
    with_words: Mapping[str, frozenset[str]]
    found: Mapping[str, Sequence[Any]]

    def is_like(self, other: object) -> bool:
        """Say whether the other differs in no more than in how hits with the same words are scored."""
        if not isinstance(other, State):
            return False
        return (self.documents, self.near, self.with_words) == (other.documents, other.near, other.with_words)


def read_state(data: Path, model: str = "hash") -> State:
    """Look at everything through the store; raises AssertionError where its parts do not agree with each other."""
    workspace = open_workspace(data, model)
    workspace.store.check_embedder(workspace.embedder)
    with workspace.store.view() as view:
        rows = _rows(
            data,
            'SELECT d.id, p.num, p.start, p."end", p.text, p.context, p.locator FROM documents d '
            "JOIN passages p ON p.document = d.num WHERE d.generation > 0 ORDER BY d.id, p.start",
        )
        documents = {}
        for info in view.documents():
            document = view.document(info.id)
            assert document is not None
            passages = [row[2:] for row in rows if row[0] == info.id]
            assert all(text == document.text[start:end] for start, end, text, *_ in passages)
            documents[info.path] = (info.title, document.text, info.sha256, info.lang, passages)
        nums = {row[1] for row in rows}
        vector = workspace.embedder.embed(["everything"])[0]
        assert {num for num, _ in view.search_dense(vector, 1_000_000)} == nums, "vectors and passages differ"
        assert {num for num, _ in view.search_lexical(EVERYWHERE, 1_000_000)} == nums, "words and passages differ"
        ordered = sorted(nums)
        texts = [embedded_text(view.passages([num])[num][0]) for num in ordered]
        assert np.allclose(view.vectors(ordered), workspace.embedder.embed(texts), atol=1e-6) or not ordered
        words = {row[1]: row[4] for row in rows}
        vectors = dict(zip(QUESTIONS, workspace.embedder.embed(QUESTIONS), strict=True))
        near = {
            one: [(words[num], round(score, 4)) for num, score in view.search_dense(vectors[one], 10)] for one in QUESTIONS
        }
        with_words = {one: frozenset(words[num] for num, _ in view.search_lexical(one, 10_000)) for one in QUESTIONS}
        found = {one: _hits(view, workspace, one) for one in QUESTIONS[:2]}
    return State(documents, near, with_words, found)


def _hits(view: Any, workspace: Workspace, question: str) -> list[Any]:
    hits = []
    for hit in search(view, workspace.embedder, question, 10):
        document = view.document(hit.document.id)
        assert document.text[hit.passage.start : hit.passage.end] == hit.passage.text
        scores = (round(hit.scores.fused, 4), round(hit.scores.dense or 0, 4), round(hit.scores.lexical or 0, 3))
        hits.append((hit.passage.text, scores))
    return hits


def _rows(data: Path, sql: str) -> list[Any]:
    db = Database(data / "catalog.db")
    try:
        return db.rows(sql)
    finally:
        db.close()


@dataclass(frozen=True)
class Look:
    """What can be seen of a data directory, each part for itself: a value, or a Failure in its place."""

    findings: Any  # of the doctor: (where, problem)
    status: Any  # what `qa status` says, without sizes
    state: Any  # State
    answers: Any  # ids of the stored answers that are there
    seconds: float = 0.0


def look_job(data: Path, models: Sequence[str] = ("hash",), answers: Sequence[str] = ()) -> Look:
    """Look at everything. models: the first that the index is compatible with is used."""
    began = time.monotonic()
    findings = tried(lambda: [(one.where, one.problem) for one in examine(data)])
    status = tried(lambda: _status(data))
    stored = tried(lambda: [one for one in answers if open_workspace(data).history.get(one)])
    state: Any = None
    for model in models:
        state = tried(functools.partial(read_state, data, model))
        if not isinstance(state, Failure) or state.kind != "IndexIncompatible":
            break
    return Look(findings, status, state, stored, time.monotonic() - began)


def _status(data: Path) -> Any:
    stats = read_stats(data)
    return stats.embedder, stats.collections, stats.media_types, stats.failures


def save_answer(data: Path, path: str, answer: str) -> None:
    """Store an answer that shows text of the document at a path."""
    documents = {info.path: info.id for info in open_workspace(data).store.documents()}
    passages = [{"document_id": documents[path], "text": ""}]
    fields = {
        "id": answer,
        "created_at": "2026-01-01",
        "question": "?",
        "status": "answered",
        "passages": passages,
        "citations": [],
    }
    open_workspace(data).history.save({**fields, "conversation_id": "c"})


def staged_job(data: Path) -> dict[tuple[str, str], int]:
    """Return (path, sha256) → passages of the files that an interrupted run left staged."""
    if not _rows(data, "SELECT 1 FROM sqlite_master WHERE name = 'documents'"):
        return {}
    rows = _rows(
        data,
        "SELECT d.path, d.file_sha256, count(p.num) FROM documents d LEFT JOIN passages p ON p.document = d.num "
        "WHERE d.generation = 0 GROUP BY d.num",
    )
    return {(path, sha256): count for path, sha256, count in rows}


def durable_keys(data: Path) -> set[str]:
    """Return the keys, in hexadecimal, of the vectors that are in the catalog, staged ones included."""
    if not _rows(data, "SELECT 1 FROM sqlite_master WHERE name = 'vectors'"):
        return set()
    return {key.hex() for (key,) in _rows(data, "SELECT key FROM vectors")}


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def qa_job(*arguments: str, cwd: Path | None = None) -> Said:
    """Run `qa ARGUMENTS` with the cheap embedder; raises what it lets through."""
    if cwd:
        os.chdir(cwd)
    _make_cheap()
    result = CliRunner().invoke(qa.cli.main, arguments, prog_name="qa")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def _make_cheap() -> None:
    open_workspace(Path())
    setattr(Workspace, "embedder", HashEmbedder())  # noqa: B010 - what it replaces is a property


# ---------------------------------------------------------------------- dying and failing at a step


@dataclass
class Steps:
    """Counts the calls that change the disk, of Python and of SQLite, and strikes at one of them.

    how: "count": never; "kill": SIGKILL, a write half done; "EIO": fails that once; "ENOSPC": fails then and ever
    after, but for what frees space.
    """

    at: int = 0
    how: str = "count"
    names: list[str] = field(default_factory=list)
    closing: bool = False

    def install(self) -> None:
        """Count from now on, in this process, which is not to be used for anything else."""
        for name in ("replace", "rename", "unlink", "rmdir", "mkdir", "fsync"):
            setattr(os, name, self._counted(name, getattr(os, name)))
        plain_open = Path.open

        def open_path(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if "w" not in mode:
                return plain_open(path, mode, *args, **kwargs)
            self.reach(f"open {path.name}")
            return _CountedFile(plain_open(path, mode, *args, **kwargs), self, path.name)

        setattr(Path, "open", open_path)  # noqa: B010
        plain_close = Database.close

        def close(db: Database) -> None:
            # SQLite overlooks errors when it tidies up at the end, but apsw hands on those that come from Python
            self.closing = self.how != "kill"
            plain_close(db)
            self.closing = False

        setattr(Database, "close", close)  # noqa: B010
        # under SQLite's checksums: they are registered, once, on top of what is the default by then
        self._vfs = _CountedVFS(self)

    def reach(self, name: str, half: Callable[[], object] | None = None) -> None:
        """Come to a step, and through it unless this is the one. half: does half of it, for a kill in its middle."""
        self.names.append(name)
        now = len(self.names)
        if now == self.at and self.how == "kill":
            if half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.closing:
            return
        frees = name.split()[0] in ("unlink", "rmdir", "xDelete", "xTruncate")
        if (now == self.at and self.how == "EIO") or (self.at <= now and self.how == "ENOSPC" and not frees):
            if name.startswith("x"):
                raise apsw.IOError("disk I/O error") if self.how == "EIO" else apsw.FullError("database or disk is full")
            number = getattr(errno, self.how)
            raise OSError(number, os.strerror(number))

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if name == "mkdir" and Path(args[0]).is_dir():  # the system says first that it is there, full or not
                return call(*args, **kwargs)
            self.reach(f"{name} {'' if isinstance(args[0], int) else Path(args[0]).name}")
            return call(*args, **kwargs)

        return counted


class _CountedFile:
    """A file whose writes are steps."""

    def __init__(self, file: Any, steps: Steps, name: str) -> None:
        self._file = file
        self._steps = steps
        self._name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        self._steps.reach(f"write {self._name}", half)
        return int(self._file.write(data))


class _CountedVFS(apsw.VFS):
    """SQLite's way to the disk, with every write, sync, truncation and deletion a step."""

    def __init__(self, steps: Steps) -> None:
        super().__init__("counted", "unix", makedefault=True)
        self.steps = steps

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's names
        return _CountedVFSFile(self.steps, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.steps.reach(f"xDelete {Path(filename).name}")
        super().xDelete(filename, syncdir)


class _CountedVFSFile(apsw.VFSFile):
    def __init__(self, steps: Steps, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self.steps = steps
        self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temp").name

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self.steps.reach(f"xWrite {self.name}", lambda: super(_CountedVFSFile, self).xWrite(data[: len(data) // 2], offset))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.steps.reach(f"xSync {self.name}")
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self.steps.reach(f"xTruncate {self.name}")
        super().xTruncate(newsize)


# ---------------------------------------------------------------------- children


@dataclass(frozen=True)
class Failure:
    """An error that a job ended with. meant: it is one of the product's own, for people, with its hint."""

    kind: str
    message: str
    hint: str
    meant: bool
    trace: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}; {self.hint or 'no hint'}"


@dataclass(frozen=True)
class Ended:
    """How a job ended: with a value, an error, or a signal (0: none)."""

    value: Any = None
    error: Failure | None = None
    signal: int = 0
    seconds: float = 0.0

    def get(self) -> Any:
        """Return the value; raises AssertionError when there is none."""
        assert self.signal == 0, f"died of signal {self.signal}"
        assert self.error is None, self.error.trace
        return self.value


class Children:
    """Runs functions in forked processes, one at a time. A context manager."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._server = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._server.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process that forks the others."""
        self._pipe.close()
        self._server.join(10)

    def run(self, job: Callable[..., Any], *args: Any, kill_after: float = _TIMEOUT, **kwargs: Any) -> Ended:
        """Run `job(*args, **kwargs)`; it is killed after so many seconds."""
        began = time.monotonic()
        with tempfile.NamedTemporaryFile() as place:
            self._pipe.send((job, args, kwargs, place.name))
            pid = self._pipe.recv()
            if not self._pipe.poll(kill_after):
                os.kill(pid, signal.SIGKILL)  # not collected before it is acknowledged below, so the number is still its
            status = self._pipe.recv()
            self._pipe.send("collect it")
            seconds = time.monotonic() - began
            if status:
                return Ended(signal=status, seconds=seconds)
            value, error = pickle.loads(Path(place.name).read_bytes())
            return Ended(value, error, seconds=seconds)


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            job, args, kwargs, place = pipe.recv()
        except EOFError:
            return
        pid = os.fork()
        if not pid:
            pipe.close()
            _run_job(job, args, kwargs, place)
        pipe.send(pid)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        pipe.send(ended.si_status if ended.si_code != os.CLD_EXITED else 0)
        try:
            pipe.recv()
        except EOFError:
            return
        finally:
            os.waitpid(pid, 0)


def tried(call: Callable[[], Any]) -> Any:
    """Return what the call returns, or the Failure that it ends with."""
    try:
        return call()
    except BaseException as error:
        if isinstance(error, CitableError):
            return Failure(type(error).__name__, error.message, error.hint, True, traceback.format_exc())
        return Failure(type(error).__name__, str(error), "", False, traceback.format_exc())


def _run_job(job: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], place: str) -> None:
    logging.disable(logging.CRITICAL)  # that search files could not be brought up is what these tests are about
    plain_open = io.open
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # Tantivy writes to the second of what it finds damaged
        os.dup2(silence, descriptor)
    result = tried(lambda: job(*args, **kwargs))
    with plain_open(place, "wb") as file:
        file.write(pickle.dumps((None, result) if isinstance(result, Failure) else (result, None)))
    os._exit(0)


if __name__ == "__main__":  # `python tests/faults_child.py index …` is `qa index …` in all but the model
    _make_cheap()
    sys.argv[0] = "qa"
    qa.cli.main()
