"""The MCP SDK's own client, for tests: over HTTP to a server in a thread, over stdio to one in a process of its own."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
from conftest import ROOT
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from qa.config import Settings
from qa.mcp.http import listen, make_http_server
from qa.workspace import Workspace

_T = TypeVar("_T")


@contextmanager
def serving(workspace: Workspace, listen_as: Settings | None = None) -> Iterator[str]:
    """Serve a workspace over HTTP on loopback; gives the address. listen_as: settings to listen by, else its own."""
    with listen(listen_as or workspace.settings) as listening:
        server = make_http_server(workspace)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join(20)


def process(*arguments: object, folder: Path, code: str = "") -> StdioServerParameters:
    """Say how to start `qa mcp` in a folder; code: Python to run in it beforehand."""
    start = ["-c", f"{code}\nfrom qa.cli import main\nmain(prog_name='qa')"] if code else ["-m", "qa.cli"]
    env = {"PYTHONPATH": str(ROOT), **{name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}}
    words = [str(one) for one in arguments]
    return StdioServerParameters(command=sys.executable, args=[*start, "mcp", *words], env=env, cwd=folder)


def talk(server: Any, work: Callable[[Client], Awaitable[_T]], **options: Any) -> _T:
    """Connect, do the work and take leave. What the work raises is raised as it is, not in groups of errors."""

    async def run() -> _T | MCPError:
        async with Client(server, **options) as client:
            try:
                return await work(client)
            except MCPError as error:
                return error

    outcome = anyio.run(run)
    if isinstance(outcome, MCPError):
        raise outcome
    return outcome


def call(server: Any, tool: str, **arguments: Any) -> CallToolResult:
    """Call one tool."""
    return talk(server, lambda client: client.call_tool(tool, arguments))


def text_of(result: CallToolResult) -> str:
    """Return a result's one block of text."""
    (block,) = result.content
    assert block.type == "text"
    return block.text
