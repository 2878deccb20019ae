"""A PostgreSQL server of a test's own: Debian's, as an unprivileged user, in a temporary folder, on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from milvus_process import free_port

_STARTS_WITHIN = 30.0


class PostgresServer:
    """A running server; each database is new and empty."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._databases = 0

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://qa@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make a database; returns its address."""
        self._databases += 1
        name = f"qa_{self._databases}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def copy_of(self, url: str) -> str:
        """Make a database that is as another one is now, as if restored from its backup; nobody may use that meanwhile."""
        copy, source = self.new_database(), url.rpartition("/")[2]
        name = copy.rpartition("/")[2]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name}")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (source,))
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        return copy


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server and stop it again; skips where there is none to start."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="qa-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user:
        shutil.chown(folder, user)
    try:
        _run([programs / "initdb", "-D", folder / "data", "-U", "qa", "-A", "trust", "-E", "UTF8", "--no-sync"], user)
        port = free_port()
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "max_connections": 60}
        options |= dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit", "autovacuum"), "off")  # nothing is kept
        command = [programs / "postgres", "-D", folder / "data", "-p", port]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([str(word) for word in command], user=user, stdout=log, stderr=log)
        try:
            server = PostgresServer(port)
            _wait_for(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once, for nothing is kept: SIGTERM would wait for whoever is connected
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    elsewhere = shutil.which("initdb")
    if not found and not elsewhere:
        why = "needs a PostgreSQL server (Debian: apt-get install postgresql)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return found[-1].parent if found else Path(str(elsewhere)).parent


def _run(command: list[object], user: str | None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, user=user, capture_output=True, text=True, cwd="/", env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr


def _wait_for(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            psycopg.connect(server.url(), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, "the server ended while starting"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)
