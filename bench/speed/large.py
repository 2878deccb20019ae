"""Search and memory in indexes of 100,000 to a million passages, whose vectors are synthetic: `make large`.

Rewrites its table in bench/README.md. The data is that of `make bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.readme import replace_part
from bench.speed.corpus import make_questions, read_documents, source_of
from bench.speed.figures import percentile, significant
from bench.speed.machine import describe_machine
from bench.speed.peers.wire import seconds_of_clients
from bench.speed.serving import ServeSession
from bench.speed.synthetic import index_synthetic
from bench.speed.vectors import vectors_for
from index.embedder import Vectors
from index.local_store import LocalStore
from index.search import search
from qa.config import Settings
from qa.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "build" / "bench"
_K = 10
_REAL = 20_000  # passages that are embedded; all others are made of them
_ASKED = 400
_CHECKED = 200  # questions that are compared with exact search
_AT_ONCE = 50_000  # vectors that are compared at once
_MB = 1e6
_KEPT = ROOT / "bench" / "large.json"  # what was measured, size by size: a run replaces the sizes that it measures

Row = dict[str, float | str]


def main() -> None:
    """Measure every size and write the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.large", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 180_000, 1_000_000], help="passages")
    given = parser.parse_args()
    texts = [one for passages in read_documents(source_of(ROOT)) for one in passages][:_REAL]
    vectors: Vectors = np.load(vectors_for(texts, _REAL, PLACE))
    kept: dict[str, Row] = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=PLACE) as folder:
            kept[str(size)] = _measure(Path(folder, ".qa"), texts, vectors, size)
        _KEPT.write_text(json.dumps(kept, indent=1) + "\n")
        replace_part("large", _table([kept[key] for key in sorted(kept, key=int)]))


def _measure(folder: Path, texts: Sequence[str], vectors: Vectors, size: int) -> Row:
    workspace = Workspace(Settings(data=folder))
    began = time.perf_counter()
    index_synthetic(workspace.store, workspace.embedder, texts, vectors, size)
    row: Row = {"passages": f"{size:,}", "made, s": time.perf_counter() - began}
    row |= {f"{part}, MB": used / _MB for part, used in workspace.store.stats().sizes.items()}
    questions = make_questions(texts, 4 * _ASKED + _CHECKED)
    row["recall@10"] = recall(workspace, questions[:_CHECKED])
    row |= _searches(workspace, questions[_CHECKED:])
    return row | _served(folder, questions[_CHECKED:])


def recall(workspace: Workspace, questions: Sequence[str]) -> float:
    """Return the share of the ten nearest passages that the index finds, against all vectors compared one by one."""
    asked = workspace.embedder.embed(questions)
    with workspace.store.view() as view:
        found = [[num for num, _ in view.search_dense(one, _K)] for one in asked]
        nums = np.array(view.numbers())
        best = np.full((len(asked), _K), -1.0, np.float32)
        nearest = np.zeros((len(asked), _K), np.int64)
        for start in range(0, len(nums), _AT_ONCE):
            some = nums[start : start + _AT_ONCE]
            scores = np.hstack([best, asked @ view.vectors(some.tolist()).T])
            known = np.hstack([nearest, np.broadcast_to(some, (len(asked), len(some)))])
            order = np.argsort(-scores, axis=1)[:, :_K]
            best, nearest = np.take_along_axis(scores, order, 1), np.take_along_axis(known, order, 1)
    return float(np.mean([len(set(one) & set(right.tolist())) / _K for one, right in zip(found, nearest, strict=True)]))


def _searches(workspace: Workspace, questions: Sequence[str]) -> Row:
    """Time searches within this process, without the reader."""
    store, embedder = LocalStore(workspace.settings.data), workspace.embedder

    def connect() -> Callable[[str], object]:
        def ask(question: str) -> object:
            with store.view() as view:
                return search(view, embedder, question, _K)

        return ask

    return _time(connect, questions[: 2 * _ASKED], "search")


def _served(folder: Path, questions: Sequence[str]) -> Row:
    """Time searches by HTTP, with the reader, and look at the server's memory afterwards."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("QA_")}
    with ServeSession(folder, {**environ, "PYTHONPATH": str(ROOT)}) as server:
        ready = server.importing
        row = _time(lambda: server.client(_K), questions[2 * _ASKED : 3 * _ASKED], "by HTTP")
        return {"ready, s": ready, **row, "qa serve, MB": server.memory() / _MB}


def _time(connect: Callable[[], Callable[[str], object]], questions: Sequence[str], name: str) -> Row:
    """Ask half of the questions by one client and half by eight."""
    half = len(questions) // 2
    connect()("a question to warm up by")
    alone = seconds_of_clients(connect, questions[:half], 1)
    began = time.perf_counter()
    seconds_of_clients(connect, questions[half:], 8)
    rate = half / (time.perf_counter() - began)
    p50, p99 = (1000 * percentile(alone, share) for share in (0.5, 0.99))
    return {f"{name}: p50, ms": p50, f"{name}: p99, ms": p99, f"{name}: 8 clients, /s": rate}


def _table(rows: Sequence[Row]) -> str:
    head = f"`make large`, {time.strftime('%Y-%m-%d', time.gmtime())}, {describe_machine()}.\n\n"
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[one if isinstance(one, str) else significant(one) for one in row.values()] for row in rows]
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
