"""Whether a server asks for a key, and who shows one: the same for the web server and for MCP over HTTP."""

from __future__ import annotations

from typing import Protocol

from index.errors import IndexUnavailable, data_flag
from qa.config import Settings, is_loopback
from qa.errors import ConfigError
from qa.keeping import open_keys
from qa.keys import Key


class Headers(Protocol):
    """A request's headers, found in any case."""

    def get(self, name: str, /) -> str | None:
        """Return a header, None where there is none."""


class Gate:
    """Asks for a key as soon as there is one, and always where other machines reach the server, unless told otherwise."""

    def __init__(self, settings: Settings, host: str) -> None:
        self.ring = open_keys(settings)
        self._always = not is_loopback(host) and not settings.open_access

    @property
    def needs_key(self) -> bool:
        """Whether a key is needed."""
        return self._always or self.ring.has_keys

    def find(self, shown: str | None) -> Key | None:
        """Return the key in force that was shown, or None. Raises IndexDamaged or IndexUnavailable for unreadable keys."""
        return self.ring.find(shown) if shown is not None else None


def shown_key(headers: Headers) -> str | None:
    """Return the key in a request's headers, None where there is none."""
    scheme, _, text = (headers.get("Authorization") or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else headers.get("X-API-Key")


def check_keys(settings: Settings, host: str) -> None:
    """Raise ConfigError for a server that whoever reaches this machine could ask, unless it was told to let them."""
    gate = Gate(settings, host)
    try:
        if gate.ring.has_keys or not gate.needs_key:
            return
    except IndexUnavailable:  # for now: then nobody is let in
        return
    raise ConfigError(
        f"{host} can be reached from other machines, and there are no keys: whoever reaches it could read all",
        f"make a key: qa keys new --scope ask{data_flag(settings.data)}; or, where something else guards it: --open-access",
    )
