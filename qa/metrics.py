"""What the process did, in numbers, as Prometheus reads them. The only module that knows prometheus_client.

No label holds what somebody asked, wrote or sent: each value is a word of this program, a model of the settings, a route's
rule, or the name of a collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from index.clock import Step
from index.errors import CitableError
from index.records import Stats
from qa.outcome import Call, Outcome
from qa.records import Claim

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# How the reasons of rejected quotes begin (qa/citations.py) → the word that counts them.
_REJECTED = (
    ("shorter than", "too_short"),
    ("not in any", "not_found"),
    ("an ellipsis", "ellipsis"),
    ("its ellipsis", "ellipsis"),
)


class HasStats(Protocol):
    """Where the numbers of the index come from."""

    def stats(self) -> Stats:
        """Say what is in the index."""


class Metrics:
    """Counts what it is told, and reads the index when it is asked. Safe to share between threads."""

    def __init__(self, store: HasStats, shared: Path | None = None) -> None:
        """Count from 0. shared: a folder where several processes put their numbers; each then shows the sums of all.

        That folder must stand in PROMETHEUS_MULTIPROC_DIR since before this module was imported.
        """
        self._registry = CollectorRegistry()
        self._registry.register(_IndexCollector(store))
        self._own: CollectorRegistry | None = None if shared else self._registry
        if shared:
            MultiProcessCollector(self._registry, str(shared))  # type: ignore[no-untyped-call]
        else:
            ProcessCollector(registry=self._registry)  # of several processes the memory of one says little
        self._stages = self._seconds(
            "stage", "that a step took: search holds embed to rerank, write holds llm and verify", "stage"
        )
        self._took = self._seconds("request", "from a request to the end of its response", "route")
        self._requests = self._counter("requests", "Requests whose response is over", "method", "route", "status")
        self._refused = self._counter("refused", "Requests refused: rate_limited (429), overloaded (503)", "reason")
        self._questions = self._counter("questions", "Questions, by who answered and how they ended", "mode", "outcome")
        self._degraded = self._counter("degraded", "Answers that an LLM was to write, and did not or not wholly", "reason")
        self._claims = self._counter("claims", "Claims of answers, by who made them and verdict", "mode", "verdict")
        self._quotes = self._counter("quotes_rejected", "Quotes that were not found in their source", "reason")
        self._unknown = self._counter("markers_invalid", "Quotes of a passage which the LLM was not shown")
        self._calls = self._counter("llm_calls", "Calls to LLMs, by how they ended", "model", "result")
        self._tokens = self._counter("llm_tokens", "Tokens of prompts (in) and replies (out)", "model", "direction")
        self._cost = self._counter("llm_cost_usd", "What the tokens cost, where the price is known", "model")

    def note(self, outcome: Outcome) -> None:
        """Count what came of a question or a search."""
        for step in outcome.clock.steps:
            self._note_step(step)
        for call in outcome.calls:
            self._note_call(call)
        if outcome.kind == "question":
            self._note_question(outcome)

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request whose response is over. route: its rule, never its path."""
        self._requests.labels(method, route, str(status)).inc()
        self._took.labels(route).observe(seconds)

    def note_refusal(self, reason: str) -> None:
        """Count a request that was one too many."""
        self._refused.labels(reason).inc()

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all numbers, in the form that the reader accepts, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"qa_{name}", f"{what}.", labels, registry=self._own)

    def _seconds(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(f"qa_{name}_seconds", f"Seconds {what}.", labels, registry=self._own, buckets=_SECONDS)

    def _note_step(self, step: Step) -> None:
        self._stages.labels(step.name).observe(step.seconds)

    def _note_call(self, call: Call) -> None:
        self._calls.labels(call.model, call.result).inc()
        self._tokens.labels(call.model, "in").inc(call.prompt_tokens)
        self._tokens.labels(call.model, "out").inc(call.completion_tokens)
        self._cost.labels(call.model).inc(call.cost_usd)

    def _note_question(self, outcome: Outcome) -> None:
        answer = outcome.answer
        mode = answer.mode if answer else outcome.wanted
        self._questions.labels(mode, outcome.ended).inc()
        self._unknown.inc(outcome.unknown_ids)
        if answer is None:
            return
        if answer.degraded:
            self._degraded.labels(answer.degraded.partition(":")[0]).inc()
        for claim in (*answer.claims, *answer.left_out):
            self._note_claim(answer.mode, claim)

    def _note_claim(self, mode: str, claim: Claim) -> None:
        self._claims.labels(mode, claim.verdict).inc()
        for one in claim.rejected:
            self._quotes.labels(rejected_as(one.reason)).inc()


def rejected_as(reason: str) -> str:
    """Return the word that counts a reason for which a quote was rejected."""
    return next((word for begins, word in _REJECTED if reason.startswith(begins)), "other")


class _IndexCollector(Collector):
    """Reads the index each time the numbers are asked for: another process may have written it."""

    def __init__(self, store: HasStats) -> None:
        self._store = store

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: there may be no index yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what is in the index; where it cannot be read, only that."""
        try:
            stats = self._store.stats()
        except CitableError:
            yield _readable(0)
            return
        yield _readable(1)
        yield GaugeMetricFamily("qa_index_generation", "Number of the index's last commit.", stats.generation)
        if stats.committed_at:
            age = _age(stats.committed_at)
            yield GaugeMetricFamily("qa_index_age_seconds", "Seconds since the index's last commit.", age)
        yield from _per_collection(stats)


def _readable(value: int) -> Metric:
    return GaugeMetricFamily("qa_index_readable", "1 where there is an index that can be read.", value)


def _age(committed_at: str) -> float:
    then = datetime.fromisoformat(committed_at)
    return max(0.0, (datetime.now(UTC) - then.replace(tzinfo=then.tzinfo or UTC)).total_seconds())


def _per_collection(stats: Stats) -> Iterator[Metric]:
    documents = GaugeMetricFamily("qa_documents", "Documents in the index.", labels=["collection"])
    passages = GaugeMetricFamily("qa_passages", "Passages in the index.", labels=["collection"])
    for name, counted in stats.collections.items():
        documents.add_metric([name], counted.documents)
        passages.add_metric([name], counted.passages)
    failed = GaugeMetricFamily("qa_files_not_indexed", "Files that are not indexed: failed, skipped.", labels=["status"])
    for status in sorted({one.status for one in stats.failures}):
        failed.add_metric([status], sum(one.status == status for one in stats.failures))
    yield from (documents, passages, failed)
