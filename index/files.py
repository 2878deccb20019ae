"""Writing a file so that it is whole or not there: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_LEFTOVERS = ("*.tmp", "lexical/*.tmp", "lexical.new", "lexical.old", "history.db.*.new*")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` when the block ends well and all of it is on disk.

    Raises OSError, a full disk included, and then leaves what was there as it was.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Put a file with these bytes in the place of `path` only when it is complete on disk; raises OSError."""
    with replacing(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Make new and removed names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(folder: Path) -> list[Path]:
    """Return what runs that died have left in a data directory; under the writer's lock nobody needs any of it."""
    return sorted(path for pattern in _LEFTOVERS for path in folder.glob(pattern))


def remove_leftovers(folder: Path) -> None:
    """Remove what runs that died have left. Writer only."""
    for path in leftovers(folder):
        with suppress(OSError):  # what cannot go now goes the next time
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
