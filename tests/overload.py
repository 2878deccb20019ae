"""Send a real server five times what it can do, then ten thousand requests of all kinds; say what it answered and holds.

Run with: make overload.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).parent.parent
QUESTIONS = itertools.count()  # each is asked once: what is asked again is not searched for again
PAGES = ("/", "/documents", "/status", "/history", "/healthz", "/api/documents", "/metrics")
Seen = list[tuple[int, float]]  # status, seconds


def main() -> None:
    """Start `qa serve` over the sample corpus and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--requests", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"QA_DATA": f"{folder}/.qa", "QA_RATE_LIMIT": "0", "QA_ASK_LIMIT": "0", "PYTHONPATH": str(ROOT)}
        environ = {**os.environ, **settings}
        command = [sys.executable, "-m", "qa.cli"]
        subprocess.run([*command, "index", str(ROOT / "corpus")], env=environ, cwd=folder, check=True, capture_output=True)
        server = subprocess.Popen(
            [*command, "serve", "--port", "0"], env=environ, cwd=folder, stderr=subprocess.PIPE, text=True
        )
        try:
            port = int(server.stderr.readline().partition("127.0.0.1:")[2].partition("/")[0])  # type: ignore[union-attr]
            measure(port, server.pid, given.seconds, given.requests)
        finally:
            server.terminate()


def measure(port: int, pid: int, seconds: float, requests: int) -> None:
    """Print what one server does."""
    closed_loop(port, 8, 2.0)  # warm
    capacity = sum(status == 200 for status, _ in closed_loop(port, 8, seconds)) / seconds
    before = resident_mb(pid)
    seen = open_loop(port, 5 * capacity, seconds)
    answered = sum(status == 200 for status, _ in seen) / seconds
    refused = sorted(took for status, took in seen if status == 503)
    others = {status for status, _ in seen} - {200, 503}
    say(f"capacity {capacity:.1f}/s; at {5 * capacity:.0f}/s answered {answered:.1f}/s = {answered / capacity:.0%}")
    if len(refused) > 1:
        cuts = quantiles(refused, n=100)
        say(
            f"refused {len(refused)}: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms; other statuses: {others or 'none'}"
        )
    say(f"resident {before:.0f} MB before, {resident_mb(pid):.0f} MB after")
    repeat(port, 1000)
    early = resident_mb(pid)
    repeat(port, requests)
    say(f"{requests} requests: resident {early:.1f} → {resident_mb(pid):.1f} MB ({resident_mb(pid) / early - 1:+.1%})")


def ask(port: int, seen: Seen) -> None:
    """Send one search and note its status and time; 0 for a broken connection."""
    body = json.dumps({"question": f"How many listings has missile programme number {next(QUESTIONS)}?", "k": 5})
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/api/search", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        status = response.status
    except OSError:
        status = 0
    finally:
        connection.close()
    seen.append((status, time.monotonic() - began))


def closed_loop(port: int, clients: int, seconds: float) -> Seen:
    """Let so many clients each send one request after the other."""
    seen: Seen = []
    until = time.monotonic() + seconds

    def client() -> None:
        while time.monotonic() < until:
            ask(port, seen)

    run_all([client] * clients)
    return seen


def open_loop(port: int, rate: float, seconds: float) -> Seen:
    """Send so many requests a second, whatever becomes of them."""
    seen: Seen = []
    began = time.monotonic()
    threads = []
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        threads.append(threading.Thread(target=ask, args=(port, seen)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return seen


def repeat(port: int, count: int) -> None:
    """Send so many requests by 8 connections that stay open: pages, lists, searches and questions, none of them twice."""

    def client(first: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        for number in range(first, count, 8):
            connection.request(*request(number))
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                say(f"request {number}: status {response.status}")
        connection.close()

    run_all([partial(client, first) for first in range(8)])


def request(number: int) -> tuple[str, str, str | None, dict[str, str]]:
    """Return method, path, body and headers of one of many: one in twenty a question, one in twenty a search."""
    kind = {0: "ask", 10: "search"}.get(number // 8 % 20)
    if kind:
        body = json.dumps({"question": f"How many listings were there in year {number}?", "k": 3})
        return "POST", f"/api/{kind}", body, {"Content-Type": "application/json"}
    return "GET", PAGES[number % len(PAGES)], None, {}


def run_all(works: list[Callable[[], None]]) -> None:
    """Run all at once and wait for their end."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def resident_mb(pid: int) -> float:
    """Return how much memory a process holds."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


def say(text: str) -> None:
    """Print a line now."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
