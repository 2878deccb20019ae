"""docs/chat-tools.md: curl, openai and LangChain run as written against a server; the other blocks are read and checked."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from conftest import ROOT
from serving import serving

from qa.web import create_app
from qa.web.openai_chat import DEFAULT_MODEL
from qa.workspace import Workspace

PAGE = (ROOT / "docs" / "chat-tools.md").read_text(encoding="utf-8")
WRITTEN = "http://127.0.0.1:8765"
BLOCKS = {
    title: re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


@pytest.fixture
def address(corpus: Workspace) -> Iterator[str]:
    """The address of a server over the sample corpus."""
    with serving(corpus) as found:
        yield found


def block(title: str, kind: str, number: int = 0) -> str:
    return [text for name, text in BLOCKS[title] if name == kind][number]


def run_python(code: str) -> str:
    """Run a block as a program of its own, and return what it prints."""
    environment = {**os.environ, "LANGCHAIN_TRACING_V2": "false", "LANGSMITH_TRACING": "false"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_address(url: str) -> None:
    """Check that an address of a recipe leads to a path that the server has."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == WRITTEN
    map_ = create_app_map()
    path = parts.path if parts.path.endswith(("/completions", "/api/search")) else f"{parts.path}/chat/completions"
    endpoint, _ = map_.bind("127.0.0.1").match(path, method="POST")
    assert endpoint in ("openai.chat_completions", "api.search_passages")


def create_app_map() -> Any:
    from qa.config import Settings

    return create_app(Workspace(Settings())).url_map


def test_curl_runs_as_written(address: str) -> None:
    done = subprocess.run(
        ["sh", "-c", block("curl", "sh").replace(WRITTEN, address)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["choices"][0]["message"]["annotations"]


def test_the_openai_example_runs_as_written(address: str) -> None:
    said = run_python(block("openai, for Python", "python").replace(WRITTEN, address))
    assert re.search(rf"^\[1\] .+ {address}/documents/\S+#cited$", said, re.MULTILINE)


def test_the_example_in_the_readme_runs_as_written(address: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert f"{address}/documents/" in run_python(example.replace(WRITTEN, address))


def test_the_langchain_examples_run_as_written(address: str) -> None:
    said = run_python(block("LangChain", "python").replace(WRITTEN, address))
    assert f"[[1]]({address}/documents/" in said
    found = run_python(block("LangChain", "python", 1).replace(WRITTEN, address))
    assert len(found.splitlines()) >= 4


def test_the_llamaindex_example_asks_what_the_server_has() -> None:
    code = ast.parse(block("LlamaIndex", "python"))
    call = next(node for node in ast.walk(code) if isinstance(node, ast.Call) and ast.unparse(node.func) == "OpenAILike")
    given = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    assert (given["model"], given["is_chat_model"]) == (DEFAULT_MODEL, True)
    check_address(given["api_base"])


def test_the_environment_of_open_webui_names_its_own_profile() -> None:
    given = dict(line.split("=", 1) for line in block("Open WebUI", "sh").split())
    assert set(given) == {"OPENAI_API_BASE_URLS", "OPENAI_API_KEYS"}
    check_address(given["OPENAI_API_BASE_URLS"])
    assert "/openwebui/" in given["OPENAI_API_BASE_URLS"]


def test_the_endpoint_of_librechat_names_a_model_and_an_address() -> None:
    (endpoint,) = yaml.safe_load(block("LibreChat", "yaml"))["endpoints"]["custom"]
    check_address(endpoint["baseURL"])
    assert endpoint["models"]["default"] == [endpoint["titleModel"]] == [DEFAULT_MODEL]


def test_the_node_of_n8n_sends_a_request() -> None:
    (node,) = json.loads(block("n8n", "json"))["nodes"]
    check_address(node["parameters"]["url"])
    assert f"model: '{DEFAULT_MODEL}'" in node["parameters"]["jsonBody"]
    (linked,) = re.findall(r"takes `(\S+)` as Base URL", PAGE)
    check_address(linked)


def test_the_action_of_teams_sends_a_request(address: str) -> None:
    inputs = json.loads(block("Teams", "json"))["inputs"]
    check_address(inputs["uri"])
    inputs["body"]["messages"][0]["content"] = "What reasons does Pakistan give for rejecting the sanctions?"
    reply = httpx.request(
        inputs["method"], inputs["uri"].replace(WRITTEN, address), headers=inputs["headers"], json=inputs["body"], timeout=60
    )
    assert "[[1]](" in reply.json()["choices"][0]["message"]["content"]


def test_the_bot_of_discord_answers_within_discords_limit(address: str) -> None:
    code = block("Discord", "python")
    check_address(str(re.search(r'ADDRESS = "(\S+)"', code)[1]))  # type: ignore[index]
    compile(code, "bot.py", "exec")
    # the part that asks us; the rest needs Discord
    own, _, _ = code.replace("import discord\n", "").replace(WRITTEN, address).partition("\nclient = discord")
    names: dict[str, Any] = {}
    exec(compile(own, "bot.py", "exec"), names)
    text = asyncio.run(names["answer"]("What reasons does Pakistan give for rejecting the sanctions?"))
    assert "[[1]](" in text
    assert len(text) <= 2000
    assert asyncio.run(names["answer"]("")).startswith("the question is empty")


def test_every_recipe_of_the_list_is_there() -> None:
    wanted = {"curl", "openai, for Python", "LangChain", "LlamaIndex", "Open WebUI", "LibreChat", "n8n", "Discord", "Teams"}
    assert wanted == set(BLOCKS) - {"What is answered"}
    assert all(BLOCKS[title] for title in wanted)
