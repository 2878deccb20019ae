"""Numbers that round others: "about 8,000" says 8,098 and "1.2 million" 1,234,567, as "8,000" and "1.3 million" do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from qa.facts import Token

_ABOUT = re.compile(r"\b(?:about|around|approximately|roughly|some|circa|close to|in the order of)$")
_NEARLY = re.compile(r"\b(?:almost|nearly|just under)$")
_ABOVE = re.compile(r"\b(?:over|above|exceed(?:s|ed|ing)?|beyond|(?:more|greater|longer|older|higher) than|at least)$")
_BELOW = re.compile(r"\b(?:under|below|(?:less|fewer|lower|shorter|younger) than|at most|up to)$")
_BEFORE = 3  # words
_NEAR, _FAR = 0.1, 0.5  # of the claim's number: how much "about" leaves open, and "more than"
_ROUNDED = 0.05  # of the source's number: the most that rounding takes off or adds
_YEARS = range(1000, 2200)


def unrounded(claim: Sequence[Token], source: Sequence[Token]) -> list[Token]:
    """Return the claim with each number that rounds one of its source put as that."""
    said = {token.key for token in source if token.kind == "number"}
    exact = dict(_exact(source))
    return [
        replace(token, key=_source_of(token, _words_before(claim, i), exact))
        if token.kind == "number" and token.key not in said
        else token
        for i, token in enumerate(claim)
    ]


def _exact(source: Sequence[Token]) -> Iterator[tuple[str, float]]:
    """Yield the keys and values of numbers that are no bounds: who is "under 10" is not said to be "under 12"."""
    for i, token in enumerate(source):
        value = _value(token.key) if token.kind == "number" else None
        before = _words_before(source, i)
        if value is not None and not (_ABOVE.search(before) or _BELOW.search(before)):
            yield token.key, value


def _words_before(tokens: Sequence[Token], i: int) -> str:
    return " ".join(token.shown.lower() for token in tokens[max(0, i - _BEFORE) : i])


def _source_of(number: Token, before: str, exact: dict[str, float]) -> str:
    """Return the key of the number that this one rounds; its own where it rounds none."""
    value = _value(number.key)
    if value is None or (number.shown.isdigit() and int(number.shown) in _YEARS):
        return number.key
    fitting = [key for key, one in exact.items() if _says(number.shown, value, before, one)]
    return min(fitting, key=lambda key: abs(exact[key] - value), default=number.key)


def _says(shown: str, value: float, before: str, exact: float) -> bool:
    """Say whether a number, with the words before it, may be said where it is exactly another."""
    if _NEARLY.search(before):
        return value * (1 - _NEAR) <= exact <= value
    if _ABOVE.search(before):
        return value <= exact <= value * (1 + _FAR)
    if _BELOW.search(before):
        return value / (1 + _FAR) <= exact <= value
    if _ABOUT.search(before) and abs(exact - value) <= _NEAR * value:
        return True
    return abs(exact - value) <= min(_last_place(shown, value) / 2, _ROUNDED * exact)


def _last_place(shown: str, value: float) -> float:
    """Return what the last digit of a number as it is written counts: .1 million of "1.2 million", 1 of "12"."""
    written = re.match(r"\d+(?:\.(\d+))?", shown)
    if written is None or "," in shown:
        return 1.0
    scale = value / float(written[0]) if float(written[0]) else 1.0
    return 10.0 ** -len(written[1] or "") * scale


def _value(key: str) -> float | None:
    try:
        return float(key)
    except ValueError:  # a number of another convention, compared as it stands
        return None
