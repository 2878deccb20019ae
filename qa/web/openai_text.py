"""The text of an answer for a chat client, with the place of each marker in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa.answer import NEAREST
from qa.claims import WEAK
from qa.profiles import Profile
from qa.prompts import estimate_tokens
from qa.web.export import escape_markdown
from qa.web.paragraphs import verdict_key
from qa.web.places import place
from qa.web.strings import t, why

_MARKER = re.compile(r"\[(\d+)\]")  # square brackets stand for nothing else in an answer's text (qa/draft.py)
_MARKERS = re.compile(r" (?:\[\d+\])+")
_MARKUP = re.compile(r"([\\`*<~$]|(?<!\w)_|_(?!\w)|&(?=#?\w+;))")
_AT_START = re.compile(r"^(\d*)([-+=.)#>:|])")  # what would begin a list, a heading or another block
_NEAREST_SHOWN = 3

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Marker:
    """Where the marker of citation `n` stands in a text: text[start:end]."""

    n: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Content:
    """A text and its markers in order."""

    text: str
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says, or the first part of that. is_cut: more was said than it was allowed to."""

    text: str
    claims: Sequence[Json]
    is_cut: bool = False


def cut_to(said: Said, most_tokens: int) -> Said:
    """Return the claims that fit, whole and with their markers; where none does the beginning of the first, without.

    most_tokens: by the estimate of qa/prompts.py, which rather counts too many; 0 for any number.
    """
    if not most_tokens or estimate_tokens(said.text) <= most_tokens:
        return said
    fitting = [claim for claim in said.claims if estimate_tokens(said.text[: end_of(claim, said.text)]) <= most_tokens]
    if fitting:
        return Said(said.text[: end_of(fitting[-1], said.text)], fitting, is_cut=True)
    beginning = said.text.encode()[: 3 * most_tokens - 1].decode(errors="ignore")
    return Said(beginning.partition("[")[0].rstrip(), (), is_cut=True)


def end_of(claim: Json, text: str) -> int:
    """Return where a claim ends in the answer's text, with its markers."""
    markers = _MARKERS.match(text, claim["end"])
    return markers.end() if markers else int(claim["end"])


def body_of(said: Said, citations: Sequence[Json], profile: Profile, base: str) -> Content:
    """Return what an answer says as a profile puts it. What is said first comes out the same, whatever follows."""
    urls = {citation["n"]: absolute(citation["url"], base) for citation in citations}
    escape = _escape if profile.markdown else str
    doubts = {end_of(claim, said.text): _doubt(claim) for claim in said.claims if claim["verdict"] in WEAK}
    writer = _Writer(said.text, escape, doubts if profile.markdown else {})
    for found in _MARKER.finditer(said.text):
        n = int(found[1])
        writer.copy_to(found.start())
        writer.mark(n, f"[{found[0]}]({urls[n]})" if profile.links else found[0])
        writer.at = found.end()
    writer.copy_to(len(said.text))
    return Content(writer.text, tuple(writer.markers))


def whole_content(answer: Json, said: Said, profile: Profile, base: str) -> Content:
    """Return the content of a finished answer: what it says, and behind it what its readers should know."""
    if answer["status"] == "no_evidence":  # the passages are not below a chat's message, unless we put them there
        said = Said(said.text.removesuffix(NEAREST), said.claims, said.is_cut)
    body = body_of(said, answer["citations"], profile, base)
    if not profile.markdown:
        return body
    shown = {marker.n for marker in body.markers}
    cited = [citation for citation in answer["citations"] if citation["n"] in shown]
    parts = [body.text, *_notes(answer)]
    if answer["status"] == "no_evidence" and answer["passages"]:
        nearest = [f"- {_linked(one, base)}" for one in answer["passages"][:_NEAREST_SHOWN]]
        parts.append(t("chat.nearest").unescape() + "\n\n" + "\n".join(nearest))
    if profile.links and cited:
        listed = [f"{one['n']}. {_linked(one, base)}: “{escape_markdown(one['quote'])}”" for one in cited]
        parts.append(t("chat.sources").unescape() + "\n\n" + "\n".join(listed))
    return Content("\n\n".join(parts), body.markers)


def escape_quote(quote: str) -> str:
    """Return a quote for Open WebUI, which reads it as Markdown and would fetch its pictures, so that it shows it as it is.

    On one line. Brackets are left alone where they make no link: between two escaped ones it finds a formula.
    """
    text = _escape(" ".join(quote.split()))
    return _AT_START.sub(r"\1\\\2", text.replace("[", "\\[") if "](" in text else text)


def absolute(url: str, base: str) -> str:
    """Return a link that works outside of our pages."""
    return base + url if url.startswith("/") else url


def title_of(source: Json) -> str:
    """Name a citation or passage: its document's title, and the place as people call it."""
    where = html.unescape(str(place(source["locator"])))  # it is made for pages
    return ", ".join(name for name in (source["title"], where) if name)


class _Writer:
    """Copies a text piece by piece, with markers put in the place of markers and doubts behind claims."""

    def __init__(self, source: str, escape: Callable[[str], str], doubts: Mapping[int, str]) -> None:
        self.at = 0
        self.markers: list[Marker] = []
        self.text = ""
        self._source, self._escape, self._doubts = source, escape, dict(doubts)

    def copy_to(self, end: int) -> None:
        """Copy the source from where it stands, with the doubts that belong there."""
        for behind in sorted(at for at in self._doubts if at <= end):
            self._copy(behind)
            self.text += self._doubts.pop(behind)
        self._copy(end)

    def mark(self, n: int, marker: str) -> None:
        """Write a marker and take down its place."""
        self.markers.append(Marker(n, len(self.text), len(self.text) + len(marker)))
        self.text += marker

    def _copy(self, end: int) -> None:
        self.text += self._escape(self._source[self.at : end])
        self.at = max(self.at, end)


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _doubt(claim: Json) -> str:
    return f" ({t('verdict.' + verdict_key(claim)).unescape()})"


def _linked(source: Json, base: str) -> str:
    return f"[{escape_markdown(title_of(source))}]({absolute(source['url'], base)})"


def _notes(answer: Json) -> list[str]:
    """Return what the page of the answer would say beside it."""
    said = [escape_markdown(note) for note in answer["notes"]]
    if answer["degraded"]:
        reason = escape_markdown(why(answer["degraded"]["reason"]).unescape())
        is_partial = answer["status"] == "partial"
        said.insert(0, (t("chat.partial", reason=reason) if is_partial else t("chat.degraded", reason=reason)).unescape())
    return said
