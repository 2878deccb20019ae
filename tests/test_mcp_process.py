"""`qa mcp` as assistants start it: a process of its own, with stdout for the protocol alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from conftest import ROOT
from mcp import Client
from mcp_clients import call, process, talk, text_of

pytestmark = pytest.mark.slow

QUESTION = "Under which legal instrument were the four Pakistani entities listed in December 2024?"
_HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
# Prints by every way there is, once stdout has been led away, and by a stream that was opened before.
_NOISE = """
import os, subprocess, sys, threading, time
early = sys.stdout
def shout():
    while not os.path.samestat(os.fstat(1), os.fstat(2)):
        time.sleep(0.01)
    early.write("noise, not flushed\\n")
    while True:
        print("noise")
        os.write(1, b"noise\\n")
        subprocess.run(["echo", "noise"])
        time.sleep(0.05)
threading.Thread(target=shout, daemon=True).start()
"""
# Ends once it has written what must come nowhere: so does the process.
_NOISE_TO_NOWHERE = """
import os, threading, time
def shout():
    while not os.path.samestat(os.fstat(1), os.stat(os.devnull)):
        time.sleep(0.01)
    os.write(1, b"noise\\n")
threading.Thread(target=shout).start()
"""
_WHICH_MODULES = """
import atexit, sys
slow = {'torch', 'litellm', 'transformers', 'sentence_transformers', 'flask', 'openai'}
atexit.register(lambda: print("imported", sorted(slow & set(sys.modules)), file=sys.stderr))
"""


def exchange(arguments: list[str], folder: Path, requests: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Say hello and send requests in raw JSON; returns all that came on stdout, and stderr."""
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _HELLO}
    messages = [hello, {"jsonrpc": "2.0", "method": "notifications/initialized"}]
    messages += [{"jsonrpc": "2.0", "id": number, **one} for number, one in enumerate(requests, start=1)]
    run = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdin.write("".join(json.dumps(one) + "\n" for one in messages))
    run.stdin.flush()
    lines = []
    while not any(json.loads(line).get("id") == len(requests) for line in lines):
        lines.append(run.stdout.readline())
    rest, errors = run.communicate(timeout=60)
    return [json.loads(line) for line in [*lines, *rest.splitlines()]], errors


def test_an_assistant_asks_over_stdio(corpus_data: Path, tmp_path: Path):
    server = process("--data", corpus_data, folder=tmp_path)

    async def session(client: Client) -> None:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["ask", "search", "fetch", "status"]
        answer = await client.call_tool("ask", {"question": QUESTION})
        assert answer.structured_content["citations"]
        found = (await client.call_tool("search", {"query": QUESTION})).structured_content["results"]
        assert not (await client.call_tool("fetch", {"id": found[0]["id"]})).is_error
        assert (await client.call_tool("fetch", {"id": "d0"})).is_error
        listed = (await client.list_resources()).resources
        assert (await client.read_resource(listed[0].uri)).contents[0].text

    talk(server, session)


def test_without_an_index_the_person_at_this_machine_reads_where(tmp_path: Path):
    result = call(process(folder=tmp_path), "ask", question=QUESTION)
    assert result.is_error
    assert ".qa: nothing is indexed here; run: qa index PATH" in text_of(result)


def test_two_assistants_ask_at_once(corpus_data: Path, tmp_path: Path):
    answers = []

    async def ask() -> None:
        async with Client(process("--data", corpus_data, folder=tmp_path)) as client:
            answers.append(await client.call_tool("ask", {"question": QUESTION}))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            group.start_soon(ask)

    anyio.run(both)
    assert [bool(answer.structured_content["citations"]) for answer in answers] == [True, True]


def test_whatever_is_printed_stdout_holds_the_protocol_alone(corpus_data: Path, tmp_path: Path):
    start = process("--data", corpus_data, folder=tmp_path, code=_NOISE)
    ask = {"method": "tools/call", "params": {"name": "ask", "arguments": {"question": QUESTION}}}
    said, errors = exchange(start.args, tmp_path, [ask])
    assert [one["id"] for one in said] == [0, 1]
    assert said[1]["result"]["structuredContent"]["citations"]
    assert errors.count("noise\n") > 3
    assert "noise, not flushed" in errors


def test_where_there_is_no_stderr_stdout_holds_the_protocol_alone_too(corpus_data: Path, tmp_path: Path):
    start = process("--data", corpus_data, folder=tmp_path, code=_NOISE_TO_NOWHERE)
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, *start.args],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        input=json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _HELLO}) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    assert [json.loads(line)["id"] for line in run.stdout.splitlines()] == [0]


def test_a_line_that_is_no_message_does_not_end_it(corpus_data: Path, tmp_path: Path):
    odd = {"method": "tools/call", "params": {"name": "search", "arguments": {"query": "half a pair \ud800"}}}
    said, _ = exchange(process("--data", corpus_data, folder=tmp_path).args, tmp_path, [odd, {"method": "ping"}])
    assert said[-1] == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_it_starts_without_what_is_slow(corpus_data: Path, tmp_path: Path):
    start = process("--data", corpus_data, folder=tmp_path, code=_WHICH_MODULES)
    _, errors = exchange(start.args, tmp_path, [{"method": "tools/list"}])
    assert "imported []" in errors


def test_it_works_in_the_folder_that_is_named(corpus_data: Path, tmp_path: Path):
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "qa.toml").write_text(f'data = "{corpus_data}"\nk = 2\n')
    status = call(process("--in", home, folder=tmp_path), "status")
    assert status.structured_content["documents"] > 5


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "qa.cli", "mcp", "--in", "nowhere"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert "--in nowhere" in run.stderr


def test_without_the_extra_it_says_what_to_install(tmp_path: Path):
    hidden = "import sys\nsys.modules['mcp'] = None"
    start = process(folder=tmp_path, code=hidden)
    run = subprocess.run(
        [start.command, *start.args],
        cwd=tmp_path,
        env=start.env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert 'pip install "citable-qa[mcp]"' in run.stderr


def test_over_http_it_says_where_it_is_and_ends_on_a_signal(corpus_data: Path, tmp_path: Path):
    run = subprocess.Popen(
        [sys.executable, "-m", "qa.cli", "mcp", "--http", "--port", "0", "--data", str(corpus_data)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    address = run.stderr.readline().split()[3]
    assert call(address, "status").structured_content["documents"] > 5
    run.terminate()
    rest, errors = run.communicate(timeout=30)
    assert rest == ""
    assert "Traceback" not in errors


def test_over_http_the_keys_of_the_data_directory_are_asked_for(corpus_data: Path, tmp_path: Path):
    made = subprocess.run(
        [sys.executable, "-m", "qa.cli", "keys", "new", "--scope", "read", "--data", str(corpus_data)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "qa.cli", "mcp", "--http", "--port", "0", "--data", str(corpus_data)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    address, hello = run.stderr.readline().split()[3], {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    try:
        assert httpx.post(address, json=hello, headers=headers).status_code == 401
        headers["Authorization"] = f"Bearer {made.stdout.strip()}"
        assert httpx.post(address, json=hello, headers=headers).status_code == 200
    finally:
        run.terminate()
        run.communicate(timeout=30)
