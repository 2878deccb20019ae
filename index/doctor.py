"""Finds damage in a data directory, and mends what can be made anew from the catalog."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.catalog import Catalog
from index.catalog_writer import CatalogWriter
from index.dense import check_dense
from index.errors import CitableError, IndexDamaged, IndexLocked, data_flag, move_away
from index.files import leftovers, remove_leftovers
from index.lexical import check_lexical
from index.local_writing import refresh_derived
from index.lock import writer_lock

_LOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. mended: `fix` has put it right; where: the file, within the data directory."""

    where: str
    problem: str
    mended: bool = False
    hint: str = ""


def examine(folder: Path) -> list[Finding]:
    """Read everything and say what is wrong; empty when all is well. Raises IndexMissing where nothing is indexed.

    What a running writer is about to replace looks damaged for a moment: such findings are looked at again.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    found = _look(folder)
    while found and time.monotonic() < deadline:
        try:
            with writer_lock(folder, 0):
                return _look(folder)
        except IndexLocked:
            time.sleep(0.5)
            found = _look(folder)
        except (CitableError, OSError):  # a folder that cannot be written: nobody else writes there either
            break
    return found


def _look(folder: Path) -> list[Finding]:
    try:
        with _opened(folder) as catalog, catalog.snapshot():
            damage = [Finding("catalog.db", text, hint=_anew(folder)) for text in catalog.find_damage()]
            return damage or [*_check_derived(folder, catalog), *_check_leftovers(folder)]
    except IndexDamaged as error:
        return [Finding("catalog.db", error.message, hint=_anew(folder))]


def fix(folder: Path) -> list[Finding]:
    """Make what is damaged anew from the catalog; returns what was found. A damaged catalog is left as it is.

    Raises IndexLocked while another process writes.
    """
    with writer_lock(folder, _LOCK_SECONDS):
        found = _look(folder)
        if not found or any(one.where == "catalog.db" for one in found):
            return found
        remove_leftovers(folder)
        catalog = CatalogWriter.create(folder / "catalog.db")
        try:
            refresh_derived(folder, catalog, rewrite=True)
            catalog.forget_removed(catalog.generation())
            catalog.erase_traces()
        finally:
            catalog.close()
        left = {one.where for one in _look(folder)}
    return [Finding(one.where, one.problem, mended=one.where not in left) for one in found]


@contextmanager
def _opened(folder: Path) -> Iterator[Catalog]:
    catalog = Catalog.open(folder / "catalog.db")
    try:
        yield catalog
    finally:
        catalog.close()


def _check_derived(folder: Path, catalog: Catalog) -> Iterator[Finding]:
    if catalog.generation() == 0:
        return
    for where, problem in (
        ("dense", check_dense(folder, catalog)),
        ("lexical", check_lexical(folder / "lexical", catalog)),
    ):
        if problem:
            yield Finding(where, problem, hint=f"run: qa doctor --fix{data_flag(folder)}")


def _check_leftovers(folder: Path) -> Iterator[Finding]:
    for path in leftovers(folder):
        yield Finding(
            path.relative_to(folder).as_posix(), "left by a run that died", hint=f"run: qa doctor --fix{data_flag(folder)}"
        )


def _anew(folder: Path) -> str:
    return f"restore it from a backup, or index anew: {move_away(folder, '.damaged')}"
