"""What is kept beside the index, in a file and in PostgreSQL: the same statements, moved without a loss, never half made."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer

from index.errors import IndexDamaged, IndexIncompatible, IndexUnavailable
from index.postgres_pool import Postgres
from index.sqlite import Database, create_database
from qa.config import Settings
from qa.history import History
from qa.history_tables import HISTORY
from qa.keeping import check_shared, open_history, open_keys
from qa.keys import KEYS, KeyRing
from qa.postgres_tables import PostgresTables
from qa.tables import Schema, Table, Tables, TablesFile

OpenTables = Callable[[Schema], Tables]
NOTES = Schema("notes", 1, (Table("notes", "text TEXT NOT NULL, at REAL NOT NULL"),), (("notes", "at"),))
MORE_NOTES = Schema(
    "notes",
    2,
    (
        Table("notes", "text TEXT NOT NULL, at REAL NOT NULL", added=(("author", "TEXT NOT NULL DEFAULT ''"),)),
        Table("marks", "name TEXT NOT NULL, mark BLOB NOT NULL", key="name"),
    ),
    (("notes", "at"),),
)


def answer(number: int, conversation: str = "c", document: str = "d1", words: str = "words") -> dict[str, Any]:
    passage = {"document_id": document, "text": words, "title": "T", "locator": {}}
    return {
        "id": f"a{number}",
        "created_at": f"2026-01-0{number}",
        "question": f"Q{number}? ∂\0",
        "status": "answered",
        "conversation_id": conversation,
        "passages": [passage],
        "citations": [],
    }


def test_answers_are_kept_in_their_order_and_exactly(tables_of: OpenTables):
    history = History(tables_of(HISTORY))
    assert (history.get("a1"), history.past(10), history.last_conversation()) == (None, ([], 0), "")
    given = [answer(number, conversation) for number, conversation in ((2, "c"), (1, "c"), (3, "other"))]
    for one in given:
        history.save(one, {"d1": "v1"}, "letters")
    again = History(tables_of(HISTORY))
    assert again.get("a2") == given[0]
    assert again.conversation("c") == given[:2]
    assert again.last_conversation() == "other"
    past, count = again.past(2)
    assert ([one.id for one in past], count) == (["a3", "a2"], 3)
    assert again.narrowed(["letters"]).get("a1") == given[1]
    assert again.narrowed(["papers"]).past(10) == ([], 0)


def test_what_belongs_to_an_answer_goes_with_it(tables_of: OpenTables):
    history = History(tables_of(HISTORY))
    for one in (answer(1), answer(2, document="d2")):
        history.save(one)
        history.give_feedback(one["id"], 0, "helpful")
        history.keep_thread("thread", one["id"])
    assert history.conversation_of("thread") == "c"
    assert history.forget_documents(["d1", "d9"]) == 1
    assert (history.get("a1"), history.feedback("a1"), history.feedback("a2")) == (None, {}, {0: "helpful"})
    assert history.shown_versions() == {"d2": {""}}
    assert history.delete("a2")
    assert not history.delete("a2")
    assert (history.conversation_of("thread"), history.conversation("c")) == ("", [])
    assert history.find_damage() == []


def test_an_answer_given_again_takes_the_place_of_the_first(tables_of: OpenTables):
    history = History(tables_of(HISTORY))
    history.save(answer(1, words="first"))
    history.save(answer(1, document="d2", words="second"))
    assert history.past(10)[1] == 1
    assert history.shown_versions() == {"d2": {""}}


def test_feedback_on_an_answer_that_has_just_gone_is_an_error_to_say(tables_of: OpenTables):
    with pytest.raises(IndexUnavailable):
        History(tables_of(HISTORY)).give_feedback("gone", 0, "helpful")


def test_many_who_begin_at_once_make_one_set_of_tables(tables_of: OpenTables):
    def add(number: int) -> None:
        with tables_of(NOTES).connected() as db:
            db.run("INSERT INTO notes (text, at) VALUES (?, ?)", ("x", number / 2))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(16)))
    with tables_of(NOTES).connected() as db:
        assert db.row("SELECT count(*) FROM notes") == (16,)


def test_tables_of_an_older_version_are_brought_up_with_all_that_they_hold(tables_of: OpenTables):
    with tables_of(NOTES).connected() as db:
        db.run("INSERT INTO notes (text, at) VALUES (?, ?)", ("kept", 1.5))
    with tables_of(MORE_NOTES).connected() as db:
        assert db.rows("SELECT text, at, author FROM notes") == [("kept", 1.5, "")]
        db.run("INSERT INTO marks VALUES (?, ?)", ("one", b"\0\xff"))
        assert [bytes(mark) for (mark,) in db.rows("SELECT mark FROM marks")] == [b"\0\xff"]


def test_tables_of_a_newer_version_are_left_alone(tables_of: OpenTables):
    with tables_of(MORE_NOTES).connected():
        pass
    with pytest.raises(IndexIncompatible, match="newer version"), tables_of(NOTES).connected():
        pass


def test_a_transaction_that_fails_leaves_nothing(tables_of: OpenTables):
    tables = tables_of(NOTES)
    with tables.connected() as db, suppress(ZeroDivisionError), db.transaction():
        db.run("INSERT INTO notes (text, at) VALUES (?, ?)", ("x", 1))
        raise ZeroDivisionError
    with tables.connected() as db:
        assert db.rows("SELECT * FROM notes") == []


@pytest.mark.slow
def test_keys_and_answers_of_a_file_go_along_when_the_index_moves(postgres: PostgresServer, tmp_path: Path):
    here = Settings(data=tmp_path / ".qa")
    key, text = open_keys(here).make("ask", ["letters"], "before", "links")
    secret = open_keys(here).secret("session")
    open_history(here).save(answer(2), {"d1": "v1"}, "letters")
    open_history(here).save(answer(1), collection="letters")
    open_history(here).give_feedback("a2", 0, "wrong")
    there = shared(here, secret_url(postgres))
    ring, history = open_keys(there), open_history(there)
    assert ring.has_keys
    found = ring.find(text)
    assert found is not None
    assert (found.id, found.collections, found.profile) == (key.id, ("letters",), "links")
    assert ring.secret("session") == secret
    assert [one["id"] for one in history.conversation("c")] == ["a2", "a1"]
    assert history.feedback("a2") == {0: "wrong"}
    assert history.shown_versions() == {"d1": {"v1", ""}}
    elsewhere = there.model_copy(update={"data": tmp_path / "of another machine"})
    assert open_keys(elsewhere).find(text) is not None
    assert open_history(elsewhere).get("a1") == answer(1)


@pytest.mark.slow
def test_what_is_moved_is_gone_from_the_file_and_the_door_stays_shut(postgres: PostgresServer, tmp_path: Path):
    here = Settings(data=tmp_path / ".qa")
    _, text = open_keys(here).make("ask", name="zanzibar")
    open_history(here).save(answer(1, words="zanzibar"))
    there = shared(here, secret_url(postgres))
    check_shared(there)
    assert open_history(there).delete_all() == 1
    held = b"".join(path.read_bytes() for path in (tmp_path / ".qa").iterdir())
    assert b"zanzibar" not in held
    assert open_history(here).past(10) == ([], 0)
    ring = open_keys(here)
    assert ring.has_keys
    assert ring.find(text) is None


@pytest.mark.slow
def test_what_every_machine_holds_goes_along(postgres: PostgresServer, tmp_path: Path):
    url, texts = secret_url(postgres), []
    machines = [Settings(data=tmp_path / f"machine {number}") for number in (1, 2)]
    for number, here in enumerate(machines, 1):
        texts.append(open_keys(here).make("ask")[1])
        open_history(here).save(answer(number))
    for here in machines * 2:
        check_shared(shared(here, url))
    there = shared(machines[0], url)
    assert all(open_keys(there).find(text) for text in texts)
    assert [one["id"] for one in open_history(there).conversation("c")] == ["a1", "a2"]


@pytest.mark.slow
def test_a_damaged_file_is_said_to_be_damaged_before_it_moves(postgres: PostgresServer, tmp_path: Path):
    here = Settings(data=tmp_path / ".qa")
    open_history(here).save(answer(1))
    (tmp_path / ".qa" / "history.db").write_bytes(b"no database" * 1000)
    there = shared(here, secret_url(postgres))
    for use in (open_history(there).find_damage, lambda: check_shared(there)):
        with pytest.raises(IndexDamaged):
            use()


@pytest.mark.slow
def test_tables_of_a_newer_version_stop_a_server_and_no_keys_shut_no_door(postgres: PostgresServer, tmp_path: Path):
    there = shared(Settings(data=tmp_path), secret_url(postgres))
    check_shared(there)
    assert not open_keys(there).has_keys
    with PostgresTables(Postgres(there.catalog_url.get_secret_value()), NOTES).connected() as db:
        db.run("UPDATE formats SET format = 9 WHERE name = 'server'")
    with pytest.raises(IndexIncompatible, match="newer version"):
        check_shared(there)


def test_files_of_before_are_read_in_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old = (
        "CREATE TABLE answers (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, question TEXT NOT NULL, status TEXT NOT NULL, "
        "answer TEXT NOT NULL)",
        "CREATE TABLE answer_documents (answer TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE, document TEXT NOT NULL, "
        "PRIMARY KEY (document, answer)) WITHOUT ROWID",
    )
    create_database(tmp_path / "history.db", old)
    with closing(Database(tmp_path / "history.db")) as db:
        for one in (answer(2), answer(1)):
            db.run("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", [one["id"], "2026", "Q?", "answered", json.dumps(one)])
    monkeypatch.setattr("index.sqlite._is_read_only", lambda path: True)  # as it is for who is not root
    history = open_history(Settings(data=tmp_path))
    assert history.get("a1") == answer(1)
    assert [one.id for one in history.past(10)[0]] == ["a1", "a2"]
    assert (history.conversation("c"), history.feedback("a1"), history.shown_versions()) == ([], {}, {})
    assert history.narrowed([""]).get("a2") == answer(2)
    with pytest.raises(IndexUnavailable):
        history.save(answer(3))


@pytest.mark.slow
def test_keys_of_a_file_close_the_door_from_the_first_moment(postgres: PostgresServer, tmp_path: Path):
    url = postgres.new_database()
    KeyRing(TablesFile(tmp_path / "keys.db", KEYS)).make("ask")
    assert not KeyRing(PostgresTables(Postgres(url), KEYS)).has_keys
    assert KeyRing(PostgresTables(Postgres(url), KEYS, TablesFile(tmp_path / "keys.db", KEYS))).has_keys
    assert KeyRing(PostgresTables(Postgres(url), KEYS)).has_keys, "on a machine without the file, too"


def test_a_file_that_is_open_already_is_used_in_turns(tmp_path: Path):
    tables = TablesFile(tmp_path / "notes.db", NOTES, keep_open=True)

    def add(_: int) -> None:
        with tables.connected() as db, db.transaction():
            ((count,),) = db.rows("SELECT count(*) FROM notes")
            db.run("INSERT INTO notes (text, at) VALUES (?, ?)", (str(count), 0))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))
    with closing(Database(tmp_path / "notes.db")) as db:
        assert db.row("SELECT count(DISTINCT text) FROM notes") == (40,)


def shared(here: Settings, url: Any) -> Settings:
    """Return the settings of the same machine with its index in Milvus and PostgreSQL."""
    return here.model_copy(update={"store": "milvus", "milvus_uri": "unused", "catalog_url": url})


def secret_url(postgres: PostgresServer) -> Any:
    from pydantic import SecretStr

    return SecretStr(postgres.new_database())
