"""Bytes of a file → text with places in it. One module per family of formats; add one line to `_READERS` for a new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from index.errors import UnreadableFile
from index.readers.html import read_html
from index.readers.markdown import read_markdown
from index.readers.pdf import read_pdf
from index.readers.text import read_text
from index.records import Extracted

# Raised when a reader starts to give other text for the same bytes: files are then read anew.
READERS_VERSION = "1"

_READERS: dict[str, Callable[[bytes], Extracted]] = {
    ".txt": read_text,
    ".text": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
}


def is_readable(name: str) -> bool:
    """Say whether there is a reader for files of this name."""
    return PurePath(name).suffix.lower() in _READERS


def readable_suffixes() -> tuple[str, ...]:
    """Return the file name endings that have a reader, sorted."""
    return tuple(sorted(_READERS))


def read_bytes(data: bytes, name: str) -> Extracted:
    """Read a file's bytes with the reader for its name.

    Raises UnreadableFile, whose message is the reason shown to the user.
    """
    if not data:
        raise UnreadableFile("the file is empty")
    reader = read_pdf if data.startswith(b"%PDF-") else _READERS[PurePath(name).suffix.lower()]
    try:
        extracted = reader(data)
    except UnreadableFile:
        raise
    except Exception as error:  # whatever a parser dies of costs this file and no other
        raise UnreadableFile(f"the reader failed on it ({type(error).__name__})") from error
    if not any(character.isalnum() for character in extracted.text):
        raise UnreadableFile("no text in it (a scan or pictures only?)")
    return extracted
