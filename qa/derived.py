"""Numbers that a claim works out of those of its source: a sum, a difference, a share, another unit, a decade.

"Rose by 562, from 6,823 to 7,385" gives the difference, "two thirds" says 67 %, "three months" 90 days, "6.6 million" a cell
under "in millions". What fits is not borne out by that, only no longer ruled out. Two numbers make another only where the
claim says that it adds or compares, and then exactly: a year or an invoice's number is near many sums.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, zip_longest
from typing import NamedTuple

from qa.facts import Token, is_year, value_of

_FEW, _MOST = 3, 6  # numbers of a source, and of a claim's among them, of which some two may make a sum
_MONTHS_VARY = 0.03  # of a time in days or weeks, beside one in months or years
_HEDGES = frozenset("about almost nearly around roughly approximately over".split())
_ROUNDED = 0.01  # of a number
_POINTS = 1.0  # percentage points that "two thirds" may be off
_ADDS = frozenset("all both total together altogether combined overall sum".split())
_COMPARES = frozenset(
    "by less fewer more than difference gap remain remained remains remaining left later after between increase increased "
    "decrease decreased rose fell grew gained lost gain loss drop dropped".split()
)
_DAYS = {
    "second": 1 / 86400, "sec": 1 / 86400, "minut": 1 / 1440, "min": 1 / 1440, "hour": 1 / 24, "hr": 1 / 24, "h": 1 / 24,
    "day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25, "decad": 3652.5,
}  # fmt: skip
_VARY = frozenset(("month", "year", "decad"))
_PARTS = {"third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_SCALE = re.compile(r"\b(thousand|million|billion)s\b|[$€£] ?(mn|bn|m|000s?)\b", re.I)
_SCALES = {"thousand": 1e3, "000": 1e3, "000s": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9}


def in_full(source: Sequence[Token], setting: str) -> list[list[Token]]:
    """Return the source with its numbers in full, for each scale that its setting names, as of a table "in millions"."""
    scales = {_SCALES[next(filter(None, found.groups())).lower()] for found in _SCALE.finditer(setting)}
    followed = list(zip_longest(source, source[1:]))
    return [[_times(token, behind, scale) for token, behind in followed] for scale in sorted(scales)]


def _times(token: Token, behind: Token | None, scale: float) -> Token:
    """Return a number in full: not a year, a percentage, or one that is given so."""
    value = value_of(token)
    is_as_given = is_year(token) or " " in token.shown or (behind is not None and behind.key == "percent")
    return token if value is None or is_as_given else Token("number", f"{value * scale:.12g}", token.shown)


def without_derived(claim: Sequence[Token], near: Sequence[Token], source: Sequence[Token]) -> list[Token]:
    """Return the claim with the numbers that are not near its source, but may be derived from it, as words that say nothing.

    source: the tokens of what is cited; near: those, and of what stands beside it.
    """
    known = {token.key for token in near if token.kind == "number"}
    return [
        Token("word", "", token.shown)
        if token.kind == "number" and token.key not in known and _may_be_derived(claim, i, source)
        else token
        for i, token in enumerate(claim)
    ]


def _may_be_derived(claim: Sequence[Token], i: int, source: Sequence[Token]) -> bool:
    number = claim[i]
    if number.key.endswith("s"):
        return any(token.kind == "number" and f"{token.key[:-1]}0s" == number.key for token in source)
    value = value_of(number)
    if value is None or is_year(number):
        return False
    fits = (_is_share(claim, i, source), _is_in_another_unit(claim, i, source), _is_sum(claim, i, value, source))
    return any(fits) or _is_rounded(claim, i, value, source)


def _is_rounded(claim: Sequence[Token], i: int, value: float, source: Sequence[Token]) -> bool:
    """Say whether it is "almost 3 billion", and its source has about so much, in whatever row."""
    is_about = bool(_HEDGES & {token.shown.lower() for token in claim[max(0, i - 3) : i]}) and " " in claim[i].shown
    return is_about and any(abs(other - value) <= _ROUNDED * value for token in source if (other := value_of(token)))


def _is_share(claim: Sequence[Token], i: int, source: Sequence[Token]) -> bool:
    """Say whether it belongs to a share in words ("two thirds", "one in five") of which the source has the percentage."""
    mine = [share.percent for share in _shares(claim) if share.in_words and i in range(share.start, share.end)]
    told = [share.percent for share in _shares(source)]
    return any(abs(one - other) <= _POINTS for one in mine for other in told)


class _Share(NamedTuple):
    start: int
    end: int
    percent: float
    in_words: bool = True


def _shares(tokens: Sequence[Token]) -> Iterator[_Share]:
    """Yield the percentages, "two thirds", "a third", "one in five" and "2 of 5" of a text."""
    words = [token.shown.lower() for token in tokens]
    for i, token in enumerate(tokens):
        part = _count(token) or (1 if words[i] in ("a", "one") else 0)
        behind = tokens[i + 1].key if i + 1 < len(tokens) else ""
        value = value_of(token)
        if value is not None and behind == "percent":
            yield _Share(i, i + 2, value, in_words=False)
        if part and behind in _PARTS:
            yield _Share(i, i + 2, 100 * part / _PARTS[behind])
        joined = 1 if words[i + 1 : i + 2] in (["in"], ["of"]) else 2 if words[i + 1 : i + 3] == ["out", "of"] else 0
        whole = _count(tokens[i + 1 + joined]) if joined and i + 1 + joined < len(tokens) else 0
        if 0 < part < whole:
            yield _Share(i, i + 2 + joined, 100 * part / whole)


def _count(token: Token) -> int:
    """Return a small whole number, 0 of anything else."""
    return int(token.key) if token.kind == "number" and token.key.isdecimal() and len(token.key) < 3 else 0


def _is_in_another_unit(claim: Sequence[Token], i: int, source: Sequence[Token]) -> bool:
    mine = next((one for one in _times_of(claim) if one[0] == i), None)
    if mine is None:
        return False
    _, unit, days = mine
    for _, other_unit, other in _times_of(source):
        varies = (unit in _VARY) != (other_unit in _VARY)
        if unit != other_unit and abs(other - days) <= (_MONTHS_VARY if varies else 1e-6) * days:
            return True
    return False


def _times_of(tokens: Sequence[Token]) -> Iterator[tuple[int, str, float]]:
    """Yield the place, unit and days of each number with a unit of time behind it; of "60 to 90 minutes" of both."""
    for at, token in enumerate(tokens):
        value = value_of(token)
        unit = next((one.key for one in tokens[at + 1 : at + 4] if one.key in _DAYS), None)
        if value is not None and unit:
            yield at, unit, value * _DAYS[unit]


def _is_sum(claim: Sequence[Token], i: int, value: float, source: Sequence[Token]) -> bool:
    """Say whether the claim adds or compares, and the number comes of that: of two cited ones in it, or of the few cited.

    Or it is the sum of all that count the same.
    """
    words = {token.shown.lower() for token in claim}
    is_share = [token.key for token in claim[i + 1 : i + 2]] == ["percent"]
    cited = {token.key: other for token in source if (other := value_of(token)) is not None and not is_year(token)}
    known = [other for token in source if (other := value_of(token)) is not None and not is_year(token)]
    own = [cited[token.key] for token in claim if token.kind == "number" and token.key in cited][:_MOST]
    few = known if len(known) <= _FEW else []
    pairs = [*combinations(own, 2), *combinations(few, 2)]
    made: list[float] = []
    if words & _ADDS:
        made += [sum(few), sum(_counting(claim[i + 1 : i + 2], source)), *map(sum, pairs)]
    if words & _COMPARES:
        made += [one for pair in pairs for one in (_percentages(*pair) if is_share else (abs(pair[0] - pair[1]),))]
    return any(one > 0 and math.isclose(value, one, rel_tol=1e-6) for one in made)


def _counting(things: Sequence[Token], source: Sequence[Token]) -> list[float]:
    """Return the source's numbers that count these things."""
    keys = {thing.key for thing in things} - {""}
    return [value for token, thing in pairwise(source) if thing.key in keys and (value := value_of(token)) is not None]


def _percentages(one: float, other: float) -> Iterator[float]:
    """Yield what percentage, rounded, one is of the other or lies from it."""
    for part, whole in ((one, other), (other, one)):
        if whole:
            yield from (round(100 * part / whole), round(100 * abs(part - whole) / whole))
