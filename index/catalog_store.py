"""What stores that keep their documents in a catalog have in common."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from index.catalog_reading import CatalogReading, File
from index.embedder import Embedder
from index.errors import IndexMissing
from index.records import AllOf, Document, DocumentInfo, FileRecord, Filter, Run, Stats
from index.scan import disk_path, entry_of, index_path, outermost


class CatalogWriting(Protocol):
    """The one connection that writes a catalog, as far as every store uses it in the same way."""

    def files(self, collection: str) -> Mapping[str, FileRecord]:
        """Return the file ledger of a collection by path."""

    def staged_files(self) -> dict[File, str]:
        """Return (collection, path) → sha256 of the files that an interrupted run has already staged."""

    def document_ids(self, collection: str, path: str) -> dict[str, str]:
        """Return part → id of the documents of a file."""

    def is_taken(self, document_id: str) -> bool:
        """Say whether a document has this id."""

    def indexed_paths(self) -> dict[str, list[str]]:
        """Return by collection the files and folders that runs were told to index, as the index names them."""

    def set_state(self, values: dict[str, str]) -> None:
        """Set values of the index's state."""


class CatalogStore(ABC):
    """A store with a catalog. folder: the data directory of this machine."""

    folder: Path

    @abstractmethod
    def _reading(self) -> AbstractContextManager[CatalogReading]:
        """Lend a connection for a few reads. Raises IndexMissing where nothing is indexed."""

    @abstractmethod
    def _writing_catalog(self) -> CatalogWriting:
        """Return the connection that writes, inside `writing()`."""

    @abstractmethod
    def _root_of(self, catalog: CatalogReading) -> Path:
        """Return the folder that relative document paths start from."""

    @abstractmethod
    def _check_compatible(self, catalog: CatalogReading, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter."""

    # ------------------------------------------------------------------ reading

    def stats(self) -> Stats:
        """Say what is in the store, from the catalog alone."""
        with self._reading() as catalog:
            return catalog.stats()

    def runs(self, most: int) -> list[Run]:
        """Return the last commits, newest first."""
        with self._reading() as catalog:
            return catalog.runs(most)

    def indexed_paths(self) -> dict[str, list[Path]]:
        """Return by collection the files and folders that runs were told to index."""
        with self._reading() as catalog:
            root = self._root_of(catalog)
            return {name: [disk_path(one, root) for one in paths] for name, paths in catalog.indexed_paths().items()}

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path, without loading what searches need."""
        with self._reading() as catalog:
            return catalog.documents(scope)

    def documents_of_file(self, collection: str, path: str) -> list[Document]:
        """Return the documents of one file, with their texts."""
        with self._reading() as catalog:
            return catalog.documents_of_file(collection, path)

    def versions(self, document_ids: Iterable[str]) -> dict[str, str]:
        """Return id → sha256 of the text of those of the documents that are there."""
        with self._reading() as catalog:
            return catalog.versions(document_ids)

    def documents_with_ids(self, document_ids: Iterable[str]) -> Iterator[Document]:
        """Yield those of the documents that are there, with their texts, one at a time."""
        with self._reading() as catalog:
            yield from filter(None, map(catalog.document, document_ids))

    def origin(self, document_id: str) -> tuple[Path, str] | None:
        """Return where the file lies that a document was read from, and the sha256 of the bytes it had then."""
        with self._reading() as catalog:
            found = catalog.origin(document_id)
            return (disk_path(found[0], self._root_of(catalog)), found[1]) if found else None

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise IndexIncompatible unless the index was made with this model and splitter (invariant 11)."""
        with self._reading() as catalog:
            self._check_compatible(catalog, embedder)

    def root(self) -> Path:
        """Return the folder that relative document paths start from."""
        with self._reading() as catalog:
            return self._root_of(catalog)

    def root_or(self, root: Path | None) -> Path:
        """Return `root()`, or for an index that is yet to be made what it would be."""
        try:
            return self.root()
        except IndexMissing:
            return self._new_root(root)

    def _new_root(self, root: Path | None) -> Path:
        return (root or self.folder.absolute().parent).resolve()

    def ledger(self, collection: str) -> Mapping[str, FileRecord]:
        """Return the ledger of a collection by path, outside of `writing()`; empty where nothing is indexed."""
        try:
            with self._reading() as catalog:
                return catalog.files(collection)
        except IndexMissing:
            return {}

    def held(self, collection: str) -> set[str]:
        """Return the paths of the files that have documents; none where nothing is indexed."""
        try:
            with self._reading() as catalog:
                return catalog.held(collection)
        except IndexMissing:
            return set()

    # ------------------------------------------------------------------ writing

    def remember_paths(self, collection: str, paths: Iterable[Path]) -> None:
        """Note which files and folders a run was told to index. What lies below another one is not noted apart."""
        catalog, root = self._writing_catalog(), self.root()
        known = catalog.indexed_paths()
        before = known.get(collection, [])
        kept = outermost([*(index_path(entry_of(path), root) for path in paths), *before])
        if kept != before:
            catalog.set_state({"paths": json.dumps({**known, collection: kept}, ensure_ascii=False)})

    def files(self, collection: str) -> Mapping[str, FileRecord]:
        """Return the ledger of a collection by path."""
        return self._writing_catalog().files(collection)

    def staged(self) -> dict[File, str]:
        """Return (collection, path) → sha256 of the files that an interrupted run left staged."""
        return self._writing_catalog().staged_files()

    def document_ids(self, collection: str, path: str) -> dict[str, str]:
        """Return part → id of the documents of a file."""
        return self._writing_catalog().document_ids(collection, path)

    def is_taken(self, document_id: str) -> bool:
        """Say whether a document has this id."""
        return self._writing_catalog().is_taken(document_id)
