"""The server on stdin and stdout: stdout is the protocol's alone, whatever libraries print."""

from __future__ import annotations

import fcntl
import os
from typing import TextIO

import anyio
from mcp.server.stdio import stdio_server

from qa.mcp.faults import tell_all
from qa.mcp.server import make_server
from qa.mcp.visitors import Visitor
from qa.workspace import Workspace

_STDOUT, _STDERR = 1, 2


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
    wire = os.fdopen(fcntl.fcntl(_STDOUT, fcntl.F_DUPFD_CLOEXEC, _STDERR + 1), "w", encoding="utf-8")
    try:
        os.dup2(_STDERR, _STDOUT)
    except OSError:  # there is no stderr
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    return wire
