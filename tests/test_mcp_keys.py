"""Keys over MCP: the SDK's own client shows them over a real socket, and sees what they open, nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
from conftest import ROOT
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_clients import call, serving, talk, text_of
from mcp_types import CallToolResult

from qa.cli.mcp import command
from qa.config import load_settings
from qa.indexing import index_paths
from qa.keeping import open_keys
from qa.mcp.http import PATH, listen
from qa.workspace import Workspace

RED = "The red bridge at Ava was built by the town in the summer of 1901.\n"
BLUE = "The blue tunnel at Sitka was dug in secret by the zanzibar guild in 1877.\n"
TUNNEL = "When was the blue tunnel at Sitka dug?"
_HELLO = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
_HEADERS = {"Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def _connection(address: str, headers: dict[str, str]) -> AsyncIterator[Any]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        streamable_http_client(address, http_client=http) as streams,
    ):
        yield streams


class Site:
    """A server of two collections, `default` (red) and `secret` (blue), with its keys."""

    def __init__(self, address: str, workspace: Workspace) -> None:
        self.address = address
        self.workspace = workspace
        self.ring = open_keys(workspace.settings)

    def key(self, scope: Any, *collections: str) -> str:
        """Make a key and return its text."""
        return self.ring.make(scope, collections)[1]

    def document(self, collection: str) -> str:
        """Return the id of a collection's one document."""
        [found] = [one for one in self.workspace.store.documents() if one.collection == collection]
        return str(found.id)

    def client(self, key: str) -> Any:
        """Return what connects a client that shows this key in each request."""
        return _connection(self.address, {"Authorization": f"Bearer {key}"} if key else {})

    def call(self, key: str, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool with a key."""
        return call(self.client(key), tool, **arguments)

    def resources(self, key: str) -> list[str]:
        """Return the addresses of the documents that a key is shown."""
        return [one.uri for one in talk(self.client(key), lambda client: client.list_resources()).resources]

    def post(self, key: str = "", **headers: str) -> httpx.Response:
        """Send a request by hand."""
        shown = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.post(self.address, json=_HELLO, headers={**_HEADERS, **shown, **headers})


@pytest.fixture
def site(make_workspace: Any, tmp_path: Path) -> Iterator[Site]:
    workspace = make_workspace(mcp_port=0, k=2)
    for collection, words in (("default", RED), ("secret", BLUE)):
        (tmp_path / collection).mkdir()
        (tmp_path / collection / f"{collection}.txt").write_text(words)
        index_paths(workspace.of_collection(collection), [tmp_path / collection])
    with serving(workspace) as address:
        yield Site(address, workspace)


def test_without_keys_whoever_is_on_this_machine_is_let_in(site: Site):
    assert site.call("", "status").structured_content["documents"] == 1
    assert site.call("sk-whatever", "status").structured_content["documents"] == 1


def test_no_key_a_wrong_one_and_a_revoked_one_let_nobody_in(site: Site):
    right = site.key("admin")
    gone, revoked = site.ring.make("admin")
    site.ring.revoke(gone.id)
    said = set()
    for key in ("", "wrong", right[:-1] + ("a" if right[-1] != "a" else "b"), revoked):
        refused = site.post(key)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="Citable QA"')
        assert ("invalid_token" in refused.headers["WWW-Authenticate"]) == bool(key)
        assert refused.json()["hint"]
        said.add(refused.json()["detail"])
        with pytest.raises(ExceptionGroup) as raised:
            site.call(key, "status")
        assert raised.group_contains(MCPError)
    assert len(said) == 2, "a revoked key reads as one that never was"
    assert site.post(right).status_code == 200


def test_a_key_is_revoked_at_once_in_a_running_server(site: Site):
    key, text = site.ring.make("read")
    assert site.post(text).status_code == 200
    assert httpx.post(site.address, json=_HELLO, headers={**_HEADERS, "X-API-Key": text}).status_code == 200
    assert site.ring.all()[0].last_used_at
    site.ring.revoke(key.id)
    assert site.post(text).status_code == 401


def test_the_right_key_asks_searches_and_reads(site: Site):
    key = site.key("ask")
    answer = site.call(key, "ask", question="When was the red bridge at Ava built?").structured_content
    assert answer["citations"][0]["quote"] == RED.strip()
    [found] = site.call(key, "search", query="red bridge").structured_content["results"]
    assert site.call(key, "fetch", id=found["id"]).structured_content["text"].strip() == RED.strip()
    assert site.resources(key) == [f"qa://documents/{site.document('default')}"]


def test_a_key_for_reading_is_shown_no_ask_and_may_not_use_it(site: Site):
    key = site.key("read")
    tools = talk(site.client(key), lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["search", "fetch", "status"]
    for tool, arguments in (
        ("search", {"query": "red bridge"}),
        ("status", {}),
        ("fetch", {"id": site.document("default")}),
    ):
        assert not site.call(key, tool, **arguments).is_error
    refused = site.call(key, "ask", question="When was the red bridge at Ava built?")
    assert refused.is_error
    assert text_of(refused) == "this key may not use ask; it takes one with the scope ask"
    assert site.workspace.history.past(10) == ([], 0)


def test_a_key_of_another_collection_sees_that_one_and_no_trace_of_the_rest(site: Site):
    whole, narrow = site.key("ask"), site.key("ask", "secret")
    first = site.call(whole, "ask", question="When was the red bridge at Ava built?").structured_content
    assert site.resources(narrow) == [f"qa://documents/{site.document('secret')}"]
    status = site.call(narrow, "status").structured_content
    assert (status["collection"], status["documents"]) == ("secret", 1)
    assert BLUE.strip() in text_of(site.call(narrow, "ask", question=TUNNEL))
    shown = text_of(site.call(narrow, "search", query="red bridge at Ava built by the town"))
    shown += text_of(site.call(narrow, "ask", question="When was the red bridge at Ava built?"))
    assert site.document("default") not in shown
    for words in ("1901", "summer"):
        assert words not in shown
    [passage] = site.call(whole, "search", query="red bridge").structured_content["results"]
    unknown = text_of(site.call(narrow, "fetch", id="d0"))
    for name in (site.document("default"), passage["id"], f"{site.document('default')}:0-10"):
        hidden = site.call(narrow, "fetch", id=name)
        assert hidden.is_error
        assert text_of(hidden) == unknown
    with pytest.raises(MCPError, match="no document has this address"):
        talk(site.client(narrow), lambda client: client.read_resource(f"qa://documents/{site.document('default')}"))
    followed = site.call(narrow, "ask", question="And who?", conversation_id=first["conversation_id"])
    assert "no conversation has this id" in text_of(followed)


def test_a_key_of_a_collection_that_is_not_there_sees_nothing(site: Site):
    key = site.key("admin", "nowhere")
    assert site.resources(key) == []
    assert site.call(key, "status").structured_content["documents"] == 0
    searched = site.call(key, "search", query="red bridge")
    assert text_of(searched) == "there is no collection nowhere; there are: none"


def test_with_a_key_too_other_hosts_and_origins_are_refused(site: Site):
    key = site.key("admin")
    for version in ({}, {"MCP-Protocol-Version": "2026-07-28"}):
        assert site.post(key, Host="evil.example", **version).status_code in (400, 421)
        assert site.post(key, Origin="https://evil.example", **version).status_code == 403
    assert site.post(key, Origin="http://localhost:6274").status_code == 200


def test_keys_that_cannot_be_read_let_nobody_in(site: Site):
    key = site.key("admin")
    file = site.workspace.settings.data / "keys.db"
    for one in file.parent.glob("keys.db*"):
        one.unlink()
    file.write_bytes(b"no database" * 1000)
    refused = site.post(key)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert str(site.workspace.settings.data) not in refused.text
    assert site.post().status_code == 401


def test_beyond_this_machine_a_key_is_asked_for_although_there_is_none(make_workspace: Any):
    workspace = make_workspace(mcp_port=0)
    beyond = workspace.settings.model_copy(update={"mcp_host": "0.0.0.0"})
    with serving(Workspace(beyond), listen_as=workspace.settings) as address:
        assert httpx.post(address, json=_HELLO, headers=_HEADERS).status_code == 401
    opened = beyond.model_copy(update={"open_access": True})
    with serving(Workspace(opened), listen_as=workspace.settings) as address:
        assert httpx.post(address, json=_HELLO, headers=_HEADERS).status_code == 200


def test_the_command_does_not_open_a_server_that_anybody_could_ask(run_qa: Any):
    refused = run_qa("mcp", "--http", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2
    assert "qa keys new --scope ask" in refused.stderr
    opened = run_qa("mcp", "--http", "--host", "0.0.0.0", "--port", "0", "--open-access")
    assert opened.exit_code == 2, "it still wants to know its names"
    assert "trusted_hosts" in opened.stderr


def test_the_recipe_of_the_readme_is_what_the_commands_take(run_qa: Any, monkeypatch: pytest.MonkeyPatch):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```sh\n([^`]*?claude mcp add [^`]*?)```", readme)
    assert found is not None
    make, serve, add = found[1].strip().splitlines()
    made = run_qa(*shlex.split(make, comments=True)[1:])
    assert made.stdout.startswith("qa_k")
    variable, _, _, *options = shlex.split(serve)
    monkeypatch.setenv(*variable.split("=", 1))
    given = command.make_context("mcp", options).params
    assert given["over_http"]
    settings = load_settings({"mcp_host": given["mcp_host"]}).settings
    listen(settings.model_copy(update={"mcp_port": 0})).close()
    [url] = [urlsplit(word) for word in shlex.split(add) if "://" in word]
    assert (url.hostname, url.port, url.path) == (settings.trusted_hosts[0], settings.mcp_port, PATH)
