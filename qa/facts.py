"""The facts in a sentence by rule: numbers with what they count, dates, names, negations, hedges and content words.

English rules where words are named; numbers, dates and capitalised names hold for most languages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from index.lexical import word_stem
from qa.reading.actors import SAYING

Kind = Literal["number", "name", "negation", "hedge", "word"]

_TOKEN = re.compile(
    r"(?P<date>\b\d{4}-\d{2}-\d{2}\b)"
    r"|(?P<slashed>(?<![\w/])\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})(?![\w/]))"
    r"|(?P<dotted>(?<![\w.])\d{1,2}\.\d{1,2}\.(?:19|20)\d{2}(?!\w))"
    r"|(?P<decade>\b(?:1[5-9]|20)\d0s\b)"
    r"|(?P<union>\b(?i:United\s+(?:States(?:\s+of\s+America)?|Kingdom|Nations|Arab\s+Emirates)|European\s+Union)\b"
    r"|\bU\.(?:S(?:\.A)?|K|N)\b(?!\.\w)\.?)"
    r"|(?P<number>\d{1,3}(?:[,\u00a0\u2009\u202f٬]\d{3})+(?:[.٫]\d+)?|\d+(?:[.,٫]\d+)*)"
    r"|(?P<sign>[%‰$€£₹¥°])"
    r"|(?P<word>[^\W\d_][^\W_]*(?:['’.‑-][^\W_]+)*)"
)
_PLURAL = re.compile(r"(?<=[A-Z]{2})s$")  # of "MSCs"
_GROUPED = re.compile(r"\d{1,3}(?:[,\u00a0\u2009\u202f٬]\d{3})+(?:[.٫]\d+)?")
# By their initials, in capitals: "us" is a pronoun.
_UNIONS = {"US": "usa", "USA": "usa", "USOA": "usa", "UK": "uk", "UN": "un", "UAE": "uae", "EU": "eu"}
_MONTHS = "january february march april may june july august september october november december".split()
_SURELY_MONTHS = frozenset(_MONTHS) - {"march", "may", "august"}  # in small letters too
_MONTH_NUMBER = {name: i for i, month in enumerate(_MONTHS, 1) for name in (month, month[:3])} | {"sept": 9}
_SIGNS = {"%": "percent", "‰": "permille", "$": "dollar", "€": "euro", "£": "pound", "₹": "rupee", "¥": "yen", "°": "degree"}
_UNITS = {"per cent": "percent", "pct": "percent", "usd": "dollar", "eur": "euro", "gbp": "pound", "km": "kilometer"}
_SMALL = dict(
    zip(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen".split(),
        range(2, 20),
        strict=False,
    )
)
_TENS = {word: 10 * i for i, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "bn": 1e9, "mn": 1e6}
NEGATIONS = frozenset(
    (
        "no not never without neither nor cannot none nobody nothing "
        "nicht nichts kein keine keinen keinem keiner keines nie niemals niemand ohne pas jamais aucun aucune rien sans "
        "nunca jamás ningún ninguna ninguno nadie tampoco sin nessun nessuno nessuna niente mai senza "
        "não nem sem nenhum nenhuma ninguém نہیں नहीं ne "
        "niet geen nooit zonder не нет ни без لا لم لن ليس"
    ).split()
)
_CONTRACTED_NOT = re.compile(r"n['’]t$", re.IGNORECASE)
# What the words around a statement take back: it may be so, somebody says so, it is only planned.
_HEDGES = frozenset(
    (
        "may might could would should if unless whether allegedly reportedly alleged rumoured rumored possibly perhaps "
        "probably likely unlikely apparently supposedly purportedly doubt doubts doubted dispute disputes disputed expect "
        "expects expected plan plans planned propose proposes proposed draft hope hopes hoped according false falsely wrong "
        "wrongly myth incorrect untrue refuse refuses refused "
        "almost nearly about approximately around up least most only former formerly previously until seldom rarely "
        "hardly barely unable fail fails failed lack lacks lacked "
        "waive waives waived exempt exempted excluding except unknown zero instead rather"
    ).split()
)
_OPPOSITES = (
    "increase rise grow higher more gain expand climb|decrease fall decline lower less fewer drop reduce shrink;"
    "improve|worsen;before|after;above over exceed|below under;"
    "approve accept allow permit|reject refuse ban prohibit forbid;"
    "support favour favor|oppose;positive|negative;legal lawful|illegal unlawful;safe|unsafe dangerous;first|last;"
    "win won|lose lost;true|false;start begin open|end stop close;include|exclude;remain keep retain|leave abolish;"
    "possible|impossible;guilty convict|innocent acquit;help benefit|harm hurt;"
    "promote activate enhance|inhibit suppress prevent;high|low;major|minor;"
    "many most all|few none;always|never;early|late;buy import|sell export;effective|ineffective"
)
_YEARS = frozenset(map(str, range(1000, 2200)))
_TWO_DIGITS = 50  # years before are of this century
_SENTENCE = 600  # characters; the facts of longer texts are not kept


@dataclass(frozen=True, slots=True)
class Token:
    """One fact or word of a text. key: its form for comparison, "" of a stop word; shown: as it is written."""

    kind: Kind
    key: str
    shown: str


def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the facts and words of a text in order."""
    return _kept_tokens_of(text) if len(text) <= _SENTENCE else _tokens_of(text)


