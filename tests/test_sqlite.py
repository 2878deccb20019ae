"""SQLite files: one whose end is missing is noticed when it is opened, and a whole one never taken for that."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from pathlib import Path

import pytest

from index.errors import IndexDamaged
from index.sqlite import Database
from index.sqlite_size import log_of


def fill(path: Path, rounds: int, rows: int = 60) -> None:
    """Commit in many small transactions: the file grows, and is moved out of the log again and again."""
    with closing(Database(path)) as db:
        db.run("CREATE TABLE IF NOT EXISTS t (a TEXT)")
        for number in range(rounds):
            with db.transaction():
                db.run_many("INSERT INTO t VALUES (?)", ((f"{number} {row} " * 100,) for row in range(rows)))
            if number % 3 == 0:
                db.truncate_log()


def test_a_file_that_another_process_fills_meanwhile_is_never_taken_for_damaged(tmp_path: Path):
    path = tmp_path / "a.db"
    fill(path, 1)
    writer = multiprocessing.get_context("spawn").Process(target=fill, args=(path, 60))
    writer.start()
    opened = 0
    while writer.is_alive():
        Database(path).close()
        opened += 1
    writer.join()
    assert writer.exitcode == 0
    assert opened > 20


def test_pages_that_are_in_the_log_only_are_not_missing(tmp_path: Path):
    path = tmp_path / "a.db"
    with closing(Database(path)) as db:
        db.run("CREATE TABLE t (a TEXT)")
        db.run_many("INSERT INTO t VALUES (?)", (("word " * 500,) for _ in range(50)))
        assert log_of(path).stat().st_size > path.stat().st_size
        with closing(Database(path)) as other:
            assert other.row("SELECT count(*) FROM t") == (50,)


def test_a_log_that_does_not_hold_the_missing_pages_hides_no_damage(tmp_path: Path):
    path = tmp_path / "a.db"
    fill(path, 1)
    with closing(Database(path)) as db:
        db.run("UPDATE t SET a = 'x' WHERE rowid = 1")
        assert log_of(path).stat().st_size
        whole, log = path.read_bytes(), log_of(path).read_bytes()
    copy = tmp_path / "b.db"
    copy.write_bytes(whole[:-100])
    log_of(copy).write_bytes(log)
    with pytest.raises(IndexDamaged, match="end is missing"):
        Database(copy)
