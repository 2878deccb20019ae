"""The records of answering: frozen, without behaviour.

A Quote is what an answer says is in a source. A Citation is a quote that was found: only `qa/citations.py` makes one,
so whoever holds a Citation may rely on `document.text[start:end] == quote` for the version named by `sha256`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from index.records import AllOf, Filter, Hit, Locator

Verdict = Literal["supported", "unsupported", "contradicted", "unchecked"]
Status = Literal["answered", "no_evidence", "partial"]
Mode = Literal["auto", "llm", "extractive"]


@dataclass(frozen=True, slots=True)
class Quote:
    """Words that an answer says are in a source: unchecked. passage_id: where it says they are, "" if it does not."""

    text: str
    passage_id: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A quote that was not found, and why."""

    quote: str
    reason: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote that was found. `n` is its number in the answer, 0 before it has one; score: of its passage, 0 to 1."""

    document_id: str
    title: str
    path: str
    sha256: str
    start: int
    end: int
    quote: str
    locator: Locator
    passage_id: str
    score: float
    n: int = 0


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a claim that nothing bore out. by: what helped, "" when nothing did; before: its first wording."""

    tried: tuple[Literal["search", "model"], ...]
    by: Literal["search", "model", ""] = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer. start and end index the answer's text, markers not included; reason: of the verdict."""

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    citations: tuple[int, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    reason: str = ""
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of a conversation that the asker keeps, with the answer that was given to it."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A question with what the asker wants of the answer; model "", k 0 and only_supported None: as configured.

    earlier: the conversation, oldest first, where it is not one of ours with a conversation_id. wishes: how a written
    answer should sound, in the asker's words.
    """

    question: str
    collection: str = ""
    mode: Mode = "auto"
    model: str = ""
    k: int = 0
    filters: Filter = AllOf()
    conversation_id: str = ""
    only_supported: bool | None = None
    earlier: tuple[Turn, ...] = ()
    wishes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with everything that is needed to check it later."""

    id: str
    question: str
    searched_for: str
    conversation_id: str
    created_at: str
    status: Status
    mode: Literal["llm", "extractive"]
    degraded: str  # why the answer is not the one asked for; "" when it is
    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    model: str
    prompt_name: str
    prompt_sha256: str
    generation: int
    embedder: str
    usage: Mapping[str, float]
    timings_ms: Mapping[str, int]
    score: float = 0.0  # the chance that the passages answer the question, as measured on held-out questions
    conflicts: tuple[Mapping[str, Any], ...] = ()  # {"claim", "other", "reason", "newer"}: places in `claims`
    left_out: tuple[Claim, ...] = ()  # with only_supported: claims that are not borne out
    notes: tuple[str, ...] = ()  # what was done that a reader should know, in sentences


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an answer in the making: meta, passages, text, citation, claim, done."""

    name: Literal["meta", "passages", "text", "citation", "claim", "done"]
    data: Mapping[str, Any]
