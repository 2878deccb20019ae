"""Plain text, and the decoding that all text formats share."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from index.errors import UnreadableFile
from index.readers.encodings import detect_encoding
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
# A carriage return too many is left by programs that write the line ends of Windows twice.
_LINE_ENDS = re.compile(r"\r\r?\n|[\r\x0c\x85\u2028]")
_BINARY_SHARE = 0.02  # of control characters: more is no text
_STRAY_CONTROLS = 3  # that a short text may hold all the same
_NUL_SHARE = 0.05  # text with stray NULs has fewer, UTF-16 and UTF-32 have more
_SOUND_SHARE = 3  # sound characters beyond ASCII for each broken one: other encodings hardly ever look so
_DETECT_BYTES = 200_000


def read_text(data: bytes) -> Extracted:
    """Read plain text; the first line is its title when it looks like one."""
    decoded = decode_rated(data)
    return Extracted(text=decoded.text, media_type="text/plain", title=_first_line(decoded.text), metadata=decoded.metadata)


class Decoded(NamedTuple):
    """Clean text, the encoding that its bytes were in, and how sure that is, from 0 to 1."""

    text: str
    encoding: str
    confidence: float

    @property
    def metadata(self) -> dict[str, str]:
        """What readers say of it in a document's metadata."""
        return {"encoding": self.encoding, "encoding_confidence": f"{self.confidence:.2f}"}


def decode(data: bytes) -> tuple[str, str]:
    """Decode bytes as `decode_rated` does. Returns (clean text, encoding)."""
    decoded = decode_rated(data)
    return decoded.text, decoded.encoding


def decode_rated(data: bytes) -> Decoded:
    """Decode bytes by byte order mark, else as UTF-8, else by detection.

    Raises UnreadableFile for what is not text.
    """
    text, encoding, confidence = _by_mark(data) or _by_bytes(data)
    sample = text[:_DETECT_BYTES]
    if len(_CONTROLS.findall(sample)) > max(_STRAY_CONTROLS, _BINARY_SHARE * len(sample)):
        raise UnreadableFile("not text: the file is binary")
    return Decoded(clean(text), encoding, confidence)


def _by_mark(data: bytes) -> Decoded | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return Decoded(data[len(bom) :].decode(encoding, "replace"), encoding, 1.0)
    return None


def _by_bytes(data: bytes) -> Decoded:
    if data[:_DETECT_BYTES].count(0) > len(data[:_DETECT_BYTES]) * _NUL_SHARE:
        return _detect(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _nearly_utf8(data, error.start) or _detect(data)
    if b"\x1b$" in data[:_DETECT_BYTES] or b"\x1b(" in data[:_DETECT_BYTES]:
        return _by_escapes(data) or Decoded(text, "utf-8", 1.0)
    return Decoded(text, "utf-8", 1.0)


def _by_escapes(data: bytes) -> Decoded | None:
    """Decode the Japanese encoding of old mail, which is all ASCII bytes and switches by escape sequences."""
    try:
        return Decoded(data.decode("iso2022_jp"), "iso2022_jp", 1.0)
    except UnicodeDecodeError:
        return None


def _nearly_utf8(data: bytes, error: int) -> Decoded | None:
    """Decode UTF-8 of which a little is broken: cut short, or with some bytes of another encoding in between."""
    around = data[max(0, error - _DETECT_BYTES) : error + _DETECT_BYTES].decode("utf-8", "replace")
    broken = around.count("\ufffd")
    sound = sum(not character.isascii() for character in around) - broken
    if sound < _SOUND_SHARE * broken:
        return None
    return Decoded(data.decode("utf-8", "replace"), "utf-8", sound / (sound + broken))


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


def _detect(data: bytes) -> Decoded:
    found = detect_encoding(data)
    if found is None:
        binary = b"\0" in data[:_DETECT_BYTES]
        raise UnreadableFile("not text: the file is binary" if binary else "not text: no encoding fits")
    encoding, confidence = found
    return Decoded(data.decode(encoding, "replace"), encoding, confidence)


def _first_line(text: str) -> str:
    line = text.lstrip().split("\n", 1)[0].strip()
    return line if len(line) <= 120 and not line.endswith((".", "۔", ",", ";")) else ""
