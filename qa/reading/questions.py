"""What a question asks for, by rule: its kind, whether it wants several answers, whose view, and its content words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from index.lexical import question_words
from qa.reading.actors import ALIASES, SAYING, plain_words

Kind = Literal["when", "number", "who", "why", "list", "other"]
FACTS = ("when", "number", "who")  # kinds of questions that one sentence answers

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_WHEN = re.compile(
    r"^(?:when(?! (?:may|can|could|must|should|shall)\b)|since when"  # "when may they end it" asks for a condition
    r"|on (?:what|which) (?:date|day)|(?:in )?(?:what|which) (?:year|month|day|date)|what date)\b",
    re.I,
)
_NUMBER = re.compile(
    r"\bhow (?:many|much|far|long|old|large|big|heavy|high|often)\b"
    r"|\bwhat (?:range|percentage|share|number|figure|total|temperature|speed|price)\b",
    re.I,
)
_WHO = re.compile(r"^(?:who|whom|whose|by whom)\b|\b(?:which|what) (?:official|person|minister|spokesperson|author)\b", re.I)
_WHY = re.compile(
    r"^why\b|\bwhat (?:is|was|are|were) the (?:reason|cause|ground|purpose)|^(?:for|on) what (?:reason|ground)", re.I
)
_SEVERAL = re.compile(
    r"\b(?:reasons|grounds|arguments|objections|list|name the|name all|steps|ways|kinds|types|examples)\b"
    r"|^(?:what|which) (?!(?:is|was|does|has|happens|makes|means|gives|keeps|needs|comes|goes|follows|counts)\b)"
    r"(?:\w+ ){0,2}?(?!(?:is|was|does|has|this|us)\b)\w{2,}[^\Wsui]s\b"
    r"|^what (?:are|were)\b",
    re.I,
)
_VIEW_NOUNS = frozenset(
    (
        "reasons reason grounds ground arguments argument objections objection position view views case response "
        "reaction reply "
    ).split()
)

_MARK = re.compile(r"[?？؟][\"'”’»)\]*_\s]*$")
_ASKS = re.compile(
    r"^(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|am|do|does|did|can|could|will|would"
    r"|shall|should|has|have|had|may|might|must|name|list|explain|describe|tell|give|show)\b",
    re.I,
)

_GIVING = frozenset(
    ("give", "gives", "gave", "given", "offer", "offers", "offered", "raise", "raises", "raised", "make", "makes", "made")
)
_LONGEST_ACRONYM = 8
_ENDING = re.compile(r"(?<=[A-Z])(?:['’]s|s)$")
_NO_YEAR = re.compile(r"(?!(?:1[5-9]|20)\d\d$)\d.*")
_MONTH = (
    r"(?:(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)|May)\b\.?"
)
_DAY = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH}(?!\w)|\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?!\w)")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, analysed. words: stems without stop words; actor: names of the one whose view is asked for, or none.

    marked: it ends with its mark; without, it is typed as into a search engine, and the asker wants to be told more.
    names: capitalised words and numbers; acronyms: words of two capitals or more, also the first; both in lower case.
    """

    text: str
    kind: Kind
    several: bool
    marked: bool
    words: tuple[str, ...]
    names: frozenset[str]
    acronyms: frozenset[str]
    actor: frozenset[str]

    @property
    def has_number(self) -> bool:
        """Whether it names a number that is no year, nor the day of a month."""
        return any(map(_NO_YEAR.fullmatch, self.names - self.dates))

    @property
    def dates(self) -> frozenset[str]:
        """The years and days among its numbers."""
        days = {day for found in _DAY.findall(self.text) for day in found if day}
        return frozenset(name for name in self.names if name in days or (name.isdecimal() and not _NO_YEAR.fullmatch(name)))

    @property
    def for_a_figure(self) -> bool:
        """Whether one number is asked for: how much, or what something was in a year."""
        return self.kind == "number" or any(name[0].isdigit() for name in self.names)


def analyse(text: str) -> Question:
    """Analyse a question by its words alone. English rules; questions in other languages are kind "other"."""
    kind = _kind(text)
    return Question(
        text=text,
        kind=kind,
        several=kind in ("list", "why"),
        marked=ends_with_mark(text),
        words=tuple(question_words(text)),
        names=_names(text),
        acronyms=acronyms_of(text) if not text.isupper() else frozenset(),
        actor=_actor(text),
    )


def asks(text: str) -> bool:
    """Say whether a text asks for something, in English or by its question mark; words alone to search for do not."""
    return ends_with_mark(text) or _ASKS.search(text.strip()) is not None


def ends_with_mark(text: str) -> bool:
    """Say whether a text ends with a question mark, closing quotation marks, brackets and Markdown's signs aside."""
    return _MARK.search(text) is not None


def _kind(text: str) -> Kind:
    text = text.strip()
    if _WHEN.search(text):
        return "when"
    if _NUMBER.search(text):
        return "number"
    if _WHO.search(text):
        return "who"
    if _SEVERAL.search(text):
        return "list"
    return "why" if _WHY.search(text) else "other"


def _names(text: str) -> frozenset[str]:
    """Return the capitalised words and numbers of a question, but for its first word, in lower case."""
    words = [re.sub(r"['’]s$", "", word) for word in _WORD.findall(text)]
    return frozenset(word.lower() for word in words[1:] if word[0].isdigit() or (word[0].isupper() and len(word) > 1))


def acronyms_of(text: str) -> frozenset[str]:
    """Return the words of two capitals or more, in lower case: the "MR" of a text, not its "Mr"; "gpu" of "GPUs"."""
    words = (_ENDING.sub("", word) for word in _WORD.findall(text))
    return frozenset(word.lower() for word in words if _is_acronym(word))


def _is_acronym(word: str) -> bool:
    return sum(map(str.isupper, word)) > 1 and len(word) <= _LONGEST_ACRONYM


def _actor(text: str) -> frozenset[str]:
    """Return the names of whose statement is asked for: the known actor by a verb of saying or a noun for a view."""
    words = plain_words(text)
    for i, word in enumerate(words):
        if word in SAYING or word in _GIVING or word in _VIEW_NOUNS:
            after = words[i + 1 : i + 5] if word in _VIEW_NOUNS else []
            for near in (*reversed(words[max(0, i - 6) : i]), *after):
                if near in ALIASES:
                    return ALIASES[near]
    if "according" in words:
        after = words[words.index("according") :]
        return next((ALIASES[word] for word in after if word in ALIASES), frozenset())
    return frozenset()
