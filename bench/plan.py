"""What 10 million and a billion passages, and 1,000 questions a second, take: arithmetic on what was measured. `make plan`.

Rewrites the tables of bench/SCALE.md. Every cost names the command that it was measured with; replace it by your own.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.readme import replace_part

_PLAN = Path(__file__).parent / "SCALE.md"
_SEED = 5
_ARRIVALS = 100_000
_PATIENCE = 1.0  # seconds within which 99 of 100 questions are to be answered, the LLM not counted
_GB, _HOUR = 1e9, 3600.0


@dataclass(frozen=True)
class Costs:
    """Of one passage or one question. Times in seconds of one core, sizes in bytes, money in dollars."""

    index: float = 0.020  # to read, split and embed a passage: make bench
    write: float = 1 / 1600  # of the one process that writes into Milvus and PostgreSQL: bench.speed.shared
    texts: float = 1900  # on PostgreSQL's disk: bench.speed.shared, then psql
    memory: float = 5000  # of Milvus, HNSW included: bench.speed.shared, then ps
    vector: float = 384 * 4  # on Milvus' disk
    search: float = 0.012  # to embed a question, search and choose: make bench
    nearest: float = 0.0004  # of Milvus, among 100,000 passages: bench.speed.graph
    read: float = 0.35  # of the reader, to rerank, to pick sentences and to quote them: make where
    asked_tokens: float = 2000  # that an LLM reads for a question: 8 passages of 177 tokens, and the prompt
    told_tokens: float = 250  # that it writes: assumed
    core_hour: float = 0.04  # list prices of large clouds, rounded: assumed
    memory_gb_hour: float = 0.005
    disk_gb_month: float = 0.08
    asked_million: float = 0.15  # gpt-4o-mini in litellm's list of prices
    told_million: float = 0.60


COSTS = Costs()


def indexing(passages: float, cores: int, costs: Costs = COSTS) -> dict[str, float]:
    """Return core-hours, what they cost, and the hours that the workers and the one writer each need."""
    core_hours = passages * costs.index / _HOUR
    return {
        "core-hours": core_hours,
        "dollars": core_hours * costs.core_hour,
        f"hours of {cores} cores": core_hours / cores,
        "hours of the writer": passages * costs.write / _HOUR,
    }


def holding(passages: float, costs: Costs = COSTS) -> dict[str, float]:
    """Return what an index takes: memory of Milvus, disk of both, and what that costs."""
    memory, disk = passages * costs.memory / _GB, passages * (costs.texts + costs.vector) / _GB
    month = memory * costs.memory_gb_hour * 730 + disk * costs.disk_gb_month
    return {"GB of memory": memory, "GB of disk": disk, "dollars a month": month}


def answering(passages: float, rate: float, *, reads: bool, costs: Costs = COSTS) -> dict[str, float]:
    """Return the cores that so many questions a second need, by simulation, and what they cost a month."""
    search = costs.search + costs.nearest * math.log10(passages) / 5  # grows with the logarithm
    cores = least_servers(rate, search + (costs.read if reads else 0.0))
    return {"cores": cores, "dollars a month": cores * costs.core_hour * 730}


def llm(rate: float, costs: Costs = COSTS) -> dict[str, float]:
    """Return what an LLM takes for so many questions a second."""
    dollars = (costs.asked_tokens * costs.asked_million + costs.told_tokens * costs.told_million) / 1e6
    return {
        "tokens a second": rate * (costs.asked_tokens + costs.told_tokens),
        "dollars a month": dollars * rate * 730 * _HOUR,
    }


def least_servers(rate: float, seconds: float) -> int:
    """Return the fewest cores with which 99 of 100 questions are done in time: a queue before them, times as measured.

    Questions come by chance (a Poisson process) and take `seconds` on the average: lognormal, for the 99th of a hundred
    takes 2.5 times what the median takes (make bench).
    """
    low, high = math.ceil(rate * seconds), 2 * math.ceil(rate * seconds) + 64
    while low < high:
        middle = (low + high) // 2
        if slowest(rate, seconds, middle) <= max(_PATIENCE, 3 * seconds):
            high = middle
        else:
            low = middle + 1
    return low


def slowest(rate: float, seconds: float, servers: int) -> float:
    """Return the time that 99 of 100 questions are done in, by simulating a hundred thousand."""
    drawn = random.Random(_SEED)  # noqa: S311  # no secret
    spread = math.log(2.5) / 2.326
    centre = math.log(seconds) - spread**2 / 2
    free = [0.0] * servers
    now, times = 0.0, []
    for _ in range(_ARRIVALS):
        now += drawn.expovariate(rate)
        begins = max(now, heapq.heappop(free))
        ends = begins + drawn.lognormvariate(centre, spread)
        heapq.heappush(free, ends)
        times.append(ends - now)
    return sorted(times)[int(0.99 * _ARRIVALS)]


def main() -> None:
    """Write the tables."""
    sizes = (1e6, 1e7, 1e9)
    parts = {
        "indexing": [{"passages": f"{size:,.0f}"} | _shown(indexing(size, 256)) for size in sizes],
        "holding": [{"passages": f"{size:,.0f}"} | _shown(holding(size)) for size in sizes],
        "answering": [
            {"passages": f"{size:,.0f}", "a second": f"{rate:,}", "with": "reader" if reads else "search alone"}
            | _shown(answering(size, rate, reads=reads))
            for size in sizes[1:]
            for rate in (10, 1000)
            for reads in (False, True)
        ],
        "llm": [{"a second": f"{rate:,}"} | _shown(llm(rate)) for rate in (10, 1000)],
    }
    for name, rows in parts.items():
        replace_part(name, _table(rows), _PLAN)


def _shown(values: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for name, value in values.items()}


def _table(rows: Sequence[dict[str, str]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
