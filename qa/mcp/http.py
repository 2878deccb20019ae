"""The server over Streamable HTTP: answers by its own names only, and asks for a key where one is wanted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from qa.config import Settings
from qa.errors import ConfigError
from qa.mcp.faults import tell_outside
from qa.mcp.server import make_server
from qa.workspace import Workspace

PATH = "/mcp"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MAX_BODY = 64 * 1024  # bytes; as for the API
_DRAIN_SECONDS = 10

Admits = Callable[[Mapping[str, str]], bool]


def make_app(workspace: Workspace, admits: Admits | None = None) -> ASGIApp:
    """Return the server as an ASGI application that answers at /mcp, by its own names only.

    admits: says by a request's headers whether its key lets it in; None lets in whoever reaches the port.
    """
    settings = workspace.settings
    app: ASGIApp = make_server(workspace, tell_outside).streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,  # nothing is kept between requests, so nothing can fill up
        max_request_body_size=_MAX_BODY,
        transport_security=_names(settings),
    )
    return _Door(app, admits) if admits else app


def make_http_server(workspace: Workspace, admits: Admits | None = None) -> uvicorn.Server:
    """Return what serves over HTTP: `run(sockets=[…])` until a signal, or `should_exit`, ends it."""
    config = uvicorn.Config(
        make_app(workspace, admits),
        log_config=None,  # or every request is written to stdout
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return uvicorn.Server(config)


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say. Raises ConfigError.

    Beyond this machine the server must know its own names, or any web page could reach it by another.
    """
    host, port = settings.mcp_host, settings.mcp_port
    if host not in _LOOPBACK and not settings.trusted_hosts:
        raise ConfigError(
            f"mcp_host {host} opens the documents to others", "name the host in trusted_hosts if that is meant"
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port} ({error})", "choose another port with --port") from error


def _names(settings: Settings) -> TransportSecuritySettings:
    """Return the Host and Origin values that are answered: loopback's, and those that are configured."""
    named = [*_LOOPBACK[:2], "[::1]", *settings.trusted_hosts]
    if settings.base_url:
        named.append(urlsplit(settings.base_url).hostname or "")
    hosts = [form for name in named for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        allowed_hosts=hosts, allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    )


class _Door:
    """Answers 401 to requests that are not admitted."""

    def __init__(self, app: ASGIApp, admits: Admits) -> None:
        self._app, self._admits = app, admits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._admits(Headers(scope=scope)):
            refused = {"code": "unauthorized", "detail": "A key is needed.", "hint": "send Authorization: Bearer KEY"}
            response = JSONResponse(refused, 401, headers={"WWW-Authenticate": "Bearer"})
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)
