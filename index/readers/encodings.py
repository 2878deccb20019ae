"""Tells which encoding bytes are in that are not UTF-8, by how much each reading of them looks like a language."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from charset_normalizer import from_bytes

from index.readers.alphabets import (
    ARABIC,
    BALTIC,
    CENTRAL,
    CHINESE,
    CYRILLIC,
    GREEK,
    HEBREW,
    JAPANESE,
    KOREAN,
    TAIWANESE,
    THAI,
    TURKISH,
    WESTERN,
)
from index.readers.language import detect_language

_SAMPLE_BYTES = 12_000
_LINE_BYTES = 2_000
_HIGH = re.compile(rb"[\x80-\xff]")
_SPACED = re.compile(r"[^\x00-\x7f] [^\x00-\x7f]")  # as Korean words are and Chinese ones are not
_SPACE_OR_WIDE = re.compile("[ \r\n\u2e80-\ud7ff]")  # a text without either is no text
_CLOSE = 0.04  # readings whose scores lie this close are told apart by the language of the whole
_PLAUSIBLE = 0.6
_OFTEN = 10  # letters of an alphabet that are frequent; so many more are less so, the rest are rare
_FINAL = frozenset("ςםןץףך")  # letters that only end a word
_CAPITAL = 0.9  # small letters are likelier, and KOI8 takes the one for the other
_WIDE_PLAUSIBLE = 0.7


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes taken as one encoding. score: up to 1; languages: those that this reading may be in, "" if any."""

    encoding: str
    text: str
    score: float
    languages: frozenset[str]


def detect_encoding(data: bytes) -> tuple[str, float] | None:
    """Return the encoding of bytes that are not UTF-8, and how sure that is from 0 to 1; None if none fits.

    Looks only at a sample of the lines that are not ASCII, so the size of the file does not matter.
    """
    sample = _sample(data)
    if b"\0" in data[:_SAMPLE_BYTES]:
        return _detect_wide(data[:_SAMPLE_BYTES])
    readings = sorted(_readings(sample), key=lambda reading: -reading.score)
    if not readings or readings[0].score < _PLAUSIBLE:
        match = from_bytes(sample).best()
        return (match.encoding, round((1 - match.chaos) * match.coherence, 2)) if match else None
    best = _by_language([one for one in readings if one.score >= readings[0].score - _CLOSE])
    characters = sum(not character.isascii() for character in best.text)
    rivals = any(one.text != best.text and one.score >= best.score - _CLOSE for one in readings)
    return best.encoding, best.score * characters / (characters + 2) * (0.7 if rivals else 1.0)


def _sample(data: bytes) -> bytes:
    """Return lines that are not all ASCII: nothing else tells. A line feed is no part of another character anywhere."""
    parts: list[bytes] = []
    length, at = 0, 0
    while length < _SAMPLE_BYTES and (found := _HIGH.search(data, at)):
        start = max(data.rfind(b"\n", at, found.start()) + 1, found.start() - 200, at)
        parts.append(data[start : found.start() + _LINE_BYTES])
        length += len(parts[-1])
        at = data.find(b"\n", found.start() + _LINE_BYTES) + 1
        if at == 0:
            break
    return b"\n".join(parts)


def _readings(sample: bytes) -> Iterator[Reading]:
    seen = set()
    for encoding, languages, rate in _CANDIDATES:
        text = _decode(sample, encoding)
        if text is not None and text not in seen:
            seen.add(text)
            score, which = rate(text, languages)
            yield Reading(encoding, text, score, which)


def _decode(sample: bytes, encoding: str) -> str | None:
    """Decode strictly, but for a character that the sample's end cuts."""
    parts = []
    try:
        for line in sample.split(b"\n"):
            parts.append(codecs.getincrementaldecoder(encoding)().decode(line))  # noqa: PERF401
    except UnicodeDecodeError:
        return None
    return "\n".join(parts)


