"""The LLM's reply → claims with quotes, while it arrives. Knows the form that prompts/answer.md asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qa.records import Quote

_CLAIM = re.compile(r"^[\s\-*•>#\d.)]*\**claim(?:\s*(?P<number>\d{1,4}))?\**\s*:\**[ \t]*", re.IGNORECASE)
# QUOTE p1: "…"; without the colon only where the id has a digit, so that a line of prose that begins so is none
_QUOTE = re.compile(
    r"^[\s\-*•>]*\**quote\b\**\s*(?:[(\[<]?(?P<id>[A-Za-z0-9_-]{0,24})[)\]>]?\**\s*:\**|[(\[<]?(?P<bare>[A-Za-z_-]*\d[\w-]*)[)\]>]?)"
    r"[ \t]*(?P<text>.*)$",
    re.IGNORECASE,
)
_NO_EVIDENCE = re.compile(r"^\W*no[ _]evidence\W*$", re.IGNORECASE)
_END = re.compile(r"^\W*end\W*$", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
# What only we may write into an answer: bracketed markers. Of a link only its words stay.
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
# A bracket of words is a part of the sentence ("did [not] approve"): only one with a number in it is a marker.
_MARKER = re.compile(r"\s*!?(?:\[(?:[^\[\]\s]*\d[^\[\]\s]*(?:,\s*[^\[\]\s]*\d[^\[\]\s]*)*)?\]|【[^【】]*】)")
_BRACKETS = str.maketrans("[]【】", "()()")
_UNDECIDED = re.compile(r"[\s!]*[\[【].*$|\S+$|\s+$", re.DOTALL)  # later characters may yet take this away
# An address that a chat tool would make a link of, or load.
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]*://|www\.|(?:mailto|data|javascript|vbscript|tel|file):(?=\S))\S*", re.IGNORECASE
)
_TAG = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
LINK_LEFT_OUT = "(link left out)"
_CLOSED = re.compile(r"^[\"“„«'‘].*[\"”»'’]\W*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClaimText:
    """The next characters of the claim that is being written."""

    text: str


@dataclass(frozen=True, slots=True)
class ClaimDone:
    """A claim is complete, with the quotes it gives. `text` is what the ClaimTexts since the last one add up to."""

    text: str
    quotes: tuple[Quote, ...]
    number: int = 0  # that the model gave it, 0 for none


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """The model says that the passages do not answer the question."""


@dataclass(frozen=True, slots=True)
class End:
    """The model has said all it wanted to say; without this the reply was cut off."""


Piece = ClaimText | ClaimDone | NoEvidence | End


@dataclass
class ReplyParser:
    """Feed it the reply in any cuts; the pieces are the same.

    labels: the passage ids, which are between us and the model. is_leak: tells words that must not be shown; a claim
    that has them ends where they begin to show, or is none.
    """

    labels: frozenset[str] = frozenset()
    is_leak: Callable[[str], bool] = lambda _: False
    _line: str = ""
    _shown: int = 0  # characters of the open claim line that have been handed out
    _claim: str | None = None
    _number: int = 0
    _quotes: list[tuple[str, str]] = field(default_factory=list)

    def feed(self, text: str) -> Iterator[Piece]:
        """Yield what can be said after these characters."""
        *lines, rest = (self._line + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            yield from self._take_line(line)
        self._line = rest
        yield from self._show_partial()

    def finish(self) -> Iterator[Piece]:
        """Yield what is left when the reply is over."""
        line, self._line = self._line, ""
        if line:
            yield from self._take_line(line)
        yield from self._close_claim()

    def _take_line(self, line: str) -> Iterator[Piece]:
        claim = _CLAIM.match(line)
        if claim and _NO_EVIDENCE.match(line[claim.end() :]):
            self._shown = 0
            yield from self._take_line(line[claim.end() :])
        elif claim:
            if not self._shown:
                yield from self._close_claim()
            self._claim, self._number = self._clean(line[claim.end() :]), int(claim["number"] or 0)
            if self.is_leak(self._claim):
                self._claim = self._claim[: self._shown]
            yield from self._show(self._claim)
            self._shown = 0
        elif _END.match(line):
            yield from self._close_claim()
            yield End()
        elif _NO_EVIDENCE.match(line):
            yield from self._close_claim()
            yield NoEvidence()
        elif quote := _QUOTE.match(line):
            self._quotes.append((quote["id"] or quote["bare"] or "", quote["text"]))
        elif self._quotes and line.strip() and not _CLOSED.match(self._quotes[-1][1]):
            # a quote that was copied with the line breaks of its passage
            label, text = self._quotes[-1]
            self._quotes[-1] = (label, f"{text}\n{line}")

    def _show_partial(self) -> Iterator[Piece]:
        """Hand out the part of an unfinished claim line that no later character can change."""
        claim = _CLAIM.match(self._line)
        if claim is None:
            return
        if not self._shown:
            yield from self._close_claim()
        certain = self._clean(_UNDECIDED.sub("", self._line[claim.end() :]))
        letters = re.sub(r"[^a-z]", "", certain.lower())
        if not "noevidence".startswith(letters[:10]) and not self.is_leak(certain):
            yield from self._show(certain)

    def _clean(self, text: str) -> str:
        cleaned = clean_claim(text)
        found = self.labels.intersection(re.findall(r"\w+", cleaned.lower()))
        if found:
            cleaned = re.sub(rf"\W?\b(?:{'|'.join(found)})\b", "", cleaned, flags=re.IGNORECASE)
        return " ".join(cleaned.split())

    def _show(self, text: str) -> Iterator[Piece]:
        if len(text) > self._shown:
            yield ClaimText(text[self._shown :])
            self._shown = len(text)

    def _close_claim(self) -> Iterator[Piece]:
        if self._claim:
            quotes = tuple(Quote(text.strip(), label.lower()) for label, text in self._quotes)
            yield ClaimDone(self._claim, quotes, self._number)
        self._claim, self._quotes = None, []


def clean_claim(text: str) -> str:
    """Return a claim as plain text without square brackets: markers are taken out, links become their words."""
    text = " ".join(_INVISIBLE.sub("", text).split())
    before = ""
    while before != text:
        # a link of one word is a marker, of several words a part of the sentence
        before, text = text, _MARKER.sub("", _LINK.sub(lambda link: link[1] if " " in link[1] else "[]", text))
    return " ".join(without_links(text).translate(_BRACKETS).split())


def without_links(text: str) -> str:
    """Return text in which no chat tool finds a link or a tag: links in answers lead to our own documents only."""
    return _TAG.sub("< ", _ADDRESS.sub(LINK_LEFT_OUT, text))
