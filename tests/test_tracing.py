"""Traces: sent by OpenTelemetry's own exporter to a collector on loopback, only where its variables name one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from qa.answer import answer_question
from qa.config import wants_traces
from qa.records import AskRequest
from qa.tracing import open_tracing
from qa.workspace import Workspace

pytest.importorskip("opentelemetry.sdk")
pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

QUESTION = "What reasons does Pakistan give for rejecting the sanctions?"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A collector that OTEL_EXPORTER_OTLP_ENDPOINT names; what it was sent."""
    got: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "the-answers")
    yield got
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_question_is_a_span_with_its_steps_below_it_and_without_its_words(
    corpus: Workspace, collector: list[bytes]
) -> None:
    tracing = open_tracing()
    corpus.listeners.append(tracing.note)
    answer = answer_question(corpus, AskRequest(QUESTION))
    tracing.close()
    requests = [pb.ExportTraceServiceRequest.FromString(one) for one in collector]
    spans = [span for one in requests for of in one.resource_spans for scope in of.scope_spans for span in scope.spans]
    [whole] = [span for span in spans if span.name == "question"]
    below = {span.name: span for span in spans if span.parent_span_id == whole.span_id}
    assert {"rewrite", "search", "embed", "dense", "lexical", "fetch", "rerank", "follow", "read"} == set(below)
    for span in below.values():
        assert whole.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= whole.end_time_unix_nano
    assert below["search"].start_time_unix_nano <= below["embed"].start_time_unix_nano
    attributes = {one.key: one.value for one in whole.attributes}
    assert attributes["qa.ended"].string_value == "answered"
    assert attributes["qa.answer_id"].string_value == answer["id"]
    sent = b"".join(collector)
    assert b"the-answers" in sent
    assert b"Pakistan" not in sent
    assert b"sanctions" not in sent


def test_without_a_place_or_turned_off_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    assert not wants_traces()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert wants_traces()
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert not wants_traces()
    monkeypatch.delenv("OTEL_TRACES_EXPORTER")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not wants_traces()
