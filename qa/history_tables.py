"""The tables of stored answers."""

from __future__ import annotations

from qa.tables import Schema, Table

_GOES_WITH_IT = "answer TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE"

HISTORY = Schema(
    "history",
    1,
    (
        # collection: what was asked; "" for answers of before that was kept, which only who may see every collection sees
        Table(
            "answers",
            "id TEXT PRIMARY KEY, created_at TEXT NOT NULL, question TEXT NOT NULL, status TEXT NOT NULL, "
            "answer TEXT NOT NULL",
            added=(("collection", "TEXT NOT NULL DEFAULT ''"),),
        ),
        # sha256: of the version of the document that the answer was last checked against, "" where that was not kept
        Table(
            "answer_documents",
            f"{_GOES_WITH_IT}, document TEXT NOT NULL",
            key="document, answer",
            added=(("sha256", "TEXT NOT NULL DEFAULT ''"),),
        ),
        Table("turns", f"conversation TEXT NOT NULL, {_GOES_WITH_IT}", key="conversation, answer"),
        # what readers say of an answer (citation 0) and of its citations
        Table(
            "feedback",
            f"{_GOES_WITH_IT}, citation INTEGER NOT NULL, value TEXT NOT NULL, given_at TEXT NOT NULL",
            key="answer, citation",
        ),
        # the threads of chat tools in which answers were given
        Table("threads", f"thread TEXT NOT NULL, {_GOES_WITH_IT}", key="thread, answer"),
    ),
    # what goes with an answer is looked for by it
    indexes=(("answer_documents", "answer"), ("turns", "answer"), ("threads", "answer")),
)
