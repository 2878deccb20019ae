"""The server over Streamable HTTP: answers by its own names only, and asks for a key where one is wanted."""

from __future__ import annotations

import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from anyio import to_thread
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from index.errors import CitableError
from qa.config import Settings, host_in_url, is_loopback
from qa.errors import ConfigError
from qa.gate import check_keys, shown_key
from qa.mcp.faults import tell_outside
from qa.mcp.server import make_server
from qa.mcp.visitors import Door, Visitor
from qa.workspace import Workspace

PATH = "/mcp"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MAX_BODY = 64 * 1024  # bytes; as for the API
_DRAIN_SECONDS = 10
_VISITOR = "qa.visitor"  # in a request's scope
_BEARER = 'Bearer realm="Citable QA"'
_LOG = logging.getLogger("qa.mcp")


def make_app(workspace: Workspace) -> ASGIApp:
    """Return the server as an ASGI application that answers at /mcp, by its own names and with a key where there is one."""
    settings = workspace.settings
    app: ASGIApp = make_server(_who, tell_outside).streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,  # nothing is kept between requests, so nothing can fill up
        max_request_body_size=_MAX_BODY,
        transport_security=_names(settings),
    )
    return _Guarded(app, Door(workspace, settings))


def make_http_server(workspace: Workspace) -> uvicorn.Server:
    """Return what serves over HTTP: `run(sockets=[…])` until a signal, or `should_exit`, ends it."""
    config = uvicorn.Config(
        make_app(workspace),
        log_config=None,  # or every request is written to stdout
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return uvicorn.Server(config)


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say. Raises ConfigError.

    Beyond this machine there must be keys, as for `qa serve`, and the names must be set by which it is to answer.
    """
    host, port = settings.mcp_host, settings.mcp_port
    check_keys(settings, host)
    if not is_loopback(host) and not settings.trusted_hosts and not settings.base_url:
        raise ConfigError(
            f"{host} can be reached by names that the server does not know",
            "name those that clients use in trusted_hosts, or set base_url",
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port} ({error})", "choose another port with --port") from error


def _names(settings: Settings) -> TransportSecuritySettings:
    """Return the Host and Origin values that are answered: loopback's, and those that are configured."""
    named = [*_LOOPBACK, *settings.trusted_hosts]
    if is_loopback(settings.mcp_host):
        named.append(settings.mcp_host)
    if settings.base_url:
        named.append(urlsplit(settings.base_url).hostname or "")
    hosts = [form for name in map(host_in_url, named) for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        allowed_hosts=hosts, allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    )


def _who(request: Any) -> Visitor:
    """Return who sent a request that was let in."""
    visitor = request.scope[_VISITOR]
    assert isinstance(visitor, Visitor)  # noqa: S101
    return visitor


class _Guarded:
    """An application that only those reach who are let in: the others get 401, all get 503 where keys cannot be read."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shown = shown_key(Headers(scope=scope))
        try:
            visitor = await to_thread.run_sync(self._door.admit, shown)  # it reads a file
        except CitableError as error:
            _LOG.error("%s", error)
            await _no_keys()(scope, receive, send)
            return
        answer = self._app if visitor else _refusal(shown)
        await answer({**scope, _VISITOR: visitor}, receive, send)


def _refusal(shown: str | None) -> JSONResponse:
    """Return what those get who are not let in; a revoked key reads as one that never was."""
    if shown is None:
        said, challenge = "A key is needed here.", _BEARER
    else:
        said, challenge = "This key is not known here.", f'{_BEARER}, error="invalid_token"'
    body = {"code": "unauthorized", "detail": said, "hint": "send Authorization: Bearer KEY; see: qa keys new"}
    return JSONResponse(body, 401, headers={"WWW-Authenticate": challenge})


def _no_keys() -> JSONResponse:
    body = {"code": "unavailable", "detail": "The keys cannot be read.", "hint": "on the server, run: qa doctor"}
    return JSONResponse(body, 503, headers={"Retry-After": "5"})
