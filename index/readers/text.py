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
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0c\x85\u2028]")
_BINARY_SHARE = 0.02
_DETECT_BYTES = 200_000


def read_text(data: bytes) -> Extracted:
    """Read plain text; the first line is its title when it looks like one."""
    text, encoding = decode(data)
    return Extracted(text=text, media_type="text/plain", title=_first_line(text), metadata={"encoding": encoding})


def decode(data: bytes) -> tuple[str, str]:
    """Decode bytes by byte order mark, else as UTF-8, else by detection. Returns (clean text, encoding).

    Raises UnreadableFile for what is not text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return clean(data[len(bom) :].decode(encoding, "replace")), encoding
    try:
        text, encoding = data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = _detect(data)
    if len(_CONTROLS.findall(text[:_DETECT_BYTES])) > _BINARY_SHARE * min(len(text), _DETECT_BYTES):
        raise UnreadableFile("not text: the file is binary")
    return clean(text), encoding


def clean(text: str) -> str:
    """Make every line end a line feed and drop control characters."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _detect(data: bytes) -> tuple[str, str]:
    if b"\0" in data[:_DETECT_BYTES]:
        raise UnreadableFile("not text: the file is binary")
    best = from_bytes(data[:_DETECT_BYTES]).best()
    if best is None:
        raise UnreadableFile("not text: no encoding fits")
    return data.decode(best.encoding, "replace"), best.encoding


def _first_line(text: str) -> str:
    line = text.lstrip().split("\n", 1)[0].strip()
    return line if len(line) <= 120 and not line.endswith((".", "۔", ",", ";")) else ""
