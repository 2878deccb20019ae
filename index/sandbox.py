"""Runs readers in a child process under time, memory and output limits: a bomb or a crash costs one file, never the run.

The child draws pages of PDFs, too, under the same limits.

Request and reply are JSON, each after its length in eight bytes. The child (`sandbox_child`) gets the path, opens the
file itself and hashes what it read, so that the hash is of the very bytes that were parsed.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Self

from index.errors import LimitReached, NeedsPassword, UnreadableFile, Unsettled, Unsupported
from index.locators import locator_from_json
from index.page_order import PageOrder, PagePicture
from index.records import Extracted, Section

_MAX_REPLY = 200_000_000  # bytes: the child keeps to a tenth of it, one that does not is stopped
_FILES_A_CHILD = 1000  # then a fresh one: whatever a parser has leaked is gone
_PIECE = 1 << 20
_ERRORS = {
    "failed": UnreadableFile,
    "skipped": Unsupported,
    "locked": NeedsPassword,
    "unsettled": Unsettled,
    "limit": LimitReached,
    "memory": LimitReached,
}


@dataclass(frozen=True)
class Limits:
    """What reading one file may take. seconds: wall clock; memory in MB of address space, code included."""

    seconds: float = 30.0
    memory: int = 1500


@dataclass(frozen=True)
class Reading:
    """The documents in a file, or why there are none; sha256 of the bytes that were read, "" if none were."""

    sha256: str
    documents: Sequence[Extracted] = ()
    error: UnreadableFile | None = None


class _ChildGone(Exception):
    pass


class Sandbox:
    """Reads one file after the other in a child process. A context manager."""

    def __init__(self, limits: Limits = Limits(), passwords: Sequence[str] = ()) -> None:
        self._limits = limits
        self._passwords = list(passwords)
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Self:
        """Start the child; while it comes up the caller can do other things."""
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the child."""
        self.stop()

    def read(self, path: Path) -> Reading:
        """Read a file's documents. Never raises for what is wrong with the file: that is in the result."""
        return reading_of(self.reply_of(path))

    def reply_of(self, path: Path) -> dict[str, Any]:
        """Do the same as `read`, and return what `reading_of` makes a Reading of: JSON, which can travel."""
        if self._served >= _FILES_A_CHILD:
            self.stop()
        fresh = self._child is None
        reply = self._ask(path)
        if not fresh and reply.get("kind") == "memory":  # what earlier files left behind must not cost this one
            reply = self._ask(path)
        return reply

    def draw(self, path: Path, order: PageOrder) -> tuple[str, PagePicture]:
        """Draw a page of a PDF. Returns the sha256 of the bytes it was drawn from, and the picture.

        Raises UnreadableFile with the reason why there is none.
        """
        reply = self._ask(path, {"draw": asdict(order)})
        if reply.get("kind") != "drawn":
            raise _to_error(reply)
        boxes = [(left, top, right, bottom) for left, top, right, bottom in reply["boxes"]]
        picture = PagePicture(base64.b64decode(reply["png"]), int(reply["width"]), int(reply["height"]), boxes)
        return str(reply["sha256"]), picture

    def _ask(self, path: Path, wanted: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        child = self._child or self._start()
        self._served += 1
        request = {"path": os.fsencode(path).hex(), "passwords": self._passwords, **wanted}
        try:
            _send(child.stdin, json.dumps(request).encode())
            reply: dict[str, Any] = json.loads(_receive(child.stdout, time.monotonic() + self._limits.seconds))
        except TimeoutError:
            self.stop()
            return _failure(f"reading it took more than {self._limits.seconds:g} seconds")
        except (_ChildGone, OSError, ValueError):
            return _failure(f"the reader died on it ({self.stop(patience=1.0)})")
        if reply.get("kind") == "memory":
            self.stop()
            reply["reason"] = f"reading it needs more than {self._limits.memory} MB of memory"
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        package = Path(__file__).resolve().parent.parent
        command = [sys.executable, "-P", "-m", "index.sandbox_child", str(self._limits.seconds), str(self._limits.memory)]
        # nothing of the parent's environment: it may hold keys, and a parser has no use for it
        environment = {
            "PYTHONPATH": str(package),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        self._child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the parent, which then stops the child
        )
        self._served = 0
        return self._child

    def abort(self) -> None:
        """Kill the child under a `read` that goes on in another thread, which then ends with a failure."""
        child = self._child
        if child is not None:
            child.kill()

    def stop(self, patience: float = 0.0) -> str:
        """Kill the child, if it has not ended by itself within `patience` seconds; returns how it ended."""
        child, self._child = self._child, None
        if child is None:
            return "it was not running"
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was still to be flushed has nobody left to read it
        ended = child.wait()
        return signal.Signals(-ended).name if ended < 0 else f"exit code {ended}"


def _send(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        raise _ChildGone
    pipe.write(len(data).to_bytes(8, "big") + data)
    pipe.flush()


def _receive(pipe: IO[bytes] | None, deadline: float) -> bytes:
    """Read one message. Raises TimeoutError at the deadline, _ChildGone when the child is."""
    if pipe is None:
        raise _ChildGone
    size = int.from_bytes(_read_exactly(pipe, 8, deadline), "big")
    if size > _MAX_REPLY:
        raise _ChildGone
    return _read_exactly(pipe, size, deadline)


def _read_exactly(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    parts = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(parts) < size:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            piece = os.read(pipe.fileno(), min(_PIECE, size - len(parts)))
            if not piece:
                raise _ChildGone
            parts += piece
    return bytes(parts)


def _failure(reason: str) -> dict[str, Any]:
    return {"kind": "limit", "reason": reason, "sha256": ""}


def reading_of(reply: Mapping[str, Any]) -> Reading:
    """Return what a reply of `Sandbox.reply_of` says."""
    if reply.get("kind") != "read":
        return Reading(str(reply.get("sha256", "")), error=_to_error(reply))
    return Reading(str(reply["sha256"]), [_to_extracted(fields) for fields in reply["documents"]])


def _to_error(reply: Mapping[str, Any]) -> UnreadableFile:
    return _ERRORS.get(str(reply.get("kind")), UnreadableFile)(str(reply.get("reason", "")))


def _to_extracted(fields: Mapping[str, Any]) -> Extracted:
    sections = tuple(Section(start, locator_from_json(place)) for start, place in fields["sections"])
    return Extracted(**{**fields, "sections": sections})
