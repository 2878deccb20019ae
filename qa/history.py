"""Stored answers: history.db beside the catalog. An answer is kept exactly as it was given."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    id TEXT PRIMARY KEY, created_at TEXT NOT NULL, question TEXT NOT NULL, status TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer_documents (
    answer TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE, document TEXT NOT NULL, PRIMARY KEY (document, answer)
) WITHOUT ROWID;
"""


def new_answer_id() -> str:
    """Return an id that cannot be guessed: who has the link may read the answer."""
    return f"a{secrets.token_urlsafe(12)}"


class History:
    """The answers of one data directory. Every call has its own connection, so threads may share a History."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, answer: Mapping[str, Any]) -> None:
        """Keep an answer object under its id."""
        documents = {passage["document_id"] for passage in answer["passages"]}
        with self._connected() as db:
            db.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
                (
                    answer["id"],
                    answer["created_at"],
                    answer["question"],
                    answer["status"],
                    json.dumps(answer, ensure_ascii=False),
                ),
            )
            db.executemany(
                "INSERT OR IGNORE INTO answer_documents VALUES (?, ?)", ((answer["id"], one) for one in documents)
            )

    def get(self, answer_id: str) -> dict[str, Any] | None:
        """Return a stored answer object, or None."""
        if not self._path.exists():
            return None
        with self._connected() as db:
            row = db.execute("SELECT answer FROM answers WHERE id = ?", (answer_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def forget_documents(self, document_ids: Iterable[str]) -> int:
        """Delete every answer that shows text of these documents; returns how many."""
        if not self._path.exists():
            return 0
        with self._connected() as db:
            ids = [(one,) for one in document_ids]
            before = db.execute("SELECT count(*) FROM answers").fetchone()[0]
            db.executemany("DELETE FROM answers WHERE id IN (SELECT answer FROM answer_documents WHERE document = ?)", ids)
            return int(before - db.execute("SELECT count(*) FROM answers").fetchone()[0])

    def document_ids(self) -> set[str]:
        """Return the documents that stored answers show."""
        if not self._path.exists():
            return set()
        with self._connected() as db:
            return {row[0] for row in db.execute("SELECT DISTINCT document FROM answer_documents")}

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.executescript(_SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()