def _tokens_of(text: str) -> tuple[Token, ...]:
    return tuple(_joined(list(_raw_tokens(text))))


_kept_tokens_of = lru_cache(maxsize=4096)(_tokens_of)  # conflicts are looked for in all pairs of sentences


def _raw_tokens(text: str) -> Iterator[Token]:
    first, before = True, ""
    for match in _TOKEN.finditer(text):
        shown = match[0]
        if match.lastgroup == "date":
            year, month, day = shown.split("-")
            yield Token("number", number_key(day), shown)
            yield Token("name", _month(int(month)) or month, shown)
            yield Token("number", number_key(year), shown)
        elif match.lastgroup in ("slashed", "dotted"):
            yield from _date_tokens(shown)
        elif match.lastgroup == "decade":
            yield Token("number", shown, shown)
        elif match.lastgroup == "number":
            yield Token("number", number_key(shown), shown)
        elif match.lastgroup == "union":
            yield Token("name", _UNIONS["".join(re.findall(r"\b\w", shown)).upper()], shown)
        elif match.lastgroup == "sign":
            yield Token("word", _SIGNS[shown], shown)
        else:
            token = _word_token(shown, first=first)
            # "but not in mice", "not only": a reservation, which turns nothing round
            aside = before == "but" or re.match(r"\s+(?:only|just|merely)\b", text[match.end() : match.end() + 12])
            yield replace(token, kind="hedge") if token.kind == "negation" and aside else token
        before = shown.lower()
        first = text[match.end() : match.end() + 2].strip() in (".", "!", "?", ":", '"', "“")


def _date_tokens(shown: str) -> Iterator[Token]:
    """Yield day, month and year of 12.11.2007; of 12/11/2007 both numbers, and both months that may be meant, as words."""
    first, second, year = re.split(r"[/.]", shown)
    if "." in shown:
        yield from (Token("number", number_key(first), shown), Token("word", _month(int(second)), shown))
    else:
        yield from (Token("word", _month(int(month)), shown) for month in (first, second))
        yield from (Token("number", number_key(day), shown) for day in (first, second))
    century = 0 if len(year) > 2 else 2000 if int(year) < _TWO_DIGITS else 1900
    yield Token("number", str(century + int(year)), shown)


def _month(number: int) -> str:
    return _MONTHS[number - 1] if 1 <= number <= 12 else ""


def value_of(token: Token) -> float | None:
    """Return a number's value; None of what is none, is of another convention, or has hundreds of digits."""
    try:
        value = float(token.key) if token.kind == "number" else math.inf
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_year(token: Token) -> bool:
    """Say whether a number is written as a year is: 2000, not 2,000 or "two thousand"."""
    return token.kind == "number" and token.key.isdecimal() and token.key in token.shown and token.key in _YEARS


