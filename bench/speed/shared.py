"""An index in Milvus and PostgreSQL beside a local one of the same passages: whether both find the same, what each takes.

Run with the addresses of both in the environment, and nothing in them that matters:

    export QA_MILVUS_URI=http://127.0.0.1:19530 QA_CATALOG_URL=postgresql://qa@127.0.0.1/qa
    python -m bench.speed.shared --size 180000

The data is that of `make bench`; vectors are synthetic, as in `make large`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.speed.corpus import make_questions, read_documents, source_of
from bench.speed.figures import percentile
from bench.speed.machine import describe_machine
from bench.speed.synthetic import index_synthetic
from bench.speed.vectors import vectors_for
from index.embedder import Vectors
from index.search import search
from qa.config import load_settings
from qa.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "build" / "bench"
_K = 10
_REAL = 20_000
_ASKED = 200


def main() -> None:
    """Index, search, compare, and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.shared", description=__doc__)
    parser.add_argument("--size", type=int, default=180_000, help="passages")
    given = parser.parse_args()
    texts = [one for passages in read_documents(source_of(ROOT)) for one in passages][:_REAL]
    vectors = np.load(vectors_for(texts, _REAL, PLACE))
    questions = make_questions(texts, 2 * _ASKED)
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        found, told = {}, {}
        for store in ("local", "milvus"):
            workspace = Workspace(load_settings({"data": Path(folder, store), "store": store}).settings)
            began = time.perf_counter()
            index_synthetic(workspace.store, workspace.embedder, texts, vectors, given.size)
            told[store] = {"passages/s": round(given.size / (time.perf_counter() - began))}
            found[store] = nearest(workspace, workspace.embedder.embed(questions[:_ASKED]))
            told[store] |= _time(workspace, questions[_ASKED:])
    same = [len(set(one) & set(other)) / len(set(one)) for one, other in zip(found["local"], found["milvus"], strict=True)]
    result = {"passages": given.size, **told, "top-10 in common": round(float(np.mean(same)), 4), "on": describe_machine()}
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


def nearest(workspace: Workspace, asked: Vectors) -> list[list[str]]:
    """Return the texts of the ten nearest passages of each vector: of the same text in two places either may be found."""
    with workspace.store.view() as view:
        found = [[num for num, _ in view.search_dense(one, _K)] for one in asked]
        passages = view.passages([num for nums in found for num in nums])
    return [[passages[num][0].text for num in nums] for nums in found]


def _time(workspace: Workspace, questions: Sequence[str]) -> dict[str, float]:
    """Return how long searches by one client take, without the reader."""
    seconds = []
    for question in questions:
        began = time.perf_counter()
        with workspace.store.view() as view:
            search(view, workspace.embedder, question, _K)
        seconds.append(time.perf_counter() - began)
    return {f"p{share}, ms": round(1000 * percentile(seconds, share / 100), 1) for share in (50, 99)}


if __name__ == "__main__":
    main()
