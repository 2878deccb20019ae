"""The store that the settings name, and where answers and keys are kept beside it.

What only one of them needs is imported when it is first used: it takes its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from index.doctor import Finding, examine, fix
from index.postgres import Postgres
from index.records import Stats
from index.stats import read_stats
from index.store import Capabilities, Store
from qa.config import Settings
from qa.errors import ConfigError
from qa.history import History
from qa.history_tables import HISTORY
from qa.keys import KEYS, KeyRing
from qa.tables import Schema, SharedTables, Tables, TablesFile

if TYPE_CHECKING:
    from index.milvus_store import MilvusStore


def open_store(settings: Settings) -> Store:
    """Return the store; nothing is opened before its first use. Raises ConfigError where a setting is missing."""
    if settings.store == "milvus":
        return _milvus_store(settings)
    from index.local_store import LocalStore

    return LocalStore(settings.data, mapped=settings.workers > 1)


def open_history(settings: Settings) -> History:
    """Return the stored answers. Raises as `open_store`."""
    return History(_tables(settings, HISTORY))


def open_keys(settings: Settings) -> KeyRing:
    """Return the keys. Raises as `open_store`."""
    return KeyRing(_tables(settings, KEYS))


def shared_postgres(settings: Settings) -> Postgres | None:
    """Return where servers on several machines keep what they share, None for a server that has all to itself."""
    return _postgres(settings) if settings.store == "milvus" else None


def _tables(settings: Settings, schema: Schema) -> Tables:
    file = TablesFile(settings.data / f"{schema.name}.db", schema)
    postgres = shared_postgres(settings)
    return SharedTables(postgres, schema, before=file) if postgres else file


def look_at_store(settings: Settings) -> tuple[Stats, Capabilities]:
    """Return what is in the store and what it can do, without loading what searches need."""
    if settings.store == "local":
        return read_stats(settings.data), Capabilities(lexical=True)
    store = _milvus_store(settings)
    return store.stats(), store.capabilities


def describe_store(settings: Settings) -> str:
    """Name the places of a store that is not in the data directory, without a password."""
    return f"Milvus at {settings.milvus_uri}, catalog at {_milvus_store(settings).postgres.place}"


def examine_store(settings: Settings, *, mend: bool) -> Sequence[Finding]:
    """Say what is wrong with the store; with `mend` put right what can be."""
    if settings.store == "local":
        return fix(settings.data) if mend else examine(settings.data)
    from index.milvus_doctor import examine_shared

    return examine_shared(_milvus_store(settings), mend=mend)


def _milvus_store(settings: Settings) -> MilvusStore:
    if not settings.milvus_uri:
        raise _missing("milvus_uri")
    from index.milvus import Milvus
    from index.milvus_store import MilvusStore

    token = settings.milvus_token.get_secret_value()
    engine = Milvus(settings.milvus_uri, token, settings.milvus_index, settings.milvus_replicas)
    return MilvusStore(_postgres(settings), engine, settings.data)


def _postgres(settings: Settings) -> Postgres:
    url = settings.catalog_url.get_secret_value()
    if not url:
        raise _missing("catalog_url")
    return _connections(url)


@cache
def _connections(url: str) -> Postgres:
    """Return the connections of this process to a database: all that it keeps there uses the same."""
    return Postgres(url)


def _missing(name: str) -> ConfigError:
    return ConfigError(f"store = milvus needs {name}, which is not set", f"set QA_{name.upper()}, or {name} in qa.toml")
