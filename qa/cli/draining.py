"""Serving until told to stop (SIGTERM, Ctrl-C), then letting what has begun come to its end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

_POLL = 0.5  # seconds that one look at the sockets takes at most


class Stop:
    """Becomes true at the first SIGTERM or Ctrl-C. After that both have their usual effect: the next ends all at once."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.told = False
        self._before = {one: signal.signal(one, self._note) for one in (signal.SIGTERM, signal.SIGINT)}

    def _note(self, *_: int | FrameType | None) -> None:
        self.told = True
        self.restore()
        for one in listeners(self._server):
            one.pull_trigger()  # or it is noticed only when the next request comes

    def restore(self) -> None:
        """Give the signals their former effect."""
        for number, handler in self._before.items():
            signal.signal(number, handler)


def serve_until_told(server: Any, seconds: float) -> bool:
    """Serve by waitress's server until told to stop, then take no new connections and finish what has begun.

    seconds: how long that may take. Returns whether all came to its end. To be called by the main thread.
    """
    stop = Stop(server)
    try:
        while not stop.told:
            _serve(server)
        return drain(server, seconds)
    finally:
        stop.restore()


def drain(server: Any, seconds: float) -> bool:
    """Refuse new connections and serve those that wait for an answer, so many seconds at most; says whether none is left."""
    sockets = _sockets(server)
    for one in listeners(server):
        one.accepting = False
        sockets.pop(one._fileno, None)
        one.socket.close()
    until = time.monotonic() + seconds
    while busy := _close_idle(server):
        if time.monotonic() >= until:
            break
        _serve(server)
    return not busy


def listeners(server: Any) -> list[Any]:
    """Return the parts of a server that listen, one for each address of its host."""
    every = {id(one): one for one in [server, *_sockets(server).values()] if hasattr(one, "active_channels")}
    return list(every.values())


def _close_idle(server: Any) -> int:
    """Close the connections on which nothing is asked, and return how many others there are."""
    busy = 0
    for channel in _channels(server):
        if channel.requests or channel.request is not None or channel.total_outbufs_len:
            busy += 1
        else:
            channel.handle_close()
    return busy


def _channels(server: Any) -> Iterator[Any]:
    return (one for one in list(_sockets(server).values()) if hasattr(one, "total_outbufs_len"))


def _serve(server: Any) -> None:
    from waitress import wasyncore  # only `qa serve` needs it

    wasyncore.loop(timeout=_POLL, map=_sockets(server), use_poll=True, count=1)


def _sockets(server: Any) -> dict[int, Any]:
    """Return what the server waits on, by file number."""
    found: dict[int, Any] = server.map if hasattr(server, "effective_listen") else server._map
    return found
