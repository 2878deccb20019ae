"""Text without the differences that do not count, each character with its place: what quotes and claims are compared in.

White space, quotation marks, dashes, ligatures, other compatibility forms, the encoding of accents, invisible
characters and words broken at a line's end are folded; letters, digits and their case are not.
"""

from __future__ import annotations

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
        after = _after_broken_word(text, position)
        piece = BREAK if after else ""
        if not after:
            after = _after_cluster(text, position)
            piece = _plain(text[position:after])
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
    while after < len(text) and unicodedata.combining(text[after]):
        after += 1
    return after


@lru_cache(maxsize=8192)
def _plain(cluster: str) -> str:
    """Return what a character counts as: a space for white space, the plain form of a variant, "" if invisible."""
    if cluster.isspace():
        return " "
    if unicodedata.decomposition(cluster[0]).startswith(_MEANINGFUL_FORMS):
        return cluster
    return " ".join(unicodedata.normalize("NFKC", cluster).translate(_VARIANTS).split())


def _after_broken_word(text: str, position: int) -> int:
    """Where a hyphen at a line's end breaks a word, return the position of the word's other half, else 0."""
    if text[position] not in "-‐\u00ad" or not position or not text[position - 1].isalpha():
        return 0
    after = position + 1
    while after < len(text) and text[after] in " \t\r\n":
        after += 1
    broken = "\n" in text[position + 1 : after]
    return after if broken and after < len(text) and text[after].islower() else 0
