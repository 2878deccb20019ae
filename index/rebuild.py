"""Makes every passage and vector anew from the texts in the store, for another embedding model or splitter.

No file is read, so documents whose files are out of reach are kept. The old index serves until the one commit at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.embedder import Embedder
from index.records import FileRecord
from index.store import Change, KeepStaged, Store
from index.sync import Embedding, Progress


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild has done. embedded: passages whose vectors had to be made."""

    generation: int
    files: int
    passages: int
    embedded: int
    seconds: float


@dataclass(frozen=True)
class RebuildPlan:
    """What a rebuild is about to do. embedded: passages whose vectors would have to be made, as they are split now."""

    documents: int
    passages: int
    embedded: int


def rebuild(
    store: Store, embedder: Embedder, collections: Sequence[str], *, progress: Progress | None = None
) -> RebuildReport:
    """Replace all passages and vectors in one commit. Call inside `store.writing()`; it resumes after an interruption.

    collections: all that the store holds.
    """
    began = time.monotonic()
    store.adopt(embedder, anew=True)
    embedding = Embedding(store, embedder)
    files = [record for name in collections for record in _held_files(store, name)]
    generation = store.apply(_changes(store, files, embedding, progress))
    return RebuildReport(generation, len(files), embedding.passages, embedding.embedded, time.monotonic() - began)


def _held_files(store: Store, collection: str) -> list[FileRecord]:
    held = store.held(collection)
    return [record for record in store.files(collection).values() if record.path in held]


def _changes(store: Store, files: Sequence[FileRecord], embedding: Embedding, progress: Progress | None) -> Iterator[Change]:
    staged = store.staged()
    for done, record in enumerate(files):
        if progress:
            progress(done, len(files), record.path)
        if record.sha256 and staged.get((record.collection, record.path)) == record.sha256:
            yield KeepStaged(record)
            continue
        embedding.add(record, store.documents_of_file(record.collection, record.path))
        yield from embedding.ready()
    yield from embedding.rest()
