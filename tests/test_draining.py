"""`qa serve` told to stop: what has begun comes to its end, nothing new is taken, and there is a limit."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from llm_server import LLMServer, Text
from serving import served

from qa.cli.draining import drain
from qa.cli.serve import open_server
from qa.web import create_app
from qa.workspace import Workspace

QUESTION = json.dumps({"question": "What reasons does Pakistan give for rejecting the sanctions?"})
HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}


def begin_stream(port: int) -> HTTPResponse:
    """Ask, and return the stream when its first event has come."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/api/ask", QUESTION, HEADERS)
    stream = connection.getresponse()
    assert stream.readline() == b"event: meta\n"
    return stream


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return True
    return False


def await_refusal(port: int) -> bool:
    deadline = time.monotonic() + 20
    while not (refused := is_refused(port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return refused


@pytest.mark.slow
@pytest.mark.parametrize("told_by", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_comes_to_its_end_while_new_connections_are_refused(
    told_by: signal.Signals, corpus: Workspace, llm: LLMServer
) -> None:
    go_on = threading.Event()
    llm.reply_with(lambda _: "NO EVIDENCE\nEND" if go_on.wait(60) else "")
    with served(corpus.settings.data, model="openai/test", api_base=llm.url, drain_seconds=60) as (process, port):
        stream = begin_stream(port)
        idle = socket.create_connection(("127.0.0.1", port))
        process.send_signal(told_by)
        assert await_refusal(port)
        assert process.poll() is None, "it ended although a stream was going on"
        go_on.set()
        rest = stream.read()
        assert b"event: done" in rest
        assert process.wait(30) == 0
        assert idle.recv(1) == b"", "a connection that asks nothing holds up nobody"
        idle.close()


@pytest.mark.slow
def test_after_the_limit_it_ends_all_the_same_and_says_so(corpus: Workspace, llm: LLMServer) -> None:
    llm.reply_with(Text("x" * 4_000, delay=0.5))
    with served(corpus.settings.data, model="openai/test", api_base=llm.url, drain_seconds=1) as (process, port):
        stream = begin_stream(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert "could be answered within 1 seconds" in process.stderr.read()  # type: ignore[union-attr]
        stream.close()


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(corpus: Workspace, llm: LLMServer) -> None:
    llm.reply_with(Text("x" * 4_000, delay=0.5))
    with served(corpus.settings.data, model="openai/test", api_base=llm.url, drain_seconds=600) as (process, port):
        stream = begin_stream(port)
        process.send_signal(signal.SIGTERM)
        assert await_refusal(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
        stream.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_that_nobody_asks_anything_is_drained_at_once(host: str, make_workspace: Callable[..., Workspace]) -> None:
    server: Any = open_server(create_app(make_workspace()), host, 0)
    port = getattr(server, "effective_port", None) or server.effective_listen[0][1]
    idle = socket.create_connection((host, int(port)))
    assert drain(server, 30)
    assert is_refused(int(port))
    server.task_dispatcher.shutdown(timeout=5)
    idle.close()
    server.close()
