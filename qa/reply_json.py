"""A reply that came as JSON instead → lines in the form that prompts/answer.md asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_BEGIN = re.compile(r"\s*(?:\{|\[\s*(?:\{|$))")
_NEXT = re.compile(r"[\s,]*")
_CLAIM_KEYS = ("claim", "text", "sentence", "statement")
_QUOTE_KEYS = ("quote", "text", "words")
_ID_KEYS = ("id", "passage", "passage_id", "source")
_ID = re.compile(r"[A-Za-z0-9_-]{1,24}")


def begins_json(line: str) -> bool:
    """Say whether a line may be the first of a JSON object, or of an array of them."""
    return _BEGIN.match(line) is not None


def lines_of_json(text: str) -> list[str]:
    """Return `CLAIM: …` and `QUOTE id: "…"` lines for the claims in a JSON text; none when it is broken or has none."""
    return [line for value in _values(text) for claim in _claims_in(value) for line in _lines(claim)]


def _values(text: str) -> Iterator[Any]:
    """Yield the values that stand one behind the other, up to the first that is none."""
    decoder, at = json.JSONDecoder(), 0
    while _BEGIN.match(text, at):
        try:
            value, at = decoder.raw_decode(text, _NEXT.match(text, at).end())  # type: ignore[union-attr]
        except (ValueError, RecursionError):
            return
        yield value
        at = _NEXT.match(text, at).end()  # type: ignore[union-attr]


def _claims_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _claims_in(one)
    elif isinstance(value, dict):
        inner = value.get("claims", value.get("answer"))
        if isinstance(inner, list):
            yield from _claims_in(inner)
        elif _first(value, _CLAIM_KEYS):
            yield value


def _lines(claim: dict[str, Any]) -> Iterator[str]:
    yield f"CLAIM: {_first(claim, _CLAIM_KEYS)}"
    quotes = claim.get("quotes", claim)  # one quote may stand in the claim itself
    for quote in quotes if isinstance(quotes, list) else [quotes]:
        if isinstance(quote, str):
            yield f'QUOTE: "{" ".join(quote.split())}"'
        elif isinstance(quote, dict) and (words := _first(quote, _QUOTE_KEYS if quote is not claim else ("quote",))):
            label = _first(quote, _ID_KEYS)
            yield f'QUOTE {label if _ID.fullmatch(label) else ""}: "{words}"'


def _first(value: dict[str, Any], keys: tuple[str, ...]) -> str:
    """Return the first text under one of the keys, on one line."""
    return next((" ".join(value[key].split()) for key in keys if isinstance(value.get(key), str)), "")
