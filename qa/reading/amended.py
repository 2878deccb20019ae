"""Clauses that another document changes: "In Clause 12.3 … is replaced by …" belongs to an answer from clause 12.3."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.reading.pick import Pick

_NUMBER = r"\d{1,3}(?:\.\d{1,3})*"
_CLAUSE = re.compile(rf"(?:clause|section|article|paragraph|§) ?({_NUMBER})(?![.\d]*\d)", re.I)
_CHANGES = re.compile(
    r"\b(?:(?:is|are|shall be|be|was|were) (?:hereby )?(?:deleted|replaced|amended|substituted|extended|superseded)"
    r"|ceases? to apply|no longer applies)\b",
    re.I,
)
_OWN_NUMBER = re.compile(rf"(?:clause |section |article |§ ?)?({_NUMBER})\.? ", re.I)


def with_amendments(picks: Sequence[Pick], rated: Sequence[Pick]) -> list[Pick]:
    """Return the picks, each clause among them with the sentences of other documents that say that it is changed.

    rated: every sentence that was read.
    """
    chosen = {(pick.hit.document.id, pick.start) for pick in picks}
    found: list[Pick] = []
    for pick in picks:
        number = _number_of(pick)
        found.append(pick)
        for one in rated:
            key = one.hit.document.id, one.start
            if number and one.hit.document.id != pick.hit.document.id and key not in chosen and _changes(one, number):
                chosen.add(key)
                found.append(one)
    return found


def _number_of(pick: Pick) -> str:
    """Return the number of the clause that a pick begins, or stands under; "" where none is told."""
    for text in (pick.text, pick.heading):
        own = _OWN_NUMBER.match(text)
        if own:
            return own[1]
    return ""


def _changes(one: Pick, number: str) -> bool:
    return _CHANGES.search(one.text) is not None and number in _CLAUSE.findall(one.text)
