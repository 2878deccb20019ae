"""Indexing inside the server: one run at a time, in a thread of its own, which says how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from index.errors import CitableError, IndexLocked, TooManyDeletions
from index.sync import Progress, Report
from qa.errors import NotFound
from qa.web.job_state import Board, JobState, OwnBoard

_LOG = logging.getLogger("qa.web")

Work = Callable[[Progress], Sequence[Report]]
Job = tuple[Work, tuple[str, ...]]  # with the collections that it indexes


class IndexJobs:
    """Runs what it is given, one at a time over all processes that share a board. Safe to share between threads."""

    def __init__(self, board: Board | None = None) -> None:
        self._lock = threading.Lock()
        self._board: Board = board or OwnBoard()
        self._runs = False
        self._next: Job | None = None
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> JobState:
        """How far the run is that goes on, or how the last one ended."""
        with self._lock:
            return self._board.read()

    def start(self, work: Work, collections: Sequence[str] = (), *, queue: bool = False) -> bool:
        """Begin a run. While another goes on: False, or with `queue` once more when that is over.

        collections: those that it indexes, for who may see of it; none for all.
        """
        job = (work, tuple(collections))
        with self._lock:
            if self._runs:
                if queue:
                    self._next = job
                return queue
            if self._board.take(wait=False):
                self._board.write(JobState("running", collections=job[1]))
            elif not queue:
                return False
            self._runs = True
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
        try:
            self._run_all(job)
        except BaseException as error:  # or nothing could be begun in this process any more
            with self._lock:
                self._runs, self._next = False, None
                self._board.write(JobState("failed", error="error", collections=job[1]))
            self._board.free()
            _LOG.error("indexing broke off: unexpected %s", type(error).__name__)

    def _run_all(self, job: Job) -> None:
        following: Job | None = job
        while following:
            work, collections = following
            self._board.take(wait=True)
            self._note(0, 0, "", collections)
            ended = replace(self._end_of(work, collections), collections=collections)
            with self._lock:
                following, self._next = self._next, None
                self._board.write(JobState("running", collections=following[1]) if following else ended)
                self._runs = following is not None
                if not following:
                    self._board.free()

    def _end_of(self, work: Work, collections: tuple[str, ...]) -> JobState:
        """Do one run and say how it ended. What is not meant for people is logged, by its type alone, and hidden."""
        try:
            return JobState(
                "done", counts=_count(work(lambda done, total, path: self._note(done, total, path, collections)))
            )
        except (IndexLocked, TooManyDeletions, NotFound) as error:
            return JobState("failed", error=_word(error), detail=str(error) if isinstance(error, TooManyDeletions) else "")
        except CitableError as error:
            _LOG.error("indexing failed: %s", error)
        except Exception as error:
            _LOG.error("indexing failed: unexpected %s", type(error).__name__)
        return JobState("failed", error="error")

    def _note(self, done: int, total: int, path: str, collections: tuple[str, ...]) -> None:
        with self._lock:
            self._board.write(JobState("running", done, total, path, collections=collections))


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
