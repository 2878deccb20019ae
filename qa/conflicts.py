"""Sentences of different documents that contradict each other on one point, and which of the documents is the newer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from index.lexical import question_words
from index.records import DocumentInfo
from qa.documents import date_of, supersedes
from qa.evidence import Evidence
from qa.facts import Token, opposites_of, tokens_of
from qa.names import name_forms
from qa.reading.hit_sentences import Sentence
from qa.reading.sentence_vectors import Embeds
from qa.support import differs

_BEFORE_THINGS = frozenset("the a an for of in at by to from with on per each every all among".split())
_FIELD = re.compile(r"(?:^|\s)[^\W\d_][\w/-]*:(?=\s|$)")
_ENTRY = re.compile(r"(?:[^\W\d_][\w/-]* ){0,3}[^\W\d_][\w/-]*:\s")
_NUMBERED = re.compile(
    r"\b(number|no|nr|kind|type|class|model|section|article|chapter|clause|annex|room|item|lot|case|report)\.? (\d+)\b"
)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_DIGITS = re.compile(r"\w*\d\w*")
_OF_VERSIONS = frozenset(
    question_words(
        "draft final old new version revised revision updated update copy edition amended current former previous first "
        "second third next last january february march april may june july august september october november december"
    )
)
_ALIKE = 0.6  # cosine of two sentences; below it they are about different things
# The same where one of them is full of figures, as reports of results are: of these some always differ.
_FULL_OF_FIGURES, _ALIKE_IN_FIGURES = 4, 0.8
_MOST = 3  # conflicts that one answer shows
_MOST_COMPARED = 40  # pairs that are embedded


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sentences that contradict each other. newer: "one", "other", or "" when nothing tells; superseded: for good."""

    one: Sentence
    other: Sentence
    reason: str
    newer: str
    superseded: bool


def find_conflicts(ones: Sequence[Sentence], others: Sequence[Sentence], embedder: Embeds) -> list[Conflict]:
    """Return where one of `ones` is contradicted by one of `others` from another document, the most alike first."""
    pairs = [(one, other, reason) for one in ones for other in others if (reason := _contradicts(one, other))]
    pairs = pairs[:_MOST_COMPARED]
    if not pairs:
        return []
    vectors = embedder.embed([sentence.text for one, other, _ in pairs for sentence in (one, other)])
    alike = [(float(vectors[2 * i] @ vectors[2 * i + 1]), i) for i in range(len(pairs))]
    found: list[Conflict] = []
    for cosine, i in sorted(alike, reverse=True):
        one, other, reason = pairs[i]
        if cosine >= _least_alike(one, other) and len(found) < _MOST and not any(conflict.one is one for conflict in found):
            newer, superseded = _newer(one.hit.document, other.hit.document)
            found.append(Conflict(one, other, reason, newer, superseded))
    return found


def _least_alike(one: Sentence, other: Sentence) -> float:
    """Return how alike two sentences have to be to be about the same thing."""
    return _ALIKE_IN_FIGURES if any(_is_full_of_figures(side.text) for side in (one, other)) else _ALIKE


def _is_full_of_figures(text: str) -> bool:
    return len(_FIGURE.findall(text)) >= _FULL_OF_FIGURES


def _contradicts(one: Sentence, other: Sentence) -> str:
    """Return on what two sentences contradict each other; "" when they do not, or are not about the same."""
    if one.hit.document.id == other.hit.document.id or _is_form(one.text) or _is_form(other.text):
        return ""
    if _are_numbered_apart(one.text, other.text):
        return ""
    mine, yours = tokens_of(one.text), tokens_of(other.text)
    if not _same_scene(mine, yours) or _other_things(mine, yours):
        return ""
    if _are_of_two_things(one.hit.document.title, other.hit.document.title) and not (_names(mine) and _names(yours)):
        return ""
    return differs(mine, Evidence(other.text)) or differs(yours, Evidence(one.text))


def _are_numbered_apart(one: str, other: str) -> bool:
    """Say whether two texts are on two of many numbered things: what parcel number 14 holds denies nothing of number 7.

    That is told by their first halves: behind it stands what is said of them, as "needs a licence of class 2".
    """
    halves = (text[: len(text) // 2].casefold() for text in (one, other))
    mine, yours = ({match[1]: match[2] for match in _NUMBERED.finditer(half)} for half in halves)
    return any(mine[kind] != yours[kind] for kind in mine.keys() & yours.keys())


def _are_of_two_things(title: str, other: str) -> bool:
    """Say whether two titles are alike but for what each is about, as those of leaflets on two medicines.

    A sentence in them that names nothing speaks of that. What only tells two versions apart does not count.
    """
    mine, yours = (set(question_words(_DIGITS.sub(" ", text))) - _OF_VERSIONS for text in (title, other))
    return bool(mine & yours and mine - yours and yours - mine)


def _is_form(text: str) -> bool:
    """Say whether a text is filled into a form: two forms tell of two cases, and none of them denies the other."""
    fields = _FIELD.findall(text)
    is_entry = (
        _ENTRY.match(text) is not None and "(" in text and _is_full_of_figures(text)
    )  # "Flight Time: 2640 hours (total), 12 (last …"
    return (len(fields) > 1 or is_entry) and " | " not in text


def _same_scene(mine: Sequence[Token], yours: Sequence[Token]) -> bool:
    """Say whether the names and months of one sentence are all in the other: April's figure is no rival of October's."""
    here, there = _names(mine), _names(yours)
    smaller, larger = sorted((here, there), key=len)
    known = {key for forms in larger for key in forms}
    return all(forms & known for forms in smaller)


def _other_things(mine: Sequence[Token], yours: Sequence[Token]) -> bool:
    """Say whether one sentence has a thing where the other has another: the adults' fee is no rival of the children's."""
    known, theirs = ({token.key for token in tokens} for tokens in (mine, yours))
    here, there = ([i for i, token in enumerate(tokens) if token.key] for tokens in (mine, yours))
    matcher = SequenceMatcher(None, [mine[i].key for i in here], [yours[j].key for j in there], autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "replace":
            things = [mine[i] for i in here[start:end] if _is_thing(mine, i) and mine[i].key not in theirs]
            others = [yours[j] for j in there[other_start:other_end] if _is_thing(yours, j) and yours[j].key not in known]
            opposed = {key for thing in things for key in opposites_of(thing.key)}
            if things and others and not opposed & {other.key for other in others}:
                return True
    return False


def _is_thing(tokens: Sequence[Token], i: int) -> bool:
    """Say whether a word is the name of a thing, by what is before it, or a word that tells which thing."""
    if tokens[i].kind != "word":
        return False
    return i == 0 or tokens[i - 1].shown.lower() in _BEFORE_THINGS or tokens[i].shown.endswith(("'s", "’s"))


def _names(tokens: Sequence[Token]) -> list[frozenset[str]]:
    return [name_forms(token) for token in tokens if token.kind == "name"]


def _newer(one: DocumentInfo, other: DocumentInfo) -> tuple[str, bool]:
    if supersedes(one, other):
        return "one", True
    if supersedes(other, one):
        return "other", True
    mine, yours = date_of(one), date_of(other)
    if not mine or not yours or mine == yours:
        return "", False
    return ("one" if mine > yours else "other"), False
