"""A cluster of Milvus 2.3.5 on this machine, with two query nodes, etcd and a broker of Kafka's protocol.

Coordinators, proxy and nodes are processes of their own. The broker is one for tests, and storage is a folder that all share:
what is real are Milvus' roles and how they work together. `make test-cluster` runs it in a network namespace.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from milvus_process import BUILD, MilvusProcess, free_port, settings_of

QUERY_NODES = 2
_ROLES: Mapping[str, list[str]] = {
    "coordinators": ["mixture", "-rootcoord", "-querycoord", "-datacoord", "-indexcoord"],
    "data-node": ["datanode"],
    "index-node": ["indexnode"],
    **{f"query-node-{n}": ["querynode"] for n in range(1, QUERY_NODES + 1)},
    "proxy": ["proxy"],
}
_STARTS_WITHIN = 30.0


class MilvusCluster:
    """Processes that find each other by etcd. nodes: by name, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._others: list[subprocess.Popen[bytes]] = []
        self.nodes: dict[str, MilvusProcess] = {}
        self.uri = ""

    def start(self) -> None:
        """Start them all, and wait until they answer."""
        shared = {"etcd": {"endpoints": self._start_etcd(), "use": {"embed": False}}, **_kafka(self._start_broker())}
        for name, roles in _ROLES.items():
            settings = settings_of(self._folder, shared)
            self.nodes[name] = MilvusProcess(self._folder / name, roles, settings, "DISTRIBUTED")
            self.nodes[name].start()
            self.uri = f"http://127.0.0.1:{settings['proxy']['port']}"
        for node in self.nodes.values():
            node.wait()

    def kill(self) -> None:
        """End all of them as by `kill -9`."""
        for node in self.nodes.values():
            node.kill()
        for process in self._others:
            process.kill()
            process.wait(30)

    def _start_etcd(self) -> str:
        client, peer = (f"127.0.0.1:{free_port()}" for _ in range(2))
        options = {
            "data-dir": self._folder / "etcd",
            "listen-client-urls": f"http://{client}",
            "advertise-client-urls": f"http://{client}",
            "listen-peer-urls": f"http://{peer}",
            "initial-advertise-peer-urls": f"http://{peer}",
            "initial-cluster": f"default=http://{peer}",
            "unsafe-no-fsync": "true",  # or a slow disk lets Milvus' sessions run out, at which its processes end
        }
        self._run("etcd.log", _tool("etcd/usr/bin/etcd"), *(f"--{name}={value}" for name, value in options.items()))
        return client

    def _start_broker(self) -> str:
        address = self._folder / "broker"
        path = {"PYTHONPATH": str(_tool("kafka"))}
        broker = self._run("broker.log", sys.executable, Path(__file__).parent / "kafka_broker.py", address, **path)
        deadline = time.monotonic() + _STARTS_WITHIN
        while not address.exists():
            assert broker.poll() is None, "the broker ended while starting"
            assert time.monotonic() < deadline, "the broker does not start"
            time.sleep(0.05)
        return address.read_text()

    def _run(self, log_name: str, *words: object, **more: str) -> subprocess.Popen[bytes]:
        with (self._folder / log_name).open("wb") as log:
            process = subprocess.Popen(
                [str(word) for word in words], env={**os.environ, **more}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._others.append(process)
        return process


def _kafka(address: str) -> dict[str, Any]:
    nobody = {"saslUsername": "", "saslPassword": "", "saslMechanisms": "", "securityProtocol": ""}
    return {"mq": {"type": "kafka"}, "kafka": {"brokerList": address, **nobody}}


def _tool(name: str) -> Path:
    place = BUILD / "cluster" / name
    assert place.exists(), f"{place} is missing: fetch it with: sh tests/cluster.sh .venv/bin/python"
    return place


@contextmanager
def milvus_cluster() -> Iterator[MilvusCluster]:
    """Start a cluster, and kill it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="qa-milvus-"))
    try:
        cluster = MilvusCluster(folder)
        try:
            cluster.start()
            yield cluster
            for node in cluster.nodes.values():
                node.check()
        finally:
            cluster.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
