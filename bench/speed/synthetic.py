"""An index of any size within minutes: real passages, then others made of halves of two, each with a vector near one's.

Everything but reading, splitting and embedding is done as `qa index` does it, and what comes out is an index like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from index.embedder import Embedder, Vectors
from index.records import DEFAULT_COLLECTION, Document, FileRecord, Locator, Passage
from index.store import Part, PutFile, Store

_SEED = 17
_ASIDE = 0.5  # length of what is added to a vector: those made from one have a cosine of about 0.8 to each other
_STRIDE = 7919  # a prime, so that every passage of a round is joined to another one
_IN_A_DOCUMENT = 5


def index_synthetic(store: Store, embedder: Embedder, texts: Sequence[str], vectors: Vectors, size: int) -> None:
    """Index so many passages in an empty store. vectors: unit vectors of the texts, shape (len(texts), dimension)."""
    with store.writing():
        store.adopt(embedder)
        store.apply(synthetic_files(texts, vectors, size))


def synthetic_files(texts: Sequence[str], vectors: Vectors, size: int) -> Iterator[PutFile]:
    """Yield files of five passages each, with their vectors."""
    drawn = np.random.default_rng(_SEED)
    halves = [_halves(text) for text in texts]
    for start in range(0, size, _IN_A_DOCUMENT):
        numbers = range(start, min(start + _IN_A_DOCUMENT, size))
        own = vectors[[number % len(texts) for number in numbers]]
        if start >= len(texts):
            aside = drawn.standard_normal(own.shape, np.float32)
            own = own + _ASIDE * aside / np.linalg.norm(aside, axis=1, keepdims=True)
            own = own / np.linalg.norm(own, axis=1, keepdims=True)
        yield _file(start, [_text(number, halves) for number in numbers], own)


def _halves(text: str) -> tuple[str, str]:
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def _text(number: int, halves: Sequence[tuple[str, str]]) -> str:
    turn, place = divmod(number, len(halves))
    return f"{halves[place][0]} {halves[(place + turn * _STRIDE) % len(halves)][1]}"


def _file(number: int, texts: Sequence[str], vectors: Vectors) -> PutFile:
    name, text = f"{number:08}", "\n\n".join(texts)
    digest = hashlib.sha256(text.encode()).hexdigest()
    record = FileRecord(
        collection=DEFAULT_COLLECTION,
        path=f"{name}.txt",
        size=len(text),
        mtime_ns=0,
        ctime_ns=0,
        status="indexed",
        sha256=digest,
    )
    document = Document(
        id=f"d{name}",
        collection=DEFAULT_COLLECTION,
        path=record.path,
        title=name,
        sha256=digest,
        length=len(text),
        media_type="text/plain",
        text=text,
    )
    passages, start = [], 0
    for own in texts:
        passages.append(Passage(f"p{name}-{start}", document.id, start, start + len(own), own, Locator()))
        start += len(own) + 2
    keys = [hashlib.sha256(f"{name} {i}".encode()).digest() for i in range(len(texts))]
    return PutFile(record, [Part(document, passages, keys)], dict(zip(keys, vectors, strict=True)))
