"""`qa index --engine ray`: a cluster of this machine's own, real workers that are killed, and the same index in the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from index.local_store import LocalStore
from index.ray_source import _blocks
from index.records import FileRecord

pytest.importorskip("ray", reason="needs the extra `ray`")

FILES = 60


def qa_index(folder: Path, data: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "qa.cli", "index", str(folder), "--data", data, "--json", *options]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environ, cwd=folder.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def contents(data: Path) -> tuple[dict[str, tuple[str, str, int, str, bytes]], list[FileRecord]]:
    """Return id → (document, path, start, text, vector) of every passage, and the failures."""
    with LocalStore(data).view() as view:
        nums = view.numbers()
        found, vectors = view.passages(nums), view.vectors(nums)
        passages = {
            passage.id: (info.id, info.path, passage.start, passage.text, vector.tobytes())
            for (passage, info), vector in zip((found[num] for num in nums), vectors, strict=True)
        }
        return passages, list(view.stats().failures)


def wait_for(name: str, session: int) -> int:
    """Return the process of a Ray worker that runs a stage for the run that leads a session."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            pid = int(path.parent.name)
            try:
                if name in path.read_text() and session in ancestors(pid):
                    return pid
            except OSError:
                continue
        time.sleep(0.05)
    raise AssertionError(f"no worker {name}")


def ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        yield pid


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_that_are_killed_lose_and_double_nothing(folder: Path) -> None:
    words = (ROOT / "corpus" / "washington-case.md").read_text().split()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"Document {number}. {' '.join(words[number : number + 120])}.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    by_ray = qa_index(folder, "by-ray", "--engine", "ray")
    for stage in ("_Reads", "_Embeds"):
        os.kill(wait_for(f"ray::MapWorker(MapBatches({stage}", by_ray.pid), signal.SIGKILL)
    told, errors = by_ray.communicate(timeout=240)
    assert by_ray.returncode == 6, errors
    report = json.loads(told)
    assert (len(report["added"]), [one["path"] for one in report["failed"]]) == (FILES + 1, ["docs/broken.pdf"])
    here = qa_index(folder, "here")
    here.communicate(timeout=120)
    assert here.returncode == 6
    passages, failures = contents(folder.parent / "by-ray")
    assert len(passages) >= FILES
    expected, failed = contents(folder.parent / "here")
    assert passages == expected, "vectors included, to the last bit"
    assert [(one.path, one.reason) for one in failures] == [(one.path, one.reason) for one in failed]


def test_an_address_where_no_cluster_answers_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_RAY_WORKERS", "2")  # with which it once indexed without the cluster
    (folder / "one.txt").write_text("The lamp is lit.")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    run = qa_index(folder, "data", "--engine", "ray", "--address", f"127.0.0.1:{port}")
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 4
    assert json.loads(told)["error"]["code"] == "engine_failed"
    assert f"127.0.0.1:{port}" in told
    assert not (folder.parent / "data").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--engine", "ray", "--address", "nowhere"], "ray_address"), (["--address", "127.0.0.1:6379"], "--engine ray")],
)
def test_an_address_that_is_none_or_for_nothing_is_refused(options: list[str], words: str, folder: Path) -> None:
    (folder / "one.txt").write_text("The lamp is lit.")
    run = qa_index(folder, "data", *options)
    told, errors = run.communicate(timeout=60)
    assert run.returncode == 2
    assert words in told + errors


def test_files_travel_in_blocks_of_no_more_than_some_files_and_bytes() -> None:
    sizes = [10] * 20 + [5_000_000, 10, 3_000_000, 2_000_000]
    files = [
        FileRecord(collection="default", path=f"{n}.txt", size=size, mtime_ns=0, ctime_ns=0, status="indexed")
        for n, size in enumerate(sizes)
    ]
    blocks = [block["number"].to_pylist() for block in _blocks(files, Path("/tmp"))]
    assert blocks == [list(range(16)), list(range(16, 21)), [21, 22, 23]]
