"""Processes of Milvus 2.3.5 as PyPI's `milvus` carries them: unpacked once into build/, each with settings of its own.

Milvus listens on every address of its ports, without a password. Where that matters, run the tests in a network namespace:
`unshare --net`, then `ip link set lo up`.
"""

from __future__ import annotations

import lzma
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from filelock import FileLock

BUILD = Path(__file__).parent.parent / "build"
_HEALTHY_WITHIN = 120.0
_PORTS = ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode")
# Of the server's own settings: how often it looks whether there is something to do, and how long it takes to notice that a
# process died. Made for large collections, the defaults let each small one of a test wait for seconds.
_BRISK: Mapping[str, Mapping[str, Any]] = {
    "rootCoord": {"dmlChannelNum": 4},
    "proxy": {"timeTickInterval": 50},
    "queryCoord": {"distPullInterval": 100, "checkChannelInterval": 100, "checkSegmentInterval": 100},
    "common": {"session": {"ttl": 10}},
    "log": {"level": "warn", "file": {"rootPath": ""}},
}


class MilvusProcess:
    """One process with roles of a Milvus, whose log is `folder/log`. Started anew it goes on with what `folder` holds."""

    def __init__(self, folder: Path, roles: Sequence[str], settings: Mapping[str, Any], mode: str) -> None:
        self._folder = folder
        self._roles = roles
        self._mode = mode
        self._metrics = free_port()
        self._name = f"{folder.parent.name}-{folder.name}"  # which no other has: a file in /run/milvus is locked by it
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        (folder / "milvus.yaml").write_text(yaml.safe_dump(dict(settings)))
        shutil.copy(_package() / "glog.conf", folder)

    def start(self) -> None:
        """Start it; `wait` tells when it answers."""
        programs = unpacked()
        places = {"MILVUSCONF": self._folder, "MILVUS_RUN_DIR": self._folder / "run", "LD_LIBRARY_PATH": programs}
        settings = {**places, "DEPLOY_MODE": self._mode, "METRICS_PORT": self._metrics}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [programs / "milvus", "run", *self._roles, "-alias", self._name],
                cwd=self._folder,
                env={**os.environ, **{name: str(value) for name, value in settings.items()}},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait until it says that it is healthy."""
        deadline = time.monotonic() + _HEALTHY_WITHIN
        while not self._is_healthy():
            self.check()
            assert time.monotonic() < deadline, f"Milvus does not start: {self._last_words()}"
            time.sleep(0.05)

    def check(self) -> None:
        """Fail where it has ended by itself."""
        if self._process is not None:
            assert self._process.poll() is None, f"{self._name} ended: {self._last_words()}"

    def _is_healthy(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._metrics}/healthz", timeout=5) as reply:
                return b"OK" in reply.read()
        except OSError:
            return False

    def _last_words(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-2000:]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it answer nothing for a while, as a machine that hangs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as by `kill -9`: to be asked to end may take it more than half a minute."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


def settings_of(folder: Path, *more: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a Milvus whose data lies in a folder, each service on a free port. more: what is otherwise."""
    template = (_package() / "config.yaml.template").read_text()
    settings: dict[str, Any] = yaml.safe_load(
        re.sub(r"\{\{[^:}]*:?\s*([^}]*?)\s*\}\}", lambda hole: hole[1] or '""', template)
    )
    own: dict[str, Any] = {name: {"ip": "127.0.0.1", "port": free_port()} for name in _PORTS}
    own["proxy"]["internalPort"] = free_port()
    own["localStorage"] = {"path": str(folder / "data")}
    own["rocksmq"] = {"path": str(folder / "rocksmq")}
    for layer in (own, _BRISK, *more):
        _lay_over(settings, layer)
    return settings


def _lay_over(settings: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for name, value in layer.items():
        if isinstance(value, Mapping):
            settings[name] = settings.get(name) or {}
            _lay_over(settings[name], value)
        else:
            settings[name] = value


def unpacked() -> Path:
    """Return the folder of Milvus' programs, which are unpacked when they are first asked for: half a gigabyte."""
    place = BUILD / "milvus-2.3.5"
    BUILD.mkdir(exist_ok=True)
    with FileLock(BUILD / "milvus.lock"):
        if not place.exists():
            fresh = Path(tempfile.mkdtemp(prefix="milvus-", dir=BUILD))
            for packed in (_package() / "bin").glob("*.lzma"):
                with lzma.open(packed) as source, (fresh / packed.stem).open("wb") as program:
                    shutil.copyfileobj(source, program, 1 << 20)
                (fresh / packed.stem).chmod(0o755)
            fresh.rename(place)
    return place


def free_port() -> int:
    """Return a port that nobody listens on, below those that the system gives to whoever connects somewhere."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _package() -> Path:
    found = find_spec("milvus")  # not imported: that would make a server's settings at once
    if found is None or found.origin is None:
        pytest.skip("needs the package milvus, which is made for Linux on x86-64 only")
    return Path(found.origin).parent / "data"
