"""Where answers and keys are kept: beside the index in the data directory, or in the PostgreSQL that servers share."""

from __future__ import annotations

from functools import cache

from index.postgres_pool import Postgres
from qa.config import Settings
from qa.errors import ConfigError
from qa.history import History
from qa.history_tables import HISTORY
from qa.keys import KEYS, KeyRing
from qa.postgres_tables import PostgresTables
from qa.shared import FORMS, SERVER
from qa.tables import Schema, Tables, TablesFile


def open_history(settings: Settings) -> History:
    """Return the stored answers. Raises ConfigError where a setting is missing."""
    return History(_tables(settings, HISTORY))


def open_keys(settings: Settings) -> KeyRing:
    """Return the keys. Raises ConfigError where a setting is missing."""
    return KeyRing(_tables(settings, KEYS))


def shared_postgres(settings: Settings) -> Postgres | None:
    """Return where servers on several machines keep what they share, None for a server that has all to itself."""
    return postgres_of(settings) if settings.store == "milvus" else None


def check_shared(settings: Settings) -> None:
    """Make ready what servers share, and move there what the data directory holds.

    Raises IndexUnavailable or IndexIncompatible where it cannot be used, IndexDamaged for a file that cannot be moved.
    """
    if settings.store == "milvus":
        for schema in (KEYS, HISTORY, SERVER, FORMS):
            tables = _tables(settings, schema)
            if schema is KEYS and not tables.is_made():
                continue  # where there are tables for keys, nobody is let in without one
            with tables.connected():
                pass


def postgres_of(settings: Settings) -> Postgres:
    """Return the connections to PostgreSQL: all that one process keeps there uses the same. Raises ConfigError."""
    url = settings.catalog_url.get_secret_value()
    if not url:
        raise missing_setting("catalog_url")
    return _connections(url)


def missing_setting(name: str) -> ConfigError:
    """Return the error of a store without a setting that it needs."""
    return ConfigError(f"store = milvus needs {name}, which is not set", f"set QA_{name.upper()}, or {name} in qa.toml")


@cache
def _connections(url: str) -> Postgres:
    return Postgres(url)


def _tables(settings: Settings, schema: Schema) -> Tables:
    file = TablesFile(settings.data / f"{schema.name}.db", schema)
    postgres = shared_postgres(settings)
    return PostgresTables(postgres, schema, before=file) if postgres else file
