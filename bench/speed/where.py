"""Where the time goes: of embedding the share of what the processor can multiply, of a question each step. `make where`.

Rewrites its part of bench/README.md. The data is that of `make bench`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bench.readme import replace_part
from bench.speed.corpus import make_questions, read_documents, source_of
from bench.speed.figures import significant
from bench.speed.machine import describe_machine
from bench.speed.synthetic import index_synthetic
from bench.speed.vectors import vectors_for
from index.bert import load_openvino
from index.clock import Clock
from index.embedder import BundledEmbedder
from qa.answer import answer_question, check_request
from qa.config import Settings
from qa.records import AskRequest
from qa.retrieval import find
from qa.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "build" / "bench"
_EMBEDDED = 1024  # passages
_ROUNDS = 5
_SIDE, _PRODUCTS = 1024, 16  # of the square matrices that are multiplied one after the other
_LAYERS, _WIDTH, _INNER = 6, 384, 1536  # of all-MiniLM-L6-v2
_REAL, _SIZE = 20_000, 100_000  # passages of the index: real ones, and all
_ASKED = 100


def main() -> None:
    """Measure and write."""
    texts = [one for passages in read_documents(source_of(ROOT)) for one in passages][:_REAL]
    lines = [*_embedding(texts[:_EMBEDDED]), "\n", *_questions(texts)]
    head = f"`python -m bench.speed.where`, {time.strftime('%Y-%m-%d', time.gmtime())}, {describe_machine()}.\n\n"
    replace_part("where", head + "".join(lines))
    sys.stdout.writelines(lines)


def _embedding(texts: Sequence[str]) -> list[str]:
    """Return what embedding multiplies in a second, and what the processor can in the precision that embedding uses."""
    embedder = BundledEmbedder()
    lengths = [min(one + 2, embedder.window) for one in embedder.count_tokens(texts)]  # with both special tokens
    embedder.embed(texts[:64])
    multiply = _product()
    done, most = [], []
    for _ in range(_ROUNDS):  # by turns, so that what else the machine does hits both
        done.append(sum(map(flops, lengths)) / _seconds(lambda: embedder.embed(texts)))
        most.append(_PRODUCTS * 2 * _SIDE**3 / _seconds(multiply))
    rate = max(done) / sum(map(flops, lengths)) * len(texts)
    mean = sum(lengths) / len(lengths)
    return [
        f"Embedding {len(texts):,} passages of {mean:.0f} tokens: {rate:.0f} passages/s, {max(done) / 1e9:.0f} GFLOP/s, "
        f"which is {max(done) / max(most):.0%} of the {max(most) / 1e9:.0f} that products of {_SIDE} × {_SIDE} reach.\n"
    ]


def flops(tokens: int) -> int:
    """Return the floating point operations that the encoder takes for a sequence: its products, and those of attention."""
    weights = _LAYERS * (4 * _WIDTH**2 + 2 * _WIDTH * _INNER)
    return 2 * tokens * weights + _LAYERS * 4 * tokens**2 * _WIDTH


def _product() -> Callable[[], object]:
    """Return what multiplies matrices on all cores, as fast as the runtime of the encoder can."""
    op = load_openvino().opset13
    drawn = np.random.default_rng(1)
    left = op.parameter([_SIDE, _SIDE], np.float32, name="left")
    product = left
    for _ in range(_PRODUCTS):
        right = (drawn.standard_normal((_SIDE, _SIDE)) / _SIDE**0.5).astype(np.float32)
        product = op.matmul(product, op.constant(right), False, True)
    core = load_openvino().Core()
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = core.compile_model(load_openvino().Model([product], [left]), "CPU", options).create_infer_request()
    given = drawn.standard_normal((_SIDE, _SIDE)).astype(np.float32)
    return lambda: request.infer([given])


def _questions(texts: Sequence[str]) -> list[str]:
    """Return the median time of each step of searches and of extractive answers in an index of 100,000 passages."""
    vectors = np.load(vectors_for(texts, _REAL, PLACE))
    asked = [f"What is said about {one}?" for one in make_questions(texts, 2 * _ASKED)]
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        workspace = Workspace(Settings(data=Path(folder, ".qa")))
        index_synthetic(workspace.store, workspace.embedder, texts, vectors, _SIZE)
        workspace.warm_up()
        searched = [_search(workspace, one) for one in asked[:_ASKED]]
        answered = [_ask(workspace, one) for one in asked[_ASKED:]]
    return [
        f"Steps of a search among {_SIZE:,} passages, ms in the median: {_medians(searched)}.\n",
        f"Steps of an extractive answer there: {_medians(answered)}.\n",
    ]


def _search(workspace: Workspace, question: str) -> Mapping[str, float]:
    clock, began, used = Clock(), time.perf_counter(), time.process_time()
    with workspace.store.view() as view:
        find(view, workspace, check_request(workspace, AskRequest(question, mode="extractive")), clock=clock)
    whole, took = time.perf_counter() - began, Counter[str]()
    for step in clock.steps:
        took[step.name] += step.seconds
    return {**took, "all else": whole - sum(took.values()), "in all": whole, "CPU": time.process_time() - used}


def _ask(workspace: Workspace, question: str) -> Mapping[str, float]:
    used = time.process_time()
    timings = answer_question(workspace, AskRequest(question, mode="extractive"))["timings_ms"]
    took = {name: milliseconds / 1000 for name, milliseconds in timings.items()}
    return {**took, "CPU": time.process_time() - used}


def _medians(rows: Sequence[Mapping[str, float]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = {name: 1000 * median(row.get(name, 0.0) for row in rows) for name in names}
    return ", ".join(f"{name} {significant(value, 2)}" for name, value in found.items())


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
