"""Milvus servers of a test's own, in temporary folders: the standalone 2.3.5, and Milvus Lite's over gRPC.

The standalone one has neither BM25 nor a kind of index that is exact by itself, so it is held to what newer servers and Lite
are not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import yaml
from milvus_process import MilvusProcess, free_port, settings_of

_STARTS_WITHIN = 60.0


class StandaloneMilvus:
    """A server in one process. Killed and started again it has the same address, and what it had acknowledged."""

    def __init__(self, folder: Path) -> None:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        etcd = {
            "name": "default",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "log-level": "warn",
            "unsafe-no-fsync": True,  # processes are killed here, machines are not
        }
        (folder / "etcd.yaml").write_text(yaml.safe_dump(etcd))
        where = {"config": {"path": str(folder / "etcd.yaml")}, "data": {"dir": str(folder / "etcd")}}
        # a collection that is not loaded at the first try waits for the next, which a cluster gets in the way of at this pace
        settings = settings_of(folder, {"etcd": where, "queryCoord": {"updateNextTargetInterval": 1}})
        self.uri = f"http://127.0.0.1:{settings['proxy']['port']}"
        self._process = MilvusProcess(folder / "standalone", ["standalone"], settings, "STANDALONE")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process.start()
        self._process.wait()

    def paused(self) -> AbstractContextManager[None]:
        """Let it answer nothing for a while, as a machine that hangs."""
        return self._process.paused()

    def check(self) -> None:
        """Fail where it has ended by itself."""
        self._process.check()

    def kill(self) -> None:
        """End it as by `kill -9`."""
        self._process.kill()


@contextmanager
def standalone_milvus() -> Iterator[StandaloneMilvus]:
    """Start a standalone server, and kill it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="qa-milvus-"))
    try:
        server = StandaloneMilvus(folder)
        try:
            server.start()
            yield server
            server.check()
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def lite_server(folder: Path) -> Iterator[str]:
    """Start Milvus Lite as a server on loopback; yields its address."""
    port = free_port()
    program = Path(sys.executable).parent / "milvus-lite"
    where = ["--data-dir", folder, "--host", "127.0.0.1", "--port", port]  # without a host it listens on every address
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(word) for word in (program, "server", *where)], stdout=log, stderr=log)
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_for(uri, process)
        yield uri
    finally:
        process.kill()
        process.wait(30)


def _wait_for(uri: str, process: subprocess.Popen[bytes]) -> None:
    from pymilvus import MilvusClient, MilvusException  # takes a second, and not all tests need it

    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            MilvusClient(uri, timeout=1).close()
            return
        except MilvusException:
            assert process.poll() is None, "the server ended while starting"
            assert time.monotonic() < deadline, "the server does not start"
