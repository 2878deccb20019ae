"""An answer as a message of a chat tool: numbered links, doubts said, every cited source listed, and not too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from index.locators import describe, locator_from_json
from qa.web.paragraphs import paragraphs_of, verdict_key
from qa.web.strings import translate, why

_QUOTES = (240, 80, 0)  # characters of each quote, tried in turn; 0 leaves quotes out
_NAME = 120
_NEAREST = 3
_MORE = 1_000  # characters that are left for the answer at least, however many sources there are


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a chat tool marks text up. escape: text → shown as it is; link: (shown text, escaped; address) → a link."""

    escape: Callable[[str], str]
    link: Callable[[str, str], str]
    limit: int  # characters of a message


def escape_mrkdwn(text: str) -> str:
    """Return a text as Slack's mrkdwn shows it as it is: no mention, no link."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link_mrkdwn(label: str, url: str) -> str:
    """Return a link of Slack's mrkdwn."""
    return f"<{url}|{label.replace('|', '/')}>"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """An answer's text, and a line for each source."""

    body: str
    sources: tuple[str, ...]


def write_message(answer: Mapping[str, Any], base: str, dialect: Dialect) -> ChatMessage:
    """Return the answer within the dialect's limit: quotes are shortened first, then the text; no cited source is lost.

    base: the address of this server, put before links.
    """
    sources = _sources(answer, base, dialect)
    room = dialect.limit - sum(len(line) + 1 for line in sources)
    page = dialect.link(dialect.escape("Read all of it"), f"{base}/answers/{answer['id']}")
    notes = [dialect.escape(note) for note in answer["notes"]]
    if answer["degraded"]:
        key = "chat.partial" if answer["status"] == "partial" else "chat.degraded"
        notes.append(dialect.escape(translate("en", key, reason=why(answer["degraded"]["reason"], "en")).unescape()))
    return ChatMessage(
        _fit([*_pieces(answer, base, dialect), *(f"\n\n{note}" for note in notes)], room, page), tuple(sources)
    )


def _fit(pieces: list[str], room: int, page: str) -> str:
    """Put pieces together as long as they have room; what is cut off is a click away."""
    if sum(map(len, pieces)) <= room:
        return "".join(pieces).strip()
    text = ""
    for piece in pieces:
        if len(text) + len(piece) + len(page) + 3 > room:
            break
        text += piece
    return f"{text.strip()} … {page}".strip()


def _pieces(answer: Mapping[str, Any], base: str, dialect: Dialect) -> Iterator[str]:
    """Yield the claims, each with what comes before it, its numbers as links and its doubt."""
    for paragraph in paragraphs_of(answer):
        before = "\n\n"
        if paragraph["lead"]:
            yield before + dialect.escape(paragraph["lead"])
            before = "\n"
        for part in paragraph["parts"]:
            before = f"{before}• " if paragraph["listed"] else before
            for claim in part:
                yield before + _claim(claim, base, dialect)
                before = " "
            before = "\n"


def _claim(claim: Mapping[str, Any], base: str, dialect: Dialect) -> str:
    text = dialect.escape(claim["text"][: dialect.limit // 2])
    numbers = [dialect.link(dialect.escape(f"[{one['n']}]"), _address(one, base)) for one in claim["cited"]]
    is_borne_out = claim["verdict"] in ("supported", "none")
    doubt = [] if is_borne_out else [dialect.escape(f"({translate('en', 'verdict.' + verdict_key(claim)).unescape()})")]
    return " ".join([text, *numbers, *doubt])


def _sources(answer: Mapping[str, Any], base: str, dialect: Dialect) -> list[str]:
    """Return a line for each source, with as much of its quote as there is room for beside the answer."""
    if answer["status"] == "no_evidence":
        nearest = answer["passages"][:_NEAREST]
        return [f"• {dialect.link(dialect.escape(_name(one)), _address(one, base))}" for one in nearest]
    shown = answer["citations"]
    for length in _QUOTES:
        lines = [_source(one, base, dialect, length) for one in shown]
        if sum(len(line) + 1 for line in lines) <= dialect.limit - max(_MORE, dialect.limit // 2):
            return lines
    lines = [dialect.link(dialect.escape(f"[{one['n']}]"), _address(one, base)) for one in shown]
    if sum(len(line) + 1 for line in lines) <= dialect.limit - _MORE:
        return lines
    return [dialect.link(dialect.escape(f"All {len(shown)} sources"), f"{base}/answers/{answer['id']}")]


def _source(citation: Mapping[str, Any], base: str, dialect: Dialect, length: int) -> str:
    named = f"[{citation['n']}] {_name(citation)}"
    line = dialect.link(dialect.escape(named), _address(citation, base))
    quote = " ".join(citation["quote"].split())
    if not length:
        return line
    return f"{line}: “{dialect.escape(quote if len(quote) <= length else quote[:length].rstrip() + '…')}”"


def _name(shown: Mapping[str, Any]) -> str:
    place = describe(locator_from_json(shown["locator"]))
    name = f"{shown['title']}, {place}" if place else str(shown["title"])
    return name if len(name) <= _NAME else name[:_NAME].rstrip() + "…"


def _address(shown: Mapping[str, Any], base: str) -> str:
    url = str(shown["url"])
    return base + url if url.startswith("/") else url
