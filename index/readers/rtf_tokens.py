"""Splits RTF into its tokens; knows what its control words stand for and in which code page its bytes are written."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    rb"\\(?:(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,9})? ?|'(?P<hex>[0-9a-fA-F]{2})|(?P<symbol>.))"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}]+)",
    re.DOTALL,
)
# Groups that are no text of the document, nor anything in them.
SKIPPED = frozenset(
    (
        "colortbl filetbl listtable listoverridetable revtbl rsidtbl generator pict header headerl headerr headerf footer "
        "footerl footerr footerf ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn xe tc rxe txe bkmkstart bkmkend annotation "
        "atnid atnauthor atntime atnref atndate atrfstart atrfend fldinst objdata objclass objname shprslt nonesttables "
        "nonshppict themedata colorschememapping datastore latentstyles template xmlnstbl background operator company "
        "category keywords doccomm comment hlinkbase subject manager printim buptim"
    ).split()
)
CHARACTERS = {
    **dict.fromkeys(("tab", "emspace", "enspace", "qmspace", "page", "column", "nestcell", "nestrow"), " "),
    "line": "\n",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "zwj": "\u200d",
    "zwnj": "\u200c",
}
SYMBOLS = {"~": " ", "_": "-", "\\": "\\", "{": "{", "}": "}", "\t": " "}
# \fcharset of a font (RTF specification 1.9.1) → the Windows or Macintosh code page of that alphabet.
_CHARSETS = {
    77: "mac_roman",
    78: "shift_jis",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
PICTURES = "pictures"  # no code page: the bytes of a font of pictures
_SYMBOL_CHARSET = 2
_CODE_PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}


class Token(NamedTuple):
    """kind: word, hex, symbol, brace or text; value: the word, symbol or brace; number: after a word; raw: bytes."""

    kind: str
    value: str
    number: int | None
    raw: bytes


def tokens(data: bytes) -> Iterator[Token]:
    r"""Yield the tokens of RTF; binary data (\bin) is passed over."""
    position = 0
    while match := _TOKEN.match(data, position):
        position = match.end()
        kind = match.lastgroup or ""
        if match["word"]:
            number = int(match["number"]) if match["number"] else None
            word = match["word"].decode("ascii")
            if word == "bin":
                position += max(0, number or 0)
            else:
                yield Token("word", word, number, b"")
        elif kind == "text":
            yield Token("text", "", None, match["text"].translate(None, b"\r\n\0"))
        elif kind == "hex":
            yield Token("hex", "", None, bytes([int(match["hex"], 16)]))
        else:
            yield Token(kind, match[kind].decode("latin-1"), None, b"")


def code_page(word: str, number: int | None) -> str | None:
    """Return the code page that a control word of the header or font table names, None if it names none."""
    if word in _CODE_PAGES:
        return _CODE_PAGES[word]
    if word in ("ansicpg", "cpg"):
        return _known(number)
    if word == "fcharset":
        return PICTURES if number == _SYMBOL_CHARSET else _CHARSETS.get(number or 0)
    return None


def decode(raw: bytes, encoding: str) -> str:
    """Decode the bytes of a run of text; a byte that its code page does not know becomes the replacement character."""
    if encoding != PICTURES:
        return raw.decode(encoding, "replace")
    return "".join(chr(byte) if byte < 0x80 else "•" for byte in raw)


def _known(number: int | None) -> str | None:
    if number == 65001:
        return "utf-8"
    if number == 10000:
        return "mac_roman"
    try:
        return codecs.lookup(f"cp{number}").name
    except LookupError:
        return None
