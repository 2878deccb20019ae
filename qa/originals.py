"""The file that a document was read from: handed out only while it is, byte for byte, what was indexed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from qa.errors import NotFound
from qa.workspace import Workspace

_IN_MEMORY = 8_000_000  # bytes; what is larger is copied to the disk, into a file that has no name
_PIECE = 1 << 20
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Original:
    """Where a document's file lies, as the catalog says and nobody else, and the sha256 that it had."""

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name as text of one line."""
        return _UNPRINTABLE.sub("_", os.fsencode(self.path.name).decode("utf-8", "replace"))


def find_original(workspace: Workspace, document_id: str) -> Original:
    """Return the file that a document was read from; raises NotFound for a document that is not indexed."""
    found = workspace.store.origin(document_id)
    if found is None:
        raise NotFound("this document is not in the index (any more)", "its file may have been deleted since")
    return Original(*found)


def open_original(original: Original) -> BinaryIO:
    """Return the file's bytes, all of them checked before the first is handed out: a copy that no writer can change.

    Raises NotFound where the file is gone or has changed.
    """
    copy = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the caller closes it
    sha256 = hashlib.sha256()
    try:
        descriptor = os.open(original.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("not a regular file")
            while piece := file.read(_PIECE):
                sha256.update(piece)
                copy.write(piece)
        check_version(sha256.hexdigest(), original)
    except OSError:
        copy.close()
        raise NotFound(
            "the original file is not there any more", "what was indexed of it is on the document's own page"
        ) from None
    except NotFound:
        copy.close()
        raise
    copy.seek(0)
    return copy


def is_there(original: Original) -> bool:
    """Say whether there is a file at all, without reading it: enough to offer a link, never to follow one."""
    with suppress(OSError):
        return stat.S_ISREG(original.path.lstat().st_mode)
    return False


def check_version(sha256: str, original: Original) -> None:
    """Raise NotFound unless these are the bytes that were indexed."""
    if sha256 != original.sha256:
        raise NotFound("the original file has changed since it was indexed", "index it again: qa index PATH")
