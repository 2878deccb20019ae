"""The steps of a commit to a MilvusStore: what is staged goes to Milvus, what nobody reads any more goes from it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from index.embedder import Vectors
from index.errors import IndexDamaged
from index.milvus import MOST, Milvus, unknown_to
from index.postgres import Session
from index.shared_catalog import Target
from index.shared_staging import Staged
from index.shared_writer import SharedWriter
from index.store import Change, KeepStaged, MoveFile, PutFile

# What is staged together: an interruption costs no more than that.
_BATCH_FILES, _BATCH_PASSAGES, _BATCH_SECONDS = 100, 1_000, 2.0
_UNREAD_SECONDS = 2.0  # how long a writer waits for those who still read what it has removed


class Stager:
    """Stages changes as they come, under the number of one run."""

    def __init__(self, writer: SharedWriter, engine: Milvus, target: Target) -> None:
        self._writer = writer
        self._engine = engine
        self._target = target
        self._run = 0

    def stage(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Write the files to put, some at a time, and pass every change on, without contents, once it is durable."""
        waiting: list[Change] = []
        passages, since = 0, time.monotonic()
        for change in changes:
            waiting.append(change)
            passages += sum(len(part.passages) for part in change.parts) if isinstance(change, PutFile) else 0
            late = time.monotonic() - since > _BATCH_SECONDS
            if late or len(waiting) >= _BATCH_FILES or passages >= _BATCH_PASSAGES:
                yield from self._stage_batch(waiting)
                waiting, passages, since = [], 0, time.monotonic()
        yield from self._stage_batch(waiting)

    def _stage_batch(self, waiting: Sequence[Change]) -> Iterator[Change]:
        puts = [change for change in waiting if isinstance(change, PutFile)]
        moves = [change for change in waiting if isinstance(change, MoveFile)]
        if puts or moves:
            self._run = self._run or self._writer.begin_run(self._target.name)
            vectors = self._vectors_for(puts)
            staged = self._writer.stage(puts, self._run, self._target.name)
            self._engine.insert(self._target, staged, vectors)
            for move in moves:
                copied = self._writer.stage_move(move.record, move.old_path, self._run, self._target.name)
                self._engine.insert(self._target, copied, self._copied_vectors(copied))
            self._writer.note_loaded(self._run)
        for change in waiting:
            yield KeepStaged(change.record) if isinstance(change, PutFile) else change

    def _vectors_for(self, puts: Sequence[PutFile]) -> dict[bytes, Vectors]:
        """Return the vectors of all passages: those that came along, and those that Milvus has already."""
        vectors = {key: vector for change in puts for key, vector in change.vectors.items()}
        keys = {key for change in puts for part in change.parts for key in part.keys}
        sources = self._writer.sources(sorted(keys - vectors.keys()), self._target.name)
        return vectors | self._fetched({num: key for key, num in sources.items()})

    def _copied_vectors(self, copied: Sequence[Staged]) -> dict[bytes, Vectors]:
        return self._fetched({one.source: one.key for one in copied if one.source is not None})

    def _fetched(self, keys: dict[int, bytes]) -> dict[bytes, Vectors]:
        found = self._engine.vectors(self._target.name, list(keys))
        if len(found) < len(keys):
            raise IndexDamaged(f"Milvus at {self._engine.uri} has lost vectors of the index", "run: qa doctor --fix")
        return {keys[num]: vector for num, vector in found.items()}


def clear(writer: SharedWriter, engine: Milvus, generation: int) -> None:
    """Delete from Milvus what nobody of this generation or a newer one sees."""
    retired = writer.retired_targets(generation)
    for name, documents in writer.garbage(generation).items():
        if name not in retired:
            if engine.has(name):  # with a collection that was lost all that was to be deleted from it is gone, too
                engine.delete(name, documents)
            writer.forget_garbage(documents)
    for name in retired:
        engine.drop(name)
        writer.forget_target(name)


def clear_unknown(writer: SharedWriter, engine: Milvus) -> None:
    """Delete from Milvus what the catalog knows nothing of, before it gives the same numbers again.

    A database that was restored from a backup has forgotten the runs after it, and counts on from where it was then.
    """
    condition = unknown_to(writer)
    for target in writer.targets():
        more = engine.is_made(target)
        while more:
            nums = engine.numbers(target.name, condition, MOST, 0)
            engine.delete(target.name, nums, by="num")
            more = len(nums) == MOST


def clear_once_unread(session: Session, engine: Milvus, generation: int) -> bool:
    """Delete what a generation has replaced once those who read it are done; False when that would take too long.

    What is left is seen by nobody new, and goes with the next run.
    """
    writer = SharedWriter(session)
    deadline = time.monotonic() + _UNREAD_SECONDS
    while session.count_readers_before(generation):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    clear(writer, engine, generation)
    return True
