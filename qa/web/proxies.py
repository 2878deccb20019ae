"""Requests that come through a proxy: what it says of the client is believed only of proxies that the settings name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network


class ForwardedFrom:
    """A WSGI application behind proxies: the client's address and scheme are those that a trusted proxy names.

    werkzeug's ProxyFix believes whoever sends the header; here the peer of the connection must be one of ours, and so must
    every proxy that is passed over.
    """

    def __init__(self, app: WSGIApplication, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = [ip_network(one, strict=False) for one in trusted]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        peer = environ.get("REMOTE_ADDR", "")
        if self._is_trusted(peer):
            hops = [one.strip() for one in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if one.strip()]
            environ["REMOTE_ADDR"] = self._client(hops) or peer
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)

    def _client(self, hops: Sequence[str]) -> str:
        """Return the nearest address that is none of our proxies; what stands before it anybody may have written."""
        for one in reversed(hops):
            if not _address(one):
                return ""
            if not self._is_trusted(one):
                return one
        return hops[0] if hops else ""

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> Any:
    with suppress(ValueError):
        return ip_address(text)
    return None


class AnsweringProbes:
    """A WSGI application that answers health checks under any name: probes come by address, and these tell nothing."""

    _PATHS = ("/healthz", "/readyz")

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        probe = environ.get("PATH_INFO") in self._PATHS
        return self._app({**environ, "HTTP_HOST": "localhost"} if probe else environ, start_response)
