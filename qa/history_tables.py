"""The tables of history.db, and what files of earlier versions lack of them."""

from __future__ import annotations

from index.sqlite import Database

SCHEMA = (
    "CREATE TABLE answers (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, question TEXT NOT NULL, "
    "status TEXT NOT NULL, answer TEXT NOT NULL, collection TEXT NOT NULL DEFAULT '')",
    "CREATE TABLE answer_documents (answer TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE, "
    "document TEXT NOT NULL, sha256 TEXT NOT NULL DEFAULT '', PRIMARY KEY (document, answer)) WITHOUT ROWID",
)
# Of the version of the document that the answer was last checked against; files of before that have none.
_ADD_SHA256 = "ALTER TABLE answer_documents ADD COLUMN sha256 TEXT NOT NULL DEFAULT ''"
# What was asked; "" for answers of before that was kept, which only who may see every collection sees.
_ADD_COLLECTION = "ALTER TABLE answers ADD COLUMN collection TEXT NOT NULL DEFAULT ''"
# Made when first needed: files of before conversations have none.
TURNS = (
    "CREATE TABLE IF NOT EXISTS turns (conversation TEXT NOT NULL, answer TEXT NOT NULL REFERENCES answers (id) "
    "ON DELETE CASCADE, PRIMARY KEY (conversation, answer)) WITHOUT ROWID"
)
# What readers say of an answer (citation 0) and of its citations; made when first needed, too.
FEEDBACK = (
    "CREATE TABLE IF NOT EXISTS feedback (answer TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE, "
    "citation INTEGER NOT NULL, value TEXT NOT NULL, given_at TEXT NOT NULL, PRIMARY KEY (answer, citation)) WITHOUT ROWID"
)
# The threads of chat tools in which answers were given; made when first needed.
THREADS = (
    "CREATE TABLE IF NOT EXISTS threads (thread TEXT NOT NULL, answer TEXT NOT NULL REFERENCES answers (id) "
    "ON DELETE CASCADE, PRIMARY KEY (thread, answer)) WITHOUT ROWID"
)


def has_table(db: Database, name: str) -> bool:
    """Say whether the file has a table."""
    return db.row("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)) is not None


def has_versions(db: Database) -> bool:
    """Say whether the file holds the versions of documents."""
    return db.row("SELECT 1 FROM pragma_table_info('answer_documents') WHERE name = 'sha256'") is not None


def keep_collections(db: Database) -> None:
    """Let the file hold the collection of each answer."""
    if db.row("SELECT 1 FROM pragma_table_info('answers') WHERE name = 'collection'") is None:
        db.run(_ADD_COLLECTION)


def keep_versions(db: Database) -> None:
    """Let the file hold the versions of documents."""
    if not has_versions(db):
        db.run(_ADD_SHA256)
