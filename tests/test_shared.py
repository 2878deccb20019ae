"""What the processes of one server have in common: counts of requests, the run that indexes, seen messages, a secret."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from qa.shared import Shared, prepare_shared
from qa.web.job_state import JobState, SharedBoard
from qa.web.jobs import IndexJobs
from qa.web.session import Sessions
from qa.web.shared_limits import SCHEME


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    place = tmp_path / "shared"
    place.mkdir()
    prepare_shared(place)
    return Shared(place)


def limiter(address: str) -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(storage_from_string(address))


def test_two_processes_count_together_and_exactly(shared: Shared):
    limiters = [limiter(f"{SCHEME}://{shared.counts}") for _ in range(2)]
    ten = RateLimitItemPerMinute(10)
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda number: limiters[number % 2].hit(ten, "somebody"), range(40)))
    assert sum(passed) == 10
    assert limiters[0].hit(ten, "another")
    assert limiters[1].get_window_stats(ten, "somebody").remaining == 0
    assert time.time() <= limiters[1].get_window_stats(ten, "somebody").reset_time <= time.time() + 60


def test_the_window_slides_as_in_memory(shared: Shared, monkeypatch: pytest.MonkeyPatch):
    both, five = (limiter("memory://"), limiter(f"{SCHEME}://{shared.counts}")), RateLimitItemPerMinute(5)
    start = 1_000_000 * 60.0
    for seconds in (0, 1, 2, 50, 59, 61, 65, 75, 90, 91, 110, 130, 200, 201):
        monkeypatch.setattr(time, "time", lambda now=start + seconds: now)
        in_memory, in_file = (one.hit(five, "x") for one in both)
        assert in_memory == in_file, seconds
        left = [one.get_window_stats(five, "x") for one in both]
        assert left[0] == pytest.approx(left[1]), seconds


def test_counts_that_are_of_no_more_use_go(shared: Shared, monkeypatch: pytest.MonkeyPatch):
    storage, one = storage_from_string(f"{SCHEME}://{shared.counts}"), RateLimitItemPerMinute(5)
    for number in range(20):
        SlidingWindowCounterRateLimiter(storage).hit(one, str(number))
    later = time.time() + 1000
    monkeypatch.setattr(time, "time", lambda: later)
    SlidingWindowCounterRateLimiter(storage).hit(one, "later")
    assert storage.reset() == 1


def test_a_message_is_new_once_whichever_process_it_comes_to(shared: Shared):
    other = Shared(shared.folder)
    assert shared.seen.put("event", True)
    assert not other.seen.put("event", True)
    other.seen.forget("event")
    assert shared.seen.put("event", True)


def test_a_form_of_one_process_can_be_sent_to_another_without_a_data_directory(shared: Shared, tmp_path: Path):
    from qa.keys import KeyRing

    one, other = (Sessions(KeyRing(tmp_path / "none" / "keys.db"), tmp_path / "none", shared.secret) for _ in range(2))
    assert other.is_token(one.token(""), "")
    assert not Sessions(KeyRing(tmp_path / "none" / "keys.db"), tmp_path / "none").is_token(one.token(""), "")


def test_one_run_goes_on_at_a_time_over_all_processes(shared: Shared):
    gate, ran = threading.Event(), []
    here, there = (IndexJobs(SharedBoard(shared.folder)) for _ in range(2))

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


def test_a_run_whose_process_was_killed_failed_and_another_may_begin(shared: Shared):
    code = (
        "import sys, time; from pathlib import Path; from qa.web.job_state import JobState, SharedBoard\n"
        f"board = SharedBoard(Path({str(shared.folder)!r})); board.take(wait=False); board.write(JobState('running'))\n"
        "print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        jobs = IndexJobs(SharedBoard(shared.folder))
        assert jobs.state.status == "running"
        assert not jobs.start(lambda _: [])
        process.kill()
    assert (jobs.state.status, jobs.state.error) == ("failed", "error")
    assert jobs.start(lambda _: [])
    assert jobs.wait(10).status == "done"
