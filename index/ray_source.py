"""Reads, splits and embeds files on the workers of a Ray cluster. The only module that knows ray.

Files travel as paths, so every node must see them under the same path, and has this very version installed. What comes back
is written by the one process that holds the store, batch by batch: that is the checkpoint. A run that was interrupted begins
with what is not written yet, and what a worker that dies had at hand is done anew by another one.
"""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from index.embedder import open_embedder
from index.errors import EngineFailed
from index.passages import SPLITTER_VERSION, split_document, with_context
from index.readers import READERS_VERSION
from index.records import Document, FileRecord, Passage
from index.sandbox import Limits, Reading, Sandbox, reading_of
from index.scan import disk_path
from index.source import FileFound, Piece, Prepared, Source
from index.sync import make_document

_LEAST_PROCESSORS = 4  # with two, Ray Data's stages wait for each other for ever (seen in 2.60)
_FILES_A_BLOCK, _BYTES_A_BLOCK = 16, 4_000_000
_FILES_AT_ONCE = 100_000  # that Ray is told of together
# In which no worker is done with anything: Ray would wait for ever. The largest file that is read takes a third of it.
_STALLED_SECONDS = 1800
_CONNECT_SECONDS = 30
_AGAIN = "run it again: what was done is kept"
_NEVER = -1.0  # is an actor's load: a worker that has nothing to do for a moment is needed again, and loads the model anew
_EMBEDDERS_A_READER = 4  # that one reader is enough for
# Ray reports itself over the network, and tells of every stage, unless it is told otherwise.
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_LOG_LEVEL": "ERROR", "RAY_BACKEND_LOG_LEVEL": "fatal"}
_OBJECT_STORE = 300_000_000  # bytes of shared memory of a node that is started here


@dataclass(frozen=True)
class Work:
    """What the workers are told. embedder: its name; fingerprint, versions: what they must have, too."""

    limits: Limits
    passwords: Sequence[str]
    embedder: str
    fingerprint: str
    versions: str = f"{SPLITTER_VERSION} {READERS_VERSION}"


