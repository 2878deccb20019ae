"""Servers over real sockets, for tests with real clients."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conftest import ROOT
from waitress import wasyncore

from qa.cli.serve import open_server
from qa.web import create_app
from qa.workspace import Workspace


@contextmanager
def serving(workspace: Workspace) -> Iterator[str]:
    """Serve a workspace on a free port; yields its address."""
    server = open_server(create_app(workspace), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown(timeout=5)  # seconds
    # by the thread that waits on the sockets, or it would wait on closed ones
    with suppress(OSError):  # another thread may have woken it in between: then all is closed before this wakes it
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(5)


@contextmanager
def served(data: Path, port: int = 0, **settings: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start `qa serve` as a process of its own; yields it and its port."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "QA_DATA": str(data)}
    environ |= {f"QA_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "qa.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environ, cwd=data.parent, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process, int(process.stderr.readline().partition("127.0.0.1:")[2].partition("/")[0])
        finally:
            process.kill()
