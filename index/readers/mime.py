"""The parts of a mail message: which are its text and which are files, decoded whatever is wrong with them."""

from __future__ import annotations

import codecs
import mimetypes
import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, parsedate_to_datetime
from pathlib import PurePath
from typing import TypeAlias

from index.errors import UnreadableFile
from index.readers.builder import fold_space
from index.readers.html import extract_blocks
from index.readers.text import clean, decode, is_utf8

Mail: TypeAlias = "Message[str, str]"
Body = tuple[str, str]  # content type, text

# What mail says and what it means: the larger character set that programs write under the smaller one's name.
_MEANT = {
    **dict.fromkeys(("iso-8859-1", "us-ascii", "ascii", "latin1", "ansi"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("ks_c_5601-1987", "euc-kr"), "cp949"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e"), "iso-8859-8"),
    "shift_jis": "cp932",
    "iso-8859-9": "cp1254",
}
_NO_CHARSETS = frozenset(["punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"])  # Python has them
_BODY_TYPES = frozenset(f"text/{kind}" for kind in ("plain", "html", "enriched", "richtext", "rfc822-headers"))
_MAX_DEPTH = 50  # of parts within parts
_STUB = 2  # a text in HTML that is so many times longer says what the plain one does not
_LONGEST_NAME = 120
_LONGEST_HEADER = 20_000  # characters: the standard library takes a minute for a few MB of encoded words
_BAD_IN_NAMES = re.compile(r"[\x00-\x1f\x7f]+")


def header(part: Mail, name: str) -> str:
    """Return the first header of this name as a person reads it, on one line; "" where there is none."""
    raw = _raw_header(part, name)
    if "=?" not in raw:
        return raw
    try:
        return fold_space(clean("".join(_decode_word(word, charset) for word, charset in decode_header(raw))))
    except (HeaderParseError, ValueError, LookupError):
        return raw


def iso_date(part: Mail) -> str:
    """Return the date of a message in ISO 8601 and UTC; "" for none, or one that is no date."""
    try:
        moment = parsedate_to_datetime(_raw_header(part, "date"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def decode_as(data: bytes, charset: str) -> str:
    """Decode by the charset that mail declares, unless it is plainly another. Raises UnreadableFile for what is no text."""
    if not charset or (not data.isascii() and is_utf8(data)):
        return decode(data)[0]
    try:
        codec = codecs.lookup(_MEANT.get(charset.lower(), charset))
        if codec.name in _NO_CHARSETS:
            raise LookupError(charset)
        return clean(data.decode(codec.name))
    except (LookupError, ValueError):
        return decode(data)[0]


def contents(message: Mail) -> tuple[list[Body], list[Mail]]:
    """Return the texts that make up a message's own text, and the parts that are attached to it."""
    attached: list[Mail] = []
    return list(_bodies(message, attached)), attached


def enclosed(part: Mail) -> Mail | None:
    """Return the message that a part consists of, if it does."""
    children = _children(part)
    return children[0] if part.get_content_type() == "message/rfc822" and children else None


def attached_name(part: Mail) -> str:
    """Return the file name of an attachment; for one without, its subject or kind."""
    inner = enclosed(part)
    name = _file_name(part)
    if name or inner is None:
        kind = part.get_content_maintype() or "attachment"
        return name or f"{kind}{mimetypes.guess_extension(part.get_content_type()) or ''}"
    subject = header(inner, "subject").replace("/", "-")[:80].strip()
    return f"{subject or 'message'}.eml"


def attached_bytes(part: Mail) -> bytes:
    """Return an attachment's bytes; texts in UTF-8, since only the mail says how they are encoded."""
    data = _part_bytes(part)
    if part.get_content_maintype() != "text" or not part.get_content_charset():
        return data
    try:
        return _part_text(part).encode()
    except UnreadableFile:
        return data


def _bodies(part: Mail, attached: list[Mail], depth: int = 0) -> Iterator[Body]:
    """Yield (content type, text) of the parts that make up a message's text; put the others into `attached`."""
    if depth > _MAX_DEPTH:
        raise UnreadableFile("its parts are nested too deep")
    kind, children = part.get_content_type(), _children(part)
    if kind == "message/delivery-status":
        yield "text/plain", "\n".join(f"{name}: {header(child, name.lower())}" for child in children for name in child)
    elif children and kind == "multipart/alternative":
        yield from _best([list(_bodies(child, attached, depth + 1)) for child in children])
    elif children and kind != "message/rfc822":
        for child in children:
            yield from _bodies(child, attached, depth + 1)
    elif part.get_content_maintype() == "multipart" or (kind in _BODY_TYPES and not (depth and _is_file(part))):
        yield from _readable_body(part, kind, attached)
    else:
        attached.append(part)


def _readable_body(part: Mail, kind: str, attached: list[Mail]) -> Iterator[Body]:
    try:
        yield kind, _part_text(part)
    except UnreadableFile:
        attached.append(part)  # which lists it with the reason


def _is_file(part: Mail) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _best(choices: Sequence[list[Body]]) -> list[Body]:
    """Return the choice in plain text unless it is only a stub of the one in HTML, else that one, else any."""
    filled = [choice for choice in choices if any(text.strip() for _, text in choice)]
    plain, rich = (
        next((choice for choice in filled if any(kind == wanted and text.strip() for kind, text in choice)), [])
        for wanted in ("text/plain", "text/html")
    )
    if plain and not (rich and _length(rich) > _STUB * _length(plain)):
        return plain
    return rich or (filled[0] if filled else [])


def _length(choice: Sequence[Body]) -> int:
    """Count the characters that a reader sees of a body."""
    return sum(len(extract_blocks(text, bold=False)[0] if kind == "text/html" else text.strip()) for kind, text in choice)


def _file_name(part: Mail) -> str:
    """Return the name that a part gives itself as a file, without folders; "" where it has none."""
    for place, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        probe: Mail = Message()
        probe[place] = _raw_header(part, place)
        value = probe.get_param(parameter, "", place)
        named: Mail = Message()
        named["name"] = collapse_rfc2231_value(value).replace("\\", "/")
        name = PurePath(_BAD_IN_NAMES.sub(" ", header(named, "name")).strip()).name
        if name:
            return name[-_LONGEST_NAME:]
    return ""


def _part_bytes(part: Mail) -> bytes:
    """Return what a part holds, its transfer encoding undone."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _part_text(part: Mail) -> str:
    """Return the text that a part holds. Raises UnreadableFile if it is none."""
    charset = part.get_content_charset() or ""
    return decode_as(_part_bytes(part), charset)


def _children(part: Mail) -> list[Mail]:
    inner = part.get_payload() if part.is_multipart() else []  # else it decodes a text, and fails on some charsets
    return [child for child in inner if isinstance(child, Message)] if isinstance(inner, list) else []


def _raw_header(part: Mail, name: str) -> str:
    """Return a header as it stands, unfolded; bytes beyond ASCII are decoded, which mail should not hold but does."""
    for key, value in part.raw_items():
        if key.lower() == name:
            data = str(value)[:_LONGEST_HEADER].encode("utf-8", "surrogateescape")
            return fold_space(_decode_anyhow(data, "utf-8"))
    return ""


def _decode_word(word: bytes | str, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    # decode_header escapes what stands between encoded words in this way
    return word.decode("raw_unicode_escape", "replace") if charset is None else _decode_anyhow(word, charset)


def _decode_anyhow(data: bytes, charset: str) -> str:
    try:
        return decode_as(data, charset)
    except UnreadableFile:
        return clean(data.decode("latin-1"))
