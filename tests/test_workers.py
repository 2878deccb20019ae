"""`qa serve --workers 2`: gunicorn's processes over real sockets behave as one server, and one that dies is no loss to others."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import ROOT
from llm_server import Hang, LLMServer, Text
from test_draining import HEADERS, await_refusal
from test_draining import QUESTION as ASKED
from test_prometheus import numbers

from index.embedder import Embedder
from qa.config import Settings
from qa.indexing import index_paths
from qa.workspace import Workspace

pytestmark = pytest.mark.slow

QUESTION = "What reasons does Pakistan give for rejecting the sanctions?"
_ADDRESSES = count(2)


@dataclass
class Server:
    """A server in processes of its own. log: what it writes to stderr."""

    process: subprocess.Popen[str]
    port: int
    data: Path
    log: Path

    def workers(self) -> list[int]:
        """Return the numbers of the processes that answer."""
        return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def ask(self, method: str, path: str, body: object = None, source: str = "127.0.0.1") -> tuple[int, Any]:
        """Send a request on a connection of its own, and return its status and body. Raises OSError or HTTPException."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(source, 0))
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"} if sent else {})
            response = connection.getresponse()
            text = response.read().decode()
            is_json = "json" in response.headers.get("Content-Type", "")
            return response.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def mapped(self, pid: int) -> str:
        """Return the name of the index file that a worker has mapped, "" for none."""
        found = re.search(r"dense-\d+\.faiss", Path(f"/proc/{pid}/maps").read_text())
        return found[0] if found else ""


@contextmanager
def serving_by_two(data: Path, place: Path, **settings: object) -> Iterator[Server]:
    """Start `qa serve` with two workers, and end it by SIGTERM."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "QA_DATA": str(data), "QA_WORKERS": "2", "TMPDIR": str(place)}
    environ |= {f"QA_{name.upper()}": str(value) for name, value in settings.items()}
    log = place / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "qa.cli", "serve", "--port", "0"], env=environ, cwd=data.parent, stderr=errors, text=True
        )
    try:
        assert wait_for(lambda: "Citable QA is at" in log.read_text() or process.poll() is not None)
        port = int(log.read_text().partition("127.0.0.1:")[2].partition("/")[0])
        yield Server(process, port, data, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()


def wait_for(holds: Callable[[], object], seconds: float = 30) -> bool:
    """Wait until something holds, so long at most, and say whether it does."""
    deadline = time.monotonic() + seconds
    while not (found := bool(holds())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def upstream() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(indexed_corpus: Path, upstream: LLMServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has loaded its models, over a copy of the sample corpus."""
    place = tmp_path_factory.mktemp("workers")
    data = Path(shutil.copytree(indexed_corpus, place / ".qa"))
    settings = {"model": "openai/test", "api_base": upstream.url, "reindex": True, "ask_limit": 12, "drain_seconds": 10}
    with serving_by_two(data, place, **settings) as started:
        assert wait_for(lambda: len(started.workers()) == 2 and all(map(started.mapped, started.workers())))
        yield started


def an_address() -> str:
    """Return an address of this machine that no other test asks from: what it may ask in a minute is its own."""
    return f"127.0.0.{next(_ADDRESSES)}"


def load(server: Server, path: str, failures: list[str], stop: threading.Event) -> list[threading.Thread]:
    """Ask again and again by four clients, from different addresses; keep what goes wrong."""

    def ask() -> None:
        source = an_address()
        while not stop.is_set():
            try:
                status, _ = server.ask("GET", path, source=source)
                if status != 200:
                    failures.append(str(status))
            except (OSError, HTTPException) as error:
                failures.append(type(error).__name__)
            time.sleep(0.01)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    return threads


def test_the_index_file_and_the_word_embeddings_are_in_memory_once(server: Server):
    for name in ("dense-", "model.safetensors"):
        for pid in server.workers():
            size, resident, share = (sum(column) for column in zip(*mappings(pid, name), strict=True))
            assert size > 0, name
            assert share <= 0.6 * resident, f"{name}: {share} of {resident} kB are counted as this worker's own"


def mappings(pid: int, name: str) -> list[tuple[int, int, int]]:
    """Return size, resident size and share in kB of what a process has mapped of files with a name."""
    found, ours = [], False
    fields: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            ours, fields = name in line, {}
        elif ours and (match := re.match(r"(Size|Rss|Pss):\s+(\d+) kB", line)):
            fields[match[1]] = int(match[2])
            if len(fields) == 3:
                found.append((fields["Size"], fields["Rss"], fields["Pss"]))
    return found


def test_metrics_are_the_sums_of_all_workers(server: Server):
    key = "qa_requests_total", ("GET", "/api/documents", "200")
    before = numbers(server.ask("GET", "/metrics")[1]).get(key, 0)
    for _ in range(30):
        assert server.ask("GET", "/api/documents")[0] == 200
    # a request counts when its response is over, which its client may see first
    assert wait_for(lambda: {numbers(server.ask("GET", "/metrics")[1])[key] for _ in range(6)} == {before + 30}, 5)
    folder = next(server.log.parent.glob("citable-qa-*/metrics"))
    assert {int(path.stem.split("_")[1]) for path in folder.glob("counter_*.db")} == set(server.workers()), (
        "both have worked"
    )


def test_questions_are_counted_over_all_workers(server: Server):
    source = an_address()
    statuses = [server.ask("POST", "/api/ask", {"no": "question"}, source)[0] for _ in range(20)]
    assert statuses == [422] * 12 + [429] * 8
    assert server.ask("POST", "/api/ask", {"no": "question"}, an_address())[0] == 422, "another may ask"


