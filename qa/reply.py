"""The LLM's reply → claims with quotes, while it arrives. Knows the form that prompts/answer.md asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from qa.records import Quote
from qa.reply_json import begins_json, lines_of_json

_CLAIM = re.compile(r"^[\s\-–*•>#\d.)]*claim(?:\s*(?P<number>\d{1,4}))?\**\s*[:：]\**[ \t]*", re.IGNORECASE)
_MARKS = r"\"“”„«»'‘’"
_ID_BEHIND = r"\s{0,4}[(\[<]\s*(?:(?:passage|id)\b\s*[=:]?\s*)?([A-Za-z0-9_-]{1,24})\s*[)\]>]"
# QUOTE p1: "…", and what models make of it. Without the colon only where the id has a digit or the words are in quote
# marks, so that a line of prose that begins so is none.
_QUOTE = re.compile(
    r"^[\s\-–*•>]*quote(?P<many>s)?\b\**\s*(?:(?:passage|id)\b\s*=?\s*(?=[\w(\[<]))*"
    r"(?:[(\[<]?(?P<id>[A-Za-z0-9_-]{0,24})[)\]>]?\**\s*[:：]\**"
    rf"|[(\[<]?(?P<bare>[A-Za-z_-]*\d[\w-]*)[)\]>]?|(?=[{_MARKS}].*[{_MARKS}](?:{_ID_BEHIND})?\W{{0,20}}$))"
    r"[ \t]*(?P<text>.*)$",
    re.IGNORECASE,
)
_LABELLED_BEHIND = re.compile(rf"^([{_MARKS}].*[{_MARKS}]){_ID_BEHIND}\W{{0,20}}$", re.DOTALL)
_CLOSED = re.compile(rf"^[{_MARKS}].*[{_MARKS}](?:{_ID_BEHIND})?\W{{0,20}}$", re.DOTALL)
_BETWEEN_QUOTES = re.compile(rf"(?<=[{_MARKS}])\s*[;,]\s*(?=[{_MARKS}])")
_NO_EVIDENCE = re.compile(r"^\W*(?:(?-i:NO[ _]EVIDENCE)\b|no[ _]evidence\W*$)", re.IGNORECASE)
# The same as a claim, where "No evidence of fraud was found" may be one.
_NO_EVIDENCE_CLAIM = re.compile(
    r"^\W*(?:no[ _]evidence(?:\W*$|\s*[.:!;])|(?-i:NO[ _]EVIDENCE)\b(?!\s+(?:of|that|for|was|is|has)\b|\s+[-–—]))",
    re.IGNORECASE,
)
_NO_EVIDENCE_SAID = re.compile(r"^\W*no[ _]evidence\s*(?:[.:;!—–]|\s-)", re.IGNORECASE)  # where no quote can be open
_END = re.compile(r"^\W*end\W*$", re.IGNORECASE)
_FENCE = re.compile(r"^\s*(?:```|~~~)")
# What a model thinks aloud before its answer, at the beginning of a line: a source that is quoted may name these tags.
_THOUGHT = re.compile(r"[ \t]*<(/?)(think|thinking|reasoning)>", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
# What only we may write into an answer: bracketed markers. Of a link only its words stay.
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
# A bracket of words is a part of the sentence ("did [not] approve"): only one with a number in it is a marker.
_MARKER = re.compile(r"\s*!?(?:\[(?:[^\[\]\s]*\d[^\[\]\s]*(?:,\s*[^\[\]\s]*\d[^\[\]\s]*)*)?\]|【[^【】]*】)")
_BRACKETS = str.maketrans("[]【】", "()()")
_UNDECIDED = re.compile(r"[\s!]*[\[【].*\Z|\S+\Z|\s+\Z", re.DOTALL)  # later characters may yet take this away
# An address that a chat tool would make a link of, or load.
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]*://|www\.|(?:mailto|data|tel|file):(?=\S)|(?:javascript|vbscript):(?=\S|\Z))\S*",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"[\W\d_]*([^\W\d]*)(.*)", re.DOTALL)
_MAILBOX = re.compile(r"(?<![\w@/.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# The same without a scheme: a bare name of a host or file stays, one with a path, query or mailbox does not.
_BARE_ADDRESS = re.compile(
    r"(?<![\w@/])(?://(?=\w)\S+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}|(?:[a-z0-9-]{1,63}\.){1,8}(?!(?:js|ts|txt|pdf|html?|json|csv|xml|ya?ml)\b)[a-z]{2,24}(?::\d+)?(?:/(?=[\w?#&=.%~-])|[?#](?=\w))\S*)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
LINK_LEFT_OUT = "(link left out)"


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
    that has them ends where they begin to show, or is none. addresses: mailboxes that claims may name.
    """

    labels: frozenset[str] = frozenset()
    is_leak: Callable[[str], bool] = lambda _: False
    addresses: frozenset[str] = frozenset()
    _line: str = ""
    _thought: str = ""  # the tag that closes the thoughts that we are in
    _claim: str | None = None  # as it was written, its lines so far
    _open: bool = False  # the claim may go on in the next line
    _begun: bool = False  # the line that is not complete yet began the claim
    _text: str = ""  # of the claim, as it is shown
    _number: int = 0
    _quotes: list[tuple[str, str]] = field(default_factory=list)
    _json: str = ""  # lines of a reply that begins as JSON
    _half: str = ""  # of a character that JSON writes as two, of which a piece may end between them

    def feed(self, text: str) -> Iterator[Piece]:
        """Yield what can be said after these characters."""
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        whole = text.removesuffix(self._half).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        self._line = (self._line + whole).replace("\r\n", "\n")
        while self._skip_thought():
            line, newline, rest = self._line.partition("\n")
            if not newline:
                yield from self._show_partial()
                return
            self._line = rest
            yield from self._take_line(line)

    def finish(self) -> Iterator[Piece]:
        """Yield what is left when the reply is over."""
        line, self._line = self._line, ""
        if line and not self._thought and not (self._open and _may_be_item(line) and not _is_item(line)):
            yield from self._take_line(line)
        yield from self._close_claim()
        yield from self._take_json(end=True)

    def _skip_thought(self) -> bool:
        """Take thoughts from the front of what has arrived; say whether anything else may be there."""
        while True:
            if self._thought:
                end = re.search(self._thought, self._line, re.IGNORECASE)
                if end is None:
                    self._line = self._line[-len(self._thought) :]
                    return False
                self._line, self._thought = self._line[end.end() :], ""
            tag = _THOUGHT.match(self._line)
            if tag is None:
                return True
            self._line = self._line[tag.end() :]
            self._thought = "" if tag[1] else f"</{tag[2].lower()}>"

    def _says_nothing(self, line: str, claim: re.Match[str] | None) -> bool:
        """Tell NO EVIDENCE from a claim that begins so: "No evidence of fraud was found"."""
        if claim:
            return _NO_EVIDENCE_CLAIM.match(line[claim.end() :]) is not None
        return bool(_NO_EVIDENCE.match(line) or (self._claim is None and _NO_EVIDENCE_SAID.match(line)))

    def _take_line(self, line: str) -> Iterator[Piece]:
        claim = _CLAIM.match(line)
        if claim and not self._begun:
            yield from self._close_claim()
        self._begun = False
        if self._says_nothing(line, claim):
            yield from self._close_claim()
            yield NoEvidence()
        elif claim:
            self._claim, self._open, self._number = line[claim.end() :], True, int(claim["number"] or 0)
            yield from self._show(_certain(f"{self._claim}\n"))
        elif _END.match(line):
            yield from self._close_claim()
            yield from self._take_json(end=False)
            yield End()
        elif quote := _QUOTE.match(line):
            yield from self._end_text()
            label, text = quote["id"] or quote["bare"] or "", quote["text"]
            self._quotes += [(label, one) for one in (_BETWEEN_QUOTES.split(text) if quote["many"] else [text])]
        else:
            yield from self._take_rest(line)

    def _take_rest(self, line: str) -> Iterator[Piece]:
        """Take a line that begins nothing: it goes on with what was begun."""
        if self._quotes and line.strip() and not _CLOSED.match(self._quotes[-1][1]):
            # a quote that was copied with the line breaks of its passage
            label, text = self._quotes[-1]
            self._quotes[-1] = (label, f"{text}\n{line}")
        elif self._claim is None and (self._json or begins_json(line)):
            self._json += f"{line}\n"
        elif self._open and self._claim and not line.strip():
            yield from self._end_text()
        elif self._open and line.strip() and not _FENCE.match(line):
            self._claim = f"{self._claim}\n{line}"
            yield from self._show(_certain(f"{self._claim}\n"))

    def _show_partial(self) -> Iterator[Piece]:
        """Hand out the part of an unfinished claim that no later character can change."""
        claim = _CLAIM.match(self._line)
        if claim:
            if not self._begun:
                yield from self._close_claim()
                self._begun = True
            certain = _certain(self._line[claim.end() :])
            letters = re.sub(r"[^a-z]", "", certain.lower())
            if not "noevidence".startswith(letters[:10]):
                yield from self._show(certain)
        elif self._open and not _may_be_item(self._line) and not _FENCE.match(self._line):
            yield from self._show(_certain(f"{self._claim}\n{self._line}"))

    def _show(self, written: str) -> Iterator[Piece]:
        text = self._without_leak(self._clean(written))
        if len(text) > len(self._text):
            yield ClaimText(text[len(self._text) :])
            self._text = text

    def _clean(self, text: str) -> str:
        cleaned = clean_claim(text, self.addresses)
        found = self.labels.intersection(re.findall(r"\w+", cleaned.lower()))
        if found:
            cleaned = re.sub(rf"\W?\b(?:{'|'.join(found)})\b", "", cleaned, flags=re.IGNORECASE)
        return " ".join(cleaned.split())

    def _without_leak(self, text: str) -> str:
        """Return the words before the one that completes a leak."""
        if not self.is_leak(text):
            return text
        shown = len(self._text)  # which has none
        ends = [shown, *(shown + word.end() for word in re.finditer(r"\S+", text[shown:]))]
        return next(text[:end] for end, longer in pairwise(ends) if self.is_leak(text[:longer]))

    def _end_text(self) -> Iterator[Piece]:
        if self._open:
            yield from self._show(self._claim or "")
            self._open = False

    def _close_claim(self) -> Iterator[Piece]:
        yield from self._end_text()
        if self._text:
            yield ClaimDone(self._text, tuple(_quote(label, text) for label, text in self._quotes), self._number)
        self._claim, self._text, self._quotes = None, "", []

    def _take_json(self, *, end: bool) -> Iterator[Piece]:
        """Read the lines that began as JSON, as if they had been written in our form."""
        lines, self._json = lines_of_json(self._json), ""
        for line in lines:
            yield from self._take_line(line)
        yield from self._close_claim()
        if lines and end:
            yield End()


