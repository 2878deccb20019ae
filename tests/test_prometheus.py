"""GET /metrics: what it counts, read by Prometheus' own parser; who may see it; what its labels never hold."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from llm_server import USAGE, Body, LLMServer, StatusError, passages_of, quoting
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain
from serving import serving

from qa.citations import find_citation
from qa.metrics import rejected_as
from qa.outcome import Outcome
from qa.records import AskRequest, Quote, Rejected
from qa.web import create_app
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
REASONS = "What reasons does Pakistan give for rejecting the sanctions?"
ASYMMETRY = "the sanctions widen the military asymmetry between Pakistan and India"
Numbers = dict[tuple[str, tuple[str, ...]], float]


def numbers(text: str) -> Numbers:
    """Return (name of a sample, values of its labels) → value, of the text that Prometheus would read."""
    families = plain(text)
    return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


def read(client: FlaskClient) -> Numbers:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    return numbers(response.get_data(as_text=True))


@pytest.fixture
def written(corpus_data: Path, make_workspace: MakeWorkspace, llm: LLMServer) -> Callable[..., FlaskClient]:
    """A client of an application over the sample corpus whose LLM is the server on loopback; settings by keyword."""

    def make(**settings: object) -> FlaskClient:
        fields = {"model": "openai/test", "api_base": llm.url, "llm_calls": 1, **settings}
        return create_app(make_workspace(corpus_data, **fields)).test_client()

    return make


def good_bad_and_unknown(body: Body) -> str:
    """One claim with a quote that is there, one with words that nobody wrote, one of a passage that was not shown."""
    holder = next(name for name, text in passages_of(body).items() if ASYMMETRY in " ".join(text.split()))
    claims = [
        (f"Officials say that {ASYMMETRY}.", [(holder, ASYMMETRY)]),
        ("The moon is made of cheese.", [(holder, "the moon is made of old cheese")]),
        (f"It is said that {ASYMMETRY}.", [("zzzz9999", ASYMMETRY)]),
    ]
    return quoting(claims)


def test_an_answer_counts_its_stages_and_how_it_ended(client: FlaskClient) -> None:
    before = read(client)
    assert ("qa_questions_total", ("extractive", "answered")) not in before
    assert client.post("/api/ask", json={"question": REASONS}).get_json()["status"] == "answered"
    after = read(client)
    assert after["qa_questions_total", ("extractive", "answered")] == 1
    for stage in ("rewrite", "search", "embed", "dense", "lexical", "rerank", "read"):
        assert after["qa_stage_seconds_count", (stage,)] == 1, stage
        assert after["qa_stage_seconds_sum", (stage,)] >= 0
    parts = sum(after["qa_stage_seconds_sum", (stage,)] for stage in ("embed", "dense", "lexical", "rerank"))
    assert 0 < parts <= after["qa_stage_seconds_sum", ("search",)]
    assert after["qa_claims_total", ("extractive", "supported")] >= 1


def test_a_search_counts_its_stages_and_is_no_question(client: FlaskClient) -> None:
    client.post("/api/search", json={"question": REASONS})
    found = read(client)
    assert found["qa_stage_seconds_count", ("embed",)] == 1
    assert not [name for name, _ in found if name == "qa_questions_total"]


def test_a_written_answer_counts_tokens_calls_verdicts_and_what_was_refused(
    written: Callable[..., FlaskClient], llm: LLMServer
) -> None:
    llm.reply_with(good_bad_and_unknown)
    client = written()
    answer = client.post("/api/ask", json={"question": REASONS}).get_json()
    found = read(client)
    assert found["qa_llm_calls_total", ("openai/test", "ok")] == 1
    assert found["qa_llm_tokens_total", ("in", "openai/test")] == USAGE["prompt_tokens"]
    assert found["qa_llm_tokens_total", ("out", "openai/test")] == USAGE["completion_tokens"]
    assert found["qa_stage_seconds_count", ("verify",)] == 3
    assert found["qa_stage_seconds_count", ("llm",)] == 1
    assert found["qa_quotes_rejected_total", ("not_found",)] == 1
    assert found["qa_markers_invalid_total", ()] == 1
    verdicts = [claim["verdict"] for claim in answer["claims"]]
    assert len(verdicts) == 3
    for verdict in set(verdicts):
        assert found["qa_claims_total", ("llm", verdict)] == verdicts.count(verdict)


def test_an_llm_that_fails_counts_with_its_reason(written: Callable[..., FlaskClient], llm: LLMServer) -> None:
    llm.reply_with(StatusError(401))
    client = written()
    assert client.post("/api/ask", json={"question": REASONS}).get_json()["degraded"]
    assert client.post("/api/ask", json={"question": REASONS, "mode": "llm"}).status_code == 502
    found = read(client)
    assert found["qa_llm_calls_total", ("openai/test", "auth")] == 2
    assert found["qa_degraded_total", ("auth",)] == 1
    assert found["qa_questions_total", ("extractive", "answered")] == 1
    assert found["qa_questions_total", ("llm", "llm_failed")] == 1


def test_a_question_that_nobody_waits_for_any_more_counts_as_gone(corpus: Workspace) -> None:
    from qa.answer import answer_events

    seen: list[Outcome] = []
    corpus.listeners.append(seen.append)
    steps = answer_events(corpus, AskRequest(REASONS))
    next(steps)
    steps.close()
    assert [(one.ended, one.answer) for one in seen] == [("gone", None)]


def test_what_counts_answers_costs_none(corpus: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Outcome) -> None:
        raise ValueError("secret words")

    corpus.listeners.append(broken)
    answer = create_app(corpus).test_client().post("/api/ask", json={"question": REASONS}).get_json()
    assert answer["status"] == "answered"
    assert "ValueError" in caplog.text
    assert "secret words" not in caplog.text


def test_requests_count_by_rule_and_status_and_refusals_by_reason(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    app = create_app(make_workspace(corpus.settings.data, rate_limit=5, at_once=1, queue=0))
    client = app.test_client()
    for path in ("/api/answers/a1", "/api/answers/a2", "/no/such/route", "/healthz"):
        client.get(path).close()
    assert app.extensions["admission"].enter()
    assert client.get("/api/documents").status_code == 503
    app.extensions["admission"].leave()
    while (last := client.get("/api/documents")).status_code != 429:
        last.close()
    last.close()
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "127.0.0.9"}}
    found = numbers(client.get("/metrics", **elsewhere).get_data(as_text=True))
    assert found["qa_requests_total", ("GET", "/api/answers/<answer_id>", "404")] == 2
    assert found["qa_requests_total", ("other", "none", "404")] == 1
    assert found["qa_request_seconds_count", ("/healthz",)] == 1
    assert found["qa_refused_total", ("overloaded",)] == 1
    assert found["qa_refused_total", ("rate_limited",)] == 1


def test_a_full_server_still_shows_its_metrics(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    app = create_app(make_workspace(corpus.settings.data, at_once=1, queue=0))
    assert app.extensions["admission"].enter()
    assert app.test_client().get("/metrics").status_code == 200


def test_a_stream_counts_when_it_has_ended(corpus: Workspace) -> None:
    with serving(corpus) as address:
        headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{address}/api/ask", b'{"question": "What is the MTCR?"}', headers, method="POST")
        with urllib.request.urlopen(asked, timeout=60) as stream:
            assert b"event: done" in stream.read()
        key = "qa_requests_total", ("POST", "/api/ask", "200")
        deadline = time.monotonic() + 5
        while key not in (found := scrape(address)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert found[key] == 1
    assert found["qa_request_seconds_sum", ("/api/ask",)] >= found["qa_stage_seconds_sum", ("search",)]


def scrape(address: str) -> Numbers:
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as response:
        return numbers(response.read().decode())


def test_the_index_shows_its_age_generation_and_collections(client: FlaskClient, corpus: Workspace) -> None:
    found, stats = read(client), corpus.store.stats()
    assert found["qa_index_readable", ()] == 1
    assert found["qa_index_generation", ()] == stats.generation
    assert 0 <= found["qa_index_age_seconds", ()] < 3600
    assert found["qa_documents", ("default",)] == stats.collections["default"].documents
    assert found["qa_passages", ("default",)] == stats.collections["default"].passages


def test_without_an_index_the_other_numbers_are_there(make_workspace: MakeWorkspace) -> None:
    found = read(create_app(make_workspace()).test_client())
    assert found["qa_index_readable", ()] == 0
    assert ("qa_index_generation", ()) not in found


def test_open_metrics_are_spoken_to_who_asks_for_them(client: FlaskClient) -> None:
    response = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.content_type.startswith("application/openmetrics-text")
    assert list(open_metrics(response.get_data(as_text=True)))


def test_only_a_key_for_all_collections_with_the_scope_admin_opens_the_metrics(corpus: Workspace) -> None:
    """Every other credential is tried in tests/test_keys.py."""
    app = create_app(corpus)
    ring, client = app.extensions["door"].ring, app.test_client()
    admin, narrow = ring.make("admin")[1], ring.make("admin", ["default"])[1]
    assert client.get("/metrics", headers={"Authorization": f"Bearer {admin}"}).status_code == 200
    assert client.get("/metrics", headers={"Authorization": f"Bearer {narrow}"}).status_code == 404
    assert client.get("/metrics", headers={"Accept": "text/html"}).status_code == 401, "no page, for no browser reads it"


def test_no_label_holds_what_somebody_sent(client: FlaskClient) -> None:
    canary = "canary-5b1f0c7e9d"
    attempts: list[dict[str, Any]] = [
        {"path": f"/{canary}"},
        {"path": "/api/ask", "method": "POST", "json": {"question": f"{canary}?", "collection": canary}},
        {"path": "/api/ask", "method": "POST", "json": {"question": "Why?", "model": canary}},
        {"path": "/api/documents", "query_string": {"collection": canary}, "headers": {"X-Request-Id": canary}},
        {"path": f"/api/documents/{canary}", "method": canary.upper()},
        {"path": f"/v1/models/{canary}", "headers": {"Authorization": f"Bearer {canary}", "Host": "localhost"}},
    ]
    for one in attempts:
        client.open(**one).close()
    text = client.get("/metrics").get_data(as_text=True)
    assert canary not in text.lower()
    assert '"other",route="none",status="404"' in text.replace("method=", "")


def test_every_reason_of_a_rejected_quote_has_its_word(corpus: Workspace) -> None:
    from qa.retrieval import find

    with corpus.store.view() as view:
        hits = find(view, corpus, AskRequest(REASONS, collection="default", k=8))
        documents = {hit.document.id: document for hit in hits if (document := view.document(hit.document.id))}
    quotes = {
        "sanctions": "too_short",
        "the moon is made of old cheese": "not_found",
        "one two three … four five six … seven eight nine": "ellipsis",
    }
    for text, word in quotes.items():
        found = find_citation(Quote(text), hits, documents)
        assert isinstance(found, Rejected)
        assert rejected_as(found.reason) == word
