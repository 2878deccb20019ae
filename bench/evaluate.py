"""Run `qa eval` over the public data and refresh the table in bench/README.md: `make eval`, or name some sets to run.

The data is not part of the project: its folder is QA_BENCH_DATA, else ../shared/data. Sets that are not there are said
and left out.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.readme import replace_part
from bench.sets import make_sets

ROOT = Path(__file__).resolve().parent.parent
MADE = ROOT / "build" / "eval-data"
SETS: dict[str, str | Path] = {
    "SciFact, test": "retrieval/scifact",
    "NFCorpus, dev": "retrieval/nfcorpus",
    "MLQuestions, dev": "retrieval/mlquestions",
    "CISI": "retrieval/cisi",
    "CACM": "retrieval/cacm",
    "Anthropic, 232 chunks": MADE / "anthropic-docs",
    "Anthropic, code": MADE / "anthropic-code",
    "SQuAD 2.0, 9 articles": MADE / "squad/squad.json",
    "CLAPNQ, part of dev": MADE / "clapnq",
    "Excerpts, Chroma": MADE / "excerpts/excerpts.jsonl",
    "SciFact claims": "claims/scifact_claims_evidence.jsonl.gz",
    "HealthVer claims, dev": "claims/healthver_healthver_dev.csv",
    "Climate-FEVER claims, half": "claims/climate_fever_even.jsonl.gz",
}


def main() -> None:
    """Evaluate each set in a process of its own, keep what it prints under build/eval, and write the table."""
    data = Path(os.environ.get("QA_BENCH_DATA", ROOT.parent / "shared" / "data"))
    kept = ROOT / "build" / "eval"
    kept.mkdir(parents=True, exist_ok=True)
    make_sets(data, MADE)
    wanted = sys.argv[1:] or list(SETS)
    for name, place in SETS.items():
        if name in wanted:
            _evaluate(name, data / place, kept)
    _evaluate("sample questions", ROOT / "corpus" / "questions.jsonl", kept)
    replace_part("figures", "".join(_table(kept)))


def _evaluate(name: str, path: Path, kept: Path) -> None:
    if not path.exists():
        sys.stderr.write(f"{name}: {path} is missing; left out\n")
        return
    report = kept / f"{name}.html"
    command = [sys.executable, "-m", "qa.cli", "eval", str(path), "--json", "--report", str(report)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    sys.stderr.write(f"{name}: {'done' if run.returncode == 0 else run.stderr}\n")
    if run.returncode == 0:
        (kept / f"{name}.json").write_text(run.stdout, encoding="utf-8")


def _table(kept: Path) -> Iterator[str]:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    yield f"Measured with `make eval` on {machine}.\n\n"
    yield "| data set | metric | value | 95 % | questions |\n| --- | --- | --- | --- | --- |\n"
    for name in [*SETS, "sample questions"]:
        path = kept / f"{name}.json"
        if path.exists():
            yield from _rows(name, json.loads(path.read_text(encoding="utf-8")))


def _rows(name: str, fields: Mapping[str, Any]) -> Iterator[str]:
    for metric, one in fields["metrics"].items():
        yield f"| {name} | {metric} | {one['value']:.3f} | {one['low']:.3f} to {one['high']:.3f} | {one['n']} |\n"


if __name__ == "__main__":
    main()
