"""Which documents are on another case than the question: of several with the same title, as reports on accidents have."""

from __future__ import annotations

import re
from collections.abc import Mapping

from index.records import Document
from qa.facts import is_spelled_out
from qa.reading.actors import ALIASES
from qa.reading.questions import Question

_NUMBERS = re.compile(r"[\d\W_]+")


def on_another_case(asked: Question, documents: Mapping[str, Document]) -> frozenset[str]:
    """Return the ids of documents that have fewer of the question's names than another of the same title.

    A report says on its first page where it happened: what never says so is on another case. Documents of different titles
    may each tell a part.
    """
    names = {name for name in asked.names | asked.acronyms if not name[0].isdigit()}
    counts = {key: sum(_has(one.text, name) for name in names) for key, one in documents.items()} if names else {}
    most: dict[str, int] = {}
    for key, count in counts.items():
        kind = _kind_of(documents[key])
        most[kind] = max(count, most.get(kind, 0))
    return frozenset(key for key, count in counts.items() if count < most[_kind_of(documents[key])])


def _kind_of(document: Document) -> str:
    """Return a title without numbers: "Report 12" and "Report 17" are of a kind."""
    return _NUMBERS.sub(" ", document.title.casefold())


def _has(text: str, name: str) -> bool:
    """Say whether a text has a name, or a word that begins with it, or what stands for it."""
    forms = "|".join(map(re.escape, {name, *ALIASES.get(name, ())}))
    return re.search(rf"(?<![^\W_])(?:{forms})", text, re.I) is not None or is_spelled_out(name, text)
