"""Keys: keys.db beside the catalog, or PostgreSQL. A key is shown once; what is kept tells it from others."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from index.errors import IndexUnavailable
from index.sqlite import Row, Value
from qa.errors import ConfigError
from qa.tables import Connection, Schema, Table, Tables

Scope = Literal["read", "ask", "index", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "ask", "index", "admin")  # each holds all before it

KEYS = Schema(
    "keys",
    1,
    (
        Table(
            "keys",
            "id TEXT PRIMARY KEY, hash BLOB NOT NULL, scope TEXT NOT NULL, collections TEXT NOT NULL, name TEXT NOT NULL, "
            "created_at TEXT NOT NULL, last_used_at TEXT NOT NULL DEFAULT '', revoked_at TEXT NOT NULL DEFAULT ''",
            added=(("profile", "TEXT NOT NULL DEFAULT ''"),),
        ),
        Table("secrets", "name TEXT NOT NULL, value BLOB NOT NULL", key="name"),
    ),
)
_COLUMNS = "id, scope, collections, name, created_at, last_used_at, revoked_at, profile"
_KEY = re.compile(r"qa_(k[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_SECRET_BYTES = 32
_NOTE_USE = timedelta(minutes=1)  # between two notes of a key's use: a note is a write to the disk


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without what makes it one.

    collections: those it opens, none for all; times: ISO 8601 in UTC, "" for never; profile: how chat clients that show it
    get their citations (a name of qa/profiles.py), "" where their path says so.
    """

    id: str
    scope: Scope
    collections: tuple[str, ...]
    name: str
    created_at: str
    last_used_at: str = ""
    revoked_at: str = ""
    profile: str = ""

    def allows(self, scope: Scope) -> bool:
        """Say whether the key's scope holds another."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)

    def to_json(self) -> dict[str, Any]:
        """Return the key as `qa keys list --json` shows it."""
        return {
            "id": self.id,
            "scope": self.scope,
            "collections": list(self.collections),
            "name": self.name,
            "profile": self.profile or None,
            "created_at": self.created_at,
            "last_used_at": self.last_used_at or None,
            "revoked_at": self.revoked_at or None,
        }


class KeyRing:
    """The keys of one data directory, or of all servers that share them. Threads may share a KeyRing.

    Its methods raise IndexDamaged or IndexUnavailable when the tables cannot be used: then nobody is let in.
    """

    def __init__(self, tables: Tables) -> None:
        """Open nothing yet. tables: of KEYS."""
        self._tables = tables

    @property
    def has_keys(self) -> bool:
        """Whether a key was ever made here. Revoking the last one does not open the door to all."""
        return self._tables.is_made()

    def make(self, scope: Scope, collections: Sequence[str] = (), name: str = "", profile: str = "") -> tuple[Key, str]:
        """Make a key and return it with its text, which is not kept. Raises ConfigError for a name that is no text."""
        if not all(map(_is_text, (name, *collections))):
            raise ConfigError("a name with bytes that are no text cannot be kept", "write it in UTF-8")
        key = Key(f"k{secrets.token_hex(4)}", scope, tuple(dict.fromkeys(collections)), name, _now(), profile=profile)
        text = f"qa_{key.id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        values: list[Value] = [
            key.id,
            _hash(text),
            scope,
            json.dumps(key.collections, ensure_ascii=False),
            name,
            key.created_at,
            profile,
        ]
        columns = "id, hash, scope, collections, name, created_at, profile"
        with self._tables.connected() as db:
            db.run(f"INSERT INTO keys ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return key, text

    def all(self) -> list[Key]:
        """Return every key, revoked ones too, in the order in which they were made."""
        if not self.has_keys:
            return []
        with self._tables.connected() as db:
            return [_to_key(row) for row in db.rows(f"SELECT {_COLUMNS} FROM keys ORDER BY created_at, rowid")]

    def revoke(self, key_id: str) -> bool:
        """End a key for good; returns whether there was one in force."""
        if not self.has_keys:
            return False
        with self._tables.connected() as db, db.transaction():
            return db.run("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at = ''", (_now(), key_id)) > 0

    def find(self, text: str) -> Key | None:
        """Return the key in force that has this text, or None; takes as long for a wrong secret as for a right one."""
        match = _KEY.fullmatch(text)
        if not match or not self.has_keys:
            return None
        with self._tables.connected() as db:
            row = db.row(f"SELECT {_COLUMNS}, hash FROM keys WHERE id = ?", (match[1],))
            known = bytes(row[-1]) if row else bytes(32)
            if not hmac.compare_digest(_hash(text), known) or row is None:
                return None
            return _used(db, _to_key(row[:-1]))

    def with_id(self, key_id: str) -> Key | None:
        """Return a key in force by its id, for who has shown the key itself before."""
        if not self.has_keys:
            return None
        with self._tables.connected() as db:
            row = db.row(f"SELECT {_COLUMNS} FROM keys WHERE id = ?", (key_id,))
            return _used(db, _to_key(row)) if row else None

    def secret(self, name: str) -> bytes:
        """Return a secret of 32 random bytes that is kept beside the keys, made when it is first asked for."""
        with self._tables.connected() as db, db.transaction():
            db.run("INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", (name, secrets.token_bytes(_SECRET_BYTES)))
            row = db.row("SELECT value FROM secrets WHERE name = ?", (name,))
        return bytes(row[0]) if row else b""

    def find_damage(self) -> list[str]:
        """Read everything and say what is wrong; empty when all is well."""
        return self._tables.find_damage()


def _is_text(name: str) -> bool:
    """Say whether it can be written down: what a command line has in another encoding cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hash(text: str) -> bytes:
    """Return what is kept of a key.

    SHA-256 is enough: slow hashes are for passwords, which can be guessed. A key holds 256 random bits, which cannot,
    whatever the speed; and each request pays for this.
    """
    return hashlib.sha256(text.encode()).digest()


def _to_key(row: Row) -> Key:
    identifier, scope, collections, *others = row
    return Key(identifier, scope, tuple(json.loads(collections)), *others)


def _used(db: Connection, key: Key) -> Key | None:
    """Return a key that is in force, and note that it is used; a disk that takes no note keeps nobody out."""
    if key.revoked_at:
        return None
    now = datetime.now(UTC)
    if not key.last_used_at or now - datetime.fromisoformat(key.last_used_at) > _NOTE_USE:
        with suppress(IndexUnavailable):
            db.run("UPDATE keys SET last_used_at = ? WHERE id = ?", (_now(), key.id))
    return key


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
