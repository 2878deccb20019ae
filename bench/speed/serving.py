"""`qa serve` as a peer of its own: what a search costs over HTTP. Answers the same questions as a `Session`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.speed.peers.wire import seconds_of_clients
from bench.speed.session import Cost, MemoryWatch, PeerCannot, PeerFailed, reap

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_START_SECONDS = 60.0


class ServeSession:
    """A running `qa serve`, asked over HTTP; `importing` is how long it took until it was ready to answer."""

    def __init__(self, place: Path, environ: Mapping[str, str]) -> None:
        self._began = time.perf_counter()
        limits = {"QA_RATE_LIMIT": "0", "QA_ASK_LIMIT": "0"}
        command = [sys.executable, "-m", "qa.cli", "serve", "--port", "0", "--data", str(place)]
        self._process = subprocess.Popen(  # noqa: S603  # ours
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**environ, **limits}, text=True
        )
        self._watch = MemoryWatch(self._process.pid)
        try:
            self._port = self._read_port()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        self.importing = time.perf_counter() - self._began

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Do what can be done over HTTP; raises PeerCannot for the rest."""
        if do == "open":
            return {"wall": 0.0, "cpu": 0.0}
        if do == "search":
            return {"hits": self._search(self._connect(), arguments["question"], arguments["k"])}
        if do == "search_many":
            return self._search_many(arguments["questions"], arguments["clients"], arguments["k"])
        raise PeerCannot("measured in the process itself")

    def client(self, k: int) -> Callable[[str], list[tuple[str, str]]]:
        """Return what searches over a connection of its own; the connection stays open."""
        connection = self._connect()
        return lambda question: self._search(connection, question, k)

    def memory(self) -> int:
        """Return the server's peak memory so far, in bytes."""
        return self._watch.peak()

    def close(self) -> Cost:
        """Stop the server."""
        self._process.terminate()
        assert self._process.stderr is not None  # noqa: S101  # a pipe, see above
        self._process.stderr.close()
        return reap(self._process, self._watch, self._began, 0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.returncode is None:
            self.close()

    def _read_port(self) -> int:
        assert self._process.stderr is not None  # noqa: S101  # a pipe, see above
        for line in self._process.stderr:
            if found := _ADDRESS.search(line):
                return int(found.group(1))
        raise PeerFailed("qa serve did not start")

    def _wait_until_ready(self) -> None:
        while time.perf_counter() - self._began < _START_SECONDS:
            connection = self._connect()
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
            time.sleep(0.02)
        raise PeerFailed(f"qa serve was not ready within {_START_SECONDS:.0f} s")

    def _connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=_START_SECONDS)

    def _search(self, connection: HTTPConnection, question: str, k: int) -> list[tuple[str, str]]:
        body = json.dumps({"question": question, "k": k})
        connection.request("POST", "/api/search", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise PeerFailed(f"status {response.status}: {text[:200]!r}")
        return [(one["id"], one["text"]) for one in json.loads(text)["passages"]]

    def _search_many(self, questions: list[str], clients: int, k: int) -> dict[str, Any]:
        began, used = time.perf_counter(), self._cpu()
        seconds = seconds_of_clients(lambda: self.client(k), questions, clients)
        return {"seconds": seconds, "wall": time.perf_counter() - began, "cpu": self._cpu() - used}

    def _cpu(self) -> float:
        """Return the server's CPU seconds: fields 14 and 15 of its stat, in hundredths."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100
