"""What the processes of one server have in common: counts of requests, the run that indexes, seen messages, a secret."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from postgres_server import PostgresServer

from index.errors import IndexUnavailable
from index.postgres_pool import Postgres
from qa.config import Settings
from qa.keeping import open_keys
from qa.kept_secret import SECRET_BYTES, KeptSecret
from qa.postgres_tables import PostgresTables
from qa.shared import FORMS, SERVER, Shared, SharedSecret, SharedSeen, prepare_shared
from qa.tables import Schema, Tables
from qa.web.job_state import Board, JobState, SharedBoard
from qa.web.jobs import IndexJobs
from qa.web.postgres_board import PostgresBoard
from qa.web.session import Sessions
from qa.web.shared_limits import SharedStorage


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    place = tmp_path / "shared"
    place.mkdir()
    prepare_shared(place)
    return Shared(place)


def limiter(tables: Tables) -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(SharedStorage(tables=tables))


def test_two_processes_count_together_and_exactly(tables_of: Callable[[Schema], Tables], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time, "time", lambda: 1_000_000 * 60.0 + 30)  # else a minute may begin in between
    limiters = [limiter(tables_of(SERVER)) for _ in range(2)]
    ten = RateLimitItemPerMinute(10)
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda number: limiters[number % 2].hit(ten, "somebody"), range(40)))
    assert sum(passed) == 10
    assert limiters[0].hit(ten, "another")
    assert limiters[1].get_window_stats(ten, "somebody").remaining == 0
    assert time.time() <= limiters[1].get_window_stats(ten, "somebody").reset_time <= time.time() + 60


def test_the_window_slides_as_in_memory(tables_of: Callable[[Schema], Tables], monkeypatch: pytest.MonkeyPatch):
    in_this_process = SlidingWindowCounterRateLimiter(storage_from_string("memory://"))
    both, five = (in_this_process, limiter(tables_of(SERVER))), RateLimitItemPerMinute(5)
    start = 1_000_000 * 60.0
    for seconds in (0, 1, 2, 50, 59, 61, 65, 75, 90, 91, 110, 130, 200, 201):
        monkeypatch.setattr(time, "time", lambda now=start + seconds: now)
        in_memory, in_file = (one.hit(five, "x") for one in both)
        assert in_memory == in_file, seconds
        left = [one.get_window_stats(five, "x") for one in both]
        assert left[0] == pytest.approx(left[1]), seconds


def test_counts_that_are_of_no_more_use_go(tables_of: Callable[[Schema], Tables], monkeypatch: pytest.MonkeyPatch):
    storage, one = SharedStorage(tables=tables_of(SERVER)), RateLimitItemPerMinute(5)
    for number in range(20):
        SlidingWindowCounterRateLimiter(storage).hit(one, str(number))
    later = time.time() + 1000
    monkeypatch.setattr(time, "time", lambda: later)
    SlidingWindowCounterRateLimiter(storage).hit(one, "later")
    assert storage.reset() == 1


def test_a_message_is_new_once_whichever_process_it_comes_to(tables_of: Callable[[Schema], Tables]):
    one, other = (SharedSeen(tables_of(SERVER)) for _ in range(2))
    assert one.put("event", True)
    assert not other.put("event", True)
    other.forget("event")
    assert one.put("event", True)


def test_what_forms_are_signed_with_is_made_once(tables_of: Callable[[Schema], Tables]):
    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(lambda _: SharedSecret(tables_of(FORMS)).value(), range(8)))
    assert len(set(values)) == 1
    assert len(values[0]) == SECRET_BYTES


def test_a_form_of_one_process_can_be_sent_to_another_without_a_data_directory(shared: Shared, tmp_path: Path):
    ring, file = open_keys(Settings(data=tmp_path / "none")), tmp_path / "none" / "forms.secret"
    one, other = (Sessions(ring, KeptSecret(file, shared.secret)) for _ in range(2))
    assert other.is_token(one.token(""), "")
    assert not Sessions(ring, KeptSecret(file)).is_token(one.token(""), "")


@pytest.fixture(params=["folder", pytest.param("postgres", marks=pytest.mark.slow)])
def new_board(request: pytest.FixtureRequest) -> Callable[[], Board]:
    """Open a board as another process would, in a server's folder or in PostgreSQL."""
    if request.param == "folder":
        folder = request.getfixturevalue("shared").folder
        return lambda: SharedBoard(folder)
    url = request.getfixturevalue("postgres").new_database()
    return lambda: postgres_board(url)


