"""The answer object for assistants: its links made whole, and its text with numbered source links under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from index.locators import describe, locator_from_json
from qa.config import Settings, host_in_url

_DOUBTS = {"unsupported": "Not borne out", "contradicted": "Contradicted by its source", "unchecked": "Not checked"}
_NEAREST = 3
_ANY_HOST = ("", "0.0.0.0", "::")  # noqa: S104 - names to recognise, nothing is bound here


def links_base(settings: Settings) -> str:
    """Return the address that citation links begin with: that of `qa serve`, where they open highlighted."""
    host = "127.0.0.1" if settings.host in _ANY_HOST else settings.host
    return settings.base_url or f"http://{host_in_url(host)}:{settings.port}"


def whole_link(url: str, base: str) -> str:
    """Return a link that can be opened from anywhere."""
    return base + url if url.startswith("/") else url


def with_whole_links(answer: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Return the answer object with every link made whole; the stored one keeps its paths."""
    linked = {
        name: [{**one, "url": whole_link(one["url"], base)} for one in answer[name]] for name in ("citations", "passages")
    }
    return {**answer, **linked}


def answer_text(answer: Mapping[str, Any]) -> str:
    """Return an answer for a model that reads no structured content: text, doubts, notes, and the sources as links."""
    notes = [*answer["notes"], *([answer["degraded"]["reason"]] if answer["degraded"] else [])]
    parts = [
        answer["text"],
        "\n".join(f"{_DOUBTS[one['verdict']]}: {one['text']}" for one in answer["claims"] if one["verdict"] in _DOUBTS),
        "\n".join(f"Note: {note}" for note in notes),
        _listed("Sources", [_source(one) for one in answer["citations"]]),
        _listed("Nearest passages", _nearest(answer)),
        f"To ask a follow-up question, give conversation_id {answer['conversation_id']}.",
    ]
    return "\n\n".join(part for part in parts if part)


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join([f"{heading}:", *lines]) if lines else ""


def _source(citation: Mapping[str, Any]) -> str:
    quote = " ".join(citation["quote"].split())
    return f"[{citation['n']}] {_link(citation)}: “{quote}”"


def _nearest(answer: Mapping[str, Any]) -> list[str]:
    return [f"- {_link(one)}" for one in answer["passages"][:_NEAREST]] if answer["status"] == "no_evidence" else []


def _link(shown: Mapping[str, Any]) -> str:
    return f"[{link_name(shown['title'], describe(locator_from_json(shown['locator'])))}]({shown['url']})"


def link_name(title: str, place: str) -> str:
    """Return what a link to a place in a document is called, on one line and without the marks that would end it."""
    name = f"{title}, {place}" if place else title
    return " ".join(name.replace("[", "(").replace("]", ")").split())
