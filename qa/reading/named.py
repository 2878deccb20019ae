"""Documents that say nothing of whom or what a question names, where others do: the report of another company, say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from index.records import Document, Hit
from qa.names import is_spelled_out
from qa.reading.actors import ALIASES

_NAME = re.compile(
    r"(?:[^\W\d_a-z]\w+(?:[-.&][^\W_]+)*(?: (?=[^\W\d_a-z]))?)+"
)  # "Clevite Industries" of "Clevite Industries'"
_SHORTEST = 2  # letters
_WITHIN = re.compile(r"(?<=[a-z,;)\d][ \n])[^\W\d_a-z]\w+")  # a word that is capitalised within a sentence
_TIMES = frozenset(
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday".split()
)


def beside_the_point(question: str, hits: Sequence[Hit], documents: Mapping[str, Document]) -> frozenset[str]:
    """Return the ids of the hits' documents that do not name what the question names, where some of them do.

    Of several names any will do, and of "Clevite Industries Inc" the word that the fewest documents have. A word that
    stands in small letters too is no name. What names nobody, as a rule or a note on a machine, may be about anybody.
    documents: by id; their whole texts may name it elsewhere.
    """
    texts: dict[str, str] = {}
    for hit in hits:
        texts[hit.document.id] = f"{texts.get(hit.document.id, '')}\n{hit.passage.text}"
    headed = {hit.document.id: f"{hit.document.title}\n{hit.passage.context}\n{texts[hit.document.id]}" for hit in hits}
    whole = "\n".join(texts.values())
    names = [name for run in _runs(question) if (name := _rarest(run, headed, whole))]
    left = {one for one, text in headed.items() if names and not any(_is_in(name, text) for name in names)}
    return frozenset(
        one
        for one in left
        if _names_somebody(texts[one], whole) and not any(_is_in(name, _text_of(documents.get(one))) for name in names)
    )


def _text_of(document: Document | None) -> str:
    return document.text if document else ""


def _runs(question: str) -> list[list[str]]:
    """Return the capitalised words of a question but months and days, those that follow each other together.

    Pakistan and IMF do not in "Pakistan's IMF programme".
    """
    runs = (run.split() for run in _NAME.findall(question))
    return [words for run in runs if (words := [word for word in run if word.lower() not in _TIMES])]


def _rarest(run: Sequence[str], texts: Mapping[str, str], whole: str) -> str:
    """Return the word of a name that the fewest documents have, of those that some have.

    All its words where each by itself stands in small letters too ("Foreign Office"); "" where they are no name either.
    """
    counts = {word: sum(_is_in(word, text) for text in texts.values()) for word in run if _is_name(word, whole)}
    together = " ".join(run)
    default = together if len(run) > 1 and _is_name(together, whole) else ""
    return min((word for word, count in counts.items() if count), key=lambda word: counts[word], default=default)


def _is_name(word: str, whole: str) -> bool:
    """Say whether a word is capitalised within sentences, and nowhere small. "UK" has too many other forms."""
    return (
        len(word) > _SHORTEST
        and re.search(rf"(?<=[a-z,;)\d][ \n]){re.escape(word)}(?![^\W_])", whole) is not None
        and re.search(rf"(?<![^\W_]){re.escape(word.lower())}(?![^\W_])", whole) is None
    )


def _names_somebody(text: str, whole: str) -> bool:
    return any(_is_name(word, whole) for word in set(_WITHIN.findall(text)) if word.lower() not in _TIMES)


def _is_in(word: str, text: str) -> bool:
    """Say whether a text has a name: as it is, as the beginning of a word, as another name of a state, spelled out."""
    forms = {word, *ALIASES.get(word.lower(), ())}
    patterns = (re.escape(form).replace("\\-", "[- ]?") for form in forms)  # "XR 200" is the XR-200
    found = any(re.search(rf"(?<![^\W_]){pattern}", text, re.I) for pattern in patterns)
    return found or (word.isupper() and is_spelled_out(word.lower(), text))