def _by_language(close: list[Reading]) -> Reading:
    """Of readings that look alike take the one in whose language the text is; else the first, as the most common."""
    if len(close) > 1:
        close.sort(key=_rank)
        for reading in close:
            if detect_language(reading.text) in reading.languages:
                return reading
    return close[0]


def _rank(reading: Reading) -> int:
    return next(rank for rank, (encoding, _, _) in enumerate(_CANDIDATES) if encoding == reading.encoding)


def _rate_letters(text: str, languages: dict[str, str], latin: bool) -> tuple[float, frozenset[str]]:
    """Rate a reading in an alphabet: the letters of its likeliest language count full, what breaks words against it."""
    places = [index for index, character in enumerate(text) if not character.isascii()]
    base = [(text[index].lower(), _rate_place(text, index, latin)) for index in places]
    scores = {
        language: sum(
            rate * (_known(letter, letters, latin) if rate > 0 and letter.isalpha() else 1) for letter, rate in base
        )
        for language, letters in languages.items()
    }
    best = max(scores.values())
    return best / max(1, len(places)), frozenset(one for one, score in scores.items() if score >= best - 0.01)


def _known(letter: str, letters: str, latin: bool) -> float:
    """Say how well a letter suits a language: Latin ones by having it, others by how frequent it is."""
    if not letter.isalpha():
        return 1.0
    at = letters.find(letter)
    if at < 0:
        return 0.5 if latin else 0.1
    return 1.0 if latin or at < _OFTEN else 0.8 if at < 2 * _OFTEN else 0.5


def _rate_place(text: str, index: int, latin: bool) -> float:
    """Rate one character beyond ASCII by what stands around it."""
    character, before, after = text[index], text[index - 1 : index], text[index + 1 : index + 2]
    if not (character.isalpha() or unicodedata.category(character) == "Mn"):
        return _rate_symbol(character, before.isalpha(), after.isalpha())
    if (character.isupper() and before.islower()) or (character in _FINAL and after.isalpha()):
        return -1.0
    mixed = not latin and any(other.isascii() and other.isalpha() for other in (before, after))
    if mixed or ("LATIN" in unicodedata.name(character, "")) != latin:
        return -0.5
    if latin:
        return _rate_letter(before, after)
    if before.isdigit() or after.isdigit():
        return 0.4
    return _CAPITAL if character.isupper() else 1.0


def _rate_letter(before: str, after: str) -> float:
    """Rate a Latin letter with an accent: such ones seldom stand alone, and hardly ever three in a row."""
    crowd = sum(one.isalpha() and not one.isascii() for one in (before, after))
    return 0.3 if crowd == 2 else 1.0 if before.isalpha() or after.isalpha() else 0.6


def _rate_symbol(character: str, after_letter: bool, before_letter: bool) -> float:
    if unicodedata.category(character) in ("Cc", "Cn", "Co") or "BOX DRAWINGS" in unicodedata.name(character, ""):
        return -2.0
    if character in "‘’“”„‚–—…«»•\xa0":
        return 0.9 if character in "’‘–—\xa0" or not (after_letter and before_letter) else -0.5
    if after_letter or before_letter:
        return 0.6 if character in "°§€№£©®" and not (after_letter and before_letter) else -1.0
    return 0.7 if character in "°§€№£©®±×½¼µ²³" else 0.0


def _rate_ideographs(text: str, languages: dict[str, str], charset: str, rows: range) -> tuple[float, frozenset[str]]:
    """Rate a reading in Chinese, Japanese or Korean: each charset holds the common characters in rows of their own."""
    characters = [character for character in text if not character.isascii()]
    often = set("".join(languages.values()))
    total = sum(1.0 if one in often else _rate_ideograph(one, charset, rows) for one in characters)
    spaced = 0.1 if "zh" in languages and _SPACED.search(text) else 0.0
    return total / max(1, len(characters)) - spaced, frozenset(languages)


