"""The server on stdin and stdout: stdout is the protocol's alone, whatever libraries print."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import anyio
from mcp.server.stdio import stdio_server

from qa.mcp.faults import tell_all
from qa.mcp.server import make_server
from qa.mcp.visitors import Visitor
from qa.workspace import Workspace


def serve_stdio(workspace: Workspace) -> None:
    """Serve one client on stdin and stdout until it closes them."""
    only = Visitor(workspace)  # whoever started this process can read the files themselves

    async def serve() -> None:
        server = make_server(lambda _: only, tell_all)
        # The SDK moves the protocol to a descriptor of its own, so that what libraries write to the old one goes to stderr.
        # What waits in the buffer of Python's stdout must go the same way before the descriptor is the client's again.
        buffered = sys.stdout
        async with stdio_server() as (read, write):
            with redirect_stdout(sys.stderr):
                await server.run(read, write, server.create_initialization_options())
            buffered.flush()

    anyio.run(serve)
