"""Indexing inside the server: one run at a time, in a thread of its own, which says how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from index.errors import CitableError, IndexLocked, TooManyDeletions
from index.sync import Progress, Report
from qa.errors import NotFound

_LOG = logging.getLogger("qa.web")

Work = Callable[[Progress], Sequence[Report]]
Job = tuple[Work, tuple[str, ...]]  # with the collections that it indexes


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


class IndexJobs:
    """Runs what it is given, one at a time. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = JobState()
        self._next: Job | None = None
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> JobState:
        """How far the run is that goes on, or how the last one ended."""
        with self._lock:
            return self._state

    def start(self, work: Work, collections: Sequence[str] = (), *, queue: bool = False) -> bool:
        """Begin a run. While another goes on: False, or with `queue` once more when that is over.

        collections: those that it indexes, for who may see of it; none for all.
        """
        job = (work, tuple(collections))
        with self._lock:
            if self._state.status == "running":
                if queue:
                    self._next = job
                return queue
            self._state = JobState("running", collections=job[1])
            self._thread = threading.Thread(target=self._run, args=[job], daemon=True, name="indexing")
            self._thread.start()
            return True

    def wait(self, seconds: float) -> JobState:
        """Wait for the run to end, so many seconds at most, and return how it did."""
        thread = self._thread
        if thread:
            thread.join(seconds)
        return self.state

    def _run(self, job: Job) -> None:
        following: Job | None = job
        while following:
            work, collections = following
            ended = replace(self._end_of(work), collections=collections)
            with self._lock:
                following, self._next = self._next, None
                self._state = JobState("running", collections=following[1]) if following else ended

    def _end_of(self, work: Work) -> JobState:
        """Do one run and say how it ended. What is not meant for people is logged, by its type alone, and hidden."""
        try:
            return JobState("done", counts=_count(work(self._note)))
        except (IndexLocked, TooManyDeletions, NotFound) as error:
            return JobState("failed", error=_word(error), detail=str(error) if isinstance(error, TooManyDeletions) else "")
        except CitableError as error:
            _LOG.error("indexing failed: %s", error)
        except Exception as error:
            _LOG.error("indexing failed: unexpected %s", type(error).__name__)
        return JobState("failed", error="error")

    def _note(self, done: int, total: int, path: str) -> None:
        with self._lock:
            self._state = replace(self._state, done=done, total=total, path=path)


def _word(error: CitableError) -> str:
    words = {IndexLocked: "index_locked", TooManyDeletions: "too_many_deletions", NotFound: "no_folders_known"}
    return words[type(error)]


def _count(reports: Sequence[Report]) -> dict[str, int]:
    return {
        "added": sum(len(one.plan.added) for one in reports),
        "changed": sum(len(one.plan.changed) + len(one.plan.renamed) for one in reports),
        "deleted": sum(len(one.deleted) for one in reports),
        "unchanged": sum(len(one.plan.unchanged) for one in reports),
        "failed": sum(len(one.failed) for one in reports),
        "skipped": sum(len(one.skipped) for one in reports),
    }