@contextmanager
def ray_source(work: Work, address: str = "", workers: int = 0) -> Iterator[Source]:
    """Connect to the cluster at `address` ("host:port"), or run one on this machine for as long as the block lasts.

    workers: that embed, at the most; 0 for half of the cluster's processors.
    Raises EngineFailed where it cannot be reached or is too small.
    """
    ray = _ray()
    # Ray tells of workers that died on stdout, which is for results, and leaves its logs behind
    with redirect_stdout(sys.stderr), TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as place:
        try:
            processors = _connect(ray, address, place)
            stalled = max(_STALLED_SECONDS, _FILES_A_BLOCK * math.ceil(work.limits.seconds) + 60)
            context = ray.data.DataContext.get_current()
            context.execution_no_progress_timeout_s = context.wait_for_min_actors_s = stalled
            context.autoscaling_config.actor_pool_util_downscaling_threshold = _NEVER
            yield _RaySource(work, workers or max(1, processors // 2), stalled)
        finally:
            ray.shutdown()


def _connect(ray: Any, address: str, place: str) -> int:
    """Return the processors of the cluster. place: a folder for one that is to be started."""
    options: dict[str, Any] = {"address": address}
    if address:
        _check_health(address)
    else:
        processors = max(_LEAST_PROCESSORS, os.cpu_count() or 1)
        options = {"num_cpus": processors, "include_dashboard": False, "object_store_memory": _OBJECT_STORE}
        options |= {"_temp_dir": place}
    try:
        # never in another thread: what it starts ends with the thread that started it
        ray.init(log_to_driver=False, logging_level="ERROR", **options)
    except Exception as error:
        raise _unreachable(address, _first_line(error)) from error
    found = int(ray.cluster_resources().get("CPU", 0))
    if found < _LEAST_PROCESSORS:
        raise EngineFailed(
            f"the Ray cluster has {found} processors, fewer than {_LEAST_PROCESSORS}",
            f"start its nodes with --num-cpus {_LEAST_PROCESSORS} or more, whatever the machines have",
        )
    return found


def _check_health(address: str) -> None:
    """Ask in a process of its own, which can be given up: where no cluster answers `ray.init` ends the process, or hangs."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()  # Ray itself takes half a minute to say so
    except OSError as error:
        raise _unreachable(address, error.strerror or str(error)) from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CONNECT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise _unreachable(address, f"nothing that Ray understands came within {_CONNECT_SECONDS} seconds") from error
    if done.returncode:
        raise _unreachable(address, "no cluster answers")


def _unreachable(address: str, reason: str) -> EngineFailed:
    where = f"at {address}" if address else "on this machine"
    hint = "look whether `ray status` answers there" if address else "look whether there is room in /dev/shm"
    return EngineFailed(f"Ray cannot be reached {where} ({reason})", hint)


class _RaySource:
    """Files read by the cluster that this process is connected to."""

    def __init__(self, work: Work, workers: int, stalled: int) -> None:
        self._work = work
        self._workers = workers
        self._stalled = stalled

    def read(self, files: Sequence[FileRecord], root: Path) -> Iterator[FileFound]:
        """Yield each file once, in any order. Raises EngineFailed where the cluster fails or does nothing any more."""
        for start in range(0, len(files), _FILES_AT_ONCE):
            yield from self._read_some(files[start : start + _FILES_AT_ONCE], root)

    def _read_some(self, files: Sequence[FileRecord], root: Path) -> Iterator[FileFound]:
        left = set(range(len(files)))
        for number, row, vectors in self._rows(files, root):
            if number in left:  # what a worker did twice, because another one died, counts once
                left.remove(number)
                yield files[number], _found(json.loads(row), vectors)
        if left:
            raise EngineFailed(f"Ray left out {len(left)} files", _AGAIN)

    def _rows(self, files: Sequence[FileRecord], root: Path) -> Iterator[tuple[int, str, bytes]]:
        data = _ray().data
        readers = max(1, self._workers // _EMBEDDERS_A_READER)
        dataset = (
            data.from_arrow(list(_blocks(files, root)))
            .map_batches(_Reads, **_pool(readers), fn_constructor_args=[self._work])
            .map_batches(_Embeds, **_pool(self._workers), fn_constructor_args=[self._work])
        )
        try:
            for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield from zip(*(batch[name].to_pylist() for name in ("number", "row", "vectors")), strict=True)
        except data.exceptions.ExecutionTimeoutError as error:
            raise EngineFailed(f"no worker of Ray did anything for {self._stalled / 60:.0f} minutes", _AGAIN) from error
        except Exception as error:
            raise EngineFailed(f"Ray gave up ({_first_line(error)})", _AGAIN) from error


def _blocks(files: Sequence[FileRecord], root: Path) -> Iterator[Any]:
    """Yield tables of some files each, with their numbers: what one worker does at once."""
    start = size = 0
    for end, file in enumerate(files, 1):
        size += file.size
        if end - start == _FILES_A_BLOCK or size >= _BYTES_A_BLOCK or end == len(files):
            rows = [{"disk": str(disk_path(one.path, root)), "record": asdict(one)} for one in files[start:end]]
            yield _table(range(start, end), rows)
            start, size = end, 0


def _table(numbers: Iterable[int], rows: Iterable[Mapping[str, Any]], vectors: Sequence[bytes] | None = None) -> Any:
    import pyarrow as pa  # Ray Data brings it

    columns = {"number": pa.array(numbers, pa.int64()), "row": pa.array(map(json.dumps, rows), pa.large_string())}
    return pa.table(columns | ({} if vectors is None else {"vectors": pa.array(vectors, pa.large_binary())}))


def _found(row: Mapping[str, Any], vectors: bytes) -> Reading | Prepared:
    """Return what the last stage has made of a file."""
    reading = reading_of(row["reply"])
    if reading.error:
        return reading
    pieces = [[(start, end, context) for start, end, context in one] for one in row["pieces"]]
    count = sum(map(len, pieces))
    return Prepared(
        reading, pieces, np.frombuffer(vectors, np.float32).reshape(count, -1) if count else np.zeros((0, 0), np.float32)
    )


def _pool(most: int) -> dict[str, Any]:
    """Return how a stage runs: actors that keep what they have loaded, as many as the stage before gives work to."""
    strategy = _ray().data.ActorPoolStrategy(min_size=1, max_size=most)
    return {"compute": strategy, "batch_format": "pyarrow", "batch_size": None, "zero_copy_batch": True, "num_cpus": 1}


class _Stage:
    """One stage on a worker: called with a table of files, returns one."""

    def __init__(self, work: Work) -> None:
        if work.versions != Work.versions:
            raise EngineFailed("a node has another version of citable-qa", "install the same one on every node")
        self._work = work
        self._embedder = open_embedder(work.embedder, 1)
        if self._embedder.fingerprint != work.fingerprint:
            raise EngineFailed(f"a node has another model as {work.embedder}", "put the same files on every node")


class _Reads(_Stage):
    """Reads files in a sandbox and splits them: its reply and the pieces of each document."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._sandbox = Sandbox(work.limits, work.passwords)

    def __call__(self, table: Any) -> Any:
        return _table(table["number"].to_pylist(), map(self._read, map(json.loads, table["row"].to_pylist())))

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        reply, record = self._sandbox.reply_of(Path(row["disk"])), FileRecord(**row["record"])
        # the ids are given where the store is
        documents = [make_document(one, record, "") for one in reading_of(reply).documents]
        return {"reply": reply, "pieces": [list(map(_piece, self._split(one))) for one in documents]}

    def _split(self, document: Document) -> Sequence[Passage]:
        return split_document(document, self._embedder.count_tokens, self._embedder.window)


class _Embeds(_Stage):
    """Embeds what has been read: the same rows, and the vectors of each one's pieces."""

    def __call__(self, table: Any) -> Any:
        rows = [json.loads(row) for row in table["row"].to_pylist()]
        texts = [list(_texts(row)) for row in rows]
        vectors = self._embedder.embed([text for some in texts for text in some]).astype(np.float32, copy=False)
        ends = np.cumsum([len(some) for some in texts])
        parts = [vectors[end - len(some) : end].tobytes() for some, end in zip(texts, ends, strict=True)]
        return _table(table["number"].to_pylist(), rows, parts)


def _piece(passage: Passage) -> Piece:
    return passage.start, passage.end, passage.context


def _texts(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is embedded of each piece."""
    for document, pieces in zip(row["reply"].get("documents", ()), row["pieces"], strict=True):
        for start, end, context in pieces:
            yield with_context(context, document["text"][start:end])


def _first_line(error: BaseException) -> str:
    """Return what an error says in one line; of Ray's tracebacks the last, where the cause stands."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _ray() -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data.exceptions
    except ImportError as error:
        raise EngineFailed("Ray is not installed here", "run: pip install 'citable-qa[ray]'") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False  # `qa index` shows its own
    return ray
