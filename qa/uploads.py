"""Files that people send, put below one folder: under a safe name, whole or not at all, and never over another unasked."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import unicodedata
from pathlib import Path
from typing import IO, Literal

from index.files import sha256_of, sync_folder
from index.readers.formats import skip_reason
from qa.errors import BadUpload

_PIECE = 1 << 20
_LONGEST_NAME = 200  # bytes: systems take 255, and a temporary name is longer
_DEEPEST = 10
_SEPARATORS = re.compile(r"[/\\]")
# What other systems forbid in names, or read as something else: a folder of uploads may be moved to one of them.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')

Saved = Literal["added", "unchanged", "replaced"]


def safe_path(name: str) -> Path:
    """Return the relative path that a sent name stands for. Raises BadUpload for what could lead elsewhere or be hidden."""
    parts = [_safe_part(part) for part in _SEPARATORS.split(name) if part not in ("", ".")]
    if not parts or len(parts) > _DEEPEST:
        raise BadUpload("bad_name", "the file has no name that can be used", f"name it, at most {_DEEPEST} folders deep")
    reason = skip_reason(parts[-1])
    if reason:
        raise BadUpload("not_read", f"it is not a document that is read: {reason}")
    return Path(*parts)


def save_upload(folder: Path, name: str, content: IO[bytes], most_bytes: int, *, replace: bool = False) -> Saved:
    """Write a file below the folder; returns "unchanged" where it is there already, byte for byte.

    Raises BadUpload for a bad name, a file that is too large or empty, and one that has the name of another, unless
    replace is true; OSError when the disk does not take it. Nothing is left behind then.
    """
    place = folder / safe_path(name)
    _make_folder(place.parent, folder)
    temporary = place.with_name(f".{secrets.token_hex(8)}.upload")  # hidden: no run takes a half of a file for a document
    try:
        sha256 = _write(temporary, content, most_bytes)
        return _put(temporary, place, sha256, replace=replace)
    finally:
        temporary.unlink(missing_ok=True)
        sync_folder(place.parent)


def _safe_part(part: str) -> str:
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFC", part)).strip()
    if not safe or safe == ".." or safe.startswith("."):
        raise BadUpload("bad_name", "names that begin with a dot are not taken", "rename the file or folder")
    if len(safe.encode()) > _LONGEST_NAME:
        raise BadUpload("bad_name", "its name is too long", f"at most {_LONGEST_NAME} bytes")
    return safe.rstrip(".") or "_"


def _make_folder(place: Path, folder: Path) -> None:
    """Make the folders that a file is to lie in; none of them may be a link that leads out."""
    folder.mkdir(parents=True, exist_ok=True)
    if not place.resolve().is_relative_to(folder.resolve()):
        raise BadUpload("bad_name", "its folder lies elsewhere")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadUpload("bad_name", "a file has the name of one of its folders", "rename it") from error


def _write(temporary: Path, content: IO[bytes], most_bytes: int) -> str:
    sha256, size = hashlib.sha256(), 0
    with temporary.open("xb") as file:
        while piece := content.read(_PIECE):
            size += len(piece)
            if size > most_bytes:
                raise BadUpload(
                    "too_large", f"it is larger than {most_bytes // 1_000_000} MB", "raise the setting `upload_size`"
                )
            sha256.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if not size:
        raise BadUpload("empty", "the file is empty")
    return sha256.hexdigest()


def _put(temporary: Path, place: Path, sha256: str, *, replace: bool) -> Saved:
    if _claim(temporary, place):
        return "added"
    if place.is_symlink() or not place.is_file():
        raise BadUpload("bad_name", "something else has its name", "rename it")
    if sha256_of(place) == sha256:
        return "unchanged"
    if not replace:
        raise BadUpload("exists", "another file has this name", "choose to replace it, or rename this one")
    temporary.replace(place)
    return "replaced"


def _claim(temporary: Path, place: Path) -> bool:
    """Give the new file its name if nothing has it yet: by a link, which never takes the place of what comes meanwhile."""
    try:
        os.link(temporary, place)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links, as on most USB sticks
        if os.path.lexists(place):
            return False
        temporary.rename(place)
    return True
