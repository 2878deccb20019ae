"""Traces by OpenTelemetry: a span for each question and search, with its steps below it. The only module that knows it.

Off unless the extra `otel` is installed and its own variables (OTEL_EXPORTER_OTLP_ENDPOINT …) say where spans go; all else,
names, sampling, headers, its SDK reads from them itself. Spans hold what metrics hold: no question, text or key.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qa.errors import ConfigError
from qa.outcome import Outcome

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class Tracing:
    """Makes spans of what came of questions, when they are over."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("qa")

    def note(self, outcome: Outcome) -> None:
        """Send a span for a question or a search, and one for each of its steps."""
        from opentelemetry.trace import set_span_in_context  # only where it is installed

        clock = outcome.clock
        whole = self._tracer.start_span(outcome.kind, start_time=clock.began, attributes=_attributes(outcome))
        for step in sorted(clock.steps, key=lambda one: one.began):
            inner = self._tracer.start_span(step.name, set_span_in_context(whole), start_time=step.began)
            inner.end(step.ended)
        whole.end(max((step.ended for step in clock.steps), default=clock.began))

    def close(self) -> None:
        """Send what has not been sent yet."""
        self._provider.shutdown()


def open_tracing() -> Tracing:
    """Return what sends spans by OTLP over HTTP to where OpenTelemetry's variables say. Raises ConfigError without it."""
    if not find_spec("opentelemetry.sdk"):
        raise ConfigError("OTEL_… is set, and OpenTelemetry is not installed", 'run: pip install "citable-qa[otel]"')
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # an extra, and slow
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def _attributes(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    found: dict[str, Any] = {"qa.ended": outcome.ended, "qa.mode": answer.mode if answer else outcome.wanted}
    if answer:
        found |= {"qa.answer_id": answer.id, "qa.generation": answer.generation, "qa.claims": len(answer.claims)}
    if outcome.calls:
        found["gen_ai.request.model"] = outcome.calls[-1].model
        found["gen_ai.usage.input_tokens"] = sum(call.prompt_tokens for call in outcome.calls)
        found["gen_ai.usage.output_tokens"] = sum(call.completion_tokens for call in outcome.calls)
    return found
