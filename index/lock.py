"""The writer's lock: one process writes; the system frees it when that process dies; who is refused learns who holds it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import IndexLocked, unavailable


@contextmanager
def writer_lock(folder: Path, wait: float) -> Iterator[None]:
    """Hold the lock of a data directory. wait: seconds to try. Raises IndexLocked or IndexUnavailable."""
    lock = FileLock(folder / "writer.lock")
    holder = folder / "writer.json"
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise IndexLocked(f"{folder}: {_name(holder)} is writing", "wait for it to end, then try again") from None
    except OSError as error:
        raise unavailable(folder, error) from error
    try:
        _say_who(holder)
        yield
    finally:
        _remove(holder)
        lock.release()


def _say_who(holder: Path) -> None:
    who = {"pid": os.getpid(), "command": Path(sys.argv[0]).name, "since": time.time()}
    try:
        holder.write_text(json.dumps(who))
    except OSError as error:
        raise unavailable(holder.parent, error) from error


def _remove(holder: Path) -> None:
    with suppress(OSError):  # a disk that fails at the very end has lost nothing: the lock itself dies with the process
        holder.unlink(missing_ok=True)


def _name(holder: Path) -> str:
    try:
        found = json.loads(holder.read_text())
        return f"process {found['pid']} ({found['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
