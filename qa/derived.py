"""Numbers that a claim works out of those of its source: a sum, a difference, a share, another unit, a decade.

"Rose by 562, from 6,823 to 7,385" gives the difference, "two thirds" says 67 %, "three months" 90 days, "6.6 million" a cell
under "in millions". What fits is not borne out by that, only no longer ruled out. Few numbers make few sums that fit by
chance, so sums are looked for among few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from qa.facts import Token

_FEW = 3  # numbers of a source, of which some two may make a sum
_NEARLY = 0.03  # of a number, that two units of time may be off: a month has 28 to 31 days
_ROUNDED = 0.006  # of a sum
_POINTS = 3.0  # percentage points that "two thirds" may be off
_SECONDS = {
    "second": 1.0, "sec": 1.0, "minut": 60.0, "min": 60.0, "hour": 3600.0, "hr": 3600.0, "h": 3600.0, "day": 86400.0,
    "week": 604800.0, "month": 2629800.0, "year": 31557600.0, "decad": 315576000.0,
}  # fmt: skip
_SHARE = re.compile(r"(?:\w+[ -])?(?:third|quarter|fifth|sixth|eighth|tenth)s?|\w+ (?:in|out of) \w+", re.I)
_PART_WORDS = frozenset(("third", "quarter", "half", "fifth", "sixth", "eighth", "tenth"))
_SCALE = re.compile(r"(thousand|million|billion)s\b|\([$€£]? ?(mn|bn|m|000s?)\)|[$€£] ?(mn|bn|m|000s?)\b", re.I)
_SCALES = {"thousand": 1e3, "000": 1e3, "000s": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9}


def in_full(source: Sequence[Token], setting: str) -> list[Token]:
    """Return the source's numbers times what its setting says that they are in, as a table "in millions" does."""
    scales = {_SCALES[next(filter(None, found.groups())).lower()] for found in _SCALE.finditer(setting)}
    numbers = [(token, value) for token in source if token.kind == "number" and (value := _value(token.key)) is not None]
    return [Token("number", f"{value * scale:.12g}", token.shown) for scale in sorted(scales) for token, value in numbers]


def without_derived(claim: Sequence[Token], near: Sequence[Token], source: Sequence[Token]) -> list[Token]:
    """Return the claim with the numbers that are not near its source, but may be derived from it, as words that say nothing.

    source: the tokens of what is cited; near: those, and of what stands beside it.
    """
    known = {token.key for token in near if token.kind == "number"}
    return [
        Token("word", "", token.shown)
        if token.kind == "number" and token.key not in known and may_be_derived(claim, i, source)
        else token
        for i, token in enumerate(claim)
    ]


def may_be_derived(claim: Sequence[Token], i: int, source: Sequence[Token]) -> bool:
    """Say whether the claim's number at a place may follow from its source's. source: the tokens of what is cited."""
    number = claim[i]
    known = [token for token in source if token.kind == "number"]
    if number.key.endswith("s"):
        return any(token.key.isdigit() and f"{token.key[:-1]}0s" == number.key for token in known)
    value = _value(number.key)
    if value is None:
        return False
    return _is_share(number, value, source) or _is_in_another_unit(claim, i, source) or _is_sum(claim, i, value, source)


def _is_share(number: Token, value: float, source: Sequence[Token]) -> bool:
    """Say whether it tells a share in words, of which the source has the percentage, or such words."""
    if not _SHARE.fullmatch(number.shown):
        return False
    near = any(abs(other - value) <= _POINTS for token in source if (other := _value(token.key)) is not None)
    return near or any(token.key in _PART_WORDS for token in source)


def _is_in_another_unit(claim: Sequence[Token], i: int, source: Sequence[Token]) -> bool:
    mine = next(_durations(claim[i:]), None)
    return mine is not None and any(abs(other - mine) <= _NEARLY * mine for other in _durations(source))


def _durations(tokens: Sequence[Token]) -> Iterator[float]:
    """Yield the seconds of each number with a unit of time behind it; of "60 to 90 minutes" those of both."""
    for at, token in enumerate(tokens):
        value = _value(token.key) if token.kind == "number" else None
        unit = next((_SECONDS[one.key] for one in tokens[at + 1 : at + 4] if one.key in _SECONDS), None)
        if value is not None and unit:
            yield value * unit


def _is_sum(claim: Sequence[Token], i: int, value: float, source: Sequence[Token]) -> bool:
    """Say whether it is made of two numbers that are cited: both in the claim, or among few.

    Or it is the sum of all that count the same, or of few.
    """
    known = [(token.key, other) for token in source if token.kind == "number" and (other := _value(token.key)) is not None]
    cited = dict(known)
    own = [cited[token.key] for token in claim if token.kind == "number" and token.key in cited]
    few = [other for _, other in known] if len(known) <= _FEW else []
    things = {token.key for token in claim[i + 1 : i + 2]} - {""}
    counted = [
        other
        for token, thing in pairwise(source)
        if token.kind == "number" and thing.key in things and (other := _value(token.key)) is not None
    ]
    pairs = [*combinations(own, 2), *combinations(few, 2)]
    made = [sum(some) for some in (few, counted) if len(some) > 1]
    made += [other for _, other in known if " " in claim[i].shown]  # "almost 3 billion" for 2,997,688 thousand
    made += [one for pair in pairs for one in _made_of(*pair, is_share="percent" in things)]
    return any(_is_near(value, one) for one in made)


def _made_of(one: float, other: float, *, is_share: bool) -> Iterator[float]:
    if not is_share:
        yield from (one + other, abs(one - other), one * other)
        return
    for part, whole in ((one, other), (other, one)):
        if whole:
            yield round(100 * part / whole)
            yield round(100 * abs(part - whole) / whole)


def _is_near(value: float, made: float) -> bool:
    return made > 0 and abs(value - made) <= _ROUNDED * made


def _value(key: str) -> float | None:
    try:
        return float(key)
    except ValueError:
        return None
