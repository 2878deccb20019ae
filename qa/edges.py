"""Does a span of a text begin and end where words and numbers do, with nothing cut off that turns it round?"""

from __future__ import annotations

import re
import unicodedata

from qa.facts import NEGATIONS

_NO = "|".join(sorted((*NEGATIONS, "hardly", "barely", "non"), key=len, reverse=True))
_NEGATION_BEFORE = re.compile(rf"(?:(?<!\w)(?:{_NO})|n['’]t)[\s\"“”„«'‘’*_(\u200b]+$|[不没沒未非無无]$", re.IGNORECASE)
# What such a negation stands in ends before the quote: a line by itself, or the cell of a form ("Approach: None").
_ENDS_BEFORE = re.compile(r"(?:^|\n)[^\S\n]*\w+[^\S\n]*\n\s*\n\s*$|:[^\S\n]*(?:none|nil|keine?|n/a)[^\S\n]*\n\s*$", re.I)
# Where the negation comes after what it negates.
_NEGATION_AFTER = re.compile(r"\s+(?:nicht|nie|niemals|pas|jamais|نہیں|नहीं)(?!\w)", re.IGNORECASE)
_SCALE_AFTER = re.compile(
    r"\s?[%‰°]|[\s-]+(?:hundred|thousand|million|billion|trillion|bn|mn|lakh|crore|percent|per cent|pct|prozent"
    r"|million(?:en|s|es)|mil|millones|milliard(?:en?|s)|mille|tausend)(?!\w)",
    re.IGNORECASE,
)


def is_whole(text: str, start: int, end: int) -> bool:
    """Say whether text[start:end] cuts no word or number in two, and no unit, scale or negation off."""
    before, after = text[max(0, start - 40) : start], text[end : end + 40]
    if after and unicodedata.category(after[0]).startswith("M"):
        return False
    ends = _ENDS_BEFORE.search(before) is not None and not text[start].islower()
    if (_NEGATION_BEFORE.search(before) and not ends) or _NEGATION_AFTER.match(after):
        return False
    return not (_cuts_front(before, text[start:end]) or _cuts_back(after, text[start:end]))


def _cuts_front(before: str, quote: str) -> bool:
    if not before:
        return False
    first = quote[0]
    if not first.isalnum():  # ".5 million" of 1.5 million, "-nuclear" of non-nuclear
        return re.match(r"[.,٫]\d|[-‐‑/'’]\w", quote) is not None and before[-1].isalnum()
    if before[-1].isalnum():
        return not (is_unspaced(first) or is_unspaced(before[-1]))
    if first.isdigit() and re.search(r"(?:^|\D)[-−.,٫]$|\d[.,:/٫٬–-]$|[<>≤≥~≈]$", before):
        return True
    if first.isdigit() and re.search(r"(?:^|\D)\d{1,3}[ \u00a0\u2009\u202f]$", before) and re.match(r"\d{3}(?!\d)", quote):
        return True
    # "non-nuclear", "can't", or the second half of a word that is broken at a line's end
    return re.search(r"\w[-‐‑'’]$|\w[-‐\u00ad]\s*\n\s*$", before) is not None


def _cuts_back(after: str, quote: str) -> bool:
    if not after:
        return False
    last = quote[-1]
    if not last.isalnum():  # "AC-" of AC-3
        return re.search(r"\w[-‐‑/'’]$", quote) is not None and after[0].isalnum()
    if after[0].isalnum():
        return not (is_unspaced(last) or is_unspaced(after[0]))
    if last.isdigit() and (re.match(r"[.,:/٫٬–-]\d", after) or _SCALE_AFTER.match(after)):
        return True
    if last.isdigit() and re.match(r"[ \u00a0\u2009\u202f]\d{3}(?!\d)", after) and re.search(r"(?:^|\D)\d{1,3}$", quote):
        return True
    return re.match(r"[-‐‑/]\w|['’](?!s\b)\w|[-‐\u00ad]\s*\n\s*\w", after) is not None


def is_unspaced(text: str) -> bool:
    """Tell scripts that set no spaces between words (Chinese, Japanese, Thai)."""
    return any("\u0e00" <= character <= "\u0e7f" or "\u3040" <= character <= "\u9fff" for character in text)
