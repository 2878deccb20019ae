"""Clauses that another document changes: "In Clause 12.3 … is replaced by …" belongs to an answer from clause 12.3."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from qa.reading.pick import Pick

_NUMBER = r"\d{1,3}(?:\.\d{1,3})*"
_CLAUSE = re.compile(rf"(?:clauses?|sections?|articles?|paragraphs?|§) ?({_NUMBER})(?![.\d]*\d)", re.I)
_CHANGES = re.compile(
    r"\b(?:(?:is|are|shall be|be|was|were) (?:hereby )?(?:deleted|replaced|amended|substituted|extended|superseded)"
    r"|ceases? to apply|no longer applies)\b",
    re.I,
)
_QUOTED = re.compile(r"[“\"]([^”\"]{2,80})[”\"]")
_OWN_NUMBER = re.compile(rf"(?:clause |section |article |§ ?)?({_NUMBER})\.? ", re.I)


def with_amendments(picks: Sequence[Pick], rated: Sequence[Pick]) -> list[Pick]:
    """Return the picks, each clause among them with the sentences of other documents that say that it is changed.

    rated: every sentence that was read.
    """
    chosen = {(pick.hit.document.id, pick.start) for pick in picks}
    titles = Counter({one.hit.document.id: one.hit.document.title.casefold() for one in rated}.values())
    changing = [one for one in rated if _CHANGES.search(one.text)]
    found: list[Pick] = []
    for pick in picks:
        found.append(pick)
        for one in changing:
            key = one.hit.document.id, one.start
            if key not in chosen and one.hit.document.id != pick.hit.document.id and _changes(one, pick, titles):
                chosen.add(key)
                found.append(one)
    return found


def _changes(one: Pick, pick: Pick, titles: Mapping[str, int]) -> bool:
    """Say whether a sentence changes what a pick says: it has two of its clause's number, its words and its title.

    titles: how many documents have each; one that several have names none of them.
    """
    numbers, own = _CLAUSE.findall(one.text), _OWN_NUMBER.match(pick.text)
    around, title = f"{one.hit.document.title} {one.hit.passage.text}".casefold(), pick.hit.document.title.casefold()
    is_named = titles[title] == 1 and re.search(rf"(?<!\w){re.escape(title)}(?!\w)", around) is not None and title != ""
    return (own is not None and own[1] in numbers) + _quotes_words_of(one, pick) + is_named > 1


def _quotes_words_of(one: Pick, pick: Pick) -> bool:
    return any(quoted in pick.text for quoted in _QUOTED.findall(one.text))
