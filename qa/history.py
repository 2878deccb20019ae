"""Stored answers: history.db beside the catalog, or PostgreSQL. An answer is kept exactly as it was given."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from index.readers.builder import fold_space
from index.records import Document
from index.sqlite import Value
from qa.tables import Connection, Tables


def new_answer_id() -> str:
    """Return an id that cannot be guessed: who has the link may read the answer."""
    return f"a{secrets.token_urlsafe(12)}"


def new_conversation_id() -> str:
    """Return an id that cannot be guessed either."""
    return f"c{secrets.token_urlsafe(12)}"


@dataclass(frozen=True, slots=True)
class Past:
    """A question that was answered. created_at: ISO 8601."""

    id: str
    created_at: str
    question: str
    status: str


class History:
    """The answers of one data directory, or of all servers that share them. Threads may share a History.

    Its methods raise IndexDamaged or IndexUnavailable when the tables cannot be used.
    """

    def __init__(self, tables: Tables, collections: Collection[str] | None = None) -> None:
        """Open nothing yet. tables: of HISTORY; collections: those whose answers are seen, None for all."""
        self._tables = tables
        self._collections = collections

    def narrowed(self, collections: Collection[str]) -> History:
        """Return the history as somebody sees it who may see some collections only, of those that are seen here."""
        seen = self._collections
        return History(self._tables, collections if seen is None else [name for name in collections if name in seen])

    def save(
        self, answer: Mapping[str, Any], versions: Mapping[str, str] = MappingProxyType({}), collection: str = ""
    ) -> None:
        """Keep an answer object under its id.

        versions: id → sha256 of the documents that it shows, where known; collection: what was asked; of one that is not
        seen nothing is kept.
        """
        if self._collections is not None and collection not in self._collections:
            return
        shown = {passage["document_id"] for passage in answer["passages"]}
        values = [answer["id"], answer["created_at"], answer["question"], answer["status"]]
        with self._tables.connected() as db, db.transaction():
            db.run("DELETE FROM answers WHERE id = ?", (answer["id"],))
            db.run(
                "INSERT INTO answers (id, created_at, question, status, answer, collection) VALUES (?, ?, ?, ?, ?, ?)",
                [*values, json.dumps(answer, ensure_ascii=False), collection],
            )
            db.run_many(
                "INSERT INTO answer_documents (answer, document, sha256) VALUES (?, ?, ?)",
                ((answer["id"], one, versions.get(one, "")) for one in shown),
            )
            if answer["conversation_id"]:
                db.run("INSERT INTO turns VALUES (?, ?)", (answer["conversation_id"], answer["id"]))

    def get(self, answer_id: str) -> dict[str, Any] | None:
        """Return a stored answer object, or None."""
        if not self._tables.is_made():
            return None
        condition, values = self._seen()
        with self._tables.connected() as db:
            row = db.row(f"SELECT answer FROM answers WHERE id = ? AND {condition}", (answer_id, *values))
        return json.loads(row[0]) if row else None

    def conversation(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return the answers of a conversation, oldest first; none of one that is not known."""
        return [json.loads(row[0]) for row in self._turns("AND conversation = ? ORDER BY answers.rowid", conversation_id)]

    def last_conversation(self) -> str:
        """Return the id of the conversation that was last added to, "" when there is none."""
        return next((str(row[1]) for row in self._turns("ORDER BY answers.rowid DESC LIMIT 1")), "")

    def keep_thread(self, thread: str, answer_id: str) -> None:
        """Note that a stored answer was given in a thread of a chat tool; this goes when the answer goes."""
        with self._tables.connected() as db, db.transaction():
            known = "INSERT INTO threads SELECT ?, id FROM answers WHERE id = ? ON CONFLICT DO NOTHING"
            db.run(known, (thread, answer_id))

    def conversation_of(self, thread: str) -> str:
        """Return the id of the conversation that a thread's newest answer belongs to, "" where there is none."""
        clause = "AND answers.id IN (SELECT answer FROM threads WHERE thread = ?) ORDER BY answers.rowid DESC LIMIT 1"
        return next((str(row[1]) for row in self._turns(clause, thread)), "")

    def _turns(self, clause: str, *values: str) -> list[tuple[Any, ...]]:
        if not self._tables.is_made():
            return []
        condition, seen = self._seen()
        joined = "SELECT answers.answer, conversation FROM turns JOIN answers ON answers.id = turns.answer"
        with self._tables.connected() as db:
            return list(db.rows(f"{joined} WHERE {condition} {clause}", (*seen, *values)))

    def past(self, limit: int, offset: int = 0) -> tuple[list[Past], int]:
        """Return past questions, the newest first, and how many there are in all."""
        if not self._tables.is_made():
            return [], 0
        condition, values = self._seen()
        with self._tables.connected() as db, db.snapshot():
            rows = db.rows(
                f"SELECT id, created_at, question, status FROM answers WHERE {condition} "
                "ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            )
            return [Past(*row) for row in rows], self._count(db, condition, values)

    def delete(self, answer_id: str) -> bool:
        """Delete an answer with all that belongs to it, as `scrub` says; returns whether it was there."""
        condition, values = self._seen()
        return self._delete(f"DELETE FROM answers WHERE id = ? AND {condition}", (answer_id, *values)) > 0

    def delete_all(self) -> int:
        """Delete every answer with all that belongs to it, as `scrub` says; returns how many."""
        condition, values = self._seen()
        return self._delete(f"DELETE FROM answers WHERE {condition}", values)

    def _seen(self) -> tuple[str, list[Value]]:
        """Return the condition on `answers` that admits what may be seen, and its values."""
        if self._collections is None:
            return "TRUE", []
        marks = ",".join("?" * len(self._collections))
        return f"answers.collection IN ({marks})", list(self._collections)

    def _delete(self, sql: str, values: Sequence[Value]) -> int:
        if not self._tables.is_made():
            return 0
        with self._tables.connected() as db:
            with db.transaction():
                deleted = db.run(sql, values)
            self._tables.scrub(db)
        return deleted

    def give_feedback(self, answer_id: str, citation: int, value: str) -> None:
        """Keep what a reader says of an answer (citation 0) or of one of its citations; "" takes it back.

        It goes when the answer goes.
        """
        with self._tables.connected() as db, db.transaction():
            db.run("DELETE FROM feedback WHERE answer = ? AND citation = ?", (answer_id, citation))
            if value:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                db.run("INSERT INTO feedback VALUES (?, ?, ?, ?)", (answer_id, citation, value, now))

    def feedback(self, answer_id: str) -> dict[int, str]:
        """Return what was said of an answer, by the number of the citation, 0 for the answer itself."""
        if not self._tables.is_made():
            return {}
        with self._tables.connected() as db:
            return dict(db.rows("SELECT citation, value FROM feedback WHERE answer = ?", (answer_id,)))

    def forget_documents(self, document_ids: Iterable[str]) -> int:
        """Delete every answer that shows text of these documents, as `scrub` says; returns how many."""
        ids = [(one,) for one in document_ids]
        if not ids or not self._tables.is_made():
            return 0
        with self._tables.connected() as db:
            with db.transaction():
                shown = "DELETE FROM answers WHERE id IN (SELECT answer FROM answer_documents WHERE document = ?)"
                forgotten = sum(db.run(shown, one) for one in ids)
            self._tables.scrub(db)
        return forgotten

    def forget_changed(self, document: Document) -> int:
        """Delete every answer that shows words, a title or a heading which this document has lost; returns how many."""
        text = fold_space(document.text)
        names = {document.title, *(name for section in document.sections for name in section.locator.heading)}
        with self._tables.connected() as db:
            with db.transaction():
                checked = _answers_to_check(db, document)
                forgotten = [(one,) for one in checked if not _stands(db, one, document.id, text, names)]
                db.run_many("DELETE FROM answers WHERE id = ?", forgotten)
                noted = "UPDATE answer_documents SET sha256 = ? WHERE document = ? AND answer = ?"
                db.run_many(noted, ((document.sha256, document.id, one) for one in checked))  # another may have come since
            if forgotten:
                self._tables.scrub(db)
        return len(forgotten)

    def shown_versions(self, document_ids: Iterable[str] | None = None) -> dict[str, set[str]]:
        """Return the documents that stored answers show (of these only), each with the versions that they were checked for.

        A version is the sha256 of the text, "" of one that is not known.
        """
        if not self._tables.is_made():
            return {}
        with self._tables.connected() as db:
            rows = db.rows("SELECT DISTINCT document, sha256 FROM answer_documents")
        wanted = None if document_ids is None else set(document_ids)
        shown: dict[str, set[str]] = {}
        for document, sha256 in rows:
            if wanted is None or document in wanted:
                shown.setdefault(document, set()).add(sha256)
        return shown

    def find_damage(self) -> list[str]:
        """Read everything and say what is wrong; empty when all is well."""
        return self._tables.find_damage()

    @staticmethod
    def _count(db: Connection, condition: str = "TRUE", values: Sequence[Value] = ()) -> int:
        row = db.row(f"SELECT count(*) FROM answers WHERE {condition}", values)
        return int(row[0]) if row else 0


def _answers_to_check(db: Connection, document: Document) -> list[str]:
    return [
        answer
        for (answer,) in db.rows(
            "SELECT answer FROM answer_documents WHERE document = ? AND sha256 <> ?", (document.id, document.sha256)
        )
    ]


def _stands(db: Connection, answer_id: str, document_id: str, text: str, names: Collection[str]) -> bool:
    """Say whether all that an answer shows of a document is there: words in its text, white space aside, titles in names."""
    row = db.row("SELECT answer FROM answers WHERE id = ?", (answer_id,))
    answer = json.loads(row[0]) if row else {"passages": [], "citations": []}
    shown = [(one["document_id"], one["text"]) for one in answer["passages"]]
    shown += [(one["document_id"], one["quote"]) for one in answer["citations"]]
    parts = [one for one in (*answer["passages"], *answer["citations"]) if one["document_id"] == document_id]
    named = {name for one in parts for name in (one.get("title"), *(one.get("locator") or {}).get("heading", ())) if name}
    return named <= set(names) and all(fold_space(words) in text for document, words in shown if document == document_id)