def postgres_board(url: str) -> PostgresBoard:
    return PostgresBoard(Postgres(url), PostgresTables(Postgres(url), SERVER))


def test_one_run_goes_on_at_a_time_over_all_processes(new_board: Callable[[], Board]):
    gate, ran = threading.Event(), []
    here, there = (IndexJobs(new_board()) for _ in range(2))

    def work(name: str):
        def run(progress) -> list:
            progress(1, 2, "a.txt")
            gate.wait(10)
            ran.append(name)
            return []

        return run

    assert here.start(work("first"), ["papers"])
    while there.state.total == 0:
        time.sleep(0.01)
    assert there.state == JobState("running", 1, 2, "a.txt", collections=("papers",))
    assert not there.start(work("refused"))
    assert there.start(work("queued"), queue=True)
    gate.set()
    there.wait(10)
    assert ran == ["first", "queued"]
    assert (here.state.status, there.state.status) == ("done", "done")
    assert here.start(work("again"))
    assert here.wait(10).status == "done"


def test_a_run_that_breaks_off_failed_and_another_may_begin(new_board: Callable[[], Board]):
    jobs = IndexJobs(new_board())
    assert jobs.start(lambda _: sys.exit(1))
    assert (jobs.wait(10).status, jobs.state.error) == ("failed", "error")
    assert jobs.start(lambda _: [])
    assert jobs.wait(10).status == "done"


def test_a_run_whose_process_was_killed_failed_and_another_may_begin(shared: Shared):
    see_a_run_killed(f"SharedBoard(Path({str(shared.folder)!r}))", lambda: SharedBoard(shared.folder))


@pytest.mark.slow
def test_a_run_whose_server_was_killed_failed_and_another_may_begin(postgres: PostgresServer):
    url = postgres.new_database()
    see_a_run_killed(
        f"PostgresBoard(Postgres({url!r}), PostgresTables(Postgres({url!r}), SERVER))", lambda: postgres_board(url)
    )


@pytest.mark.slow
def test_a_run_that_waits_for_its_turn_waits_for_the_database_too(postgres: PostgresServer):
    board = postgres_board(postgres.url("late"))
    with pytest.raises(IndexUnavailable):
        board.take(wait=False)
    with ThreadPoolExecutor(1) as threads:
        taken = threads.submit(board.take, wait=True)
        time.sleep(0.7)
        assert not taken.done()
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE late")
        assert taken.result(20)


def see_a_run_killed(opening: str, new_board: Callable[[], Board]) -> None:
    code = (
        "import time\nfrom pathlib import Path\nfrom index.postgres_pool import Postgres\nfrom qa.shared import SERVER\n"
        "from qa.postgres_tables import PostgresTables\nfrom qa.web.job_state import JobState, SharedBoard\n"
        "from qa.web.postgres_board import PostgresBoard\n"
        f"board = {opening}; board.take(wait=False); board.write(JobState('running'))\n"
        "print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        jobs = IndexJobs(new_board())
        assert jobs.state.status == "running"
        assert not jobs.start(lambda _: [])
        process.kill()
    deadline = time.monotonic() + 10
    while jobs.state.status == "running" and time.monotonic() < deadline:  # PostgreSQL hears of it in its own time
        time.sleep(0.02)
    assert (jobs.state.status, jobs.state.error) == ("failed", "error")
    assert jobs.start(lambda _: [])
    assert jobs.wait(10).status == "done"
