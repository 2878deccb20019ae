"""The store in Milvus and PostgreSQL: who dies where, what `qa doctor` finds, and what people are told."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from conftest import CORPUS, ROOT
from postgres_server import PostgresServer
from pymilvus import MilvusClient
from stores import AIRPORT, HARBOUR, WORDS, HashedWords, MilvusPlace, dense, interrupt, lexical, put, write

from index.errors import IndexIncompatible, IndexLocked, IndexMissing, IndexUnavailable
from index.milvus_doctor import examine_shared
from index.milvus_store import MilvusStore
from index.postgres_pool import Postgres
from index.shared_schema import _STEPS
from index.store import DropFile, KeepStaged, PutFile
from qa.web import create_app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("lite") / "milvus.db")


@pytest.fixture
def place(postgres: PostgresServer, lite: str, tmp_path: Path) -> MilvusPlace:
    return MilvusPlace(postgres.new_database(), lite, tmp_path / ".qa")


@pytest.fixture
def store(place: MilvusPlace) -> MilvusStore:
    return place.open()


def rows(place: MilvusPlace, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(place.url, autocommit=True) as database:
        found = database.execute(query)
        return found.fetchall() if found.description else []


def passages_in_milvus(place: MilvusPlace) -> int:
    """How many rows there are in all collections of the place, seen or not."""
    client = MilvusClient(place.uri)
    names = [str(name) for (name,) in rows(place, "SELECT name FROM citable_qa.targets")]
    return sum(len(client.query(name, filter="num >= 0", output_fields=["num"])) for name in names)


def die_at(place: MilvusPlace, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Let a run of the store end as by a kill when it comes to a method: not even clearing up is done."""

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(method, die)
        store = place.open()
        with contextlib.suppress(KeyboardInterrupt):
            write(store, put("a.txt", "Changed words of the harbour."), put("b.txt", AIRPORT), DropFile("default", "c.txt"))


STEPS = [
    ("index.milvus.Milvus.insert", 1),
    ("index.shared_staging.SharedStaging.note_loaded", 1),
    ("index.shared_writer.SharedWriter.put_aside_rest", 1),
    ("index.shared_writer.SharedWriter.commit", 1),
    ("index.shared_writer.SharedWriter._end_runs", 1),
    ("index.milvus_store.clear_once_unread", 2),
    ("index.milvus_writing.clear", 2),
    ("index.shared_writer.SharedWriter.forget_garbage", 2),
]


@pytest.mark.parametrize(("method", "generation"), STEPS, ids=lambda one: str(one).rpartition(".")[2])
def test_wherever_a_run_dies_readers_see_all_or_nothing_of_it_and_the_next_one_clears_up(
    place: MilvusPlace, monkeypatch: pytest.MonkeyPatch, method: str, generation: int
):
    write(place.open(), put("a.txt", HARBOUR), put("c.txt", "To be dropped."))
    die_at(place, monkeypatch, method)
    before = {*HARBOUR.split("\n"), "To be dropped."}
    after = {"Changed words of the harbour.", *AIRPORT.split("\n")}
    with place.open().view() as view:
        assert view.generation == generation
        assert set(dense(view, "harbour")) == (before if generation == 1 else after)
    write(place.open(), put("a.txt", "Changed words of the harbour."), put("b.txt", AIRPORT), DropFile("default", "c.txt"))
    with place.open().view() as view:
        assert set(dense(view, "harbour")) == after
        assert len(dense(view, "harbour")) == 3
    assert passages_in_milvus(place) == 3
    assert rows(place, "SELECT * FROM citable_qa.garbage") == rows(place, "SELECT * FROM citable_qa.runs") == []
    assert rows(place, "SELECT count(*) FROM citable_qa.passages") == [(3,)]
    assert examine_shared(place.open(), mend=False) == []


