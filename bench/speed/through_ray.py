"""The same folder indexed here, and through Ray into Milvus and PostgreSQL: whether both hold the same, what each takes.

Run with the addresses of both in the environment, and nothing in them that matters:

    export QA_MILVUS_URI=http://127.0.0.1:19530 QA_CATALOG_URL=postgresql://qa@127.0.0.1/qa
    python -m bench.speed.through_ray --size 180000

With `--local` an index that `make bench` left of the same folder is compared with, instead of one that is made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.speed.corpus import make_questions, read_documents, source_of, write_corpus
from bench.speed.machine import describe_machine
from bench.speed.session import run
from bench.speed.shared import nearest
from index.embedder import Vectors
from index.store import Store
from qa.config import load_settings
from qa.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "build" / "bench"
_ASKED = 200
_AT_ONCE = 5_000


def main() -> None:
    """Index twice, compare, and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.through_ray", description=__doc__)
    parser.add_argument("--size", type=int, default=180_000, help="passages")
    parser.add_argument("--local", type=Path, help="a data directory beside build/bench/places/ray")
    given = parser.parse_args()
    documents = read_documents(source_of(ROOT))
    corpus = write_corpus(documents, given.size, PLACE / "corpus", 0)
    told = {}
    if given.local is None:
        told["here"] = _index(corpus.folder, PLACE / "places" / "here")
    told["through Ray"] = _index(corpus.folder, PLACE / "places" / "ray", "--engine", "ray", QA_STORE="milvus")
    here = _workspace(given.local or PLACE / "places" / "here", "local")
    there = _workspace(PLACE / "places" / "ray", "milvus")
    asked = here.embedder.embed(make_questions([one for passages in documents for one in passages], _ASKED))
    pairs = zip(nearest(here, asked), nearest(there, asked), strict=True)
    same = [len(set(one) & set(other)) / len(set(one)) for one, other in pairs]
    passages = _passages(here.store), _passages(there.store)
    result = {
        "files": corpus.documents,
        **told,
        "same documents": _documents(here.store) == _documents(there.store),
        "same passages": passages[0].keys() == passages[1].keys(),
        "largest difference in a vector": _furthest(*passages),
        "top-10 in common": round(float(np.mean(same)), 4),
        "on": describe_machine(),
    }
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _index(folder: Path, place: Path, *flags: str, **settings: str) -> dict[str, float]:
    """Index a folder by the command, and return what that took."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "QA_STORE": "local", **settings}
    cost = run([sys.executable, "-m", "qa.cli", "index", str(folder), "--data", str(place), *flags], environ)
    return {"seconds": round(cost.wall), "CPU seconds of the command": round(cost.cpu), "peak MB": round(cost.memory / 1e6)}


def _workspace(place: Path, store: str) -> Workspace:
    return Workspace(load_settings({"data": place, "store": store}).settings)


def _documents(store: Store) -> set[tuple[str, str]]:
    return {(one.id, one.sha256) for one in store.documents()}


def _passages(store: Store) -> dict[tuple[str, int, int], Vectors]:
    """Return the vector of every passage by where that lies."""
    with store.view() as view:
        nums = view.numbers()
        found: dict[tuple[str, int, int], Vectors] = {}
        for start in range(0, len(nums), _AT_ONCE):
            some = nums[start : start + _AT_ONCE]
            passages, vectors = view.passages(some), view.vectors(some)
            for num, vector in zip(some, vectors, strict=True):
                passage, document = passages[num]
                found[document.id, passage.start, passage.end] = vector
    return found


def _furthest(one: Mapping[tuple[str, int, int], Vectors], other: Mapping[tuple[str, int, int], Vectors]) -> float:
    """Return the largest difference of any number in the vectors of both."""
    return max((float(np.abs(one[where] - other[where]).max()) for where in one.keys() & other.keys()), default=0.0)


if __name__ == "__main__":
    main()
