"""How far a run of indexing is, where servers on several machines see it: a row in PostgreSQL, and a lock of it."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict
from threading import Lock

from index.errors import IndexUnavailable
from index.postgres import INDEXING, Session
from index.postgres_pool import Postgres
from qa.tables import Tables
from qa.web.job_state import JobState, Pace, job_state

_TRY_EVERY = 0.5  # seconds


class PostgresBoard:
    """The turn is a lock that PostgreSQL frees when the server that holds it dies. Threads may share it."""

    def __init__(self, postgres: Postgres, tables: Tables) -> None:
        """tables: of SERVER (qa/shared.py)."""
        self._postgres, self._tables = postgres, tables
        self._lock, self._pace = Lock(), Pace()
        self._held: ExitStack | None = None

    def take(self, *, wait: bool) -> bool:
        """Take the turn; False where another server has it, unless `wait`: then a database that is away is waited for, too.

        Raises IndexUnavailable where it is away and nobody waits.
        """
        while True:
            try:
                taken = self._take()
                if taken or not wait:
                    return taken
            except IndexUnavailable:
                if not wait:
                    raise
            time.sleep(_TRY_EVERY)

    def free(self) -> None:
        """Give the turn back."""
        with self._lock:
            held, self._held = self._held, None
        if held:
            held.close()

    def read(self) -> JobState:
        """Return how far the run is, or how the last one ended: one whose server has died failed."""
        state = self._read()
        if state.status == "running" and not self._is_taken():
            state = self._read()  # it may have ended in between
            if state.status == "running":
                return JobState("failed", error="error", collections=state.collections)
        return state

    def write(self, state: JobState) -> None:
        """Say how far the run is; of many small steps some are left out."""
        if not self._pace.is_due(state):
            return
        with suppress(IndexUnavailable), self._tables.connected() as db:  # who does not see how far it is ends no run
            db.run(
                "INSERT INTO job VALUES (1, ?) ON CONFLICT (turn) DO UPDATE SET state = excluded.state",
                (json.dumps(asdict(state)),),
            )

    def _read(self) -> JobState:
        with self._tables.connected() as db:
            row = db.row("SELECT state FROM job")
        return job_state(json.loads(row[0])) if row else JobState()

    def _take(self) -> bool:
        with self._lock:
            if self._held:
                return True
            with ExitStack() as stack:
                session = stack.enter_context(self._postgres.lend())
                if not session.lock(INDEXING):
                    return False
                stack.callback(_unlock, session)
                self._held = stack.pop_all()
            return True

    def _is_taken(self) -> bool:
        with self._postgres.lend() as session:
            return session.is_locked(INDEXING)


def _unlock(session: Session) -> None:
    with suppress(IndexUnavailable):  # it went with the connection
        session.unlock(INDEXING)