def _certain(written: str) -> str:
    """Return the part of a claim as it is written that no later character can change."""
    return _UNDECIDED.sub("", _INVISIBLE.sub("", written))


def _is_item(line: str) -> bool:
    return any(item.match(line) for item in (_CLAIM, _QUOTE, _NO_EVIDENCE, _END))


def _may_be_item(line: str) -> bool:
    """Say whether the beginning of a line may be that of a claim, a quote or an end."""
    word, rest = _FIRST_WORD.match(line).groups()  # type: ignore[union-attr]  # it matches everything
    word = word.lower()
    if not rest:
        return any(item.startswith(word) for item in ("claim", "quotes", "end", "no_evidence"))
    following = re.sub(r"[\W_]", "", rest).lower()
    return (
        word in ("claim", "quote", "quotes")
        or word.startswith("no_")
        or (word == "end" and not following)
        or (word == "no" and "evidence".startswith(following[:8]))
    )


def _quote(label: str, text: str) -> Quote:
    behind = None if label else _LABELLED_BEHIND.match(text.strip())
    return Quote(behind[1], behind[2].lower()) if behind else Quote(text.strip(), label.lower())


def _gap(marker: re.Match[str]) -> str:
    """Return what stays of a marker: nothing, or a space where it alone keeps two words apart."""
    before, after = marker.string[marker.start() - 1 : marker.start()], marker.string[marker.end() : marker.end() + 1]
    return " " if before.isalnum() and after.isalnum() else ""


