"""How many requests a minute one key, or one address without a key, may send to a server: Flask-Limiter."""

from __future__ import annotations

import time
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network

from flask import Flask, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit

from qa.config import Settings
from qa.tables import Tables
from qa.web.access import asker, needs_of
from qa.web.shared_limits import SCHEME

_FREE = frozenset(("static", "api.healthz", "api.readyz"))
_NETWORK_BITS = 64  # of an IPv6 address: what one customer of a provider is given


def limit(app: Flask, settings: Settings, counts: Tables | None) -> None:
    """Refuse with 429 what is beyond `rate_limit` requests a minute, and `ask_limit` questions.

    counts: where all who answer for one index count (qa/web/shared_limits.py); None: in the memory of this process.
    """
    limits = [
        ApplicationLimit(f"{settings.rate_limit} per minute", exempt_when=_is_free, scope="all"),
        ApplicationLimit(f"{settings.ask_limit} per minute", exempt_when=_is_no_question, scope="ask"),
    ]
    kept = [one for one, most in zip(limits, (settings.rate_limit, settings.ask_limit), strict=True) if most]
    Limiter(
        _who,
        app=app,
        application_limits=[*kept],
        storage_uri="memory://" if counts is None else f"{SCHEME}://",
        storage_options={} if counts is None else {"tables": counts},  # type: ignore[dict-item]
        strategy="sliding-window-counter",  # two numbers for each asker, however many requests
        on_breach=_note_wait,
        enabled=bool(kept),
    )


def _who() -> str:
    """Return what requests are counted by."""
    key = asker().key
    return key.id if key else _network(request.remote_addr or "")


def _network(address: str) -> str:
    """Return an address, of IPv6 the network: a single machine has as many of its addresses as it likes."""
    with suppress(ValueError):
        if isinstance(ip_address(address), IPv6Address):
            return str(ip_network((address, _NETWORK_BITS), strict=False))
    return address


def _is_free() -> bool:
    return request.endpoint in _FREE


def _is_no_question() -> bool:
    if request.method != "POST" or request.endpoint is None:
        return True
    need = needs_of(current_app, request.endpoint)
    return need is None or need.scope != "ask"


def _note_wait(breached: RequestLimit) -> None:
    g.refused = "rate_limited"
    g.retry_after = max(1, breached.reset_at - int(time.time()))
