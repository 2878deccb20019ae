"""This project, from its own environment: what `qa index` has made is searched and changed within one process.

Variants: "default" searches as `qa search`, the API and every answer do: dense, lexical, fused, the best 8 read by the
embedded reader. "search" leaves the reader out (`reranker = none`), which is the work that the peers do; txtai's hybrid
does the same two searches. A change goes through `index_paths`, as `qa watch` and the server do it: when it returns, it
is on disk.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wire import Hits, serve

from index.search import search
from qa.answer import check_request
from qa.config import Settings
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.retrieval import find
from qa.workspace import Workspace


class CitableQA:
    """One data directory, and a folder beside it for the documents that come and go."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._reads = options["variant"] != "search"

    def index_files(self, folder: str, place: str) -> None:
        """Index the files of a folder."""
        index_paths(Workspace(Settings(data=Path(place))), [Path(folder)])

    def open(self, place: str) -> None:
        """Open the data directory; what a search needs is loaded by the first."""
        self._workspace = Workspace(Settings(data=Path(place)))
        self._added = Path(f"{place}-added")
        self._added.mkdir(exist_ok=True)

    def search(self, question: str, k: int) -> Hits:
        """Find the k nearest passages."""
        with self._workspace.store.view() as view:
            if self._reads:
                request = check_request(self._workspace, AskRequest(question, k=k, mode="extractive"))
                hits = find(view, self._workspace, request)
            else:
                hits = search(view, self._workspace.embedder, question, k)
        return [(f"{Path(hit.document.path).stem}#{hit.passage.start}", hit.passage.text) for hit in hits]

    def add(self, document: str, texts: Sequence[str]) -> None:
        """Write the document's file, or write it anew, and index it."""
        path = self._path_of(document)
        path.write_text("\n\n".join(texts), encoding="utf-8")
        index_paths(self._workspace, [path])

    def change(self, document: str, texts: Sequence[str]) -> None:
        """Do the same; nothing needs to be removed first."""
        self.add(document, texts)

    def delete(self, document: str, passages: int) -> None:  # noqa: ARG002  # the index knows
        """Remove the document's file and index its place, until no search finds it: its words leave the files after that."""
        with self._workspace.store.view() as view:
            before = view.generation
        path = self._path_of(document)
        path.unlink()
        self._erasing = ThreadPoolExecutor(1).submit(index_paths, self._workspace, [path])
        while not self._erasing.done():
            with self._workspace.store.view() as view:
                if view.generation > before:
                    return
            time.sleep(0.005)

    def erase(self) -> None:
        """Wait until what was deleted is in no file any more."""
        self._erasing.result()

    def save(self, place: str) -> None:
        """Do nothing: it is saved."""

    def _path_of(self, document: str) -> Path:
        return self._added / f"{document}.txt"


if __name__ == "__main__":
    serve(CitableQA)
