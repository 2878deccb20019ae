"""txtai, as its first example shows it: `Embeddings(path=…, content=True)`, `index`, `save`, `search`, `upsert`, `delete`.

Variants: "default" is dense with the embedder as it comes; "hybrid" adds its BM25 (`hybrid=True`); "fast" is dense with
sentence-transformers in bfloat16 (`method`, and `vectors` for the model's arguments). FAISS is its default, exact up to
5,000 passages, IVF beyond. Searches of several threads take turns: "thread locking must be handled externally", it says.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from txtai import Embeddings
from wire import Hits, serve


class Txtai:
    """One Embeddings database that keeps the texts."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._settings: dict[str, Any] = {"path": options["model"], "content": True, "gpu": False}
        if options["variant"] == "hybrid":
            self._settings["hybrid"] = True
        if options["variant"] == "fast":
            fast = {"model_kwargs": {"dtype": "bfloat16"}}
            self._settings |= {"method": "sentence-transformers", "vectors": fast}
        self._embeddings = Embeddings()
        self._lock = threading.Lock()

    def index(self, ids: Sequence[str], texts: Sequence[str], vectors: Any) -> None:
        """Index passages, from their vectors where they are given: by its way for external vectors, a function."""
        if vectors is None:
            self._embeddings = Embeddings(self._settings)
        else:
            known = dict(zip(texts, vectors, strict=True))
            settings = {key: value for key, value in self._settings.items() if key not in ("path", "method", "vectors")}
            self._embeddings = Embeddings(
                settings | {"method": "external", "transform": lambda few: [known[one] for one in few]}
            )
        self._embeddings.index(list(zip(ids, texts, strict=True)))

    def save(self, place: str) -> None:
        """Write the folder; what was made of external vectors embeds by the model from then on."""
        if self._embeddings.config.get("method") == "external":
            self._embeddings.config.pop("transform")
            self._embeddings.config.pop("method")
            self._embeddings.config |= self._settings
        self._embeddings.save(place)

    def open(self, place: str) -> None:
        """Read it."""
        self._embeddings = Embeddings()
        self._embeddings.load(place)

    def search(self, question: str, k: int) -> Hits:
        """Find the k nearest passages."""
        with self._lock:
            found = self._embeddings.search(question, k)
        return [(one["id"], one["text"]) for one in found]

    def add(self, document: str, texts: Sequence[str]) -> None:
        """Add a document."""
        self._embeddings.upsert([(f"{document}#{number}", text) for number, text in enumerate(texts)])

    def delete(self, document: str, passages: int) -> None:
        """Remove a document."""
        self._embeddings.delete([f"{document}#{number}" for number in range(passages)])


if __name__ == "__main__":
    serve(Txtai)
