"""An answer to take along: Markdown or plain text, with its references, and doubts said where they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from qa.web.paragraphs import paragraphs_of, verdict_key
from qa.web.places import place
from qa.web.strings import t

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
_AT_START = re.compile(r"^(\d*)([-+=.)])")  # what would begin a list, a line or a heading

_Escape = Callable[[str], str]


def to_markdown(answer: Mapping[str, Any], base: str) -> str:
    """Return an answer as Markdown in which nothing but our own marks is markup. base: put before links that are paths."""

    def marker(citation: Mapping[str, Any]) -> str:
        return f"[\\[{citation['n']}\\]](<{_link(citation, base)}>)"

    parts = [f"# {escape_markdown(answer['question'])}", *_body(answer, escape_markdown, marker)]
    if answer["citations"]:
        parts += [
            f"## {t('answer.sources')}",
            "\n".join(_reference(one, base, escape_markdown) for one in answer["citations"]),
        ]
    return "\n\n".join([*parts, escape_markdown(_origin(answer))]) + "\n"


def to_text(answer: Mapping[str, Any], base: str) -> str:
    """Return an answer as plain text. base: put before links that are paths."""
    parts = [answer["question"], *_body(answer, str, lambda citation: f"[{citation['n']}]")]
    parts += [f"[{one['n']}] {_described(one, str)}\n{_link(one, base)}" for one in answer["citations"]]
    return "\n\n".join([*parts, _origin(answer)]) + "\n"


def escape_markdown(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _AT_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def _body(answer: Mapping[str, Any], escape: _Escape, marker: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """Return the paragraphs, each claim with its markers and, where it is not borne out, the word for that."""
    paragraphs = []
    for paragraph in paragraphs_of(answer):
        parts = [" ".join(_claim(claim, escape, marker) for claim in part) for part in paragraph["parts"]]
        lead = [escape(paragraph["lead"])] if paragraph["lead"] else []
        said = [*lead, "\n".join(f"- {part}" for part in parts)] if paragraph["listed"] else [" ".join([*lead, *parts])]
        paragraphs += said
    return paragraphs


def _claim(claim: Mapping[str, Any], escape: _Escape, marker: Callable[[Mapping[str, Any]], str]) -> str:
    doubt = [] if claim["verdict"] in ("supported", "none") else [f"({t('verdict.' + verdict_key(claim))})"]
    return " ".join([escape(claim["text"]), *map(marker, claim["cited"]), *doubt])


def _reference(citation: Mapping[str, Any], base: str, escape: _Escape) -> str:
    return f"{citation['n']}. {_described(citation, escape)} <{_link(citation, base)}>"


def _described(citation: Mapping[str, Any], escape: _Escape) -> str:
    names = [citation["title"], place(citation["locator"]), citation["path"]]
    return f"{escape(', '.join(name for name in names if name))}: “{escape(citation['quote'])}”"


def _link(citation: Mapping[str, Any], base: str) -> str:
    url = str(citation["url"])
    return base + url if url.startswith("/") else url


def _origin(answer: Mapping[str, Any]) -> str:
    """Return who made the answer, and when."""
    if answer["status"] == "no_evidence":
        made = t("answer.nothing_cited")
    else:
        made = t("answer.by_model", model=answer["model"]) if answer["mode"] == "llm" else t("answer.by_quotes")
    return f"{made.unescape()} {answer['created_at']}"
