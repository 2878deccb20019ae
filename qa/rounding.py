"""Numbers that a source has in another form: "about 8,000 cases" says 8,098, "$1.2 million" $1,234,567, a list its length.

A number rounds only where its claim says so, by a word before it or one that scales it: 3.1 is no rounding of 3.12 but
another version, and 5 mg none of 5.25. Both are to count the same, and the source is not to give a bound or range: who is
"10 or younger" is not said to be "under 12". What fits is not borne out by that, only no longer ruled out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qa.facts import Token, is_year, month_number, tokens_of, value_of

_ABOUT = re.compile(r"\b(?:about|around|approximately|roughly|some|circa|close to|an estimated|in the order of)$")
_BELOW = re.compile(r"\b(?:almost|nearly|under|below|(?:less|fewer) than)$")
_ABOVE = re.compile(r"\b(?:over|above|exceed(?:s|ed|ing)?|(?:more|greater) than|upwards of)$")
_SCALED = re.compile(r"\d+(?:\.(\d+))? \w+")  # "1.2 million"
_BEFORE, _BEHIND, _THINGS = 4, 4, 2  # words
_NEAR = 0.1  # of the claim's number: how much "about" leaves open, and "more than"
_SIGNS = "$€£₹¥"
_NOT = frozenset("no not never nor".split())
# Near a number of the source, these make it a bound.
_BOUNDS = frozenset(
    "maximum minimum most least limit over under above below more less fewer older younger within beyond exceed exceeds "
    "between than from up upwards almost nearly about around approximately roughly".split()
)
# Beside a number that is spelled, these tell a name ("phase two"), and in a source how many there are.
_NUMBERED = frozenset("type stage phase war article section part chapter class level grade figure table step option".split())
_COUNTING = frozenset("one single no none half dozen several few many pair".split())
_AND = re.compile(r"\b(?:and|both|or)\b", re.IGNORECASE)
_COUNTED = 10  # up to here a claim may count itself what its source lists
_DAYS = 31


@dataclass(frozen=True, slots=True)
class _Exact:
    """A number that a source gives as it is. things: keys of the words beside it, which tell what it counts."""

    key: str
    value: float
    things: frozenset[str]


def unrounded(claim: Sequence[Token], source: Sequence[Token]) -> list[Token]:
    """Return the claim with each number that rounds one of its source put as that."""
    said = {token.key for token in source if token.kind == "number"}
    rounding = {
        i: least_most
        for i, token in enumerate(claim)
        if token.kind == "number" and token.key not in said and (least_most := _bounds_of(claim, i))
    }
    if not rounding:
        return list(claim)
    exact = list(_exact(source))
    return [
        replace(token, key=_source_of(claim, i, exact, *rounding[i])) if i in rounding else token
        for i, token in enumerate(claim)
    ]


def _bounds_of(claim: Sequence[Token], i: int) -> tuple[float, float] | None:
    """Return between what a number lies that is said as one of the claim's is; None where it is said exactly."""
    number, value = claim[i], value_of(claim[i])
    words = [token.shown.lower() for token in claim[max(0, i - _BEFORE) : i] if token.shown not in _SIGNS]
    if value is None or is_year(number) or _NOT & set(words):
        return None
    before = " ".join(words)
    if _ABOUT.search(before):
        return value * (1 - _NEAR), value * (1 + _NEAR)
    if _BELOW.search(before):
        return value * (1 - _NEAR), value
    if _ABOVE.search(before):
        return value, value * (1 + _NEAR)
    scaled = _SCALED.fullmatch(number.shown)
    if scaled is None:
        return None
    half = value / float(number.shown.split()[0] or 1) * 10.0 ** -len(scaled[1] or "") / 2 if value else 0.0
    half = min(half, _NEAR * value / 2)
    return value - half, value + half


def _source_of(claim: Sequence[Token], i: int, exact: Sequence[_Exact], least: float, most: float) -> str:
    """Return the key of the nearest number that counts the same between these two; the claim's own where there is none."""
    things, value = _things(claim, i), value_of(claim[i]) or 0.0
    fitting = [one for one in exact if least <= one.value <= most and one.things & things]
    return min(fitting, key=lambda one: abs(one.value - value)).key if fitting else claim[i].key


def _exact(source: Sequence[Token]) -> Iterator[_Exact]:
    """Yield the numbers that are no years, days, bounds or ends of a range."""
    for i, token in enumerate(source):
        value = value_of(token)
        beside = [*source[max(0, i - _BEFORE) : i], *source[i + 1 : i + 1 + _BEHIND]]
        if value is None or is_year(token) or any(one.shown.lower() in _BOUNDS for one in beside):
            continue
        near = [*source[max(0, i - 2) : i], *source[i + 1 : i + 3]]
        is_day = value <= _DAYS and any(month_number(one.shown) for one in near)
        if not is_day and not any(one.kind == "number" for one in near):
            yield _Exact(token.key, value, _things(source, i))


def _things(tokens: Sequence[Token], i: int) -> frozenset[str]:
    beside = [*tokens[max(0, i - 1) : i], *tokens[i + 1 : i + 1 + _THINGS]]
    return frozenset(one.key for one in beside if one.key and one.kind in ("word", "name"))


def may_be_counted(claim: Sequence[Token], i: int, texts: Sequence[str]) -> bool:
    """Say whether a claim may have counted what its source lists: "by land and by sea" are two routes.

    That is where the source's texts give no number at all, and list as many things with commas and an "and" between.
    """
    number = claim[i]
    count = int(number.key) if number.shown.isalpha() and number.key.isdigit() and len(number.key) < 3 else 0
    if not 2 <= count <= _COUNTED or (i and claim[i - 1].shown.lower() in _NUMBERED):
        return False
    if not claim[i + 1 : i + 2] or not claim[i + 1].shown.endswith("s"):
        return False
    tokens = (token for text in texts for token in tokens_of(text))
    if any(token.kind == "number" or token.shown.lower() in _COUNTING for token in tokens):
        return False
    lists = (text.count(",") + text.count(";") + len(_AND.findall(text)) for text in texts if _AND.search(text))
    return max(lists, default=0) >= count - 1
