"""What a server holds in memory, which is what it costs on a small machine."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from serving import served

from qa.workspace import Workspace

CLIENTS, QUESTIONS = 8, 4


def resident_mb(pid: int) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_holds_no_more_than_half_a_gigabyte_after_questions_by_many(corpus: Workspace) -> None:
    statuses: list[int] = []

    def ask(client: int, port: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(connection):
            for number in range(QUESTIONS):
                question = f"How many listings of entities number {client * QUESTIONS + number} were there in 2024?"
                body = json.dumps({"question": question, "mode": "extractive"})
                connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                statuses.append(response.status)
                response.read()

    with served(corpus.settings.data) as (process, port):
        threads = [threading.Thread(target=ask, args=(client, port)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * CLIENTS * QUESTIONS
        assert resident_mb(process.pid) < 500
