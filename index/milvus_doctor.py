"""Finds what is wrong between the shared catalog and Milvus, and mends what can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from index.doctor import Finding
from index.milvus import MOST, condition_of, unknown_to
from index.milvus_filters import both
from index.milvus_store import MilvusStore
from index.shared_catalog import SharedCatalog, Target, holding, reading

_AT_ONCE = 10_000  # numbers of passages that are compared together
_REBUILD = "qa index --rebuild"


def examine_shared(store: MilvusStore, *, mend: bool) -> list[Finding]:
    """Compare PostgreSQL and Milvus, row by row; empty when all is well. Raises IndexMissing where nothing is indexed.

    mend: delete from Milvus what does not belong there, and let the next rebuild embed anew what it has lost.
    """
    with holding(store.postgres, patient=True) as catalog:
        damage = catalog.find_damage()
        lost, strays = _compare(store, catalog)
        target = catalog.target()
    strays |= _unknown(store, target)
    findings = [Finding("catalog", text, hint="restore the database from a backup") for text in damage]
    if lost:
        hint = f"run: {_REBUILD}" if mend else f"run: qa doctor --fix, then: {_REBUILD}"
        findings.append(Finding("milvus", f"passages of {len(lost)} documents are missing", hint=hint))
    if strays:
        problem = f"{len(strays)} passages that the catalog does not know; searches sift them out"
        findings.append(Finding("milvus", problem, hint="run: qa doctor --fix"))
    if mend and (lost or strays):
        with store.writing():
            store.mend(sorted(lost), sorted(strays))
        findings = [replace(one, mended=True) if one.hint == "run: qa doctor --fix" else one for one in findings]
    return findings


def _compare(store: MilvusStore, catalog: SharedCatalog) -> tuple[set[int], set[int]]:
    """Return the documents, by number, of which Milvus lacks passages, and the passages that it has too many."""
    target, seen = catalog.target(), condition_of(catalog.seen())
    lost: set[int] = set()
    strays: set[int] = set()
    is_there = store.engine.has(target.name)
    for low, high in _ranges(catalog.last_number()):
        known = catalog.documents_by_passage(low, high)
        there: set[int] = set()
        if is_there:
            condition = both(f"num >= {low}", f"num < {high}", seen)
            there = set(store.engine.numbers(target.name, condition, _AT_ONCE, 0))
        lost |= {known[num] for num in known.keys() - there}
        strays |= there - known.keys()
    return lost, strays


def _unknown(store: MilvusStore, target: Target) -> set[int]:
    """Return the passages in Milvus of runs that the catalog knows nothing of.

    A run may begin meanwhile: what is there now is judged by a look at the catalog that comes after.
    """
    found: list[set[int]] = []
    for _ in range(2):
        with reading(store.postgres) as catalog:
            condition = unknown_to(catalog)
        there = store.engine.is_made(target)
        found.append(set(store.engine.numbers(target.name, condition, MOST, 0)) if there else set())
        if not found[-1]:
            return set()
    return found[0] & found[1]


def _ranges(last: int) -> Iterator[tuple[int, int]]:
    for low in range(0, last + _AT_ONCE, _AT_ONCE):
        yield low, low + _AT_ONCE