@pytest.mark.parametrize("step", ["pymilvus.MilvusClient.create_index", "index.milvus.Milvus._load"])
def test_a_collection_whose_maker_died_over_it_is_made_anew(place: MilvusPlace, monkeypatch: pytest.MonkeyPatch, step: str):
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(step, die)
        with pytest.raises(KeyboardInterrupt):
            write(place.open(), put("a.txt", HARBOUR))
    write(place.open(), put("a.txt", HARBOUR))
    with place.open().view() as view:
        assert set(dense(view, "harbour")) == set(HARBOUR.split("\n"))
    ((target,),) = rows(place, "SELECT name FROM citable_qa.targets")
    assert len(MilvusClient(place.uri).list_indexes(target)) == 2


def test_what_is_still_read_stays_in_milvus_until_the_next_run(
    store: MilvusStore, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("index.milvus_writing._UNREAD_SECONDS", 0.1)
    write(store, put("a.txt", HARBOUR))
    with store.view() as old:
        write(place.open(), put("a.txt", AIRPORT))
        assert set(dense(old, "harbour")) == set(HARBOUR.split("\n"))
        assert passages_in_milvus(place) == 5
        with place.open().view() as new:
            assert set(dense(new, "harbour", 3)) == set(AIRPORT.split("\n"))
    write(place.open(), put("b.txt", "More."))
    assert passages_in_milvus(place) == 3


def test_more_removed_documents_than_a_search_names_are_sifted_out(
    store: MilvusStore, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("index.shared_catalog.NAMED_AT_ONCE", 2)
    monkeypatch.setattr("index.milvus_writing._UNREAD_SECONDS", 0.1)
    write(store, *(put(f"{n}.txt", f"Old ship number {n}.") for n in range(30)), put("keep.txt", HARBOUR))
    with store.view():
        write(place.open(), *(DropFile("default", f"{n}.txt") for n in range(30)))
        with place.open().view() as view:
            assert set(dense(view, "old ship", 3)) == set(HARBOUR.split("\n"))
            assert len(view.search_lexical("ship ships", 3)) == 1


@pytest.mark.parametrize(("what", "documents"), [("a row", 1), ("all", 2)])
def test_the_doctor_names_what_milvus_lost_and_a_rebuild_brings_it_back(place: MilvusPlace, what: str, documents: int):
    store = place.open()
    write(store, put("a.txt", HARBOUR), put("b.txt", AIRPORT))
    assert examine_shared(store, mend=False) == []
    with store.view() as view:
        target, lost = view.target.name, view.numbers()[:1]
    if what == "a row":
        MilvusClient(place.uri).delete(target, filter=f"num in {lost}")
    else:
        MilvusClient(place.uri).drop_collection(target)
    store = place.open()  # as another process would
    (finding,) = examine_shared(place.open(), mend=False)
    assert finding.problem == f"passages of {documents} documents are missing"
    (finding,) = examine_shared(place.open(), mend=True)
    assert finding.hint == "run: qa index --rebuild"
    with store.writing():
        store.adopt(WORDS, anew=True)
        known = store.known_vectors([*put("a.txt", HARBOUR).parts[0].keys, *put("b.txt", AIRPORT).parts[0].keys])
        store.apply([put("a.txt", HARBOUR, known=known), put("b.txt", AIRPORT, known=known)])
    assert examine_shared(place.open(), mend=False) == []
    with place.open().view() as view:
        assert set(dense(view, "harbour")) == {*HARBOUR.split("\n"), *AIRPORT.split("\n")}


def test_the_doctor_deletes_what_does_not_belong_in_milvus(store: MilvusStore, place: MilvusPlace):
    write(store, put("a.txt", HARBOUR))
    with store.view() as view:
        target = view.target.name
    client = MilvusClient(place.uri)
    (row, *_) = client.query(target, filter="num >= 0", output_fields=["*"])
    client.upsert(target, [{**{key: value for key, value in row.items() if key != "sparse"}, "num": 9_000}])
    with place.open().view() as view:
        assert len(dense(view, "harbour", 3)) == 3  # it is sifted out meanwhile
    (finding,) = examine_shared(place.open(), mend=True)
    assert finding.mended
    assert examine_shared(place.open(), mend=False) == []
    assert passages_in_milvus(place) == 3


def test_a_collection_that_was_lost_with_what_was_to_be_deleted_from_it_is_made_anew(
    place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    store = place.open()
    write(store, put("a.txt", HARBOUR))
    die_at(place, monkeypatch, "index.milvus.Milvus.insert")
    with store.view() as view:
        MilvusClient(place.uri).drop_collection(view.target.name)
    (finding,) = examine_shared(store, mend=True)
    assert finding.hint == "run: qa index --rebuild"
    write(store, put("a.txt", HARBOUR), anew=True)
    with store.view() as view:  # by the process that knew the old one, too
        assert set(dense(view, "harbour")) == set(HARBOUR.split("\n"))
    assert rows(place, "SELECT * FROM citable_qa.garbage") == []


@pytest.mark.parametrize("looked", [True, False], ids=["looked at by the doctor", "at once"])
def test_a_database_restored_from_a_backup_finds_no_vectors_of_texts_that_it_does_not_know(
    place: MilvusPlace, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, looked: bool
):
    monkeypatch.setattr("index.milvus_writing._BATCH_FILES", 1)
    write(place.open(), put("a.txt", HARBOUR))
    interrupt(place.open(), put("staged.txt", "Staged before the backup."))
    older = MilvusPlace(postgres.copy_of(place.url), place.uri, place.folder)
    write(place.open(), put("later.txt", "Secret plan of the moon base.\nRockets start at noon.\nNobody knows."))
    if looked:
        (finding,) = examine_shared(older.open(), mend=True)
        assert finding.problem.startswith("3 passages that the catalog does not know")
        assert finding.mended
        assert examine_shared(older.open(), mend=False) == []
    with place.open().view() as view:
        lost = view.generation, view.token
    write(older.open(), put("other.txt", "Bread is baked in the old town.\nButter costs two coins."))
    assert examine_shared(older.open(), mend=False) == []
    with older.open().view() as view:
        assert (view.generation, view.token != lost[1]) == (lost[0], True)
        numbers = view.numbers()
        texts = [passage.text for passage, _ in view.passages(numbers).values()]
        assert len(texts) == 5
        assert np.allclose(
            view.vectors(numbers), WORDS.embed([view.passages([num])[num][0].text for num in numbers]), atol=1e-6
        )
        assert "moon" not in " ".join(lexical(view, "moon base rockets"))


def test_a_collection_that_is_not_loaded_any_more_is_loaded_again(store: MilvusStore, place: MilvusPlace):
    write(store, put("a.txt", HARBOUR))
    with store.view() as view:
        for _ in range(2):
            assert set(dense(view, "harbour")) == set(HARBOUR.split("\n"))
            MilvusClient(place.uri).release_collection(view.target.name)
            assert set(lexical(view, "harbour", 1)) == {"The harbour was dug in 1911."}
            MilvusClient(place.uri).release_collection(view.target.name)
    write(store, put("a.txt", AIRPORT))
    assert passages_in_milvus(place) == 2


def test_what_another_process_wrote_is_read_as_of_now(
    store: MilvusStore, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    """When it wrote this one does not know, and the time of the run before would be too early."""
    monkeypatch.setattr("index.milvus_writing._BATCH_FILES", 1)
    write(store, put("a.txt", HARBOUR))
    rows(place, "INSERT INTO citable_qa.state VALUES ('timestamp', '5') ON CONFLICT (key) DO UPDATE SET value = '5'")
    interrupt(place.open(), put("b.txt", AIRPORT))
    resumed = place.open()
    with resumed.writing():
        resumed.adopt(WORDS)
        resumed.apply(iter([KeepStaged(put("b.txt", AIRPORT).record)]))
    with store.view() as view:
        assert view.seen.timestamp == 0
        assert len(dense(view, "airport")) == 5


def test_the_settings_of_a_database_do_not_end_a_question_that_takes_its_time(store: MilvusStore, place: MilvusPlace):
    write(store, put("a.txt", HARBOUR))
    database = place.url.rpartition("/")[2]
    rows(place, f"ALTER DATABASE {database} SET idle_in_transaction_session_timeout = '20ms'")
    with place.open().view() as view:
        time.sleep(0.2)
        assert len(view.numbers()) == 3


def test_a_catalog_of_a_newer_version_is_refused(store: MilvusStore, place: MilvusPlace):
    write(store, put("a.txt", HARBOUR))
    rows(place, f"UPDATE citable_qa.state SET value = '{len(_STEPS) + 1}' WHERE key = 'format'")
    for action in (store.stats, lambda: write(store, put("b.txt", "More."))):
        with pytest.raises(IndexIncompatible, match="newer version"):
            action()


def test_a_writer_in_another_process_is_named(store: MilvusStore, place: MilvusPlace):
    """As it would be on another machine: the lock is PostgreSQL's, and goes with the connection."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom index.milvus import Milvus\nfrom index.milvus_store import MilvusStore\nfrom index.postgres_pool import Postgres\n"
        f"store = MilvusStore(Postgres({place.url!r}), Milvus('unused'), Path({str(place.folder)!r}))\n"
        "with store.writing():\n    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == "writing\n"
            with pytest.raises(IndexLocked, match=f"process {child.pid} on .* is writing"):
                write(store, put("a.txt", HARBOUR))
        finally:
            child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:
        try:
            write(store, put("a.txt", HARBOUR))
            break
        except IndexLocked:
            assert time.monotonic() < deadline


def test_connections_that_break_are_an_error_for_who_uses_them_and_for_nobody_else(store: MilvusStore, place: MilvusPlace):
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    cut = f"SELECT pg_terminate_backend(pid, 10000) {others}"  # milliseconds to wait for their end
    write(store, put("a.txt", HARBOUR))
    rows(place, cut)
    assert store.stats().generation == 1  # the broken connection is not lent again
    with contextlib.ExitStack() as stack:
        view = stack.enter_context(store.view())
        rows(place, cut)
        with pytest.raises(IndexUnavailable, match="cannot be used now"):
            view.documents()
        stack.pop_all()
    with store.view() as view:
        assert set(dense(view, "harbour")) == set(HARBOUR.split("\n"))


def test_a_connection_that_does_not_answer_is_given_up(
    store: MilvusStore, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("index.postgres._ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("index.postgres._FRESH_SECONDS", 0.0)
    write(store, put("a.txt", HARBOUR))
    others = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    pids = [int(str(pid)) for (pid,) in rows(place, others)]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert store.stats().generation == 1
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_statement_that_is_not_answered_is_given_up(
    store: MilvusStore, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("index.postgres._STATEMENT_SECONDS", 0.3)
    write(store, put("a.txt", HARBOUR))
    with contextlib.suppress(IndexUnavailable), store.postgres.lend() as session:
        ((pid,),) = session.rows("SELECT pg_backend_pid()")
        os.kill(int(pid), signal.SIGSTOP)
        try:
            with pytest.raises(IndexUnavailable, match="cannot be used now"):
                session.rows("SELECT 1")
        finally:
            os.kill(int(pid), signal.SIGCONT)
    assert store.stats().generation == 1


def test_who_is_patient_waits(place: MilvusPlace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("index.postgres._STATEMENT_SECONDS", 0.1)
    with Postgres(place.url).lend(patient=True) as session:
        assert session.rows("SELECT 1 FROM pg_sleep(1.2)") == [(1,)]


def test_a_process_that_forks_and_its_child_have_connections_of_their_own(place: MilvusPlace):
    code = (
        "import os\nfrom index.postgres_pool import Postgres\n"
        f"postgres = Postgres({place.url!r})\n"
        "def number():\n    with postgres.lend() as session:\n        return session.rows('SELECT pg_backend_pid()')[0][0]\n"
        "before = number()\nassert number() == before\n"
        "child = os.fork()\nmine = number()\n"
        "if child == 0:\n    os.write(1, f'{mine}\\n'.encode()); os._exit(0)\n"
        "os.waitpid(child, 0)\nprint(mine)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(set(done.stdout.split())) == 2


def test_an_interrupted_rebuild_for_another_model_is_given_up_with_its_collection(store: MilvusStore, place: MilvusPlace):
    write(store, put("a.txt", HARBOUR))
    other = HashedWords(dimension=5, name="other")
    with contextlib.suppress(KeyboardInterrupt), store.writing():
        store.adopt(other, anew=True)
        store.apply(_then_die(put("a.txt", HARBOUR, embedder=other)))
    assert rows(place, "SELECT count(*) FROM citable_qa.targets") == [(2,)]
    interrupt(place.open(), put("b.txt", AIRPORT))
    write(place.open(), put("b.txt", AIRPORT))
    assert rows(place, "SELECT count(*) FROM citable_qa.targets") == [(1,)]
    assert passages_in_milvus(place) == 5


def _then_die(change):
    yield from [change] * 100
    raise KeyboardInterrupt


# ---------------------------------------------------------------------- the command line


@pytest.fixture
def milvus_qa(run_qa, place: MilvusPlace, monkeypatch: pytest.MonkeyPatch):
    """Run `qa` with the store's settings in the environment."""
    monkeypatch.setenv("QA_STORE", "milvus")
    monkeypatch.setenv("QA_MILVUS_URI", place.uri)
    monkeypatch.setenv("QA_CATALOG_URL", place.url)
    return run_qa


def test_every_step_of_a_user_works_as_it_does_with_the_local_store(milvus_qa):
    assert milvus_qa("status").exit_code == 4
    assert milvus_qa("index", CORPUS).exit_code == 0
    answer = milvus_qa("ask", "When was BECA signed?")
    assert answer.exit_code == 0
    assert "27 October 2020" in answer.stdout
    assert "mtcr-explainer.pdf" in milvus_qa("search", "missile technology control regime").stdout
    status = milvus_qa("status").stdout
    assert "16 documents" in status
    assert "Milvus at" in status
    assert "words " not in status
    assert milvus_qa("doctor").exit_code == 0
    assert milvus_qa("index", CORPUS).stdout.startswith("added 0, changed 0")
    removed = milvus_qa("docs", "rm", next(line.split()[0] for line in milvus_qa("docs", "list").stdout.splitlines()))
    assert removed.exit_code == 0
    assert "15 documents" in milvus_qa("status").stdout
    assert milvus_qa("index", "--rebuild").exit_code == 0
    assert "generation 3" in milvus_qa("status").stdout


def test_what_is_missing_or_wrong_in_the_settings_is_said_without_a_password(milvus_qa, monkeypatch: pytest.MonkeyPatch):
    cases = {
        "": (2, "catalog_url"),
        "postgresql://qa:geheim@127.0.0.1:1/qa": (4, "Connection refused"),
        "postgresql://qa:geheim@127.0.0.1:99999999/qa?x=y": (4, "cannot be understood"),
        "postgresql://qa:a@geheim@127.0.0.1:1/qa": (4, "cannot be understood"),
        "postgresql://qa:a/geheim@127.0.0.1:1/qa": (4, "cannot be understood"),
        "postgresql://qa:geheim#a@127.0.0.1:1/qa": (4, "cannot be understood"),
        "postgresql://qa:geheim?a@127.0.0.1:1/qa": (4, "cannot be understood"),
        "postgresql://qa:[geheim]@127.0.0.1:1/qa": (4, "cannot be understood"),
        "postgresql://qa\uff1ageheim@127.0.0.1:1/qa": (4, "cannot be understood"),
        "host=127.0.0.1 port=1 password=geheim": (4, "Connection refused"),
    }
    for url, (code, word) in cases.items():
        monkeypatch.setenv("QA_CATALOG_URL", url)
        refused = milvus_qa("status")
        assert (refused.exit_code, "geheim" in refused.output) == (code, False)
        assert word in refused.stderr
    assert "geheim" not in milvus_qa("config", "show").stdout
    for uri in ("http://root:geheim@127.0.0.1:19530", "geheim", "milvus:19530"):
        monkeypatch.setenv("QA_MILVUS_URI", uri)
        refused = milvus_qa("status")
        assert (refused.exit_code, "geheim" in refused.output) == (2, False)
        assert "milvus_token" in refused.stderr


def test_a_file_of_milvus_lite_is_not_served_by_several_processes(milvus_qa, place: MilvusPlace):
    refused = milvus_qa("serve", "--workers", 2, "--port", 0)
    assert refused.exit_code == 2
    assert "serves one process, not 2 workers" in refused.stderr


def test_milvus_that_is_away_is_an_error_for_people(place: MilvusPlace, store: MilvusStore):
    write(store, put("a.txt", HARBOUR))
    away = MilvusPlace(place.url, "http://127.0.0.1:1", place.folder).open()
    assert away.stats().generation == 1  # what needs PostgreSQL alone goes on
    with away.view() as view, pytest.raises(IndexUnavailable, match="cannot be used now"):
        view.search_dense(WORDS.embed(["x"])[0], 1)


def test_a_server_is_not_ready_while_milvus_is_away(milvus_qa, make_workspace, place: MilvusPlace, folder: Path):
    (folder / "a.txt").write_text(HARBOUR)
    assert milvus_qa("index", folder).exit_code == 0
    for uri, status in ((place.uri, 200), ("http://127.0.0.1:1", 503)):
        workspace = make_workspace(store="milvus", milvus_uri=uri, catalog_url=place.url)
        assert create_app(workspace).test_client().get("/readyz").status_code == status


def test_the_demo_indexes_nothing_in_milvus(milvus_qa, place: MilvusPlace, tmp_path: Path):
    assert milvus_qa("demo", "--data", tmp_path / "demo").exit_code == 0
    assert (tmp_path / "demo" / "catalog.db").exists()
    assert rows(place, "SELECT 1 FROM pg_tables WHERE schemaname = 'citable_qa'") == []


def test_a_store_that_was_never_written_is_missing(store: MilvusStore):
    with pytest.raises(IndexMissing):
        examine_shared(store, mend=True)
    assert store.capabilities.lexical
    assert os.environ.get("QA_STORE") is None


def test_a_run_does_not_go_through_all_that_it_has_staged_for_every_file(place: MilvusPlace, store: MilvusStore):
    """Before PostgreSQL has counted a new table's rows, it went through every document to find one vector's twin."""
    files = [put(f"{number}.txt", f"Text {number} of many, which has no twin.") for number in range(1200)]

    def looked_up() -> Iterator[PutFile]:
        for file in files:
            assert not store.known_vectors(file.parts[0].keys)
            yield file

    with store.writing():
        store.adopt(WORDS)
        store.apply(looked_up())
    assert 0 < searches_of_indexes(place) < 20 * len(files)


def searches_of_indexes(place: MilvusPlace) -> int:
    """How often any index was searched; sessions hand their counts in within a second of being idle."""
    before, found = -1, 0
    deadline = time.monotonic() + 20
    while (not found or found != before) and time.monotonic() < deadline:
        time.sleep(1.2)
        ((counted,),) = rows(place, "SELECT sum(idx_scan)::int FROM pg_stat_user_tables")
        before, found = found, int(str(counted))
    return found
