"""Tells whether the end of an SQLite file is missing: SQLite rounds up, and reads what a page lacks as zeros.

Opens the log only: closing the database file itself would end the locks that SQLite holds on it in this process
(https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

from pathlib import Path

_LOG_HEADER, _FRAME_HEADER = 32, 24  # bytes, https://sqlite.org/fileformat2.html#walformat


def log_of(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of a file."""
    return path.with_name(f"{path.name}-wal")


def lacks_its_end(path: Path, pages: int, page_size: int) -> bool:
    """Say whether pages are neither in the file nor in its log.

    pages: how many a read transaction sees that is still open: it keeps the log as it is while it needs that, whatever
    others write. page_size in bytes. Costs one `stat` unless the file is short of what is in the log.
    """
    whole = path.stat().st_size // page_size
    return whole < pages and not _logged_pages(log_of(path), page_size).issuperset(range(whole + 1, pages + 1))


def _logged_pages(log: Path, page_size: int) -> set[int]:
    """Return the numbers of the pages that the log holds; frames of an earlier round have another salt."""
    found: set[int] = set()
    if not log.exists():
        return found
    with log.open("rb") as file:
        salt = file.read(_LOG_HEADER)[16:24]
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == salt:
            found.add(int.from_bytes(frame[:4], "big"))
            file.seek(page_size, 1)
    return found
