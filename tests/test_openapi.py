"""The API's description: it is valid, it holds every route of the API, and the server keeps to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from fuzz import fuzz

from qa.errors import LLMError
from qa.indexing import index_paths
from qa.web import create_app
from qa.web.bodies import AskBody
from qa.web.openai_bodies import ChatBody
from qa.web.openai_stream import error_events
from qa.web.problems import problem_of
from qa.workspace import Workspace


def test_every_route_of_the_api_is_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()
    assert described["openapi"].startswith("3.1")
    known = [rule.rule for rule in client.application.url_map.iter_rules()]
    rules = {rule.replace("<path:", "<") for rule in known if rule.startswith(("/api/", "/v1/"))}
    paths = {path.replace("{", "<").replace("}", ">") for path in described["paths"]}
    assert len([rule for rule in rules if rule.startswith("/v1/")]) == 3
    assert rules <= paths
    assert {"/healthz", "/readyz"} <= paths


def test_bodies_are_described_by_the_models_that_check_them(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()["components"]["schemas"]["AskBody"]
    assert set(described["properties"]) == set(AskBody.model_fields)
    assert described["additionalProperties"] is False
    assert described["required"] == ["question"]


def test_a_chat_is_described_by_the_model_that_checks_it(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()["components"]["schemas"]["ChatBody"]
    assert set(described["properties"]) == set(ChatBody.model_fields)
    assert described.get("additionalProperties", True), "OpenAI adds fields every month"
    assert described["required"] == ["model", "messages"]


def test_every_name_in_the_description_leads_somewhere(client: FlaskClient) -> None:
    text = client.get("/openapi.json").get_data(as_text=True)
    schemas = json.loads(text)["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)
    assert not [name for name in schemas if name.endswith("Out") or name.startswith("_")]


CHAT: dict[str, Any] = {"model": "citable-qa", "messages": [{"role": "user", "content": "What is the MTCR?"}]}
TITLE = {"role": "user", "content": '### Task:\nWrite a title.\nJSON format: {"title": "your title"}\nUSER: What?'}


def check(described: Any, name: str, found: Any) -> None:
    """Check what was answered against a schema of the description, in which nothing else may stand beside what is named."""
    components = json.loads(json.dumps(described["components"]))
    for schema in components["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    jsonschema.validate(found, {"$ref": f"#/components/schemas/{name}", "components": components})


@pytest.mark.parametrize("profile", ["", "/openwebui", "/links"])
def test_a_chat_is_answered_as_it_is_described(client: FlaskClient, profile: str) -> None:
    described = client.get("/openapi.json").get_json()
    reply = client.post(f"{profile}/v1/chat/completions", json=CHAT).get_json()
    assert reply["citable_qa"]["citations"]
    check(described, "ChatCompletion", reply)
    title = client.post(f"{profile}/v1/chat/completions", json={**CHAT, "messages": [TITLE]}).get_json()
    assert "citable_qa" not in title
    check(described, "ChatCompletion", title)
    models = client.get(f"{profile}/v1/models").get_json()
    check(described, "ChatModels", models)
    check(described, "ChatModel", client.get(f"{profile}/v1/models/citable-qa").get_json())


@pytest.mark.parametrize("profile", ["", "/openwebui", "/links"])
def test_a_streamed_chat_is_as_it_is_described(client: FlaskClient, profile: str) -> None:
    described = client.get("/openapi.json").get_json()
    content = described["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/event-stream"}
    event = content["text/event-stream"]["schema"]["properties"]
    pieces, done = event["data"]["anyOf"]
    names = [one["$ref"].rpartition("/")[2] for one in pieces["contentSchema"]["anyOf"]]
    assert (names, done) == (["ChatCompletionChunk", "ChatStreamError"], {"const": "[DONE]"})
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    reply = client.post(f"{profile}/v1/chat/completions", json=body)
    assert reply.mimetype == "text/event-stream"
    lines = [line.removeprefix("data: ") for line in reply.get_data(as_text=True).split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    assert len(chunks) > 3
    for chunk in chunks:
        check(described, "ChatCompletionChunk", chunk)


def test_a_fault_in_a_stream_is_as_it_is_described(corpus: Workspace) -> None:
    app = create_app(corpus)
    described = app.test_client().get("/openapi.json").get_json()
    with app.test_request_context("/v1/chat/completions"):
        sent = error_events(problem_of(LLMError("timeout", "the LLM took too long"))).split("\n\n")
    assert sent[1:] == ["data: [DONE]", ""]
    check(described, "ChatStreamError", json.loads(sent[0].removeprefix("data: ")))


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"model": "none"}, 404), ({"n": 2}, 400), ({"n": "two"}, 400), ({"messages": []}, 400), ({"messages": [{}]}, 400)],
)
def test_an_error_is_as_it_is_described(client: FlaskClient, fields: dict[str, Any], status: int) -> None:
    described = client.get("/openapi.json").get_json()
    reply = client.post("/v1/chat/completions", json={**CHAT, **fields})
    assert reply.status_code == status
    content = described["paths"]["/v1/chat/completions"]["post"]["responses"][str(status)]["content"]
    assert content == {reply.mimetype: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    check(described, "Problem", reply.get_json())


def test_an_answer_is_as_it_is_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()
    answer = client.post("/api/ask", json={"question": "What is the MTCR?", "k": 1}).get_json()
    jsonschema.validate(answer, {"$ref": "#/components/schemas/Answer", "components": described["components"]})
    assert set(answer) == set(described["components"]["schemas"]["Answer"]["properties"])


def test_people_read_the_description_without_a_key_or_a_script_from_elsewhere(client: FlaskClient) -> None:
    for language in ("en", "ur"):
        page = client.get(f"/docs?lang={language}").get_data(as_text=True)
        assert "POST /api/ask" in page
        assert "POST /v1/chat/completions" in page
        assert 'href="#schema-Answer"' in page
        assert "https://" not in page


def test_the_server_keeps_to_its_description(make_workspace: Callable[..., Workspace], folder: Path) -> None:
    (folder / "a.txt").write_text("The harbour bridge was built by the town in the summer of 1901.")
    workspace = make_workspace(rate_limit=0, ask_limit=0, k=1)
    index_paths(workspace, [folder])
    statuses = fuzz(create_app(workspace), 220)
    assert sum(statuses.values()) > 100
    assert statuses["POST /v1/chat/completions", 200]
    assert max(status for _, status in statuses) < 500
