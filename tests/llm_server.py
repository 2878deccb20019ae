"""A real HTTP server on loopback that speaks OpenAI's chat completions, and misbehaves in whatever way a test asks for."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

USAGE = {"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366}
_CUT = 9  # characters of a streamed piece, unless told otherwise: hardly a line arrives whole
_PASSAGE = re.compile(r'^<passage id="([^"]+)"[^>]*>\n(.*?)\n</passage>$', re.DOTALL | re.MULTILINE)

Body = dict[str, Any]
Claims = Sequence[tuple[str, Sequence[tuple[str, str]]]]


def quoting(claims: Claims) -> str:
    """Return a reply in the form prompts/answer.md asks for: claims, each with its (passage id, quoted words)."""
    lines = []
    for claim, quotes in claims:
        lines += [f"CLAIM: {claim}", *(f'QUOTE {label}: "{words}"' for label, words in quotes)]
    return "\n".join([*lines, "END"])


def passages_of(body: Body) -> dict[str, str]:
    """Return the passages that a request's user message shows, text by id."""
    return dict(_PASSAGE.findall(body["messages"][-1]["content"]))


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    body: Body
    headers: Mapping[str, str]


class Gone(Exception):
    """The client has closed the connection, or the server is being stopped."""


class Behaviour:
    """What the server does with a request. Each one is a subclass."""

    def respond(self, to: Handler, request: Request) -> None:
        """Write the response, whole or broken."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Behaviour):
    """A good reply, in small cuts of `cut` characters, `delay` seconds apart."""

    text: str
    delay: float = 0.0
    cut: int = _CUT

    def respond(self, to: Handler, request: Request) -> None:
        if not request.body.get("stream"):
            to.send_json(200, completion(self.text))
            return
        to.begin_stream()
        for piece in cuts(self.text, self.cut):
            to.pause(self.delay)
            to.send_event(chunk({"content": piece}))
        to.end_stream(with_usage=wants_usage(request.body))


@dataclass(frozen=True)
class Computed(Behaviour):
    """A good reply that depends on the request, so that it can quote the passages in it."""

    reply: Callable[[Body], str]

    def respond(self, to: Handler, request: Request) -> None:
        Text(self.reply(request.body)).respond(to, request)


@dataclass
class Turns(Behaviour):
    """Another behaviour for each request in turn; the last one for all that follow."""

    turns: list[Behaviour]

    def __init__(self, *turns: Behaviour | str | Callable[[Body], str]) -> None:
        self.turns = [as_behaviour(one) for one in turns]

    def respond(self, to: Handler, request: Request) -> None:
        (self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]).respond(to, request)


@dataclass(frozen=True)
class StatusError(Behaviour):
    """An error status whose body echoes the Authorization header, as careless proxies do."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""

    def respond(self, to: Handler, request: Request) -> None:
        message = f"upstream said {self.status} {self.code} to {request.headers.get('authorization', '')}"
        error = {"message": message, "type": "error", "code": self.code or self.status}
        to.send_json(self.status, {"error": error}, self.headers)


@dataclass(frozen=True)
class Finished(Behaviour):
    """A stream that ends properly, for this reason: length, content_filter."""

    reply: Callable[[Body], str]
    reason: str

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        for piece in cuts(self.reply(request.body)):
            to.send_event(chunk({"content": piece}))
        to.send_event(chunk({}, finish_reason=self.reason))
        to.send_body(b"data: [DONE]\n\n")
        to.end_body()


@dataclass(frozen=True)
class Raw(Behaviour):
    """A whole response with this body: half JSON, a page of HTML."""

    body: bytes
    content_type: str = "application/json"

    def respond(self, to: Handler, request: Request) -> None:
        to.send_response(200)
        to.send_header("Content-Type", self.content_type)
        to.send_header("Content-Length", str(len(self.body)))
        to.send_header("Connection", "close")
        to.end_headers()
        to.wfile.write(self.body)


@dataclass(frozen=True)
class CutOff(Behaviour):
    """A stream that ends after `reply` with neither a finish reason nor [DONE]."""

    reply: Callable[[Body], str]

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        for piece in cuts(self.reply(request.body)):
            to.send_event(chunk({"content": piece}))
        to.end_body()


@dataclass(frozen=True)
class Reset(Behaviour):
    """A connection that is reset after `reply`."""

    reply: Callable[[Body], str]

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        for piece in cuts(self.reply(request.body)):
            to.send_event(chunk({"content": piece}))
        to.pause(0.2)  # or the reset overtakes what was sent
        to.reset()


@dataclass(frozen=True)
class Hang(Behaviour):
    """A server that takes the request and never says a word."""

    def respond(self, to: Handler, request: Request) -> None:
        while True:
            to.pause(1)


@dataclass(frozen=True)
class Drip(Behaviour):
    """A stream that goes on for ever: this event body every `delay` seconds, so that no single read times out."""

    event: bytes
    delay: float = 0.2

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        while True:
            to.pause(self.delay)
            to.send_body(self.event)