def test_a_new_generation_is_seen_by_every_worker_within_a_second(server: Server, tmp_path: Path, embedder: Embedder):
    workspace = Workspace(Settings(data=server.data))
    workspace.__dict__["embedder"] = embedder
    (tmp_path / "zanzibar.txt").write_text("The zanzibar quay was dredged in 1934.")
    index_paths(workspace, [tmp_path / "zanzibar.txt"])
    until = time.monotonic() + 1
    newest = max(path.name for path in server.data.glob("dense-*.faiss"))
    while time.monotonic() < until:
        source = an_address()
        found = [server.ask("POST", "/api/search", {"question": "zanzibar quay"}, source)[1] for _ in range(6)]
        assert all("zanzibar" in one["passages"][0]["text"] for one in found), "no worker says what was before"
    assert [server.mapped(pid) for pid in server.workers()] == [newest] * 2


def test_how_far_indexing_is_every_worker_knows(server: Server):
    status, state = server.ask("POST", "/api/index", {})
    assert (status, state["status"]) == (202, "running")
    seen = []
    while not seen or seen[-1] == "running":
        seen.append(server.ask("GET", "/api/index")[1]["status"])
    assert set(seen) <= {"running", "done"}
    assert {server.ask("GET", "/api/index")[1]["status"] for _ in range(10)} == {"done"}


def test_a_client_that_closes_its_connection_ends_the_call(server: Server, upstream: LLMServer):
    upstream.reply_with(Hang())
    body = json.dumps({"question": QUESTION}).encode()
    head = "POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port), source_address=(an_address(), 0)) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert wait_for(lambda: upstream.requests, 90)  # the first call imports litellm
        assert not upstream.closed_early.is_set()
    assert upstream.closed_early.wait(4)


def test_when_one_worker_is_killed_the_others_clients_notice_nothing(server: Server):
    failures: list[str] = []
    stop = threading.Event()
    threads = load(server, "/api/documents", failures, stop)
    time.sleep(0.5)
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    assert wait_for(lambda: len(server.workers()) == 2 and before[0] not in server.workers())
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    # what was with that worker is lost, at most one request for each client, and nothing is refused
    assert len(failures) <= 4
    assert set(failures) <= {"ConnectionResetError", "RemoteDisconnected", "BadStatusLine", "IncompleteRead"}
    assert before[1] in server.workers()
    assert "was sent SIGKILL" in server.log.read_text()


def test_a_rolling_restart_loses_no_request(server: Server):
    failures: list[str] = []
    stop = threading.Event()
    threads = load(server, "/api/documents", failures, stop)
    before = set(server.workers())
    server.process.send_signal(signal.SIGHUP)
    assert wait_for(lambda: len(server.workers()) == 2 and not before & set(server.workers()))
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_no_log_holds_what_was_asked_for(server: Server):
    for line in (b"GET /secret-path HTTP/9.9", b"NO SUCH secret-word", b"GET / HTTP/1.1\r\nsecret-name\x00: secret-value"):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(line + b"\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert wait_for(lambda: "invalid request" in server.log.read_text())
    assert "secret" not in server.log.read_text()


def test_a_stream_comes_to_its_end_while_new_connections_are_refused(
    corpus: Workspace, llm: LLMServer, tmp_path: Path
) -> None:
    go_on = threading.Event()
    llm.reply_with(lambda _: "NO EVIDENCE\nEND" if go_on.wait(60) else "")
    settings = {"model": "openai/test", "api_base": llm.url, "drain_seconds": 60}
    with serving_by_two(corpus.settings.data, tmp_path, **settings) as server:
        with streaming(server) as stream:
            server.process.send_signal(signal.SIGTERM)
            assert await_refusal(server.port)
            assert server.process.poll() is None, "it ended although a stream was going on"
            go_on.set()
            assert b"event: done" in stream.read()
        assert server.process.wait(30) == 0
        assert not list(tmp_path.glob("citable-qa-*")), "what the workers shared goes with them"


def test_a_second_signal_ends_it_at_once(corpus: Workspace, llm: LLMServer, tmp_path: Path) -> None:
    llm.reply_with(Text("x" * 4_000, delay=0.5))
    settings = {"model": "openai/test", "api_base": llm.url, "drain_seconds": 600}
    with serving_by_two(corpus.settings.data, tmp_path, **settings) as server, streaming(server):
        server.process.send_signal(signal.SIGTERM)
        assert await_refusal(server.port)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 0


@contextmanager
def streaming(server: Server) -> Iterator[HTTPResponse]:
    """Ask, and yield the stream when its first event has come."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("POST", "/api/ask", ASKED, HEADERS)
        with connection.getresponse() as stream:
            assert stream.readline() == b"event: meta\n"
            yield stream


@pytest.mark.parametrize("value", ["0", "-1", "1000", "two"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(
    run_qa: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    run = run_qa("serve", "--workers", value)
    assert run.exit_code == 2
    assert "--workers" in run.stderr
    monkeypatch.setenv("QA_WORKERS", value)
    run = run_qa("serve")
    assert run.exit_code == 2
    assert "workers (environment)" in run.stderr


def test_without_gunicorn_several_workers_are_refused_with_what_to_install(
    run_qa: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gunicorn", None)
    run = run_qa("serve", "--workers", 2, "--port", 0)
    assert run.exit_code == 2
    assert 'pip install "citable-qa[workers]"' in run.stderr


def test_a_port_that_is_taken_is_said_at_once(run_qa: Callable[..., Result]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = run_qa("serve", "--workers", 2, "--port", port)
    assert run.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in run.stderr
