"""The tables of the shared catalog in PostgreSQL, as steps that each catalog goes through once, in order.

Text is compared by its code points (COLLATE "C"), as SQLite does, whatever the database's own language is.
"""

from __future__ import annotations

from index.errors import IndexIncompatible
from index.postgres import SCHEMA, Session

# A step is never changed once it was released: what is to be different is another step.
_STEPS = (
    """
CREATE TABLE state (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE generations (
    number bigint PRIMARY KEY, token text NOT NULL, committed_at text NOT NULL,
    added bigint NOT NULL, removed bigint NOT NULL, seconds double precision NOT NULL);
CREATE TABLE files (
    collection text COLLATE "C" NOT NULL, path text COLLATE "C" NOT NULL, size bigint NOT NULL, mtime_ns bigint NOT NULL,
    ctime_ns bigint NOT NULL, status text NOT NULL, sha256 text NOT NULL, reason text NOT NULL,
    checked_ns bigint NOT NULL, readers text NOT NULL,
    PRIMARY KEY (collection, path));
CREATE TABLE targets (
    name text PRIMARY KEY, fingerprint text NOT NULL, dimension bigint NOT NULL, lexical boolean NOT NULL,
    flat boolean NOT NULL, retired bigint);
CREATE TABLE runs (num bigserial PRIMARY KEY, target text NOT NULL);
CREATE TABLE documents (
    num bigserial PRIMARY KEY, run bigint NOT NULL, target text NOT NULL, loaded boolean NOT NULL,
    moved bigint NOT NULL, revealed bigint NOT NULL DEFAULT 0, generation bigint NOT NULL,
    id text COLLATE "C" NOT NULL, collection text COLLATE "C" NOT NULL, path text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL, title text COLLATE "C" NOT NULL, sha256 text NOT NULL, length bigint NOT NULL,
    media_type text COLLATE "C" NOT NULL, lang text COLLATE "C" NOT NULL, metadata text NOT NULL,
    indexed_at text NOT NULL, file_sha256 text NOT NULL);
CREATE INDEX documents_by_id ON documents (id);
CREATE INDEX documents_by_path ON documents (collection, path, generation);
CREATE INDEX documents_that_are_hidden ON documents (generation) WHERE generation <= 0;
CREATE TABLE texts (document bigint PRIMARY KEY, text text NOT NULL, sections text NOT NULL);
CREATE TABLE passages (
    num bigserial PRIMARY KEY, document bigint NOT NULL, id text COLLATE "C" NOT NULL, start bigint NOT NULL,
    "end" bigint NOT NULL, text text NOT NULL, context text NOT NULL, locator text NOT NULL, key bytea NOT NULL);
CREATE INDEX passages_by_document ON passages (document, start);
CREATE INDEX passages_by_id ON passages (id);
CREATE INDEX passages_by_key ON passages (key);
CREATE TABLE garbage (document bigint PRIMARY KEY, target text NOT NULL, generation bigint NOT NULL);
""",
)


def is_made(session: Session) -> bool:
    """Say whether the catalog's tables are there. Raises IndexIncompatible where a newer version made them."""
    row = session.row("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.state",))
    if not row or not row[0]:
        return False
    _check_known(_version(session))
    return True


def bring_up(session: Session) -> None:
    """Make the tables, or bring those of an older version up, all or nothing. Under the writer's lock only."""
    with session.making():
        done = _version(session) if is_made(session) else 0
        for step in _STEPS[done:]:
            for statement in step.split(";"):
                if statement.strip():
                    session.run(statement)
        if done < len(_STEPS):
            session.run(
                "INSERT INTO state VALUES ('format', %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (str(len(_STEPS)),),
            )


def _version(session: Session) -> int:
    row = session.row("SELECT value FROM state WHERE key = 'format'")
    return int(row[0]) if row else 0


def _check_known(version: int) -> None:
    if version > len(_STEPS):
        raise IndexIncompatible(
            f"the shared catalog is of format {version}, this program knows {len(_STEPS)}", "install a newer version of it"
        )