def clean_claim(text: str, addresses: frozenset[str] = frozenset()) -> str:
    """Return a claim as plain text without square brackets: markers are taken out, links become their words.

    addresses: mailboxes, in small letters, that may stay.
    """
    text = " ".join(_INVISIBLE.sub("", text).split())
    before = ""
    while before != text:
        # a link of one word is a marker, of several words a part of the sentence
        before, text = text, _MARKER.sub(_gap, _LINK.sub(lambda link: link[1] if " " in link[1] else "[]", text))
    text = without_links(text)
    text = _BARE_ADDRESS.sub(lambda found: found[0] if found[0].lower() in addresses else LINK_LEFT_OUT, text)
    return " ".join(text.translate(_BRACKETS).split())


def has_link(text: str) -> bool:
    """Say whether a text has a link, an address or a tag."""
    return any(pattern.search(text) for pattern in (_LINK, _ADDRESS, _BARE_ADDRESS, _TAG))


def without_links(text: str) -> str:
    """Return text in which no chat tool finds a link or a tag: links in answers lead to our own documents only."""
    return _TAG.sub("< ", _ADDRESS.sub(LINK_LEFT_OUT, text))


def mailboxes(text: str) -> frozenset[str]:
    """Return the e-mail addresses in a text, in small letters."""
    return frozenset(found[0].lower() for found in _MAILBOX.finditer(text))
