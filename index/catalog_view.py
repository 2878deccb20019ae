"""What a view of one generation takes from its catalog: all but searching and vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from index.catalog_reading import CatalogReading
from index.records import AllOf, Document, DocumentInfo, Filter, Passage, Stats

C = TypeVar("C", bound=CatalogReading)


@dataclass(frozen=True)
class CatalogView(Generic[C]):
    """One generation of a store that keeps its documents in a catalog. catalog: standing still at that generation."""

    catalog: C

    def passages(self, nums: Sequence[int]) -> dict[int, tuple[Passage, DocumentInfo]]:
        """Return passages by number, with their documents."""
        return self.catalog.passages(nums)

    def numbers(self, scope: Filter = AllOf()) -> list[int]:
        """Return the numbers of the passages that a filter admits, document by document."""
        return self.catalog.numbers(scope)

    def numbers_of(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """Return id → number of those of the passages that are there."""
        return self.catalog.numbers_of(passage_ids)

    def passage(self, passage_id: str) -> tuple[Passage, DocumentInfo] | None:
        """Return a passage by id, with its document."""
        return self.catalog.passage(passage_id)

    def passage_after(self, passage: Passage) -> Passage | None:
        """Return the passage of the same document that begins next."""
        return self.catalog.passage_after(passage)

    def document(self, document_id: str) -> Document | None:
        """Return a document with its text."""
        return self.catalog.document(document_id)

    def documents(self, scope: Filter = AllOf()) -> list[DocumentInfo]:
        """Return documents by collection and path."""
        return self.catalog.documents(scope)

    def stats(self) -> Stats:
        """Say what is in the store."""
        return self.catalog.stats()

    def metadata_keys(self, scope: Filter = AllOf()) -> set[str]:
        """Return every name that some document that a filter admits has metadata under."""
        return self.catalog.metadata_keys(scope)
