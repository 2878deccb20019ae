"""`qa serve`: the web form and the API on this machine, by waitress in one process, or by gunicorn in several."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from typing import Any

import click

from index.errors import IndexUnavailable
from qa.cli.allocator import hold_less_memory
from qa.cli.draining import serve_until_told
from qa.cli.frame import framed, say
from qa.config import MOST_WORKERS, Settings, host_in_url, wants_traces
from qa.errors import ConfigError
from qa.gate import check_keys
from qa.keeping import check_shared
from qa.logs import set_up

_SPARE_THREADS = 8  # that refuse, and answer health checks, while all others are at work or wait
_CONNECTIONS = 500


@click.command("serve")
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default: 8765; 0 takes a free one).")
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), help="Processes that answer (default: 1; more by gunicorn, an extra)."
)
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
    try:
        check_shared(settings)
    except IndexUnavailable as error:  # for now: it serves as soon as that is back
        say(f"not ready: {error}")
    check_keys(settings, settings.host)
    # what people give to a server it reads by itself: Ray's library takes the signals of its process
    settings = settings.model_copy(update={"engine": "local"})
    serve = _serve_alone if settings.workers == 1 else _serve_by_several
    serve(settings)


def _serve_alone(settings: Settings) -> None:
    # here, for the master of several processes must load nothing of this
    from qa.cli.warming import warm_up_aside
    from qa.tracing import open_tracing
    from qa.web import create_app
    from qa.workspace import Workspace

    workspace = Workspace(settings)
    tracing = open_tracing() if wants_traces() else None
    if tracing:
        workspace.listeners.append(tracing.note)
    try:
        server = open_server(create_app(workspace), settings.host, settings.port)
    except (OSError, ValueError) as error:
        raise _cannot_listen(settings, error) from error
    warm_up_aside(workspace)
    say(f"Citable QA is at http://{host_in_url(settings.host)}:{_port(server)}/  (Ctrl-C ends it)")
    ended = serve_until_told(server, settings.drain_seconds)
    if tracing:
        tracing.close()
    if not ended:
        say(f"not everything that was asked could be answered within {settings.drain_seconds:g} seconds")
        sys.stderr.flush()
        os._exit(0)  # what still runs in other threads must not meet libraries that are being taken down: they abort


def _serve_by_several(settings: Settings) -> None:
    if settings.store == "milvus" and settings.milvus_uri.endswith(".db"):
        message = f"{settings.milvus_uri} is a file of Milvus Lite, which serves one process, not {settings.workers} workers"
        raise ConfigError(message, "set workers to 1, or milvus_uri to the address of a server")
    if importlib.util.find_spec("gunicorn") is None:
        message = f"{settings.workers} workers take gunicorn, which is not installed"
        raise ConfigError(message, 'run: pip install "citable-qa[workers]", or set workers to 1')
    from qa.cli.workers import serve_by_workers  # an extra

    try:
        sockets = _listening(settings.host, settings.port)
    except OSError as error:
        raise _cannot_listen(settings, error) from error
    serve_by_workers(settings, sockets, _threads(settings))


def _listening(host: str, port: int) -> list[socket.socket]:
    """Return a socket that listens for each address of a host, all on one port. Raises OSError."""
    sockets: list[socket.socket] = []
    for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        taken = sockets[0].getsockname()[1] if sockets else port
        sockets.append(socket.create_server((address[0], taken), family=family, backlog=_CONNECTIONS))
    return sockets


def _cannot_listen(settings: Settings, error: Exception) -> ConfigError:
    hint = "free the port or choose another with --port"
    return ConfigError(f"cannot listen on {settings.host}:{settings.port} ({error})", hint)


def _threads(settings: Settings) -> int:
    return settings.at_once + settings.queue + _SPARE_THREADS


def open_server(app: Any, host: str, port: int) -> Any:
    """Return waitress's server for the application, listening; `run` serves. Raises OSError or ValueError."""
    from waitress.server import create_server  # only this command needs it

    settings = app.extensions["workspace"].settings
    return create_server(
        app,
        host=host,
        port=port,
        threads=_threads(settings),
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
