"""The steps of a local commit: changes are staged in batches, the derived files follow, removed words go from every file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from index.catalog import Catalog
from index.catalog_writer import CatalogWriter
from index.dense import refresh_dense
from index.lexical import refresh_lexical
from index.store import Change, KeepStaged, PutFile

_BATCH_FILES, _BATCH_SECONDS = 100, 1.0  # what is staged between two fsyncs: an interruption costs no more than that
_PURGE_AT_ONCE = 20_000  # passages; in a larger index the words of replaced documents go when enough have gathered
_PURGE_SHARE = 0.02
_ERASE_SECONDS = 2.0


def refresh_derived(folder: Path, catalog: Catalog, *, rewrite: bool = False) -> None:
    """Bring FAISS's and Tantivy's files to the catalog's generation. Under the writer's lock only."""
    with catalog.snapshot():
        refresh_lexical(folder / "lexical", catalog, rewrite=rewrite)
        refresh_dense(folder, catalog, rewrite=rewrite)


def stage(catalog: CatalogWriter, changes: Iterable[Change]) -> Iterator[Change]:
    """Write the files to put, some at a time, and pass every change on once it is durable."""
    waiting: list[Change] = []
    since = time.monotonic()
    for change in changes:
        waiting.append(change)
        if len(waiting) >= _BATCH_FILES or time.monotonic() - since > _BATCH_SECONDS:
            yield from _stage_batch(catalog, waiting)
            waiting, since = [], time.monotonic()
    yield from _stage_batch(catalog, waiting)


def _stage_batch(catalog: CatalogWriter, waiting: Sequence[Change]) -> Sequence[Change]:
    with catalog.batch():
        for change in waiting:
            if isinstance(change, PutFile):
                parts = ((part.document, part.passages, part.keys) for part in change.parts)
                catalog.stage(change.record, parts, change.vectors)
    return [_without_contents(change) for change in waiting]


def _without_contents(change: Change) -> Change:
    return KeepStaged(change.record) if isinstance(change, PutFile) else change


def forget_words(folder: Path, catalog: CatalogWriter, *, dropped: bool) -> None:
    """Take what was removed out of every file, at once or, in a large index, when enough has gathered (invariant 10)."""
    if _must_purge(catalog, dropped=dropped):
        refresh_derived(folder, catalog, rewrite=True)
        catalog.forget_removed(catalog.generation())
    _erase_traces(catalog)


def _erase_traces(catalog: CatalogWriter) -> None:
    """Empty the log. While a reader still sees what was before, it stays; it goes with the last of them at the latest."""
    deadline = time.monotonic() + _ERASE_SECONDS
    while not catalog.erase_traces() and time.monotonic() < deadline:
        time.sleep(0.05)


def _must_purge(catalog: Catalog, *, dropped: bool) -> bool:
    """Say whether words of removed passages have to go from the derived files now."""
    removed = catalog.count_removed()
    rows = catalog.count_passages()
    return removed > 0 and (dropped or rows <= _PURGE_AT_ONCE or removed > _PURGE_SHARE * rows)