@dataclass(frozen=True)
class MalformedChunk(Behaviour):
    """A stream with an event that is not JSON after `reply`."""

    reply: Callable[[Body], str]

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        for piece in cuts(self.reply(request.body)):
            to.send_event(chunk({"content": piece}))
        to.send_body(b'data: {"id": "x", "choices": [{"delta"\n\n')
        to.end_stream(with_usage=False)


@dataclass(frozen=True)
class OddChunks(Behaviour):
    """A good reply between chunks without choices, with null content and with empty content."""

    reply: Callable[[Body], str]

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        for piece in cuts(self.reply(request.body)):
            to.send_event({**chunk({}), "choices": []})
            to.send_event(chunk({"content": None}))
            to.send_event(chunk({"content": ""}))
            to.send_event(chunk({"content": piece}))
        to.end_stream(with_usage=wants_usage(request.body))


@dataclass(frozen=True)
class NoContent(Behaviour):
    """A well-formed stream in which `delta` is always this: {} or {"content": None}; or, when None, no choice at all."""

    delta: Mapping[str, Any] | None

    def respond(self, to: Handler, request: Request) -> None:
        to.begin_stream()
        to.send_event({**chunk({}), "choices": []} if self.delta is None else chunk(self.delta))
        to.end_stream(with_usage=False)


@dataclass(frozen=True)
class Redirect(Behaviour):
    """A redirect to another server's chat completions."""

    url: str
    status: int = 307

    def respond(self, to: Handler, request: Request) -> None:
        to.send_json(self.status, {}, {"Location": f"{self.url}/chat/completions"})


class LLMServer:
    """The server: `with LLMServer() as llm: llm.reply_with(…)`, then point the client at `llm.url`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.closed_early = threading.Event()
        self.stopping = threading.Event()
        self.behaviour: Behaviour = Text("NO EVIDENCE\nEND")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"llm": self}))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The `api_base` of this server."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def reply_with(self, behaviour: Behaviour | str | Callable[[Body], str]) -> None:
        """Set what every request from now on gets: a text, a function of the request's body, or a behaviour."""
        self.behaviour = as_behaviour(behaviour)

    def __enter__(self) -> LLMServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """One request: reads it, and gives the behaviours the means to answer well or badly."""

    llm: LLMServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take down the request and do what the test asked for."""
        self.close_connection = True
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(json.loads(self.rfile.read(length)), headers)
        self.llm.requests.append(request)
        try:
            if self.path == "/v1/chat/completions":
                self.llm.behaviour.respond(self, request)
            else:
                self.send_json(404, {"error": {"message": f"no such path: {self.path}"}})
        except (Gone, ConnectionError):
            if not self.llm.stopping.is_set():
                self.llm.closed_early.set()

    def send_json(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Send a whole JSON response."""
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Connection": "close"}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        """Send the head of a stream and OpenAI's first chunk, which names the role."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        self.send_event(chunk({"role": "assistant", "content": ""}))

    def send_event(self, data: Mapping[str, Any]) -> None:
        """Send one server-sent event."""
        self.send_body(f"data: {json.dumps(data)}\n\n".encode())

    def send_body(self, data: bytes) -> None:
        """Send bytes of the body, whatever they are."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self, *, with_usage: bool) -> None:
        """Send the finish reason, the usage when it was asked for, and [DONE]."""
        self.send_event(chunk({}, finish_reason="stop"))
        if with_usage:
            self.send_event({**chunk({}), "choices": [], "usage": USAGE})
        self.send_body(b"data: [DONE]\n\n")
        self.end_body()

    def end_body(self) -> None:
        """End the body as HTTP wants it, whatever it held."""
        self.wfile.write(b"0\r\n\r\n")

    def pause(self, seconds: float) -> None:
        """Wait; raises Gone as soon as the client has left."""
        if not seconds:
            return
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if self.llm.stopping.is_set() or (readable and not self.connection.recv(1, socket.MSG_PEEK)):
            raise Gone

    def reset(self) -> None:
        """Drop the connection with a reset instead of a farewell."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: stderr belongs to the code under test."""


def as_behaviour(given: Behaviour | str | Callable[[Body], str]) -> Behaviour:
    """Return the behaviour that a test means by a text, a function of the request's body, or a behaviour."""
    if isinstance(given, str):
        return Text(given)
    return given if isinstance(given, Behaviour) else Computed(given)


def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> Body:
    """Return one chunk of a stream."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish_reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "test", "choices": [choice]}


def completion(text: str) -> Body:
    """Return a whole reply that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [choice],
        "usage": USAGE,
    }


def wants_usage(body: Body) -> bool:
    """Tell whether the client asked for the usage of a stream."""
    return bool((body.get("stream_options") or {}).get("include_usage"))


def cuts(text: str, size: int = _CUT) -> Iterator[str]:
    """Cut a text into pieces."""
    return (text[start : start + size] for start in range(0, len(text), size))
