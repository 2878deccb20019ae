"""The forms of a store that the suite of tests is held to, and which of them a run tries.

`make test` tries LocalStore and a file of Milvus Lite in everything, and a standalone server in what is marked `engine`: all
that depends on how Milvus searches, deletes and keeps in step. `make test-cluster` tries every form in everything: it names
them in STORES.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from milvus_cluster import milvus_cluster
from milvus_server import lite_server, standalone_milvus
from postgres_server import PostgresServer
from stores import LocalPlace, MilvusPlace, Place

WHOLE, IN_PART = ("local", "lite"), ("standalone",)
_NAMED = tuple(os.environ.get("STORES", "").split())


def is_named(form: str) -> bool:
    """Say whether this run was told to try a form."""
    return form in _NAMED


def forms_for(test: pytest.Item | pytest.Function) -> list[object]:
    """Return the forms that a test is to be tried with, as parameters of a fixture."""
    names = _NAMED or (WHOLE + IN_PART if test.get_closest_marker("engine") else WHOLE)
    return [pytest.param(name, marks=[] if name == "local" else pytest.mark.slow, id=name) for name in names]


@contextmanager
def milvus_of(form: str, new_folder: Callable[[str], Path]) -> Iterator[str]:
    """Have a Milvus of a form for a while; yields its address."""
    if form == "lite":
        yield str(new_folder("lite") / "milvus.db")
    elif form == "lite-server":
        with lite_server(new_folder("lite")) as uri:
            yield uri
    elif form == "standalone":
        with standalone_milvus() as server:
            yield server.uri
    elif form == "cluster":
        with milvus_cluster() as cluster:
            yield cluster.uri
    else:
        raise ValueError(f"no form of a store is called {form!r}")


@contextmanager
def places_of(
    form: str, new_folder: Callable[[str], Path], postgres: PostgresServer | None
) -> Iterator[Callable[[], Place]]:
    """Yield what makes places of a form, each of them empty."""
    if postgres is None:
        yield lambda: LocalPlace(new_folder("place") / ".qa")
        return
    with milvus_of(form, new_folder) as uri:
        yield lambda: MilvusPlace(postgres.new_database(), uri, new_folder("place") / ".qa")
