"""The HTTP API: what it answers, what it refuses, and that no error says more than it should."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from llm_server import LLMServer, quoting
from werkzeug.test import TestResponse

from index.embedder import bundled_folder
from qa.config import host_in_url
from qa.web import create_app
from qa.workspace import Workspace

QUESTION = "How many listings are there in connection with Pakistan's missile programme?"
ANSWER_KEYS = [
    *["id", "question", "searched_for", "conversation_id", "created_at", "status", "mode", "degraded", "score", "text"],
    *[
        "claims",
        "citations",
        "passages",
        "model",
        "prompt",
        "index",
        "conflicts",
        "left_out",
        "notes",
        "usage",
        "timings_ms",
    ],
]
CLAIM_KEYS = {"text", "start", "end", "verdict", "score", "citations", "rejected", "reason", "repair"}
CITATION_KEYS = {"n", "document_id", "title", "path", "sha256", "start", "end", "quote", "locator", "url", "score"}
PASSAGE_KEYS = {"id", "document_id", "title", "start", "end", "text", "scores", "cited"}


def ask(client: FlaskClient, question: str = QUESTION, **fields: Any) -> TestResponse:
    """Ask for an answer from one passage: quick."""
    return client.post("/api/ask", json={"question": question, "k": 1, **fields})


def post(client: FlaskClient, body: bytes, path: str = "/api/ask", **headers: str) -> TestResponse:
    """Post a body as it is."""
    return client.post(path, data=body, content_type="application/json", headers=headers)


def check_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check an error's form, and that it gives nothing of this machine away."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    problem = json.loads(response.data)
    assert (problem["status"], problem["code"]) == (status, code)
    assert {"type", "title", "detail", "hint", "instance"} <= set(problem)
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-Id"] != ""
    assert problem["error"]["code"] == code
    assert problem["error"]["message"].startswith(problem["detail"])
    check_discreet(response)
    return dict(problem)


def check_discreet(response: TestResponse) -> None:
    """Check that an error shows no traceback and no path of this machine."""
    text = response.get_data(as_text=True)
    for telling in ("Traceback", 'File "', ".py", sys.prefix, str(Path(__file__).parent.parent), "site-packages"):
        assert telling not in text


# Answers


def test_an_answer_has_the_keys_of_the_contract(client: FlaskClient) -> None:
    response = ask(client)
    assert (response.status_code, response.content_type) == (200, "application/json")
    answer = response.get_json()
    assert list(answer) == ANSWER_KEYS
    assert (answer["question"], answer["status"], answer["mode"]) == (QUESTION, "answered", "extractive")
    assert all(set(claim) == CLAIM_KEYS for claim in answer["claims"])
    assert all(set(citation) == CITATION_KEYS for citation in answer["citations"])
    assert all(set(passage) >= PASSAGE_KEYS for passage in answer["passages"])
    assert set(answer["index"]) == {"generation", "embedder"}
    assert answer["claims"]
    assert answer["citations"]


def test_every_citation_is_a_span_of_the_document_that_the_api_returns(client: FlaskClient) -> None:
    answer = ask(client, k=3).get_json()
    assert answer["citations"]
    for citation in answer["citations"]:
        document = client.get(f"/api/documents/{citation['document_id']}").get_json()
        assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
        assert (document["sha256"], document["path"]) == (citation["sha256"], citation["path"])
        assert client.get(citation["url"]).status_code == 200


def test_a_question_without_an_answer_says_so_with_the_nearest_passages(client: FlaskClient) -> None:
    answer = ask(client, "How many goals did Brazil score in the final of 1970?").get_json()
    assert answer["status"] == "no_evidence"
    assert answer["citations"] == answer["claims"] == []
    assert len(answer["passages"]) == 1
    assert not answer["passages"][0]["cited"]


def test_a_stored_answer_is_the_one_that_was_given(client: FlaskClient) -> None:
    answer = ask(client).get_json()
    for path in (f"/api/answers/{answer['id']}", f"/answers/{answer['id']}.json"):
        assert client.get(path).get_json() == answer


def test_an_answer_by_an_llm_comes_through_the_api(
    corpus: Workspace, make_workspace: Callable[..., Workspace], llm: LLMServer
) -> None:
    settings = {"model": "openai/test", "api_base": llm.url, "api_key": "sk-canary"}
    client = create_app(make_workspace(corpus.settings.data, **settings)).test_client()
    llm.reply_with(quoting([("Seventeen.", [("p0", "17 listings in connection with Pakistan's missile programme")])]))
    answer = ask(client).get_json()
    assert (answer["mode"], answer["text"], len(answer["citations"])) == ("llm", "Seventeen. [1]", 1)
    llm.reply_with("Just prose.")
    problem = check_problem(ask(client, mode="llm"), 502, "llm_bad_reply")
    assert "sk-canary" not in json.dumps(problem)


# Streams


def read_events(response: TestResponse) -> list[tuple[str, Any]]:
    """Return the events of a stream as (name, data)."""
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", response.get_data(as_text=True))
    return [(name, json.loads(data)) for name, data in events]


def stream(client: FlaskClient, **fields: Any) -> TestResponse:
    """Ask for an answer as server-sent events."""
    body = {"question": QUESTION, "k": 1, **fields}
    return client.post("/api/ask", json=body, headers={"Accept": "text/event-stream"})


def test_a_stream_gives_the_events_in_order_and_ends_with_the_answer(client: FlaskClient) -> None:
    response = stream(client)
    events = read_events(response)
    names = [name for name, _ in groupby(name for name, _ in events)]
    assert names[:2] == ["meta", "passages"]
    assert names[2:-1] == ["text", "citation", "claim"] * (len(names[2:-1]) // 3) != []
    assert names[-1] == "done"
    answer = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "text") == answer["text"]
    assert [data for name, data in events if name == "citation"] == answer["citations"]
    assert client.get(f"/api/answers/{answer['id']}").get_json() == answer


def test_a_stream_is_kept_from_caches_and_buffers(client: FlaskClient) -> None:
    response = stream(client)
    assert response.content_type == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache, no-transform"
    assert response.headers["X-Accel-Buffering"] == "no"
    response.get_data()


def test_a_bad_question_is_an_http_error_for_a_stream_too(client: FlaskClient) -> None:
    check_problem(stream(client, question=" "), 422, "bad_question")


def test_a_stream_that_fails_ends_with_an_error_event(make_workspace: Callable[..., Workspace]) -> None:
    client = create_app(make_workspace()).test_client()
    response = stream(client)
    if response.status_code == 200:
        assert [(name, data["code"]) for name, data in read_events(response)] == [("error", "index_missing")]
    else:
        assert response.status_code == 503


def test_json_is_the_default_for_who_accepts_anything(client: FlaskClient) -> None:
    for accept in ("*/*", "application/json", "application/json, text/event-stream;q=0.5"):
        response = client.post(
            "/api/ask", json={"question": QUESTION, "filters": {"path": "nowhere"}}, headers={"Accept": accept}
        )
        assert response.content_type == "application/json"


# Search and documents


def test_a_search_returns_the_passages_with_every_stages_score(client: FlaskClient) -> None:
    found = client.post("/api/search", json={"question": QUESTION, "k": 4}).get_json()
    assert (found["question"], len(found["passages"])) == (QUESTION, 4)
    assert found["generation"] >= 1
    for passage in found["passages"]:
        assert {"dense", "lexical", "fused"} & set(passage["scores"])
        document = client.get(f"/api/documents/{passage['document_id']}").get_json()
        assert document["text"][passage["start"] : passage["end"]] == passage["text"]
    fused = [passage["scores"]["fused"] for passage in found["passages"]]
    assert all(0 <= score <= 1 for score in fused)
    assert any("17 listings" in passage["text"] for passage in found["passages"])


def test_a_collection_that_is_not_there_is_an_error_that_names_those_that_are(client: FlaskClient) -> None:
    for path in ("/api/search", "/api/ask"):
        problem = check_problem(client.post(path, json={"question": QUESTION, "collection": "nowhere"}), 404, "not_found")
        assert "default" in problem["hint"]


def test_filters_narrow_a_search(client: FlaskClient) -> None:
    def paths(**filters: str) -> set[str]:
        found = client.post("/api/search", json={"question": QUESTION, "k": 20, "filters": filters}).get_json()
        return {passage["path"] for passage in found["passages"]}

    assert len(paths()) > 1
    assert paths(path="corpus/glossary.txt") == {"corpus/glossary.txt"}
    assert paths(path="corpus/nothing.txt") == set()
    assert paths(lang="en", media_type="application/pdf") == {
        "corpus/mtcr-explainer.pdf",
        "corpus/regional-missiles-briefing.pdf",
    }
    assert paths(path="corpus/") == paths()


def test_filters_take_several_values_and_ranges(client: FlaskClient) -> None:
    def types(**filters: object) -> set[str]:
        found = client.post("/api/search", json={"question": QUESTION, "k": 50, "filters": filters}).get_json()
        names = {passage["document_id"] for passage in found["passages"]}
        return {client.get(f"/api/documents/{name}").get_json()["media_type"] for name in names}

    assert types(media_type=["text/plain", "application/pdf"]) == {"text/plain", "application/pdf"}
    assert types(media_type={"from": "text/m", "to": "text/p"}) == {"text/markdown", "text/plain"}
    assert types(media_type={"to": "text/h"}) == {"application/pdf", "text/html"}


def test_a_filter_by_what_no_document_has_is_an_error_that_names_what_there_is(client: FlaskClient) -> None:
    body = {"question": QUESTION, "filters": {"a' OR 1=1 --": "x"}}
    problem = check_problem(client.post("/api/search", json=body), 422, "bad_question")
    assert "media_type" in problem["hint"]
    for wrong in ({"date": {"since": "2024"}}, {"date": []}, {"date": 2024}):
        check_problem(client.post("/api/search", json={"question": QUESTION, "filters": wrong}), 422, "bad_question")


def test_the_documents_are_listed_page_by_page(client: FlaskClient) -> None:
    everything = client.get("/api/documents").get_json()
    assert (everything["total"], everything["next"]) == (len(everything["documents"]), None)
    listed: list[dict[str, Any]] = []
    following: int | None = 0
    while following is not None:
        page = client.get(f"/api/documents?limit=5&offset={following}").get_json()
        assert len(page["documents"]) <= 5
        listed, following = listed + page["documents"], page["next"]
    assert listed == everything["documents"]
    assert all("text" not in document for document in listed)
    assert client.get("/api/documents?offset=9999").get_json()["documents"] == []
    assert client.get("/api/documents?collection=nowhere").get_json()["total"] == 0


@pytest.mark.parametrize(
    "arguments", ["limit=-1", "limit=x", "offset=-1", "offset=1e9", "limit=", "offset=²", "limit=9999999999"]
)
def test_a_page_that_is_no_number_is_refused(client: FlaskClient, arguments: str) -> None:
    check_problem(client.get(f"/api/documents?{arguments}"), 400, "bad_request")


def test_a_documents_tag_is_its_sha256(client: FlaskClient) -> None:
    listed = client.get("/api/documents").get_json()["documents"][0]
    response = client.get(f"/api/documents/{listed['id']}")
    assert response.headers["ETag"] == f'"{listed["sha256"]}"'
    assert len(response.get_json()["text"]) == listed["length"]


# Health


def test_health_checks_answer(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "ready")


@pytest.fixture
def nothing_indexed(
    make_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> FlaskClient:
    """Return a client of a server in whose folder nothing has been indexed."""
    monkeypatch.chdir(tmp_path)
    return create_app(make_workspace(Path(".qa"))).test_client()


def test_without_an_index_the_server_is_alive_but_not_ready(nothing_indexed: FlaskClient) -> None:
    assert nothing_indexed.get("/healthz").status_code == 200
    check_problem(nothing_indexed.get("/readyz"), 503, "index_missing")


def test_with_a_damaged_model_the_server_is_alive_but_not_ready(
    corpus: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bundled_folder(), tmp_path / "model"))
    (folder / "model.safetensors").write_bytes(b"half of it")
    monkeypatch.setattr("index.embedder.bundled_folder", lambda: folder)
    client = create_app(Workspace(corpus.settings)).test_client()
    assert client.get("/healthz").status_code == 200
    check_problem(client.get("/readyz"), 503, "not_ready")


def test_without_an_index_questions_are_refused_with_what_to_do(nothing_indexed: FlaskClient, tmp_path: Path) -> None:
    responses = [ask(nothing_indexed), nothing_indexed.post("/api/search", json={"question": QUESTION})]
    responses += [nothing_indexed.get("/api/documents"), nothing_indexed.get("/api/documents/d1")]
    for response in responses:
        problem = check_problem(response, 503, "index_missing")
        assert "qa index" in problem["hint"]
        assert int(response.headers["Retry-After"]) > 0
        assert str(tmp_path) not in json.dumps(problem)
    assert not (tmp_path / ".qa").exists()


# Refusals


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"question=why", id="a form"),
        pytest.param(b'{"question": "why\xff"}', id="no UTF-8"),
        pytest.param(b"[" * 60_000, id="deep arrays"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="deep objects"),
        pytest.param(b'{"question": "why", "k": ' + b"9" * 5000 + b"}", id="a number of 5000 digits"),
    ],
)
@pytest.mark.parametrize("path", ["/api/ask", "/api/search"])
def test_a_body_that_is_no_json_is_refused(client: FlaskClient, path: str, body: bytes) -> None:
    check_problem(post(client, body, path), 400, "bad_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_refused(client: FlaskClient, content_type: str) -> None:
    response = client.post("/api/ask", data=b'{"question": "why"}', content_type=content_type)
    check_problem(response, 415, "not_json")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"question": ""}, id="an empty question"),
        pytest.param({"question": " \n\t "}, id="white space"),
        pytest.param({"question": "?!… 。"}, id="no words"),
        pytest.param({"question": "\x00"}, id="a NUL alone"),
        pytest.param({"question": "x" * 4001}, id="too long a question"),
        pytest.param({"question": "why", "colour": "red"}, id="an unknown field"),
        pytest.param({"question": "why", "api_base": "http://evil.example"}, id="an api_base"),
        pytest.param({"question": "why", "api_key": "sk-x"}, id="a key"),
        pytest.param({}, id="no question"),
        pytest.param({"question": 7}, id="a number for a question"),
        pytest.param({"question": None}, id="null for a question"),
        pytest.param({"question": ["why"]}, id="a list for a question"),
        pytest.param({"question": "why", "k": "3"}, id="text for k"),
        pytest.param({"question": "why", "k": -1}, id="a negative k"),
        pytest.param({"question": "why", "k": 51}, id="too large a k"),
        pytest.param({"question": "why", "k": True}, id="true for k"),
        pytest.param({"question": "why", "k": 1.5}, id="half a k"),
        pytest.param({"question": "why", "mode": "fast"}, id="an unknown mode"),
        pytest.param({"question": "why", "mode": "llm"}, id="mode llm without a model"),
        pytest.param({"question": "why", "model": "openai/gpt-4o"}, id="a model that is not configured"),
        pytest.param({"question": "why", "filters": ["a"]}, id="a list of filters"),
        pytest.param({"question": "why", "filters": {"a": 1}}, id="a filter that is no text"),
        pytest.param({"question": "why", "filters": {"a": {"$ne": ""}}}, id="an operator in a filter"),
        pytest.param({"question": "why", "filters": {str(n): "" for n in range(21)}}, id="too many filters"),
        pytest.param({"question": "why", "conversation_id": "c" * 65}, id="too long a conversation id"),
        pytest.param(["question"], id="a list"),
        pytest.param("why", id="a string"),
        pytest.param(None, id="null"),
    ],
)
def test_a_bad_field_is_refused_by_name(client: FlaskClient, fields: object) -> None:
    problem = check_problem(post(client, json.dumps(fields).encode()), 422, "bad_question")
    assert problem["hint"]


@pytest.mark.parametrize("field", ["question", "collection", "model", "conversation_id", "filters"])
@pytest.mark.parametrize("odd", ["why\x00so", "\x00", "\u202e\ufeff why", "💥 why " * 20])
def test_odd_characters_never_break_the_server(client: FlaskClient, field: str, odd: str) -> None:
    value = {odd: odd} if field == "filters" else odd[:60]
    response = ask(client, **{"question": QUESTION, field: value})
    assert response.status_code in (200, 400, 404, 422)
    check_discreet(response)


def test_half_a_character_in_a_question_never_breaks_the_server(client: FlaskClient) -> None:
    for path in ("/api/ask", "/api/search"):
        response = post(client, rb'{"question": "why \ud83d so", "k": 1}', path)
        assert response.status_code in (200, 400, 422)


@pytest.mark.parametrize("path", ["/api/ask", "/api/search", "/ask"])
def test_too_large_a_body_is_refused(client: FlaskClient, path: str) -> None:
    body = json.dumps({"question": "x" * 70_000}).encode()
    content_type = "application/x-www-form-urlencoded" if path == "/ask" else "application/json"
    response = client.post(path, data=body, content_type=content_type, headers={"Accept": "application/json"})
    check_problem(response, 413, "too_large")


@pytest.mark.parametrize(
    "path", ["/api/nothing", "/api/documents/d0", "/api/answers/a0", "/api/", "/nothing", "/answers/a0.json"]
)
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    check_problem(client.get(path, headers={"Accept": "application/json"}), 404, "not_found")


@pytest.mark.parametrize("path", ["../../etc/passwd", "%2e%2e%2fetc%2fpasswd", "d1%00", "d1'--", "%ff%fe", "x" * 3000])
def test_an_odd_id_is_404(client: FlaskClient, path: str) -> None:
    for kind in ("documents", "answers"):
        assert client.get(f"/api/{kind}/{path}").status_code == 404


def test_a_wrong_method_is_refused_with_the_right_ones(client: FlaskClient) -> None:
    response = client.get("/api/ask")
    check_problem(response, 405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]
    check_problem(client.delete("/api/documents"), 405, "method_not_allowed")


# Security


def every_kind_of_response(client: FlaskClient) -> Iterator[TestResponse]:
    """Yield a response of each kind: page, JSON, stream, file, redirect, and errors in both forms."""
    for path in ("/", "/documents", "/api/documents", "/healthz", "/static/style.css", "/nothing", "/api/nothing"):
        yield client.get(path)
        yield client.get(path, headers={"Accept": "text/html"})
    yield client.get("/", headers={"Host": "evil.example"})
    yield client.post("/api/ask", data=b"{")
    yield client.post("/ask", data={"question": ""})
    yield client.post("/ask", data={"question": "why"}, headers={"Sec-Fetch-Site": "cross-site"})
    yield client.post("/ask", data={"question": "Who was the first person to walk on Mars?"})
    yield client.delete("/")
    yield client.options("/api/ask")
    yield stream(client, question="")


def test_every_response_carries_the_security_headers(client: FlaskClient) -> None:
    for response in every_kind_of_response(client):
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["X-Request-Id"]
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Set-Cookie" not in response.headers
        response.close()


def test_answers_and_documents_are_not_cached(client: FlaskClient) -> None:
    for path in ("/", "/documents", "/api/documents", "/nothing"):
        assert "no-store" in client.get(path).headers["Cache-Control"]


def test_a_request_id_is_taken_over_when_it_is_harmless(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "trace-0123.abc"}).headers["X-Request-Id"] == "trace-0123.abc"
    for bad in ("short", "<script>alert(1)</script>", "x" * 65, "with space here"):
        assert client.get("/healthz", headers={"X-Request-Id": bad}).headers["X-Request-Id"] != bad


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:1234"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_write_from_another_sites_page_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    accept = {"Accept": "application/json"}
    for path in ("/api/ask", "/api/search"):
        check_problem(client.post(path, json={"question": QUESTION}, headers=headers), 403, "forbidden")
    check_problem(client.post("/ask", data={"question": QUESTION}, headers={**headers, **accept}), 403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, {"Sec-Fetch-Site": "none"}],
)
def test_a_write_from_our_own_page_or_a_tool_is_taken(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.post("/api/search", json={"question": QUESTION, "k": 1}, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.7:8765", "a b", "[::2]"]
)
def test_another_host_name_is_refused(client: FlaskClient, host: str) -> None:
    for path in ("/api/documents", "/v1/models"):
        check_problem(client.get(path, headers={"Host": host}), 400, "bad_request")


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1:8765", "[::1]", "[::1]:8765"])
def test_the_names_of_this_machine_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


def test_a_configured_host_name_is_answered(corpus: Workspace, make_workspace: Callable[..., Workspace]) -> None:
    named = "qa.example,ported.example:8443,fd00::5,[fd00::6]"
    workspace = make_workspace(corpus.settings.data, trusted_hosts=named, base_url="https://docs.example/qa")
    client = create_app(workspace).test_client()
    for host in ("qa.example", "docs.example", "ported.example:8443", "[fd00::5]", "[fd00::6]:8765"):
        assert client.get("/v1/models", headers={"Host": host}).status_code == 200, host
    for host in ("other.example", "[fd00::7]", "[fd00::5].example"):
        assert client.get("/v1/models", headers={"Host": host}).status_code == 400, host


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "0:0:0:0:0:0:0:1"])
def test_a_server_answers_by_the_address_that_it_listens_on(
    corpus: Workspace, make_workspace: Callable[..., Workspace], host: str
) -> None:
    client = create_app(make_workspace(corpus.settings.data, host=host)).test_client()
    address = host_in_url(host)
    assert urlsplit(f"http://{address}:8765/").port == 8765
    assert client.get("/v1/models", headers={"Host": f"{address}:8765"}).status_code == 200
    assert client.get("/v1/models", headers={"Host": "127.0.0.3"}).status_code == 400


def test_health_checks_come_by_any_address_and_are_answered(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"Host": "10.0.0.7:8765"}).status_code == 200
    assert client.get("/v1/models", headers={"Host": "10.0.0.7:8765"}).status_code == 400


def test_a_failure_inside_says_nothing_of_this_machine(corpus: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    client = create_app(corpus).test_client()
    shutil.rmtree(corpus.settings.data / "lexical", ignore_errors=True)
    (corpus.settings.data / "history.db").write_bytes(b"this is no database" * 100)
    problem = check_problem(client.get("/api/answers/a1"), 503, "index_damaged")
    assert str(corpus.settings.data) not in json.dumps(problem)
    assert problem["hint"]
