"""The server on stdin and stdout: stdout is the protocol's alone, whatever libraries print."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import anyio
from mcp.server.stdio import stdio_server

from qa.mcp.faults import tell_all
from qa.mcp.server import make_server
from qa.mcp.visitors import Visitor
from qa.workspace import Workspace


def serve_stdio(workspace: Workspace) -> None:
    """Serve one client on stdin and stdout until it closes them."""
    only = Visitor(workspace)  # whoever started this process can read the files themselves

    stdout = _take_stdout()

    async def serve() -> None:
        server = make_server(lambda _: only, tell_all)
        async with stdio_server(stdout=anyio.wrap_file(stdout)) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


def _take_stdout() -> TextIO:
    """Return a stream to the client; whatever else is written to stdout goes to stderr, to the end of the process.

    The SDK would do the same, but give stdout back at the end, when a thread or a full buffer may still write to it.
    """
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return wire
