"""Processes that are measured: a peer's script that answers commands, or a command of this project's own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_SAMPLED_EVERY = 0.05  # seconds


class PeerFailed(Exception):
    """A peer could not do what it was told; the message is its own."""


class PeerCannot(Exception):
    """A peer has no way to do what it was told; the message says why."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: seconds until its first line of output and in all, CPU seconds, peak memory in bytes."""

    first: float
    wall: float
    cpu: float
    memory: int


class Session:
    """A script of `bench/speed/peers` that runs until it is closed, by the protocol of its `wire`."""

    def __init__(
        self, python: Path, script: Path, options: Mapping[str, Any], environ: Mapping[str, str], log: Path
    ) -> None:
        self._began = time.perf_counter()
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603  # ours
                [str(python), str(script), json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environ),
                text=True,
            )
        self._watch = MemoryWatch(self._process.pid)
        try:
            self.importing = float(self._read()["ready"])
        except BaseException:
            self.close()
            raise

    def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """Send one command and return the answer. Raises PeerFailed, or PeerCannot where the library has no such thing."""
        assert self._process.stdin is not None  # noqa: S101  # a pipe, see above
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if "missing" in answer:
            raise PeerCannot(answer["missing"])
        if "error" in answer:
            raise PeerFailed(answer["error"])
        return answer

    def elapsed(self) -> float:
        """Return the seconds since the process was started."""
        return time.perf_counter() - self._began

    def memory(self) -> int:
        """Return its peak memory so far, in bytes."""
        return self._watch.peak()

    def close(self) -> Cost:
        """End the process; return what it took altogether."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return reap(self._process, self._watch, self._began, 0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.returncode is None:
            self.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  # a pipe, see above
        line = self._process.stdout.readline()
        if not line:
            raise PeerFailed(f"it ended without an answer, see {self._log}")
        fields: dict[str, Any] = json.loads(line)
        return fields


def run(command: Sequence[str], environ: Mapping[str, str]) -> Cost:
    """Run a command to its end. Raises PeerFailed with what it wrote on stderr unless it exits with 0."""
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  # ours
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(environ), text=True
    )
    watch = MemoryWatch(process.pid)
    assert process.stdout is not None  # noqa: S101  # pipes, see above
    assert process.stderr is not None  # noqa: S101
    with process.stdout, process.stderr:
        process.stdout.readline()
        first = time.perf_counter() - began
        process.stdout.read()
        errors = process.stderr.read()
        cost = reap(process, watch, began, first)
    if process.returncode:
        raise PeerFailed(errors.strip().splitlines()[-1] if errors.strip() else f"exit code {process.returncode}")
    return cost


def reap(process: subprocess.Popen[str], watch: MemoryWatch, began: float, first: float) -> Cost:
    """Wait for a process to end; return what it and what it started took."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = max(watch.stop(), usage.ru_maxrss * 1024)
    return Cost(first, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak)


class MemoryWatch:
    """The most memory that a process and what it started held at a time: the peaks (VmHWM) of those that lived at once."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, daemon=True)
        self._thread.start()

    def peak(self) -> int:
        """Return it in bytes, as of now."""
        self._sample()
        return self._most

    def stop(self) -> int:
        """Return it at last."""
        self._stopped.set()
        self._thread.join()
        return self._most

    def _sample_on(self) -> None:
        took = 0.0
        while not self._stopped.wait(max(_SAMPLED_EVERY, 20 * took)):  # looking at Ray's hundreds of threads takes long
            began = time.perf_counter()
            self._sample()
            took = time.perf_counter() - began

    def _sample(self) -> None:
        held, waiting = 0, [self._pid]
        while waiting:
            pid = waiting.pop()
            held += _peak_of(pid)
            waiting += _children_of(pid)
        self._most = max(self._most, held)


def _peak_of(pid: int) -> int:
    for line in _lines(Path(f"/proc/{pid}/status")):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _children_of(pid: int) -> list[int]:
    return [
        int(one) for path in Path(f"/proc/{pid}/task").glob("*/children") for line in _lines(path) for one in line.split()
    ]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # it has ended
        return []
