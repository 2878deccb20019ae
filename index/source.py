"""Where a sync gets the contents of files from: a sandbox of this process, read ahead, or another engine's workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index.embedder import Vectors
from index.records import FileRecord
from index.sandbox import Reading, Sandbox
from index.scan import disk_path

_READ_AHEAD = 4  # files


Piece = tuple[int, int, str]  # start and end of a passage in its document's text, and its context


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that has been read, split and embedded.

    pieces: of each document of the reading; vectors: of all pieces in order, shape (pieces, dimension).
    """

    reading: Reading
    pieces: Sequence[Sequence[Piece]]
    vectors: Vectors


FileFound = tuple[FileRecord, Reading | Prepared]


class Source(Protocol):
    """Reads files, each once, in any order."""

    def read(self, files: Sequence[FileRecord], root: Path) -> Iterator[FileFound]:
        """Yield each file with what is in it, or with why that cannot be read. root: what relative paths start from."""


class ReadAhead:
    """Reads the next few files while what it has yielded is split, embedded and written. In the order of the files."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def read(self, files: Sequence[FileRecord], root: Path) -> Iterator[FileFound]:
        """Yield each file with what is in it."""
        waiting: deque[tuple[FileRecord, Future[Reading]]] = deque()
        with ThreadPoolExecutor(1, "reading") as pool:
            try:
                for file in files:
                    waiting.append((file, pool.submit(self._sandbox.read, disk_path(file.path, root))))
                    if len(waiting) > _READ_AHEAD:
                        first, reading = waiting.popleft()
                        yield first, reading.result()
                while waiting:
                    first, reading = waiting.popleft()
                    yield first, reading.result()
            finally:
                if waiting:  # given up: what is being read is not waited for
                    self._sandbox.abort()
                    pool.shutdown(cancel_futures=True)
