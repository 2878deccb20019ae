"""Two servers that share one Milvus and one PostgreSQL, each with a data directory of its own, as on two machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from conftest import ROOT
from milvus_process import free_port
from postgres_server import PostgresServer
from serving import served
from store_forms import milvus_of
from test_draining import is_refused
from test_workers import wait_for

BRIDGE = "The red bridge at Ava was built by the town in the summer of 1901 for the price of forty oxen."
FERRY = "The ferry of Sitka was sold to the harbour in 1877 by the zanzibar guild."
QUESTION = "When was the red bridge at Ava built?"
NGINX = which("nginx") or which("nginx", path="/usr/sbin")


@dataclass(frozen=True)
class Machine:
    """A machine's data directory, and how what is shared is reached from it."""

    data: Path
    environ: dict[str, str]

    def qa(self, *arguments: str, code: int = 0) -> str:
        """Run a command there; returns what it prints."""
        environ = {**os.environ, **self.environ, "QA_DATA": str(self.data), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "qa.cli", *arguments]
        done = subprocess.run(command, env=environ, cwd=self.data.parent, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout

    @contextmanager
    def serving(self, **settings: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
        """Serve there; yields the process and the port."""
        named = {name.removeprefix("QA_").lower(): value for name, value in self.environ.items()}
        with served(self.data, **named, **settings) as (process, port):
            assert ask(port, "GET", "/readyz")[0] == 200
            yield process, port


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    """Send a request; returns the status and the JSON or text. Raises OSError or HTTPException."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Accept": "application/json", "Content-Type": "application/json", **headers})
        response = connection.getresponse()
        text = response.read().decode()
        return response.status, json.loads(text) if "json" in response.headers.get("Content-Type", "") else text
    finally:
        connection.close()


def passages(port: int) -> list[str]:
    """Return what a search finds."""
    return [one["text"] for one in ask(port, "POST", "/api/search", {"question": QUESTION})[1]["passages"]]


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus_of("lite-server", tmp_path_factory.mktemp) as uri:
        yield uri


@pytest.fixture
def machines(milvus: str, postgres: PostgresServer, tmp_path: Path) -> tuple[Machine, Machine]:
    """Two machines; on the first of them a folder is indexed."""
    environ = {"QA_STORE": "milvus", "QA_MILVUS_URI": milvus, "QA_CATALOG_URL": postgres.new_database()}
    first, second = (Machine(tmp_path / name / ".qa", environ) for name in ("first", "second"))
    for one in (first, second):
        one.data.parent.mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "bridge.txt").write_text(BRIDGE)
    (tmp_path / "docs" / "ferry.txt").write_text(FERRY)
    first.qa("index", str(tmp_path / "docs"))
    return first, second


@pytest.mark.slow
def test_what_one_server_keeps_every_server_knows(machines: tuple[Machine, Machine], tmp_path: Path):
    first, second = machines
    with first.serving(ask_limit=8) as (_, here), second.serving(ask_limit=8, workers=2) as (_, there):
        status, answer = ask(here, "POST", "/api/ask", {"question": QUESTION})
        assert (status, answer["status"]) == (200, "answered")
        assert ask(there, "GET", f"/api/answers/{answer['id']}") == (200, answer)
        more = {"question": "For what price was it built?", "conversation_id": answer["conversation_id"]}
        assert "oxen" in ask(there, "POST", "/api/ask", more)[1]["text"]
        assert ask(there, "POST", "/api/feedback", {"answer_id": answer["id"], "value": "helpful"})[0] < 300
        assert first.qa("show", answer["id"]).count("1901")

        (tmp_path / "docs" / "bridge.txt").unlink()
        second.qa("index", str(tmp_path / "docs"), "--yes")
        assert wait_for(seconds=1, holds=lambda: passages(here) == [FERRY])
        assert ask(here, "GET", f"/api/answers/{answer['id']}")[0] == 404

        codes = [ask(one, "POST", "/api/ask", {"question": QUESTION})[0] for one in (here, there) * 6]
        assert 429 in codes, "what one answered counts for the other"

        key = second.qa("keys", "new", "--scope", "ask").strip()
        for port in (here, there):
            assert wait_for(seconds=1, holds=lambda port=port: ask(port, "GET", "/api/documents")[0] == 401)
            assert ask(port, "GET", "/api/documents", Authorization=f"Bearer {key}")[0] == 200
        first.qa("keys", "revoke", key[3:12])
        assert ask(there, "GET", "/api/documents", Authorization=f"Bearer {key}")[0] == 401


@pytest.mark.slow
def test_a_run_that_one_server_began_every_server_shows(machines: tuple[Machine, Machine], tmp_path: Path):
    first, second = machines
    for number in range(60):
        (tmp_path / "docs" / f"{number}.txt").write_text(f"Note {number} of the harbour. {BRIDGE}")
    with first.serving(reindex=True) as (process, here), second.serving(reindex=True) as (_, there):
        assert ask(here, "POST", "/api/index", {})[0] == 202
        assert wait_for(seconds=5, holds=lambda: ask(there, "GET", "/api/index")[1]["status"] == "running")
        assert ask(there, "POST", "/api/index", {})[0] == 409
        process.kill()
        assert wait_for(seconds=10, holds=lambda: ask(there, "GET", "/api/index")[1]["status"] != "running")
        assert ask(there, "POST", "/api/index", {})[0] == 202
        assert wait_for(seconds=60, holds=lambda: ask(there, "GET", "/api/index")[1]["status"] == "done")
        assert ask(there, "GET", "/api/documents")[1]["total"] == 62


class Proxy:
    """nginx as docs/operating.md sets it up, before some ports."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.port, self._folder, self._ports = free_port(), folder, ports

    @contextmanager
    def running(self) -> Iterator[None]:
        command = [str(NGINX), "-p", str(self._folder), "-c", str(self._settings()), "-e", "stderr"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                assert wait_for(seconds=10, holds=lambda: not is_refused(self.port))
                yield
            finally:
                process.terminate()

    def _settings(self) -> Path:
        """Write what surrounds the site that we ship, with these ports in it."""
        site = (
            (ROOT / "deploy" / "nginx" / "citable-qa.conf").read_text().replace("listen 80", f"listen 127.0.0.1:{self.port}")
        )
        for number, port in enumerate(self._ports, 1):
            site = site.replace(f"qa{number}.internal:8765", f"127.0.0.1:{port}")
        assert "internal" not in site
        places = "".join(
            f"{kind}_temp_path {self._folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        around = f"daemon off; pid {self._folder}/pid; worker_processes 1; error_log /dev/null; events {{ }}"
        path = self._folder / "nginx.conf"
        path.write_text(f"{around} http {{ access_log off; {places}\n{site} }}")
        return path


class Asking:
    """Clients who ask on and on; what they were answered."""

    def __init__(self, port: int, clients: int = 4) -> None:
        self.answers: list[object] = []
        self._port, self._over = port, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Asking:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                status, answer = ask(self._port, "POST", "/api/ask", {"question": QUESTION})
                self.answers.append((status, answer["status"]) if status == 200 else status)
            except (OSError, HTTPException) as error:
                self.answers.append(repr(error))


@pytest.mark.cluster
@pytest.mark.skipif(NGINX is None, reason="needs nginx (Debian: apt-get install nginx-light)")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_behind_a_proxy_nobody_notices_that_a_server_ends_and_comes_back(
    machines: tuple[Machine, Machine], tmp_path: Path, sign: signal.Signals
):
    first, second = machines
    ports = [free_port(), free_port()]
    proxy = Proxy(tmp_path, ports)
    calm = {"ask_limit": 0, "rate_limit": 0}
    with second.serving(port=ports[1], **calm), proxy.running():
        with first.serving(port=ports[0], **calm) as (process, _), Asking(proxy.port) as asking:
            assert wait_for(seconds=30, holds=lambda: len(asking.answers) > 40)
            process.send_signal(sign)
            assert wait_for(seconds=30, holds=lambda: process.poll() is not None)
            so_far = len(asking.answers)
            assert wait_for(seconds=30, holds=lambda: len(asking.answers) > so_far + 40)
        with Asking(proxy.port) as after, first.serving(port=ports[0], **calm):
            assert wait_for(seconds=30, holds=lambda: len(after.answers) > 40)
    assert set(asking.answers) | set(after.answers) == {(200, "answered")}
