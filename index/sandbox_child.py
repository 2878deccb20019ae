"""The child that `sandbox` starts: reads files within its limits and replies with their documents, or a page's picture."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any, BinaryIO

from index.errors import NeedsPassword, UnreadableFile, Unsettled, Unsupported
from index.locators import locator_to_json
from index.page_order import PageOrder
from index.readers import read_bytes
from index.readers.language import detect_language
from index.records import Extracted

MAX_BYTES = 500_000_000
MAX_CHARACTERS = 10_000_000  # of all documents of a file: about 3,000 pages of a book
_TRIES = 3
_KINDS = {Unsupported: "skipped", NeedsPassword: "locked", Unsettled: "unsettled"}
_MARGIN_SECONDS = 5  # the parent's clock decides; this one is for a parent that is gone


def main() -> None:
    """Serve requests from stdin until it ends."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a parser prints must not get between the replies
    _limit(resource.RLIMIT_AS, memory << 20)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    while request := _receive(requests):
        _limit(resource.RLIMIT_CPU, int(_used_seconds() + seconds) + _MARGIN_SECONDS, soft_only=True)
        data = _answer(os.fsdecode(bytes.fromhex(request["path"])), request["passwords"], request.get("draw"))
        replies.write(len(data).to_bytes(8, "big") + data)
        replies.flush()


def _limit(kind: int, value: int, *, soft_only: bool = False) -> None:
    try:
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1] if soft_only else value))
    except (ValueError, OSError):
        return  # not every system has every limit; the parent's clock holds everywhere


def _used_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _receive(pipe: BinaryIO) -> dict[str, Any] | None:
    size = pipe.read(8)
    return json.loads(pipe.read(int.from_bytes(size, "big"))) if len(size) == 8 else None


def _answer(path: str, passwords: Sequence[str], draw: dict[str, Any] | None) -> bytes:
    sha256 = ""
    try:
        data = _read_file(path)
        sha256 = hashlib.sha256(data).hexdigest()
        if draw:
            return _encode({"kind": "drawn", "sha256": sha256, **_draw(data, PageOrder(**draw), passwords)})
        documents = _check_length(read_bytes(data, PurePath(path).name, passwords))
        return _encode({"kind": "read", "sha256": sha256, "documents": [_to_json(one) for one in documents]})
    except UnreadableFile as error:
        return _encode({"kind": _KINDS.get(type(error), "failed"), "sha256": sha256, "reason": error.message})
    except MemoryError:
        return _encode({"kind": "memory", "sha256": sha256})


def _draw(data: bytes, order: PageOrder, passwords: Sequence[str]) -> dict[str, Any]:
    from index.readers.pdf_page import draw_page  # most children only read, and some never meet a PDF

    picture = draw_page(data, order, passwords)
    return {**asdict(picture), "png": base64.b64encode(picture.png).decode()}


def _encode(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace")


def _check_length(documents: list[Extracted]) -> list[Extracted]:
    if sum(len(one.text) for one in documents) > MAX_CHARACTERS:
        raise UnreadableFile(f"holds more than {MAX_CHARACTERS // 1_000_000} million characters: split it")
    return documents


def _read_file(path: str) -> bytes:
    """Read a regular file whole, as it was at one moment."""
    try:
        # O_NOFOLLOW and the check after opening: the file may have become something else since it was listed
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            for _ in range(_TRIES):
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise Unsettled("not a regular file any more")
                if before.st_size > MAX_BYTES:
                    raise UnreadableFile(f"larger than {MAX_BYTES // 1_000_000} MB")
                file.seek(0)
                data = file.read(MAX_BYTES + 1)
                after = os.fstat(descriptor)
                if (before.st_mtime_ns, len(data)) == (after.st_mtime_ns, after.st_size):
                    return data
    except OSError as error:
        raise Unsettled(f"cannot be read: {error.strerror or error}") from error
    raise Unsettled("it changes while it is being read")


def _to_json(document: Extracted) -> dict[str, Any]:
    document = replace(document, lang=detect_language(document.text) or document.lang)
    return {**asdict(document), "sections": _places(document)}


def _places(document: Extracted) -> Iterable[tuple[int, dict[str, Any]]]:
    return [(section.start, locator_to_json(section.locator)) for section in document.sections]


if __name__ == "__main__":
    main()
