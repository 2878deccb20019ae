"""The API's description: it is valid, it holds every route of the API, and the server keeps to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
from flask.testing import FlaskClient
from fuzz import fuzz

from qa.indexing import index_paths
from qa.web import create_app
from qa.web.bodies import AskBody
from qa.workspace import Workspace


def test_every_route_of_the_api_is_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()
    assert described["openapi"].startswith("3.1")
    rules = {rule.rule for rule in client.application.url_map.iter_rules() if rule.rule.startswith("/api/")}
    paths = {path.replace("{", "<").replace("}", ">") for path in described["paths"]}
    assert rules <= paths
    assert {"/healthz", "/readyz"} <= paths


def test_bodies_are_described_by_the_models_that_check_them(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()["components"]["schemas"]["AskBody"]
    assert set(described["properties"]) == set(AskBody.model_fields)
    assert described["additionalProperties"] is False
    assert described["required"] == ["question"]


def test_an_answer_is_as_it_is_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()
    answer = client.post("/api/ask", json={"question": "What is the MTCR?", "k": 1}).get_json()
    jsonschema.validate(answer, {"$ref": "#/components/schemas/Answer", "components": described["components"]})
    assert set(answer) == set(described["components"]["schemas"]["Answer"]["properties"])


def test_people_read_the_description_without_a_key_or_a_script_from_elsewhere(client: FlaskClient) -> None:
    for language in ("en", "ur"):
        page = client.get(f"/docs?lang={language}").get_data(as_text=True)
        assert "POST /api/ask" in page
        assert 'href="#schema-Answer"' in page
        assert "https://" not in page


def test_the_server_keeps_to_its_description(make_workspace: Callable[..., Workspace], folder: Path) -> None:
    (folder / "a.txt").write_text("The harbour bridge was built by the town in the summer of 1901.")
    workspace = make_workspace(rate_limit=0, ask_limit=0, k=1)
    index_paths(workspace, [folder])
    statuses = fuzz(create_app(workspace), 220)
    assert sum(statuses.values()) > 100
    assert max(status for _, status in statuses) < 500
