"""A secret that outlives the server: a file of random bytes in the data directory that only its owner reads."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from index.files import sync_folder

SECRET_BYTES = 32


class KeptSecret:
    """Random bytes, the same after a restart, and for every process that serves a data directory.

    Where no file can be made they hold for this server alone: what they sign is then stale after a restart, no worse.
    """

    def __init__(self, path: Path, own: bytes = b"") -> None:
        """Read nothing yet. own: the bytes to put there if there are none; random ones where none are given."""
        self._path = path
        self._own = own or secrets.token_bytes(SECRET_BYTES)
        self._kept = b""

    def value(self) -> bytes:
        """Return the bytes. A data directory that is not there is not made for them; they are put there once it is."""
        if not self._kept:
            with suppress(OSError):
                self._kept = self._read() or self._put()
        return self._kept or self._own

    def _read(self) -> bytes:
        """Return what the file holds, nothing where there is none; one that is cut off, which nobody can use, goes."""
        try:
            kept = self._path.read_bytes()
        except FileNotFoundError:
            return b""
        if len(kept) == SECRET_BYTES:
            return kept
        self._path.unlink()
        return b""

    def _put(self) -> bytes:
        """Put our bytes there, whole from the first moment, unless another process was faster: then return its."""
        fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self._own)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(fresh, self._path)
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(self._path.parent)
        return self._read()
