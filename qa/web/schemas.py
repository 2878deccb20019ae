"""What the API answers, as models: for the description at /openapi.json, which a test compares with real answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ErrorOfOpenAI(BaseModel):
    """An error as clients of OpenAI's API read it."""

    message: str
    type: str
    param: str | None
    code: str


class Problem(BaseModel):
    """An error (RFC 9457). code: a stable word; hint: what to do about it; instance: the path."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    instance: str
    request_id: str
    error: ErrorOfOpenAI


class RejectedQuote(BaseModel):
    """A quote that was not found."""

    quote: str
    reason: str


class ClaimOut(BaseModel):
    """A sentence of an answer. start, end: of the answer's text; citations: their numbers."""

    text: str
    start: int
    end: int
    verdict: Literal["supported", "unsupported", "contradicted", "unchecked"]
    score: float
    citations: list[int]
    rejected: list[RejectedQuote]
    reason: str
    repair: dict[str, Any] | None


class CitationOut(BaseModel):
    """Words that stand in a document: `text[start:end] == quote`, in code points of the version with this sha256."""

    n: int
    document_id: str
    title: str
    path: str
    sha256: str
    start: int
    end: int
    quote: str
    locator: dict[str, Any]
    url: str
    score: float


class PassageOut(BaseModel):
    """A passage that was found. scores: of each stage that ran; flags: what in it gives orders to a language model."""

    id: str
    document_id: str
    title: str
    path: str
    lang: str
    start: int
    end: int
    text: str
    locator: dict[str, Any]
    url: str
    scores: dict[str, float | None]
    flags: list[str]
    cited: bool


class AnswerOut(BaseModel):
    """An answer with all that is needed to check it."""

    id: str
    question: str
    searched_for: str
    conversation_id: str | None
    created_at: str
    status: Literal["answered", "no_evidence", "partial"]
    mode: Literal["llm", "extractive"]
    degraded: dict[str, Any] | None
    score: float
    text: str
    claims: list[ClaimOut]
    citations: list[CitationOut]
    passages: list[PassageOut]
    model: str | None
    prompt: dict[str, Any] | None
    index: dict[str, Any]
    conflicts: list[dict[str, Any]]
    left_out: list[ClaimOut]
    notes: list[str]
    usage: dict[str, float]
    timings_ms: dict[str, int]


class FoundOut(BaseModel):
    """What a search found. generation: of the index."""

    question: str
    generation: int
    passages: list[PassageOut]


class DocumentInfoOut(BaseModel):
    """A document without its text. length: in code points."""

    id: str
    collection: str
    path: str
    part: str
    title: str
    sha256: str
    length: int
    media_type: str
    lang: str
    metadata: dict[str, str]
    generation: int
    indexed_at: str


class DocumentOut(DocumentInfoOut):
    """A document with its text, which citations index, and the places in it."""

    text: str
    sections: list[dict[str, Any]]


class DocumentsOut(BaseModel):
    """A page of documents. next: the offset of the following page."""

    documents: list[DocumentInfoOut]
    total: int
    next: int | None


class CheckOut(BaseModel):
    """What has become of a citation; where its words are now, if they are."""

    model_config = ConfigDict(extra="allow")

    n: int
    document_id: str
    quote: str
    status: Literal["valid", "moved", "changed", "gone"]


class ChecksOut(BaseModel):
    """A stored answer's citations against today's documents."""

    id: str
    generation: int
    valid: bool
    citations: list[CheckOut]


class JobOut(BaseModel):
    """How far indexing is. done, total: files."""

    status: Literal["idle", "running", "done", "failed"]
    done: int
    total: int
    path: str
    counts: dict[str, int] | None
    error: dict[str, str] | None


class FeedbackOut(BaseModel):
    """What is kept."""

    answer_id: str
    citation: int
    value: str


class HealthOut(BaseModel):
    """That the process answers, or is ready to."""

    status: Literal["ok", "ready"]
    generation: int = Field(0, description="of the index")
