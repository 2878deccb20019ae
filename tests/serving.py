"""Servers over real sockets, for tests with real clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(5)
