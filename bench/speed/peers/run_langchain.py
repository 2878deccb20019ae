"""LangChain with FAISS, as its page on the FAISS vector store shows it: `from_texts`, `save_local`, `similarity_search`.

Variants: "default" embeds by HuggingFaceEmbeddings as it comes (float32, batches of 32); "fast" loads the model in
bfloat16, what sentence-transformers' page on speed recommends that installs beside it. Larger batches are slower on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_community.vectorstores import FAISS
from langchain_huggingface import HuggingFaceEmbeddings
from wire import Hits, serve


class LangChain:
    """One FAISS vector store."""

    def __init__(self, options: dict[str, Any]) -> None:
        fast = {"model_kwargs": {"dtype": "bfloat16"}} if options["variant"] == "fast" else {}
        self._embeddings = HuggingFaceEmbeddings(
            model_name=options["model"], model_kwargs={"device": "cpu", **fast}, encode_kwargs={"normalize_embeddings": True}
        )

    def index(self, ids: Sequence[str], texts: Sequence[str], vectors: Any) -> None:
        """Index passages, from their vectors where they are given."""
        places = [{"id": one} for one in ids]
        if vectors is None:
            self._store = FAISS.from_texts(list(texts), self._embeddings, metadatas=places, ids=list(ids))
        else:
            pairs = list(zip(texts, vectors.tolist(), strict=True))
            self._store = FAISS.from_embeddings(pairs, self._embeddings, metadatas=places, ids=list(ids))

    def save(self, place: str) -> None:
        """Write the index and the pickled texts."""
        self._store.save_local(place)

    def open(self, place: str) -> None:
        """Read both; its own file, so the pickle may be trusted."""
        self._store = FAISS.load_local(place, self._embeddings, allow_dangerous_deserialization=True)

    def search(self, question: str, k: int) -> Hits:
        """Find the k nearest passages."""
        return [(one.metadata["id"], one.page_content) for one in self._store.similarity_search(question, k=k)]

    def add(self, document: str, texts: Sequence[str]) -> None:
        """Add a document."""
        ids = [f"{document}#{number}" for number in range(len(texts))]
        self._store.add_texts(list(texts), metadatas=[{"id": one} for one in ids], ids=ids)

    def delete(self, document: str, passages: int) -> None:
        """Remove a document."""
        self._store.delete([f"{document}#{number}" for number in range(passages)])


if __name__ == "__main__":
    serve(LangChain)
