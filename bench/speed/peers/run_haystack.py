"""Haystack with its InMemoryDocumentStore, as its tutorial on semantic search shows it: embed, write, retrieve.

The question goes through a pipeline of text embedder and InMemoryEmbeddingRetriever; the store compares by cosine and is
kept by `save_to_disk`. Variants: "default" is the embedder as it comes (float32, batches of 32); "fast" loads the model
in bfloat16. Its changes do without a pipeline, by the same components.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils import ComponentDevice
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from wire import Hits, serve


class Haystack:
    """One store in memory with the embedders and the pipeline of a search."""

    def __init__(self, options: dict[str, Any]) -> None:
        fast = {"model_kwargs": {"dtype": "bfloat16"}} if options["variant"] == "fast" else {}
        self._settings: dict[str, Any] = {
            "model": options["model"],
            "device": ComponentDevice.from_str("cpu"),
            "progress_bar": False,
            **fast,
        }
        self._store = _new_store()

    def index(self, ids: Sequence[str], texts: Sequence[str], vectors: Any) -> None:
        """Index passages, from their vectors where they are given."""
        if vectors is None:
            self._start()
            self._write(ids, texts)
        else:
            made = zip(ids, texts, vectors.tolist(), strict=True)
            self._store.write_documents([Document(id=one, content=text, embedding=vector) for one, text, vector in made])

    def save(self, place: str) -> None:
        """Write everything as JSON."""
        Path(place).mkdir(parents=True, exist_ok=True)
        self._store.save_to_disk(str(Path(place, "store.json")))

    def open(self, place: str) -> None:
        """Read it."""
        self._store = InMemoryDocumentStore.load_from_disk(str(Path(place, "store.json")))
        self._start()
        self._pipeline = Pipeline()
        embedder = SentenceTransformersTextEmbedder(**self._settings)
        self._pipeline.add_component("embedder", embedder)
        self._pipeline.add_component("retriever", InMemoryEmbeddingRetriever(document_store=self._store))
        self._pipeline.connect("embedder.embedding", "retriever.query_embedding")
        self._pipeline.warm_up()

    def search(self, question: str, k: int) -> Hits:
        """Find the k nearest passages."""
        found = self._pipeline.run({"embedder": {"text": question}, "retriever": {"top_k": k}})
        return [(one.id, one.content or "") for one in found["retriever"]["documents"]]

    def add(self, document: str, texts: Sequence[str]) -> None:
        """Add a document."""
        self._write([f"{document}#{number}" for number in range(len(texts))], texts)

    def delete(self, document: str, passages: int) -> None:
        """Remove a document."""
        self._store.delete_documents([f"{document}#{number}" for number in range(passages)])

    def _start(self) -> None:
        self._embedder = SentenceTransformersDocumentEmbedder(**self._settings)
        self._embedder.warm_up()

    def _write(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        documents = [Document(id=one, content=text) for one, text in zip(ids, texts, strict=True)]
        embedded = self._embedder.run(documents=documents)["documents"]
        self._store.write_documents(embedded, policy=DuplicatePolicy.OVERWRITE)


def _new_store() -> InMemoryDocumentStore:
    return InMemoryDocumentStore(embedding_similarity_function="cosine")


if __name__ == "__main__":
    serve(Haystack)