def number_key(written: str) -> str:
    """Return a number in one form: 1,000 and 1000 are the same, 1.5 and 15 are not."""
    if _GROUPED.fullmatch(written):
        written = re.sub(r"[,\u00a0\u2009\u202f٬]", "", written)
    try:
        return f"{float(written.replace('٫', '.')):.12g}"
    except ValueError:  # 1.2.3, 10,5: no number, or one of another convention, compared as it stands
        return written


def _word_token(shown: str, *, first: bool) -> Token:
    word = _PLURAL.sub("", re.sub(r"['’]s$", "", shown).replace("’", "'"))
    lower = word.lower()
    if any(map(str.isdigit, word)):  # COVID-19, N95: a name, no number
        return Token("name", name_key(lower), shown)
    if lower in NEGATIONS or _CONTRACTED_NOT.search(word):
        return Token("negation", "not", shown)
    number = spelled_number(lower)
    if number:
        return Token("number", str(number), shown)
    is_month = lower in _MONTH_NUMBER and word[0].isupper() and not (first and lower in ("may", "march"))
    if is_month or lower in _SURELY_MONTHS:
        return Token("name", _month(_MONTH_NUMBER[lower]), shown)
    stem = _UNITS.get(lower) or word_stem(word)
    if lower in _HEDGES or lower in SAYING:
        return Token("hedge", stem or lower, shown)
    if word.isupper() and len(word) > 1:  # WHO is no stop word
        return Token("name", _UNIONS.get(word) or stem or lower, shown)
    is_name = word[0].isupper() and not first and len(word) > 1 and stem != ""
    return Token("name" if is_name else "word", stem, shown)


def name_key(lower: str) -> str:
    """Return the key of a name with digits, in small letters: F-16s and F16 are one."""
    return re.sub(r"[-‑.]", "", re.sub(r"([-‑]\d+)s$", r"\1", lower))


def spelled_number(word: str) -> int:
    """Return the number that a word spells (seventeen, twenty-one), 0 if it spells none."""
    lower = word.lower()
    return _SMALL.get(lower) or _TENS.get(lower) or _hyphened(lower)


def month_number(word: str) -> int:
    """Return the number of a month by its English name or its first three letters, 0 if it is none."""
    return _MONTH_NUMBER.get(word.lower(), 0)


def _hyphened(word: str) -> int:
    tens, _, ones = word.partition("-")
    return _TENS[tens] + _SMALL.get(ones, 1) if ones in (*_SMALL, "one") and tens in _TENS else 0


def _joined(raw: list[Token]) -> Iterator[Token]:
    """Make one number of "2.5 million"; leave all else."""
    i = 0
    while i < len(raw):
        token = raw[i]
        if token.kind == "number":
            while i + 1 < len(raw) and (scale := _SCALES.get(raw[i + 1].shown.lower())):
                with_scale = f"{token.shown} {raw[i + 1].shown}"
                token, i = Token("number", _scaled(token.key, scale), with_scale), i + 1
        yield token
        i += 1


def _scaled(key: str, scale: float) -> str:
    try:
        return f"{float(key) * scale:.12g}"
    except ValueError:
        return f"{key}*{scale:g}"


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for pair in _OPPOSITES.split(";"):
        one, other = (frozenset(filter(None, map(word_stem, side.split()))) for side in pair.split("|"))
        for mine, yours in ((one, other), (other, one)):
            for stem in mine:
                found[stem] = found.get(stem, frozenset()) | yours
    return found


_OPPOSITE_STEMS: dict[str, frozenset[str]] = {}


def opposites_of(stem: str) -> frozenset[str]:
    """Return the stems that say the opposite of this one, few and general."""
    if not _OPPOSITE_STEMS:
        _OPPOSITE_STEMS.update(_opposites())
    return _OPPOSITE_STEMS.get(stem, frozenset())
