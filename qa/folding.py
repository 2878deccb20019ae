"""Text without the differences that do not count, each character with its place: what quotes and claims are compared in.

White space, quotation marks, dashes, ligatures, other compatibility forms, the encoding of accents, invisible
characters and words broken at a line's end are folded; letters, digits and their case are not.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from functools import lru_cache

BREAK = "\0"  # stands in folded text for the hyphen of a word that is broken at a line's end
_QUOTE_MARKS = dict.fromkeys(map(ord, "‘’‚‛′`´"), "'") | dict.fromkeys(map(ord, "“”„‟″«»‹›"), '"')
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−⁃"), "-")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e"), "")
_VARIANTS = _QUOTE_MARKS | _DASHES | _INVISIBLE
# Compatibility forms that mean something else than their plain characters: 10² is not 102, ½ is not 1/2.
_MEANINGFUL_FORMS = ("<super>", "<sub>", "<fraction>", "<circle>", "<square>")


@lru_cache(maxsize=32)
def fold(text: str) -> tuple[str, array[int], array[int]]:
    """Return the text without differences that do not count, and for each of its characters where it begins and ends."""
    folded: list[str] = []
    starts, ends = array("q"), array("q")
    position = 0
    while position < len(text):
        after, piece = _broken_word(text, position)
        if not after:
            after = _after_cluster(text, position)
            piece = _plain(text[position:after])
            if piece == '"' and not (position and text[position - 1].isdigit()):  # 5" is no 5'
                piece = "'"
        for character in piece:
            if character != " " or (folded and folded[-1] != " "):
                folded.append(character)
                starts.append(position)
                ends.append(after)
        position = after
    while folded and folded[-1] == " ":
        folded.pop()
    return "".join(folded), starts, ends


def _after_cluster(text: str, position: int) -> int:
    """Return the end of a character with the combining marks that belong to it, however it is encoded."""
    after = position + 1
    if position + 1 == len(text) or (text[position].isascii() and text[after].isascii()):
        return after
    while after < len(text) and (unicodedata.category(text[after])[0] == "M" or "\u1160" <= text[after] <= "\u11ff"):
        after += 1
    return after


@lru_cache(maxsize=8192)
def _plain(cluster: str) -> str:
    """Return what a character counts as: a space for white space, the plain form of a variant, "" if invisible."""
    if cluster.isspace():
        return " "
    if unicodedata.decomposition(cluster[0]).startswith(_MEANINGFUL_FORMS):
        return cluster
    return " ".join(unicodedata.normalize("NFKC", cluster.translate(_VARIANTS)).translate(_VARIANTS).split())


def _broken_word(text: str, position: int) -> tuple[int, str]:
    """Where a hyphen at a line's end breaks a word, return the position of its other half, and the hyphen if it must stay.

    Before a capital or a digit it must (Müller-Lyer, 1990-1995); else nobody knows, and it is BREAK. (0, "") elsewhere.
    """
    if text[position] not in "-‐–\u00ad" or not position or not text[position - 1].isalnum():
        return 0, ""
    after = position + 1
    while after < len(text) and text[after] in " \t\r\n":
        after += 1
    if after == len(text) or "\n" not in text[position + 1 : after]:
        return 0, ""
    if text[after].islower() and text[position - 1].isalpha() and text[position] != "–":
        return after, BREAK
    joined = text[after].isupper() or text[after].isdigit()
    return (after, "-") if joined and text[position] != "\u00ad" else (0, "")


_EMPHASIS = re.compile(r"(?<!\w)\*+(?=\w)|(?<=[\w.,;:!?)])\*+(?!\w)|\b__?(?=\w)|(?<=[^\W_])__?\b|(?<=[.,;:!?)])__?(?!\w)")


def without_emphasis(text: str) -> str:
    """Return Markdown text without the marks of bold and italic words."""
    return _EMPHASIS.sub("", text)
