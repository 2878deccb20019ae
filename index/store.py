"""The store: what the flows need of a place that keeps and finds passages. `LocalStore` is one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from index.embedder import Embedder, Vectors
from index.records import AllOf, Document, DocumentInfo, FileRecord, Filter, Passage, Run, Stats

Found = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Part:
    """A document ready to be stored. keys: what each passage's vector is kept under, see `vector_key`."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class PutFile:
    """The file's documents replace whatever it had before. vectors: those that the store does not have yet, by key."""

    record: FileRecord
    parts: Sequence[Part]
    vectors: Mapping[bytes, Vectors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeepStaged:
    """The file was staged by an interrupted run and is as it was."""

    record: FileRecord


@dataclass(frozen=True, slots=True)
class MoveFile:
    """The file has another path now and is as it was: so are its documents, their ids included."""

    record: FileRecord
    old_path: str


@dataclass(frozen=True, slots=True)
class DropFile:
    """The file's documents go, and its line in the ledger."""

    collection: str
    path: str


@dataclass(frozen=True, slots=True)
class NoteFile:
    """Only the ledger changes; with a DropFile before it the file's documents go, and the line stays."""

    record: FileRecord


Change = PutFile | KeepStaged | MoveFile | DropFile | NoteFile


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do. lexical: it finds passages by their words; without, `search_lexical` finds none."""

    lexical: bool


class View(Protocol):
    """One generation of a store: whatever is committed meanwhile, a request sees only this (invariant 7)."""

    @property
    def generation(self) -> int:
        """The number of the last commit in it."""

    @property
    def token(self) -> str:
        """The random name of that commit, and what is seen of it: of two views with one token, the same is found."""

    def search_dense(self, vector: Vectors, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, cosine), best first: min(k, passages that the filter admits)."""

    def search_lexical(self, text: str, k: int, scope: Filter = AllOf()) -> Found:
        """Return (passage number, BM25), best first, among the passages that share a word with the text."""

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return passages by number, with their documents."""

    def vectors(self, nums: Sequence[int]) -> Vectors:
        """Return the vectors of passages, shape (len(nums), dimension)."""

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the passages that a filter admits, document by document."""

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by id, with its document."""

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""

    def stats(self) -> Stats:
        """Say what is in the store."""

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""


class Store(Protocol):
    """A place that keeps documents and finds passages. Safe to share between threads.

    What says nothing else raises IndexMissing where nothing is indexed.
    """

    # ------------------------------------------------------------------ reading

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; known without an index."""

    def view(self) -> AbstractContextManager[View]:
        """Open the newest generation for reading."""

    def stats(self) -> Stats:
        """Say what is in the store, without loading what searches need."""

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""

    def indexed_paths(self) -> dict[str, list[Path]]:
        """Return by collection the files and folders that runs were told to index."""

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path, without loading what searches need."""

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""

    def documents_with_ids(self, document_ids: Iterable[str]) -> Iterator[Document]:
        """Yield those of the documents that are there, with their texts, one at a time."""

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""

    def origin(self, document_id: str) -> tuple[Path, str] | None:
        """Return where the file lies that a document was read from, and the sha256 of the bytes it had then."""

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter (invariant 11)."""

    def check_searchable(self) -> None:
        """Raise IndexUnavailable where what searches the passages does not answer, though the catalog may."""

    def root(self) -> Path:
        """Return the folder that relative document paths start from."""

    def root_or(self, root: Path | None) -> Path:
        """Return `root()`, or for an index that is yet to be made what it would be."""

    def ledger(self, collection: str) -> Mapping[str, FileRecord]:
        """Return the ledger of a collection by path, outside of `writing()`; empty where nothing is indexed."""

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files that have documents, of one that failed for now too; none without an index."""

    # ------------------------------------------------------------------ writing

    def writing(self, root: Path | None = None) -> AbstractContextManager[None]:
        """Be the one writer: all that follows is for within. Raises IndexLocked when another is.

        root: what relative paths of a new index start from; each store has a default.
        """

    def adopt(self, embedder: Embedder, *, anew: bool = False) -> None:
        """Say what the vectors to come are made with; raise IndexIncompatible when the store holds others.

        anew: they replace all that the store holds, with the next `apply`.
        """

    def remember_paths(self, collection: str, paths: Iterable[Path]) -> None:
        """Note which files and folders a run was told to index. What lies below another one is not noted apart."""

    def files(self, collection: str) -> Mapping[str, FileRecord]:
        """Return the ledger of a collection by path."""

    def staged(self) -> dict[tuple[str, str], str]:
        """Return (collection, path) → sha256 of the files that an interrupted run left staged."""

    def known_vectors(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys whose vectors are stored."""

    def document_ids(self, collection: str, path: str) -> dict[str, str]:
        """Return part → id of the documents of a file."""

    def is_taken(self, document_id: str) -> bool:
        """Say whether a document has this id."""

    def apply(self, changes: Iterable[Change]) -> int:
        """Apply changes, all or nothing, and return the generation. Applying the same twice changes nothing."""
