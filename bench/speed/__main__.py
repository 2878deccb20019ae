"""Measure this project and its peers side by side and refresh the tables and the plot of bench/README.md: `make bench`.

The data is not part of the project: `scale/passages.jsonl.gz` in the folder QA_BENCH_DATA, else ../shared/data. What was
measured is kept in bench/speed.json, size by size: a run replaces the sizes that it measures.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.readme import replace_part
from bench.speed.corpus import read_documents, source_of, write_corpus
from bench.speed.environments import python_of, versions_of
from bench.speed.growth import growth_svg
from bench.speed.machine import describe_machine
from bench.speed.measure import Bench, measure, needed_questions
from bench.speed.record import Record
from bench.speed.table import growth, tables
from bench.speed.variants import NAMES, OURS, PEERS, Variant, chosen
from bench.speed.vectors import vectors_for
from index.embedder import bundled_folder

ROOT = Path(__file__).resolve().parent.parent.parent
PLOT = ROOT / "bench" / "speed.svg"
KEPT = ROOT / "bench" / "speed.json"  # in the repository, so that it outlives the machine
PLACE = ROOT / "build" / "bench"
_PLOTS = {
    "indexing, passages/s": "index_rate",
    "disk, bytes a passage": "disk",
    "memory while searching, bytes": "search_memory",
    "cold search, s": "cold",
    "warm search, p50, s": "p50_1",
    "one document added, on disk, s": "durable",
}


def main() -> None:
    """Measure each size, keep the numbers, write the tables."""
    given = _arguments()
    source = source_of(ROOT)
    variants = chosen(given.peers)
    pythons = {one.peer: _python(one) for one in variants}
    documents = read_documents(source)
    kept = _read_kept()
    kept["versions"] |= {peer: versions_of(python) for peer, python in pythons.items()}
    for size in given.sizes:
        questions = needed_questions(given.rounds, given.questions)
        corpus = write_corpus(documents, size, PLACE / "corpus", questions)
        fed = None
        if size > given.embedded:
            texts = [one for passages in documents for one in passages]
            vectors_for(texts, max(given.sizes), PLACE)  # the smaller sizes' are the first of these
            fed = vectors_for(texts, size, PLACE)
        index_rounds = given.rounds if size <= given.index_once else 1
        bench = Bench(ROOT, PLACE, bundled_folder(), pythons, given.rounds, index_rounds, given.questions, fed)
        record = measure(bench, [one for one in variants if size <= one.most], corpus)
        about = {"command": _command(), "at": datetime.now(UTC).isoformat(timespec="minutes"), "documents": corpus.documents}
        kept["sizes"][str(size)] = {**about, "machine": describe_machine(), **record.to_json()}
        _write(kept)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help="passages (default: 1000 5000)")
    parser.add_argument("--full", action="store_true", help="1,000, 10,000, 50,000 and 180,000 passages: a day")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), help=f"of {', '.join(PEERS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=100, help="searches in a round")
    parser.add_argument("--embedded", type=int, default=5000, help="above this size peers are fed vectors made once")
    parser.add_argument(
        "--index-once", type=int, default=1000, help="above this size indexing is measured in one round only"
    )
    given = parser.parse_args()
    given.sizes = given.sizes or ([1000, 10_000, 50_000, 180_000] if given.full else [1000, 5000])
    return given


def _python(variant: Variant) -> Path:
    if variant.ours:
        return Path(sys.executable)
    return python_of(variant.peer, variant.requirements, PLACE / "environments")


def _command() -> str:
    return " ".join(["python -m bench.speed", *sys.argv[1:]])


def _read_kept() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {"versions": {}, "sizes": {}}
    return kept


def _write(kept: dict[str, Any]) -> None:
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    records = {int(size): Record.from_json(fields) for size, fields in kept["sizes"].items()}
    PLOT.write_text(
        growth_svg({title: growth(records, metric, NAMES) for title, metric in _PLOTS.items()}), encoding="utf-8"
    )
    replace_part("speed", "".join([*_head(kept), *tables(records, NAMES)]))


def _head(kept: dict[str, Any]) -> list[str]:
    lines = [
        f"{int(size):,} passages in {one['documents']:,} files: `{one['command']}`, {one['at'][:10]}, {one['machine']}.\n"
        for size, one in sorted(kept["sizes"].items(), key=lambda pair: int(pair[0]))
    ]
    named = (
        "langchain-community",
        "llama-index-core",
        "haystack-ai",
        "txtai",
        "sentence-transformers",
        "torch",
        "faiss-cpu",
    )
    found = {name: version for peer, all_of in kept["versions"].items() if peer != OURS for name, version in all_of.items()}
    versions = ", ".join(f"{name} {found[name]}" for name in named if name in found)
    return [*lines, f"\nVersions of the peers: {versions}.\n\n![costs over the size of the corpus](speed.svg)\n"]


if __name__ == "__main__":
    main()
