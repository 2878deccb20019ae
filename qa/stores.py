"""The store that the settings name. What only one of them needs is imported when it is first used: it takes its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from index.doctor import Finding, examine, fix
from index.records import Stats
from index.stats import read_stats
from index.store import Capabilities, Store
from qa.config import Settings
from qa.keeping import missing_setting, postgres_of

if TYPE_CHECKING:
    from index.milvus_store import MilvusStore


def open_store(settings: Settings) -> Store:
    """Return the store; nothing is opened before its first use. Raises ConfigError where a setting is missing."""
    if settings.store == "milvus":
        return _milvus_store(settings)
    from index.local_store import LocalStore

    return LocalStore(settings.data, mapped=settings.workers > 1)


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
        raise missing_setting("milvus_uri")
    from index.milvus import Milvus
    from index.milvus_store import MilvusStore

    token = settings.milvus_token.get_secret_value()
    engine = Milvus(settings.milvus_uri, token, settings.milvus_index, settings.milvus_replicas)
    return MilvusStore(postgres_of(settings), engine, settings.data)
