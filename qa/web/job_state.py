"""How far a run of indexing is, and where that is written: in one process, or where all processes of a server see it."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from filelock import FileLock, Timeout

_WRITE_EVERY = 0.2  # seconds; a run that changes nothing passes thousands of files in one


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a run is. done, total: files to read; counts: what a run that is over has changed; error: a stable word.

    collections: those that it indexes, none for all.
    """

    status: Literal["idle", "running", "done", "failed"] = "idle"
    done: int = 0
    total: int = 0
    path: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    detail: str = ""
    collections: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the state as the API shows it."""
        error = {"code": self.error, "detail": self.detail} if self.error else None
        return {
            "status": self.status,
            "done": self.done,
            "total": self.total,
            "path": self.path,
            "counts": self.counts or None,
            "error": error,
        }


def job_state(kept: dict[str, Any]) -> JobState:
    """Return a state from the fields that were kept of it."""
    return JobState(**{**kept, "collections": tuple(kept["collections"])})


class Pace:
    """Says which steps of a run are worth writing down: what begins, what ends, and a few in between."""

    def __init__(self) -> None:
        self._step, self._written = ("", 0), 0.0

    def is_due(self, state: JobState) -> bool:
        """Say whether to write a state down now."""
        now = time.monotonic()
        step = (state.status, state.total)
        if step == self._step and now - self._written < _WRITE_EVERY:
            return False
        self._step, self._written = step, now
        return True


class Board(Protocol):
    """Says how far the run is, and holds the turn of the one that goes on."""

    def take(self, *, wait: bool) -> bool:
        """Take the turn; False where another process has it, unless `wait`. Who has it may take it again."""

    def free(self) -> None:
        """Give the turn back."""

    def read(self) -> JobState:
        """Return how far the run is, or how the last one ended."""

    def write(self, state: JobState) -> None:
        """Say how far the run is."""


class OwnBoard:
    """For a server of one process: nobody else runs anything."""

    def __init__(self) -> None:
        self._state = JobState()

    def take(self, *, wait: bool) -> bool:  # noqa: ARG002
        """Take the turn."""
        return True

    def free(self) -> None:
        """Give the turn back."""

    def read(self) -> JobState:
        """Return how far the run is, or how the last one ended."""
        return self._state

    def write(self, state: JobState) -> None:
        """Say how far the run is."""
        self._state = state


class SharedBoard:
    """For several: a file, and a lock that the system frees when the process that holds it dies."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "job.json"
        self._turn = FileLock(folder / "job.lock", thread_local=False)  # a run is started by one thread and ended by another
        self._pace = Pace()

    def take(self, *, wait: bool) -> bool:
        """Take the turn; False where another process has it, unless `wait`. Who has it may take it again."""
        try:
            if not self._turn.is_locked:
                self._turn.acquire(timeout=-1 if wait else 0)
        except Timeout:
            return False
        return True

    def free(self) -> None:
        """Give the turn back."""
        self._turn.release()

    def read(self) -> JobState:
        """Return how far the run is, or how the last one ended: one whose process has died failed."""
        try:
            kept = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return JobState()
        process = kept.pop("process")
        state = job_state(kept)
        if state.status == "running" and not _is_alive(process):
            return JobState("failed", error="error", collections=state.collections)
        return state

    def write(self, state: JobState) -> None:
        """Say how far the run is; of many small steps some are left out."""
        if not self._pace.is_due(state):
            return
        fresh = self._file.with_suffix(f".{os.getpid()}.tmp")
        with suppress(OSError):  # a full disk shows an old state, and ends no run
            fresh.write_text(json.dumps({**asdict(state), "process": os.getpid()}))
            fresh.replace(self._file)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
