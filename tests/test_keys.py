"""Keys: made once, kept as a hash, revoked at once; and which of them opens which route, for every route there is."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from index.errors import IndexDamaged
from index.narrow import NarrowStore
from index.sqlite import Database, create_database
from index.store import Store
from qa.config import Settings
from qa.errors import ConfigError
from qa.gate import check_keys
from qa.indexing import index_paths
from qa.keeping import open_keys
from qa.keys import KEYS, SCOPES, KeyRing
from qa.tables import Schema, Tables, TablesFile
from qa.web import create_app
from qa.web.access import needs_of
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
RED = "The red bridge at Ava was built by the town in the summer of 1901 for the price of forty oxen."
BLUE = "The blue tunnel at Sitka was dug in secret by the zanzibar guild during the winter of 1877."
QUESTION = "When was the red bridge at Ava built?"

# The keys themselves


@pytest.fixture
def ring(tables_of: Callable[[Schema], Tables]) -> KeyRing:
    return KeyRing(tables_of(KEYS))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys.db"


@pytest.fixture
def ring_in_file(file: Path) -> KeyRing:
    return KeyRing(TablesFile(file, KEYS))


def test_a_key_is_found_by_its_text_and_by_nothing_else(ring: KeyRing) -> None:
    key, text = ring.make("ask", ["letters"], "the chat tool")
    assert ring.find(text) == key
    for wrong in ("", "qa_", text[:-1], text + "x", text.swapcase(), f" {text}", text.replace(key.id, "k00000000"), key.id):
        assert ring.find(wrong) is None


def test_the_file_does_not_hold_the_key(ring_in_file: KeyRing, tmp_path: Path) -> None:
    _, text = ring_in_file.make("admin")
    ring_in_file.find(text)
    secret = text.split("_", 2)[2]  # which may have underscores
    held = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert secret.encode() not in held
    assert text.encode() not in held


def test_a_revoked_key_opens_nothing_and_keys_stay_required(ring: KeyRing) -> None:
    key, text = ring.make("read")
    assert ring.revoke(key.id)
    assert not ring.revoke(key.id)
    assert not ring.revoke("k12345678")
    assert ring.find(text) is ring.with_id(key.id) is None
    assert ring.has_keys
    assert [bool(one.revoked_at) for one in ring.all()] == [True]


def test_the_last_use_is_kept_but_not_written_at_every_request(ring_in_file: KeyRing, file: Path) -> None:
    ring = ring_in_file
    key, text = ring.make("read")
    assert ring.all()[0].last_used_at == ""
    ring.find(text)
    first = ring.all()[0].last_used_at
    assert first >= key.created_at
    written = file.with_name("keys.db-wal")
    before = written.stat().st_mtime_ns if written.exists() else file.stat().st_mtime_ns
    for _ in range(5):
        ring.find(text)
    after = written.stat().st_mtime_ns if written.exists() else file.stat().st_mtime_ns
    assert (ring.all()[0].last_used_at, after) == (first, before)


def test_a_key_keeps_its_profile(ring: KeyRing) -> None:
    made = [ring.make("ask", profile=profile)[0] for profile in ("", "links", "openwebui")]
    assert [key.profile for key in ring.all()] == [key.profile for key in made] == ["", "links", "openwebui"]


def test_keys_of_before_profiles_are_read_and_others_are_made_beside_them(ring_in_file: KeyRing, file: Path) -> None:
    ring = ring_in_file
    old = ("CREATE TABLE keys (id TEXT PRIMARY KEY, hash BLOB NOT NULL, scope TEXT NOT NULL, collections TEXT NOT NULL, "
        "name TEXT NOT NULL, created_at TEXT NOT NULL, last_used_at TEXT NOT NULL DEFAULT '', "
        "revoked_at TEXT NOT NULL DEFAULT '')",
        "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")  # fmt: skip
    file.parent.mkdir()
    create_database(file, old)
    values = [
        "k00000001",
        hashlib.sha256(b"qa_k00000001_" + b"a" * 43).digest(),
        "ask",
        "[]",
        "of before",
        "2025-01-01",
        "",
        "",
    ]
    with closing(Database(file)) as db:
        db.run("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    text = "qa_k00000001_" + "a" * 43
    first = ring.find(text)
    assert first is not None
    assert ring.all()[0].profile == ""
    second, other = ring.make("ask", profile="links")
    assert (ring.find(text).id, ring.find(other)) == (first.id, second)  # type: ignore[union-attr]
    assert [key.profile for key in ring.all()] == ["", "links"]
    assert ring.with_id(second.id).profile == "links"  # type: ignore[union-attr]


def test_each_scope_holds_those_before_it(ring: KeyRing) -> None:
    for at, scope in enumerate(SCOPES):
        key, _ = ring.make(scope)
        assert [key.allows(other) for other in SCOPES] == [other <= at for other in range(len(SCOPES))]


def test_a_file_without_its_tables_lets_nobody_in(ring_in_file: KeyRing, file: Path) -> None:
    _, text = ring_in_file.make("read")
    for one in file.parent.glob("keys.db*"):
        one.unlink()
    file.write_bytes(b"")
    with pytest.raises(IndexDamaged):
        ring_in_file.find(text)


def test_keys_made_at_once_are_all_kept(ring: KeyRing) -> None:
    threads = [threading.Thread(target=ring.make, args=["read"]) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({key.id for key in ring.all()}) == 8


def test_the_command_line_makes_lists_and_revokes_keys(run_qa: Any) -> None:
    made = run_qa("keys", "new", "--scope", "ask", "--collection", "a", "--collection", "b", "--name", "chat")
    assert made.exit_code == 0, made.output
    text = made.stdout.strip()
    assert text.startswith("qa_k")
    assert text not in made.stderr
    assert "nobody without a key" in made.stderr
    key = json.loads(run_qa("keys", "list", "--json").stdout)["keys"][0]
    assert (key["scope"], key["collections"], key["name"]) == ("ask", ["a", "b"], "chat")
    shown = run_qa("keys", "list")
    assert "ask in a, b  last used never  chat" in shown.stdout
    assert key["profile"] is None
    profiled = json.loads(run_qa("keys", "new", "--scope", "ask", "--profile", "links", "--json").stdout)
    assert profiled["profile"] == "links"
    assert "ask in every collection, profile links  last used never" in run_qa("keys", "list").stdout
    assert run_qa("keys", "new", "--scope", "ask", "--profile", "default").exit_code == 2
    assert text[12:] not in shown.output
    assert run_qa("keys", "revoke", key["id"]).exit_code == 0
    assert "revoked 2" in run_qa("keys", "list").stdout
    assert run_qa("keys", "revoke", key["id"]).exit_code == 3
    assert run_qa("keys", "new").exit_code == 2
    assert run_qa("keys", "new", "--scope", "god").exit_code == 2
    assert json.loads(run_qa("keys", "new", "--scope", "read", "--json").stdout)["key"].startswith("qa_k")


def test_a_name_that_is_no_text_makes_no_key_and_shuts_no_door(run_qa: Any, tmp_path: Path) -> None:
    refused = run_qa("keys", "new", "--scope", "ask", "--name", "caf\udce9")
    assert refused.exit_code == 2
    assert "UTF-8" in refused.stderr
    assert json.loads(run_qa("keys", "list", "--json").stdout)["keys"] == []
    assert not list(tmp_path.rglob("keys.db"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "", "*", "qa.example"])
def test_a_server_beyond_this_machine_does_not_start_without_keys(host: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / ".qa")
    with pytest.raises(ConfigError, match="qa keys new"):
        check_keys(settings, host)
    check_keys(settings.model_copy(update={"open_access": True}), host)
    open_keys(settings).make("ask")
    check_keys(settings, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.7"])
def test_on_this_machine_no_keys_are_needed(host: str, tmp_path: Path) -> None:
    check_keys(Settings(data=tmp_path / ".qa"), host)


def test_the_command_says_what_to_do(run_qa: Any) -> None:
    refused = run_qa("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2
    assert "qa keys new --scope ask" in refused.stderr
    assert "--open-access" in refused.stderr


def test_the_application_itself_asks_for_keys_beyond_this_machine(make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(host="0.0.0.0")).test_client()
    assert client.get("/api/documents").status_code == 401
    assert client.get("/healthz").status_code == 200
    opened = create_app(make_workspace(host="0.0.0.0", open_access=True)).test_client()
    assert opened.get("/api/documents").status_code == 503


# A server with two collections, and keys for all and for one


@pytest.fixture
def site(make_workspace: MakeWorkspace, tmp_path: Path) -> Flask:
    """An application with a red document in `default`, a blue one in `secret`, and an answer in each."""
    workspace = make_workspace(uploads=tmp_path / "uploads", reindex=True, k=2)
    for collection, words in (("default", RED), ("secret", BLUE)):
        folder = tmp_path / collection
        folder.mkdir()
        (folder / f"{collection}.txt").write_text(words)
        (folder / f"{collection}.broken.pdf").write_bytes(b"%PDF-1.4 broken")
        index_paths(workspace.of_collection(collection), [folder])
    return create_app(workspace)


@pytest.fixture
def keys(site: Flask) -> dict[str, str]:
    """Keys of every scope for all collections, of every scope for `default` alone, and one that is revoked."""
    ring = site.extensions["door"].ring
    made = {scope: ring.make(scope)[1] for scope in SCOPES}
    made |= {f"{scope} of default": ring.make(scope, ["default"])[1] for scope in SCOPES}
    made["nowhere"] = ring.make("admin", ["nowhere"])[1]
    gone, made["revoked"] = ring.make("admin")
    ring.revoke(gone.id)
    return made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def document_of(site: Flask, collection: str) -> str:
    [found] = [one for one in site.extensions["workspace"].store.documents() if one.collection == collection]
    return str(found.id)


def ask(client: FlaskClient, key: str, collection: str, **fields: Any) -> TestResponse:
    question = "When was the blue tunnel at Sitka dug?" if collection == "secret" else QUESTION
    body = {"question": question, "collection": collection, "k": 1, **fields}
    return client.post("/api/ask", json=body, headers=bearer(key))


# What each route needs. "nothing": open to all; "whole": only who may see every collection.
ROUTES = {
    "GET /": "read",
    "POST /ask": "ask",
    "GET /answers/<answer_id>": "read",
    "POST /answers/<answer_id>/feedback": "ask",
    "POST /api/feedback": "ask",
    "GET /history": "read",
    "GET /history/delete": "admin",
    "POST /history/delete": "admin",
    "GET /answers/<answer_id>/delete": "admin",
    "POST /answers/<answer_id>/delete": "admin",
    "GET /documents": "read",
    "GET /status": "read",
    "POST /api/ask": "ask",
    "POST /api/search": "read",
    "GET /api/documents": "read",
    "GET /api/documents/<document_id>": "read",
    "GET /api/answers/<answer_id>": "read",
    "GET /api/answers/<answer_id>/verify": "read",
    "GET /answers/<answer_id>/verify": "read",
    "GET /healthz": "nothing",
    "GET /readyz": "nothing",
    "GET /documents/<document_id>": "read",
    "GET /passages/<passage_id>": "read",
    "GET /documents/<document_id>/file": "read",
    "GET /documents/<document_id>/pages/<int:number>.png": "read",
    "POST /documents/uploads": "index",
    "POST /documents/reindex": "index",
    "GET /documents/job": "read",
    "POST /api/index": "index",
    "GET /api/index": "read",
    "GET /map": "read",
    "GET /metrics": "admin, whole",
    **{
        f"{method} {profile}/v1/{path}": scope
        for profile in ("", "/<any(openwebui, links):profile>")
        for method, path, scope in (
            ("GET", "models", "read"),
            ("GET", "models/<path:name>", "read"),
            ("POST", "chat/completions", "ask"),
        )
    },
    **{f"POST /slack/{path}": "nothing" for path in ("command", "events", "actions")},
    **{f"POST /mattermost/{path}": "nothing" for path in ("command", "actions")},
    "GET /openapi.json": "nothing",
    "GET /docs": "nothing",
    "GET /sign-in": "nothing",
    "POST /sign-in": "nothing",
    "POST /sign-out": "nothing",
    "GET /static/<path:filename>": "nothing",
}


def routes_of(site: Flask) -> dict[str, str]:
    """Return method and rule of every route, with its endpoint."""
    return {
        f"{method} {rule.rule}": rule.endpoint
        for rule in site.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    }


def test_every_route_declares_what_it_needs_and_stands_in_the_table(site: Flask) -> None:
    """A new route: write `@needs("...")` under its `@bp...`, and a line into ROUTES above."""
    declared = {}
    for route, endpoint in routes_of(site).items():
        found = needs_of(site, endpoint)
        assert found is not None, f"{route} ({endpoint}) does not say what it needs: see qa/web/access.py"
        declared[route] = f"{found.scope}, whole" if found.whole else found.scope
    assert declared == ROUTES


def call(client: FlaskClient, site: Flask, route: str, headers: dict[str, str], collection: str = "default") -> TestResponse:
    """Call a route with ids that are there, and bodies that it takes."""
    method, rule = route.split(" ", 1)
    document = document_of(site, collection)
    with site.extensions["workspace"].store.view() as view:
        passage = view.passages(view.numbers())
    passages = {info.collection: one.id for one, info in passage.values()}
    values = {
        "<document_id>": document,
        "<answer_id>": "a-none",
        "<passage_id>": passages[collection],
        "<int:number>": "1",
        "<path:filename>": "style.css",
        "<path:name>": "citable-qa",
        "<any(openwebui, links):profile>": "links",
    }
    for name, value in values.items():
        rule = rule.replace(name, value)
    bodies = {
        "/api/ask": {"question": "?"},
        "/api/search": {"question": "?"},
        "/api/feedback": {"answer_id": "a-none", "value": ""},
    }
    json_body = bodies.get(rule, {}) if method == "POST" and ("/api/" in rule or "/v1/" in rule) else None
    return client.open(rule, method=method, headers={**headers, "Accept": "application/json"}, json=json_body)


def test_every_route_is_opened_by_the_keys_of_the_table_and_by_no_others(site: Flask, keys: dict[str, str]) -> None:
    client = site.test_client()
    credentials = {"none": {}, "wrong": bearer("qa_k00000000_" + "x" * 43), "basic": {"Authorization": "Basic YTpi"}}
    credentials |= {name: bearer(key) for name, key in keys.items()}
    credentials |= {"read in X-API-Key": {"X-API-Key": keys["read"]}, "a wrong one in X-API-Key": {"X-API-Key": "x"}}
    for route, need in ROUTES.items():
        scope = need.removesuffix(", whole")  # who may not see every collection gets 404
        for name, headers in credentials.items():
            response = call(client, site, route, headers)
            response.close()
            held = "admin" if name == "nowhere" else name.split(" ")[0]
            if scope == "nothing":
                expected = response.status_code not in (401,) or route == "POST /sign-in"
            elif held not in SCOPES:
                expected = response.status_code == 401
            elif SCOPES.index(scope) > SCOPES.index(held):  # type: ignore[arg-type]
                expected = response.status_code == 403
            else:
                expected = response.status_code in (200, 202, 302, 303, 400, 404, 409, 422) or (route, name) == (
                    "GET /map",
                    "nowhere",
                )
            assert expected, f"{route} with {name}: {response.status_code} {response.get_data(as_text=True)[:200]}"


def test_a_refusal_is_a_problem_with_what_tools_expect(site: Flask, keys: dict[str, str]) -> None:
    client = site.test_client()
    for headers in ({}, bearer("nonsense"), bearer(keys["revoked"])):
        refused = client.get("/api/documents", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.get_json()["error"]["code"] == refused.get_json()["code"] == "unauthorized"
    told = {client.get("/api/documents", headers=bearer(one)).get_json()["detail"] for one in ("nonsense", keys["revoked"])}
    assert len(told) == 1, "a revoked key reads as one that never was"
    forbidden = client.post("/api/ask", json={"question": "why"}, headers=bearer(keys["read"]))
    assert (forbidden.status_code, forbidden.get_json()["code"]) == (403, "forbidden")


def test_a_key_is_required_as_soon_as_there_is_one_and_until_then_none(site: Flask) -> None:
    client = site.test_client()
    assert client.get("/api/documents").status_code == 200
    assert client.get("/api/documents", headers=bearer("sk-whatever")).status_code == 200
    key, text = site.extensions["door"].ring.make("read")
    assert client.get("/api/documents").status_code == 401
    assert client.get("/api/documents", headers=bearer(text)).status_code == 200
    site.extensions["door"].ring.revoke(key.id)
    assert client.get("/api/documents", headers=bearer(text)).status_code == 401


def test_keys_that_cannot_be_read_let_nobody_in(site: Flask, keys: dict[str, str]) -> None:
    file = site.extensions["workspace"].settings.data / "keys.db"
    for one in file.parent.glob("keys.db*"):
        one.unlink()
    file.write_bytes(b"no database" * 1000)
    client = site.test_client()
    for accept in ("application/json", "text/html"):
        for headers, expected in (({}, (401, 303)), (bearer(keys["admin"]), (503,))):
            refused = client.get("/documents", headers={**headers, "Accept": accept})
            assert refused.status_code in expected
            assert RED not in refused.get_data(as_text=True)
    assert client.get("/healthz").status_code == 200


def test_a_key_says_how_a_chat_tool_gets_its_citations_and_a_path_wins_over_it(site: Flask) -> None:
    client, ring = site.test_client(), site.extensions["door"].ring
    body = {"model": "citable-qa", "messages": [{"role": "user", "content": QUESTION}]}

    def put(key: str, path: str = "") -> tuple[str, str]:
        reply = client.post(f"{path}/v1/chat/completions", json=body, headers=bearer(key)).get_json()
        kinds = {"search_results", "sources"} & set(reply)
        return kinds.pop() if len(kinds) == 1 else "", "link" if "[[1]](" in reply["choices"][0]["message"][
            "content"
        ] else "plain"

    plain, links, openwebui = (ring.make("ask", profile=profile)[1] for profile in ("", "links", "openwebui"))
    assert put(plain) == ("search_results", "plain")
    assert put(links) == ("search_results", "link")
    assert put(openwebui) == ("sources", "plain")
    for key in (plain, links, openwebui):
        assert put(key, "/links") == ("search_results", "link")
        assert put(key, "/openwebui") == ("sources", "plain")
    streamed = client.post("/v1/chat/completions", json={**body, "stream": True}, headers=bearer(openwebui))
    assert '"type": "source"' in streamed.get_data(as_text=True)
    later = ring.make("ask", profile="of a later version")[1]
    assert put(later) == ("search_results", "plain"), "what is not known here says nothing"


# Collections


def seen_by(client: FlaskClient, key: str, answers: list[str], documents: list[str], passages: list[str]) -> str:
    """Return all that a key is shown anywhere, in one text."""
    paths = [
        "/",
        "/documents",
        "/documents?collection=secret",
        "/documents?q=secret",
        "/status",
        "/history",
        "/map",
        "/map?q=tunnel",
    ]
    paths += ["/api/documents", "/api/documents?collection=secret", "/api/index", "/documents/job"]
    for answer in answers:
        paths += [f"/answers/{answer}{end}" for end in ("", ".json", ".md", ".txt", "/verify", "/delete", "?check=1")]
        paths += [f"/api/answers/{answer}", f"/api/answers/{answer}/verify", f"/map?answer={answer}"]
    for document in documents:
        paths += [f"/documents/{document}", f"/documents/{document}/file", f"/api/documents/{document}"]
        paths += [f"/documents/{document}?answer={answer}" for answer in answers]
    paths += [f"/passages/{one}" for one in passages]
    shown = []
    for path in paths:
        response = client.get(path, headers={**bearer(key), "Accept": "text/html"})
        shown.append(response.get_data(as_text=True) + str(response.headers.get("Location", "")))
        response.close()
    for fields in ({}, {"collection": "secret"}, {"filters": {"collection": "secret"}}, {"filters": {"path": "secret/"}}):
        for path in ("/api/search", "/api/ask"):
            body = {"question": "When was the tunnel dug by the guild?", **fields}
            shown.append(
                client.post(path, json=body, headers=bearer(key)).get_data(as_text=True).replace(body["question"], "")
            )
    return "\n".join(shown)


def test_a_key_of_a_collection_is_shown_nothing_of_the_others(site: Flask, keys: dict[str, str]) -> None:
    client = site.test_client()
    answers = [ask(client, keys["admin"], name).get_json()["id"] for name in ("default", "secret")]
    documents = [document_of(site, name) for name in ("default", "secret")]
    with site.extensions["workspace"].store.view() as view:
        passages = [passage.id for passage, _ in view.passages(view.numbers()).values()]
    everything = seen_by(client, keys["admin"], answers, documents, passages)
    narrow = seen_by(client, keys["admin of default"], answers, documents, passages)
    for word in ("zanzibar", "Sitka", "secret.txt", "secret.broken"):
        assert word in everything
        assert word not in narrow
    assert "forty oxen" in narrow


def test_a_conversation_takes_nothing_from_one_collection_into_another(site: Flask, keys: dict[str, str]) -> None:
    client = site.test_client()
    conversation = ask(client, keys["admin"], "secret").get_json()["conversation_id"]
    fields = {"question": "When was it built?", "conversation_id": conversation}
    within = ask(client, keys["admin"], "secret", **fields).get_json()
    assert "Sitka" in within["searched_for"]
    across = ask(client, keys["admin"], "default", **fields).get_json()
    assert across["searched_for"] == "When was it built?"
    for path in ("/history", f"/answers/{across['id']}.json", f"/answers/{across['id']}"):
        seen = client.get(path, headers={**bearer(keys["admin of default"]), "Accept": "text/html"})
        assert seen.status_code == 200
        assert "Sitka" not in seen.get_data(as_text=True), path
    followed = ask(client, keys["admin of default"], "default", **fields)
    assert "Sitka" not in followed.get_data(as_text=True)
    refused = ask(client, keys["admin of default"], "secret", **fields)
    assert refused.status_code == 404
    assert "Sitka" not in refused.get_data(as_text=True)


def test_what_a_key_may_not_see_reads_as_what_is_not_there(site: Flask, keys: dict[str, str]) -> None:
    client = site.test_client()
    secret, answer = document_of(site, "secret"), ask(client, keys["admin"], "secret").get_json()["id"]

    def said(path: str) -> tuple[int, str]:
        response = client.get(path, headers={**bearer(keys["admin of default"]), "Accept": "application/json"})
        body = response.get_json()
        return response.status_code, f"{body['code']} {body['detail']} {body['hint']}"

    for path in ("/api/documents/{d}", "/documents/{d}", "/documents/{d}/file", "/documents/{d}/pages/1.png"):
        assert said(path.format(d=secret)) == said(path.format(d="d000000000000")), path
    for path in ("/api/answers/{a}", "/answers/{a}", "/answers/{a}.md", "/answers/{a}/delete", "/api/answers/{a}/verify"):
        assert said(path.format(a=answer)) == said(path.format(a="a00000000000")), path
    narrow = bearer(keys["admin of default"])
    for collection in ("secret", "elsewhere"):
        refused = client.post("/api/ask", json={"question": QUESTION, "collection": collection}, headers=narrow)
        assert refused.status_code == 404
        assert refused.get_json()["hint"] == "there are: default"
    for wrong in (answer, "a00000000000"):
        body = {"answer_id": wrong, "value": "helpful"}
        assert client.post("/api/feedback", json=body, headers=narrow).status_code == 404
        assert client.post(f"/answers/{wrong}/delete", headers=narrow).status_code == 404
    asked = client.post("/api/ask", json={"question": QUESTION, "conversation_id": answer}, headers=narrow)
    assert asked.status_code == 404


def test_deleting_all_deletes_what_the_key_may_see(site: Flask, keys: dict[str, str]) -> None:
    client = site.test_client()
    answers = {name: ask(client, keys["admin"], name).get_json()["id"] for name in ("default", "secret")}
    assert client.post("/history/delete", headers=bearer(keys["admin of default"])).status_code == 303
    history = site.extensions["workspace"].history
    assert history.get(answers["default"]) is None
    assert history.get(answers["secret"]) is not None


def test_a_key_indexes_again_only_what_it_may_see(site: Flask, keys: dict[str, str], tmp_path: Path) -> None:
    client = site.test_client()
    for name in ("default", "secret"):
        (tmp_path / name / "new.txt").write_text(f"A new text for {name}.")
    assert client.post("/api/index", headers=bearer(keys["index of default"])).status_code == 202
    site.extensions["jobs"].wait(60)
    listed = {one.path: one.collection for one in site.extensions["workspace"].store.documents()}
    assert "default/new.txt" in listed
    assert "secret/new.txt" not in listed
    assert client.get("/api/index", headers=bearer(keys["read of default"])).get_json()["status"] == "done"
    assert client.get("/api/index", headers=bearer(keys["nowhere"])).get_json()["status"] == "idle"
    assert client.post("/documents/uploads", headers=bearer(keys["nowhere"])).status_code == 404


def test_the_first_collection_of_a_key_is_its_default(site: Flask) -> None:
    _, text = site.extensions["door"].ring.make("ask", ["secret"])
    client = site.test_client()
    found = client.post("/api/search", json={"question": "Who dug the tunnel?"}, headers=bearer(text)).get_json()
    assert {one["path"] for one in found["passages"]} == {"secret/secret.txt"}


def test_a_part_of_a_store_has_every_method_of_the_whole_and_takes_none_from_it() -> None:
    """What a store can do NarrowStore must do with less, or refuse: it inherits nothing that would tell more."""
    public = {name for name in vars(Store) if not name.startswith("_")}
    assert public <= vars(NarrowStore).keys()
    assert NarrowStore.__mro__ == (NarrowStore, object)


def test_a_part_of_a_store_is_not_written(corpus: Workspace) -> None:
    part = NarrowStore(corpus.store, ["default"])
    with pytest.raises(RuntimeError, match="reading only"), part.writing():
        pass
    for name in ("adopt", "remember_paths", "files", "staged", "known_vectors", "document_ids", "is_taken", "apply"):
        with pytest.raises(RuntimeError, match="reading only"):
            getattr(part, name)("default")


def test_an_answer_of_before_collections_were_kept_is_for_who_sees_all(
    corpus: Workspace, make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    from index.sqlite import create_database

    data = tmp_path / "old"
    shutil.copytree(corpus.settings.data, data)
    for one in data.glob("history.db*"):
        one.unlink()
    create_database(
        data / "history.db",
        [
            "CREATE TABLE answers (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, question TEXT NOT NULL, "
            "status TEXT NOT NULL, answer TEXT NOT NULL)",
            "CREATE TABLE answer_documents (answer TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (document, answer))",
            "INSERT INTO answers VALUES ('a1', '2026-01-01', 'why', 'answered', '{\"id\": \"a1\"}')",
        ],
    )
    history = make_workspace(data).history
    assert history.get("a1") == {"id": "a1"}
    assert history.narrowed(["default"]).get("a1") is None
    assert history.narrowed(["default"]).past(10) == ([], 0)
    assert history.get("a1") == {"id": "a1"}


# Secrets


def test_neither_key_nor_document_is_in_a_log_or_an_error(
    site: Flask, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = site.test_client()
    wrong = "qa_k11111111_" + "w" * 43
    texts = []
    for key in (keys["admin"], keys["read"], keys["revoked"], wrong):
        for path in ("/api/documents", "/api/documents/d0", "/documents", "/nothing", "/api/answers/x"):
            response = client.get(path, headers=bearer(key))
            texts.append(response.get_data(as_text=True) if response.status_code >= 400 else "")
        texts.append(client.post("/api/ask", data=b"{", headers=bearer(key)).get_data(as_text=True))
        ask(client, key, "default")
        client.post("/sign-in", data={"key": key}).close()
    said = "\n".join([*texts, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    for secret in (keys["admin"], keys["read"], keys["revoked"], wrong):
        assert secret[12:] not in said
    assert "forty oxen" not in said
    assert QUESTION not in said
