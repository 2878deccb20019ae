"""`qa index --engine ray` on a cluster of two nodes, each in a network namespace of its own, one of which is killed.

Left out of `make test`, for it needs root and a minute; run with: make test-cluster.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import ROOT

from index.local_store import LocalStore

pytest.importorskip("ray", reason="needs the extra `ray`")
pytestmark = pytest.mark.cluster

BRIDGE, NETWORK = "qa-ray", "10.99.7"
PORT = 6379
FILES = 400


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@contextmanager
def two_namespaces() -> Iterator[list[str]]:
    """Make two network namespaces that see each other and this machine; yields their names."""
    names = [f"{BRIDGE}-{number}" for number in (1, 2)]
    with ExitStack() as undo:
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        undo.callback(run, "ip", "link", "delete", BRIDGE)
        run("ip", "address", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for number, name in enumerate(names, 1):
            run("ip", "netns", "add", name)
            undo.callback(run, "ip", "netns", "delete", name)
            run("ip", "link", "add", f"qa-ray{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", f"qa-ray{number}", "master", BRIDGE, "up")
            for command in (
                ("ip", "link", "set", "lo", "up"),
                ("ip", "address", "add", f"{NETWORK}.{number}/24", "dev", "eth0"),
                ("ip", "link", "set", "eth0", "up"),
            ):
                run("ip", "netns", "exec", name, *command)
        yield names


@contextmanager
def node(namespace: str, number: int, place: Path) -> Iterator[int]:
    """Run a node with eight logical processors; yields its process group."""
    where = ["--head", f"--port={PORT}"] if number == 1 else [f"--address={NETWORK}.1:{PORT}"]
    command = ["ip", "netns", "exec", namespace, sys.executable, "-m", "ray.scripts.scripts", "start", *where, "--block"]
    command += [f"--node-ip-address={NETWORK}.{number}", "--num-cpus=8", "--object-store-memory=200000000"]
    command += ["--disable-usage-stats", f"--temp-dir={place / str(number)}"] if number == 1 else ["--disable-usage-stats"]
    environ = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)}
    with (place / f"{number}.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process.pid
        finally:
            end(process.pid)
            process.wait(30)


def end(group: int) -> None:
    """Kill a node with all that it has started: by process, for `ray stop` ends every node of the machine."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == group:  # the session
            os.kill(int(path.parent.name), signal.SIGKILL)


def wait_for_nodes(namespace: str, count: int, place: Path) -> None:
    code = (
        f"import ray; ray.init(address='{NETWORK}.1:{PORT}', logging_level='ERROR', log_to_driver=False); "
        f"raise SystemExit(sum(one['Alive'] for one in ray.nodes()) < {count})"
    )
    environ = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        command = ["ip", "netns", "exec", namespace, sys.executable, "-c", code]
        try:
            if subprocess.run(command, env=environ, capture_output=True, timeout=20).returncode == 0:
                return
        except subprocess.TimeoutExpired:
            continue
    logs = "\n".join(path.read_text() for path in place.glob("*.log"))
    raise AssertionError(f"the nodes do not find each other:\n{logs}")


def qa_index(place: Path, data: str, *options: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-m", "qa.cli", "index", str(place / "docs"), "--data", str(place / data), "--json"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "disabled"}
    return subprocess.Popen(
        [*command, *options], env=environ, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def contents(data: Path) -> dict[str, tuple[str, bytes]]:
    with LocalStore(data).view() as view:
        nums = view.numbers()
        found, vectors = view.passages(nums), view.vectors(nums)
        return {found[num][0].id: (found[num][0].text, row.tobytes()) for num, row in zip(nums, vectors, strict=True)}


@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="needs root and iproute2")
def test_a_node_that_is_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    words = (ROOT / "corpus" / "washington-case.md").read_text().split()
    (tmp_path / "docs").mkdir()
    for number in range(FILES):
        text = f"Document {number}. {' '.join(words[number % 300 : number % 300 + 150])}."
        (tmp_path / "docs" / f"{number}.txt").write_text(text)
    # not below tmp_path, which is too long for the names of sockets
    with two_namespaces() as names, tempfile.TemporaryDirectory(prefix="ray") as short, ExitStack() as nodes:
        nodes.enter_context(node(names[0], 1, Path(short)))
        second = nodes.enter_context(node(names[1], 2, Path(short)))
        wait_for_nodes(names[0], 2, Path(short))
        inside = ("ip", "netns", "exec", names[0])
        by_ray = qa_index(tmp_path, "by-ray", "--engine", "ray", "--address", f"{NETWORK}.1:{PORT}", prefix=inside)
        wait_for_work(second)
        end(second)
        told, errors = by_ray.communicate(timeout=400)
    assert by_ray.returncode == 0, errors
    assert len(json.loads(told)["added"]) == FILES
    here = qa_index(tmp_path, "here")
    here.communicate(timeout=300)
    assert here.returncode == 0
    assert contents(tmp_path / "by-ray") == contents(tmp_path / "here")


def wait_for_work(session: int) -> None:
    """Wait until a node's worker runs a stage."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == session and "MapBatches" in (path.parent / "cmdline").read_text():
                    return
            except OSError:
                continue
        time.sleep(0.1)
    raise AssertionError("the second node gets no work")
