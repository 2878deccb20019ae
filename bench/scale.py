"""How indexing holds up at 180,000 passages: memory, size, and the time until a one-file change is searchable.

Run with: make scale. Needs `scale/passages.jsonl.gz` in the folder that QA_BENCH_DATA names. Vectors come from a hash of
the text, so that what is measured is everything but the embedding model.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.speed.corpus import source_of
from index.embedder import BundledEmbedder, Vectors
from index.search import search
from qa.config import Settings
from qa.indexing import index_paths
from qa.workspace import Workspace


class HashEmbedder(BundledEmbedder):
    """Unit vectors from the hash of each text, with the tokenizer of the real model."""

    fingerprint = "hash-of-text"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one random-looking unit vector a text, always the same."""
        seeds = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts)
        rows = [np.random.default_rng(seed).standard_normal(self.dimension, np.float32) for seed in seeds]
        vectors = np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main() -> None:
    """Write the documents as files, index them, change one, and print what it took."""
    source = source_of(Path(__file__).resolve().parent.parent)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "docs")
        written = _write_files(source, folder)
        workspace = Workspace(Settings(data=Path(place, ".qa")))
        workspace.__dict__["embedder"] = HashEmbedder()
        before, began = _peak_mb(), time.monotonic()
        report = index_paths(workspace, [folder])
        result = {
            "files": written,
            "passages": report.passages,
            "failed": len(report.failed),
            "indexing_seconds": round(time.monotonic() - began),
            "indexing_memory_mb": round(_peak_mb() - before),
            "disk_mb": {name: round(size / 1e6) for name, size in workspace.store.stats().sizes.items()},
            "seconds": dict(_changes(workspace, folder)),
        }
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")


def _changes(workspace: Workspace, folder: Path) -> Iterator[tuple[str, float]]:
    """Yield what was done and the seconds it took."""
    server = Workspace(workspace.settings)
    server.__dict__["embedder"] = workspace.embedder
    new = folder / "new.txt"
    yield "first search", _time(lambda: _find(server, "how to configure the linker"))
    yield "search", _time(lambda: _find(server, "how to configure the linker"))
    new.write_text("The zanzibar quay was dredged in 1934.")
    yield "index a new file", _time(lambda: index_paths(workspace, [new]))
    yield "search by a running server after it", _time(lambda: _find(server, "zanzibar quay"))
    new.write_text("The zanzibar quay was dredged anew in 1988.")
    yield "index the changed file", _time(lambda: index_paths(workspace, [new]))
    new.unlink()
    yield "remove the file, words and all", _time(lambda: index_paths(workspace, [new]))
    yield "index where nothing changed", _time(lambda: index_paths(workspace, [folder]))


def _find(workspace: Workspace, question: str) -> None:
    with workspace.store.view() as view:
        search(view, workspace.embedder, question)


def _time(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return round(time.monotonic() - began, 2)


def _write_files(source: Path, folder: Path) -> int:
    texts: dict[str, list[str]] = {}
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            texts.setdefault(fields["_id"].rsplit("#", 1)[0], []).append(fields["text"])
    for number, parts in enumerate(texts.values()):
        path = folder / str(number // 1000) / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(parts), encoding="utf-8")
    return len(texts)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
