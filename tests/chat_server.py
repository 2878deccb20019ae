"""A real HTTP server on loopback that plays a chat tool: it takes what is posted to it and remembers it."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Posted:
    """What was posted to the server."""

    path: str
    authorization: str
    body: dict[str, Any]


class ChatServer:
    """The server: `with ChatServer() as chat:`, then let messages be sent to addresses below `chat.url`."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Posted] = queue.Queue()
        self.redirect_to = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (_Handler,), {"chat": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def next(self, seconds: float = 30) -> Posted:
        """Wait for the next message."""
        return self.posted.get(timeout=seconds)

    def is_silent(self, seconds: float = 0.7) -> bool:
        """Wait, and say whether nothing came."""
        try:
            self.posted.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    chat: ChatServer

    def do_POST(self) -> None:
        """Remember the message and say ok, or lead elsewhere."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.headers.get("Content-Type", "").startswith("application/json"):
            body = json.loads(raw)
        else:
            body = dict(parse_qsl(raw))
        self.chat.posted.put(Posted(self.path, self.headers.get("Authorization", ""), body))
        said = b'{"ok": true, "ts": "1.2"}'
        self.send_response(307 if self.chat.redirect_to and self.path != "/caught" else 200)
        if self.chat.redirect_to:
            self.send_header("Location", self.chat.redirect_to)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: stderr belongs to the code under test."""