@cache
def _rate_ideograph(character: str, charset: str, rows: range) -> float:
    if "\u3041" <= character <= "\u30ff":
        return 1.0
    if "\u3000" <= character <= "\u303f" or "\uff01" <= character <= "\uff5e":
        return 0.9
    if not character.isalpha() or "\uff61" <= character <= "\uff9f":
        return -0.3
    try:
        return 0.75 if character.encode(charset)[0] in rows else 0.1
    except UnicodeEncodeError:
        return -0.3


def is_wide_text(sample: bytes) -> bool:
    """Say whether bytes are UTF-16 or UTF-32, with a byte order mark or without."""
    return sample.startswith((b"\xff\xfe", b"\xfe\xff")) or _detect_wide(sample) is not None


def _detect_wide(sample: bytes) -> tuple[str, float] | None:
    """Tell UTF-16 and UTF-32 without a byte order mark, which are full of NULs, from a binary file."""
    rated = []
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        text = _decode_wide(sample, encoding)
        if text:
            rated.append((sum(map(_rate_wide, text)) / len(text) if _SPACE_OR_WIDE.search(text) else 0.0, encoding))
    score, encoding = max(rated, default=(0.0, ""))
    return (encoding, round(min(score, 1.0), 2)) if score >= _WIDE_PLAUSIBLE else None


def _decode_wide(sample: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return ""


@cache
def _rate_wide(character: str) -> float:
    if character.isascii():
        return 1.0 if character.isprintable() or character in "\t\r\n\f" else -2.0
    if unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs"):
        return -2.0
    if not "\u2e80" <= character <= "\ud7ff":
        return 0.9 if character < "\u0780" or "\u0900" <= character < "\u0e80" or "\u2010" <= character < "\u2040" else 0.0
    often = character in CHINESE or character in KOREAN or "\u3000" <= character <= "\u30ff"
    common = max(_rate_ideograph(character, charset, rows) for charset, rows in _COMMON_ROWS)
    return 1.0 if often else common


_COMMON_ROWS = (
    ("gb2312", range(0xB0, 0xD8)),
    ("big5", range(0xA4, 0xC7)),
    ("euc_jp", range(0xB0, 0xD0)),
    ("euc_kr", range(0xB0, 0xC9)),
)
_Rate = Callable[[str, dict[str, str]], tuple[float, frozenset[str]]]
_latin: _Rate = partial(_rate_letters, latin=True)
_other: _Rate = partial(_rate_letters, latin=False)
_gb, _big5, _euc_jp, _euc_kr = (partial(_rate_ideographs, charset=charset, rows=rows) for charset, rows in _COMMON_ROWS)
# The most common first: of two that look equally well the first is taken.
_CANDIDATES: tuple[tuple[str, dict[str, str], _Rate], ...] = (
    ("cp1252", WESTERN, _latin),
    ("cp1250", CENTRAL, _latin),
    ("cp1251", CYRILLIC, _other),
    ("gb18030", {"zh": CHINESE}, _gb),
    ("cp932", {"ja": JAPANESE}, _euc_jp),
    ("cp949", {"ko": KOREAN}, _euc_kr),
    ("big5hkscs", {"zh": TAIWANESE}, _big5),
    ("euc_jp", {"ja": JAPANESE}, _euc_jp),
    ("koi8_r", CYRILLIC, _other),
    ("koi8_u", CYRILLIC, _other),
    ("cp1254", TURKISH, _latin),
    ("iso8859_2", CENTRAL, _latin),
    ("cp1253", GREEK, _other),
    ("iso8859_7", GREEK, _other),
    ("cp1255", HEBREW, _other),
    ("cp1256", ARABIC, _other),
    ("iso8859_6", ARABIC, _other),
    ("cp1257", BALTIC, _latin),
    ("cp874", THAI, _other),
    ("cp866", CYRILLIC, _other),
    ("cp855", CYRILLIC, _other),
    ("iso8859_5", CYRILLIC, _other),
    ("mac_cyrillic", CYRILLIC, _other),
    ("mac_roman", WESTERN, _latin),
    ("cp850", WESTERN, _latin),
    ("iso8859_15", WESTERN, _latin),
    ("cp852", CENTRAL, _latin),
)
