"""Places where the conformance suite keeps a store, and what it puts there. No mocks: each is what users run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import psycopg

from index.embedder import Vectors
from index.local_store import LocalStore
from index.locators import locate
from index.milvus import Milvus
from index.milvus_store import MilvusStore
from index.postgres_pool import Postgres
from index.records import AllOf, Document, FileRecord, Filter, Locator, Passage, Section
from index.store import Change, Part, PutFile, Store, View
from index.sync import vector_key


class Place(Protocol):
    """Where a store lies. Opened again it is what another process would open."""

    def open(self) -> Store:
        """Open the store."""

    def holds(self, word: str) -> bool:
        """Say whether any file, table or collection still holds a word, in whatever case."""


@dataclass(frozen=True)
class LocalPlace:
    """A folder."""

    folder: Path

    def open(self) -> LocalStore:
        return LocalStore(self.folder)

    def holds(self, word: str) -> bool:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return any(word.lower().encode() in path.read_bytes().lower() for path in files)


@dataclass(frozen=True)
class MilvusPlace:
    """A database of PostgreSQL, and a Milvus that other places may use too: each has collections of its own there."""

    url: str
    uri: str
    folder: Path

    def open(self) -> MilvusStore:
        return MilvusStore(Postgres(self.url), Milvus(self.uri), self.folder)

    def holds(self, word: str) -> bool:
        from pymilvus import MilvusClient  # takes a second, and not all tests need it

        with psycopg.connect(self.url) as database:
            tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'citable_qa'").fetchall()
            text = "".join(str(database.execute(f"SELECT * FROM citable_qa.{name}").fetchall()) for (name,) in tables)
            targets = [name for (name,) in database.execute("SELECT name FROM citable_qa.targets").fetchall()]
        client = MilvusClient(self.uri)
        rows = [client.query(name, filter="num >= 0", consistency_level="Strong", output_fields=["*"]) for name in targets]
        return word.lower() in f"{text}{[list(row) for row in rows]}".lower()


@dataclass(frozen=True)
class HashedWords:
    """A real embedding of texts without a model: the words of a text, hashed into a few numbers, as a unit vector."""

    dimension: int = 24
    name: str = "hashed words"
    window: int = 256

    @property
    def fingerprint(self) -> str:
        return f"hashed words {self.dimension}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[0] = 0.1
            for word in re.findall(r"\w+", text.lower()):
                digest = hashlib.sha256(word.encode()).digest()
                row[digest[0] % self.dimension] += 1 + digest[1] / 256
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


WORDS = HashedWords()
HARBOUR = "The harbour was dug in 1911.\nIts quay is 300 metres long.\nShips of grain lie there."
AIRPORT = "The airport opened in 1953.\nTwo runways cross there."


def record_of(path: str, text: str, collection: str = "default") -> FileRecord:
    """Return the ledger's line of a file of this text."""
    return FileRecord(
        collection=collection,
        path=path,
        size=len(text.encode()),
        mtime_ns=1,
        ctime_ns=2,
        status="indexed",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        checked_ns=3,
        readers="1",
    )


def document_of(path: str, text: str, *, collection: str = "default", part: str = "", **fields: object) -> Document:
    """Make a document of a text whose lines are its passages; its id comes from its place."""
    place = f"{collection}\0{path}\0{part}"
    made = Document(
        id=f"d{hashlib.sha256(place.encode()).hexdigest()[:12]}",
        collection=collection,
        path=path,
        part=part,
        title=Path(path).stem,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        length=len(text),
        media_type="text/plain",
        lang="en",
        text=text,
        sections=(Section(0, Locator(heading=("Top", path))),),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def passages_of(document: Document) -> list[Passage]:
    """Return the lines of a document."""
    return [
        Passage(
            id="p" + hashlib.sha256(f"{document.id}\0{document.sha256}\0{line.start()}".encode()).hexdigest()[:16],
            document_id=document.id,
            start=line.start(),
            end=line.end(),
            text=line[0],
            locator=locate(document.sections, line.start(), line.end()),
            context=document.title,
        )
        for line in re.finditer(r"[^\n]+", document.text)
    ]


def put(
    path: str,
    *texts: str,
    collection: str = "default",
    metadata: Mapping[str, str] | None = None,
    known: Iterable[bytes] = (),
    embedder: HashedWords = WORDS,
    **fields: object,
) -> PutFile:
    """Make the change that puts a file: one document for each text. known: keys whose vectors the store has."""
    documents = [
        document_of(
            path, text, collection=collection, part=str(n) if len(texts) > 1 else "", metadata=metadata or {}, **fields
        )
        for n, text in enumerate(texts)
    ]
    parts, new = [], {}
    for document in documents:
        passages = passages_of(document)
        keys = [vector_key(passage.text, embedder) for passage in passages]
        parts.append(Part(document, passages, keys))
        new |= {key: passage.text for key, passage in zip(keys, passages, strict=True)}
    wanted = {key: text for key, text in new.items() if key not in set(known)}
    vectors = dict(zip(wanted, embedder.embed(list(wanted.values())), strict=True))
    return PutFile(record_of(path, "\0".join(texts), collection), parts, vectors)


def write(store: Store, *changes: Change, embedder: HashedWords = WORDS, anew: bool = False) -> int:
    """Apply changes in a run of their own; returns the generation."""
    with store.writing():
        store.adopt(embedder, anew=anew)
        return store.apply(iter(changes))


def interrupt(store: Store, *changes: Change) -> None:
    """Begin a run that dies when it has handed on all these changes, before its commit."""

    def dying() -> Iterator[Change]:
        yield from changes
        raise KeyboardInterrupt

    try:
        with store.writing():
            store.adopt(WORDS)
            store.apply(dying())
    except KeyboardInterrupt:
        return
    raise AssertionError("the run did not end with what interrupted it")


def vector_of(text: str, embedder: HashedWords = WORDS) -> Vectors:
    return embedder.embed([text])[0]


def dense(view: View, text: str, k: int = 100, scope: Filter = AllOf()) -> list[str]:
    """The texts found by vector, best first."""
    found = [num for num, _ in view.search_dense(vector_of(text), k, scope)]
    passages = view.passages(found)
    return [passages[num][0].text for num in found]


def lexical(view: View, text: str, k: int = 100, scope: Filter = AllOf()) -> list[str]:
    """The texts found by words, best first."""
    found = [num for num, _ in view.search_lexical(text, k, scope)]
    passages = view.passages(found)
    return [passages[num][0].text for num in found]


def state_of(store: Store) -> object:
    """All that a reader can see but numbers, generations and times."""
    with store.view() as view:
        numbers = view.numbers()
        found = view.passages(numbers)
        documents = [replace(one, generation=0, indexed_at="") for one in view.documents()]
        vectors = view.vectors(numbers).tobytes()
        texts = [(one.id, whole.text, whole.sections) for one in documents if (whole := view.document(one.id))]
        searched = [dense(view, "ships in the harbour"), sorted(lexical(view, "ships in the harbour"))]
        return documents, texts, [found[num][0] for num in numbers], vectors, searched, view.stats().failures
