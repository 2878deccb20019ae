"""`qa serve`: the web form and the API, by waitress, on this machine."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import click

from index.errors import CitableError
from qa.cli.allocator import hold_less_memory
from qa.cli.draining import serve_until_told
from qa.cli.frame import framed, say
from qa.config import Settings, host_in_url, wants_traces
from qa.errors import ConfigError
from qa.gate import check_keys
from qa.logs import set_up
from qa.tracing import open_tracing
from qa.web import create_app
from qa.workspace import Workspace

_SPARE_THREADS = 8  # that refuse, and answer health checks, while all others are at work or wait
_CONNECTIONS = 500


@click.command("serve")
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default: 8765; 0 takes a free one).")
@click.option(
    "--open-access", is_flag=True, default=None, help="Answer without keys although --host can be reached by others."
)
@click.option("--model", help="LLM to write answers, as litellm names it.")
@click.option("--api-base", help="Address of the LLM's API.")
@framed
def command(settings: Settings, **_: Any) -> None:
    """Open the web form and the API. Ctrl-C ends it, when what was asked is answered; a second one at once."""
    set_up(settings.log_format, settings.log_level)
    hold_less_memory()
    workspace = Workspace(settings)
    check_keys(settings, settings.host)
    tracing = open_tracing() if wants_traces() else None
    if tracing:
        workspace.listeners.append(tracing.note)
    try:
        server = open_server(create_app(workspace), settings.host, settings.port)
    except (OSError, ValueError) as error:
        hint = "free the port or choose another with --port"
        raise ConfigError(f"cannot listen on {settings.host}:{settings.port} ({error})", hint) from error
    threading.Thread(target=_warm_up, args=(workspace,), daemon=True).start()
    say(f"Citable QA is at http://{host_in_url(settings.host)}:{_port(server)}/  (Ctrl-C ends it)")
    ended = serve_until_told(server, settings.drain_seconds)
    if tracing:
        tracing.close()
    if not ended:
        say(f"not everything that was asked could be answered within {settings.drain_seconds:g} seconds")
        sys.stderr.flush()
        os._exit(0)  # what still runs in other threads must not meet libraries that are being taken down: they abort


def open_server(app: Any, host: str, port: int) -> Any:
    """Return waitress's server for the application, listening; `run` serves. Raises OSError or ValueError."""
    from waitress.server import create_server  # only this command needs it

    settings = app.extensions["workspace"].settings
    return create_server(
        app,
        host=host,
        port=port,
        threads=settings.workers + settings.queue + _SPARE_THREADS,
        connection_limit=_CONNECTIONS,
        backlog=_CONNECTIONS,
        asyncore_use_poll=True,  # select() ends at file number 1023
        clear_untrusted_proxy_headers=False,  # whom to believe is decided in qa/web/proxies.py
        channel_timeout=60,
        channel_request_lookahead=1,  # without it a client that leaves goes unnoticed until something is sent
        ident=None,  # no Server header
        # what is a little too large for its path is refused by the application, in the form that the client reads
        max_request_body_size=4 * app.config["MOST_SENT"],
    )


def _port(server: Any) -> int:
    """Return the port of a server, which listens on several sockets where its host has several addresses."""
    return int(getattr(server, "effective_port", None) or server.effective_listen[0][1])


def _warm_up(workspace: Workspace) -> None:
    """Load the model while nobody waits; what is wrong is shown by /readyz and with the first question."""
    try:
        workspace.warm_up()
    except CitableError as error:
        say(f"not ready: {error}")
