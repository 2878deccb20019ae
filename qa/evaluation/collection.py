"""The documents of a retrieval set, put into a store as the index flow would put files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from index.embedder import Embedder
from index.records import DEFAULT_COLLECTION, Extracted, FileRecord
from index.store import Change, Store
from index.sync import Embedding, make_document
from qa.evaluation.datasets import Text


def index_texts(store: Store, embedder: Embedder, texts: Sequence[Text]) -> None:
    """Index documents under their ids, in one commit. What is indexed already costs nothing."""
    with store.writing():
        store.adopt(embedder)
        store.apply(_changes(store, embedder, texts))


def _changes(store: Store, embedder: Embedder, texts: Sequence[Text]) -> Iterator[Change]:
    known = store.files(DEFAULT_COLLECTION)
    embedding = Embedding(store, embedder)
    for text in texts:
        record = _record(text)
        if text.id not in known and text.text.strip():
            extracted = Extracted(text=text.text, media_type="text/plain", title=text.title)
            embedding.add(record, [make_document(extracted, record, text.id)])
        yield from embedding.ready()
    yield from embedding.rest()


def _record(text: Text) -> FileRecord:
    digest = hashlib.sha256(f"{text.title}\0{text.text}".encode()).hexdigest()
    return FileRecord(
        collection=DEFAULT_COLLECTION,
        path=text.id,
        size=len(text.text),
        mtime_ns=0,
        ctime_ns=0,
        status="indexed",
        sha256=digest,
    )
