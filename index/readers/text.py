"""Plain text, and the decoding that all text formats share."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from index.errors import UnreadableFile
from index.records import Extracted

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# NUL and the other control characters never help a reader and break terminals, JSON viewers and C strings.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0c\x85\u2028]")
_BINARY_SHARE = 0.02  # of control characters: more is no text
_STRAY_CONTROLS = 3  # that a short text may hold all the same
_WESTERN_SHARE = 0.95
_DETECT_BYTES = 200_000


def read_text(data: bytes) -> Extracted:
    """Read plain text; the first line is its title when it looks like one."""
    text, encoding = decode(data)
    return Extracted(text=text, media_type="text/plain", title=_first_line(text), metadata={"encoding": encoding})


def decode(data: bytes) -> tuple[str, str]:
    """Decode bytes by byte order mark, else as UTF-8, else by detection. Returns (clean text, encoding).

    Raises UnreadableFile for what is not text.
    """
    text, encoding = _by_mark(data) or _by_bytes(data)
    sample = text[:_DETECT_BYTES]
    if len(_CONTROLS.findall(sample)) > max(_STRAY_CONTROLS, _BINARY_SHARE * len(sample)):
        raise UnreadableFile("not text: the file is binary")
    return clean(text), encoding


def _by_mark(data: bytes) -> tuple[str, str] | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace"), encoding
    return None


def _by_bytes(data: bytes) -> tuple[str, str]:
    return (data.decode("utf-8"), "utf-8") if is_utf8(data) else _detect(data)


def is_utf8(data: bytes) -> bool:
    """Say whether the bytes are valid UTF-8, with a byte order mark or without."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def clean(text: str) -> str:
    """Make every line end a line feed and drop control characters."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _detect(data: bytes) -> tuple[str, str]:
    if b"\0" in data[:_DETECT_BYTES]:
        raise UnreadableFile("not text: the file is binary")
    if _is_western(data[:_DETECT_BYTES]):
        return data.decode("cp1252", "replace"), "cp1252"
    best = from_bytes(data[:_DETECT_BYTES]).best()
    if best is None:
        raise UnreadableFile("not text: no encoding fits")
    return data.decode(best.encoding, "replace"), best.encoding


def _is_western(data: bytes) -> bool:
    """Say whether nearly all letters are plain ones: the detector takes such text for Baltic or DOS, Windows wrote it."""
    try:
        letters = [character for character in data.decode("cp1252") if character.isalpha()]
    except UnicodeDecodeError:
        return False
    return sum(map(str.isascii, letters)) >= _WESTERN_SHARE * max(1, len(letters))


def _first_line(text: str) -> str:
    line = text.lstrip().split("\n", 1)[0].strip()
    return line if len(line) <= 120 and not line.endswith((".", "۔", ",", ";")) else ""
