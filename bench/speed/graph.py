"""How the time of a search in a graph of neighbours (HNSW, what Milvus uses) grows with the number of passages.

Run with: python -m bench.speed.graph. FAISS builds the graph, of vectors as in `make large`; ten minutes. Prints a table.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from bench.speed.corpus import make_questions, read_documents, source_of
from bench.speed.figures import significant
from bench.speed.synthetic import synthetic_files
from bench.speed.vectors import vectors_for
from index.dense import faiss
from index.embedder import open_embedder

ROOT = Path(__file__).resolve().parent.parent.parent
_REAL = 20_000
_SIZES = (20_000, 50_000, 100_000)
_NEIGHBOURS, _BREADTH = 32, 128  # of the graph; candidates that a search keeps
_K = 50  # what a search of ours asks for
_ASKED = 200


def main() -> None:
    """Build a graph of each size and search it with one thread."""
    texts = [one for passages in read_documents(source_of(ROOT)) for one in passages][:_REAL]
    made = synthetic_files(texts, np.load(vectors_for(texts, _REAL, ROOT / "build" / "bench")), max(_SIZES))
    vectors = np.vstack([row for change in made for row in change.vectors.values()])
    asked = open_embedder().embed(make_questions(texts, _ASKED))
    sys.stdout.write("| passages | ms a search | recall@10 | built in, s |\n| --- | --- | --- | --- |\n")
    for size in _SIZES:
        row = [f"{size:,}", *map(significant, _measure(vectors[:size], asked))]
        sys.stdout.write(f"| {' | '.join(row)} |\n")
        sys.stdout.flush()


def _measure(vectors: np.ndarray, asked: np.ndarray) -> tuple[float, float, float]:
    began = time.perf_counter()
    graph = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.add(vectors)
    built = time.perf_counter() - began
    graph.hnsw.efSearch = _BREADTH
    faiss.omp_set_num_threads(1)
    began = time.perf_counter()
    found = [graph.search(one.reshape(1, -1), _K)[1][0] for one in asked]
    seconds = (time.perf_counter() - began) / len(asked)
    nearest = np.argsort(-(asked @ vectors.T), axis=1)[:, :10]
    recall = np.mean([len(set(one[:10]) & set(right)) / 10 for one, right in zip(found, nearest, strict=True)])
    faiss.omp_set_num_threads(2)
    return 1000 * seconds, float(recall), built


if __name__ == "__main__":
    main()
