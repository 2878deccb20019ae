"""What is lost and what is not when Milvus goes away: servers are killed while runs write and questions are asked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from milvus_cluster import milvus_cluster
from milvus_server import StandaloneMilvus, standalone_milvus
from postgres_server import PostgresServer
from store_forms import is_named
from stores import AIRPORT, HARBOUR, WORDS, MilvusPlace, dense, put, state_of, write

from index.errors import IndexUnavailable
from index.milvus import Milvus
from index.milvus_doctor import examine_shared
from index.milvus_store import MilvusStore
from index.postgres_pool import Postgres
from index.store import Change, DropFile, KeepStaged, PutFile, Store

pytestmark = pytest.mark.slow
with_a_server = pytest.mark.skipif(not is_named("standalone"), reason="takes half a minute: make test-cluster")
with_a_cluster = pytest.mark.skipif(not is_named("cluster"), reason="takes a cluster: make test-cluster")
_BACK_WITHIN = 60.0
_QUERY_NODE_IS_MISSED_AFTER = 15.0  # seconds, more than Milvus takes to notice (`ttl` in milvus_process.py)


@pytest.fixture(scope="module")
def server() -> Iterator[StandaloneMilvus]:
    with standalone_milvus() as running:
        yield running


@pytest.fixture
def place(server: StandaloneMilvus, postgres: PostgresServer, tmp_path: Path) -> MilvusPlace:
    return MilvusPlace(postgres.new_database(), server.uri, tmp_path / ".qa")


@with_a_server
def test_a_server_that_answers_no_more_is_an_error_in_time(
    server: StandaloneMilvus, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    store = place.open()
    write(store, put("a.txt", HARBOUR))
    with store.view() as view:
        assert set(dense(view, "harbour")) == set(HARBOUR.split("\n"))
        monkeypatch.setattr("index.milvus._SECONDS", 1.0)
        with server.paused(), pytest.raises(IndexUnavailable, match="cannot be used now"):
            dense(view, "harbour")
    monkeypatch.setattr("index.milvus._WRITE_SECONDS", 1.0)
    with server.paused(), pytest.raises(IndexUnavailable, match="cannot be used now"):
        write(store, put("b.txt", AIRPORT))
    write(store, put("b.txt", AIRPORT))
    with store.view() as view:
        assert sorted(dense(view, "harbour")) == sorted([*HARBOUR.split("\n"), *AIRPORT.split("\n")])


def files_of(changes: Sequence[Change], staged: dict[tuple[str, str], str]) -> Iterator[Change]:
    """What a run does that finds some of its files staged already, as they are."""
    for change in changes:
        if isinstance(change, PutFile) and staged.get(("default", change.record.path)) == change.record.sha256:
            yield KeepStaged(change.record)
        else:
            yield change


def write_until_it_answers(store: Store, changes: Sequence[Change]) -> None:
    """Run again and again, as whoever runs `qa index` would, until Milvus has loaded all that it had."""
    deadline = time.monotonic() + _BACK_WITHIN
    while True:
        try:
            with store.writing():
                store.adopt(WORDS)
                store.apply(files_of(changes, store.staged()))
            return
        except IndexUnavailable:
            assert time.monotonic() < deadline, "it does not come back"
            time.sleep(0.2)


@with_a_server
def test_a_server_killed_in_the_middle_of_a_run_costs_nothing_but_the_run(
    server: StandaloneMilvus, place: MilvusPlace, postgres: PostgresServer, tmp_path: Path
):
    undisturbed = MilvusPlace(postgres.new_database(), server.uri, tmp_path / "undisturbed" / ".qa").open()
    before = [put("a.txt", HARBOUR), put("gone.txt", "To be dropped."), put("changed.txt", AIRPORT)]
    filler = [put(f"{n}.txt", f"Ship {n} lies at pier {n % 7}.\nIts captain is number {n * n}.") for n in range(350)]
    changes = [DropFile("default", "gone.txt"), put("changed.txt", "Changed words of a ship."), *filler]
    for store in (undisturbed, place.open()):
        write(store, *before)
    write(undisturbed, *changes)

    def killing() -> Iterator[Change]:
        for n, change in enumerate(changes):
            if n == 250:  # two batches of a hundred files are in Milvus, and the third comes to nothing
                server.kill()
            yield change

    with pytest.raises(IndexUnavailable):
        write(place.open(), *killing())
    assert place.open().stats().generation == 1
    server.start()
    write_until_it_answers(place.open(), changes)
    store = place.open()
    assert state_of(store) == state_of(undisturbed)
    assert store.stats().generation == 2
    assert examine_shared(store, mend=False) == []


@with_a_cluster
def test_a_query_node_killed_under_load_makes_no_answer_wrong_and_none_fail(postgres: PostgresServer, tmp_path: Path):
    with milvus_cluster() as cluster:
        place = MilvusPlace(postgres.new_database(), cluster.uri, tmp_path / ".qa")
        store = MilvusStore(Postgres(place.url), Milvus(cluster.uri, replicas=2), place.folder)
        lines = ("\n".join(f"Note {n} of ship {line} at pier {n % 97}" for line in range(10)) for n in range(300))
        write(store, *(put(f"{n}.txt", text) for n, text in enumerate(lines)))
        with store.view() as view:
            expected = set(dense(view, "ship at pier 7", 10))
        outcomes: Counter[str] = Counter()
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    with store.view() as view:
                        found = dense(view, "ship at pier 7", 10)
                    outcomes["right" if set(found) == expected else f"wrong: {found}"] += 1
                except IndexUnavailable as error:
                    outcomes[f"failed: {error.__cause__}"] += 1

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        cluster.nodes["query-node-1"].kill()
        time.sleep(_QUERY_NODE_IS_MISSED_AFTER)
        write(place.open(), put("new.txt", "New words of a tunnel."))  # and a run goes on, too
        time.sleep(2)
        stop.set()
        for thread in threads:
            thread.join(60)
        assert list(outcomes) == ["right"], outcomes
        with store.view() as view:
            assert dense(view, "new words of a tunnel", 1) == ["New words of a tunnel."]
