"""What the routes below /v1 answer, as models: for the description at /openapi.json, which a test compares with replies."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from qa.web.schemas import AnswerOut, ErrorOfOpenAI

_NOT_WITH_SOURCES = "Not in Open WebUI's profile."


class ChatModel(BaseModel):
    """A model: a collection that can be asked. created: seconds since 1970, when the index was last written."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ChatModels(BaseModel):
    """The models, the one that asks the default collection first."""

    object: Literal["list"]
    data: list[ChatModel]


class UrlCitation(BaseModel):
    """Where a marker stands, in code points of the content, and the link that opens the quoted words."""

    start_index: int
    end_index: int
    url: str
    title: str


class ChatAnnotation(BaseModel):
    """The place of one marker, as OpenAI has it."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class ChatMessage(BaseModel):
    """What is said. content: with `[n]` markers, which in the profile `links` are Markdown links."""

    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[ChatAnnotation]


class ChatChoice(BaseModel):
    """The one choice. finish_reason: `length` for an answer that was cut or broke off."""

    index: int
    message: ChatMessage
    logprobs: None
    finish_reason: Literal["stop", "length"]


class ChatUsage(BaseModel):
    """The tokens that the LLM took; 0 where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class SearchResult(BaseModel):
    """A citation as other vendors' clients read it. snippet: the quoted words."""

    title: str
    url: str
    snippet: str


class NamedSource(BaseModel):
    """What Open WebUI names a source by."""

    id: str
    name: str
    url: str


class SourceMetadata(BaseModel):
    """What Open WebUI numbers its chips by: `source` is the link, one per quote."""

    source: str
    name: str
    url: str


class ChatSource(BaseModel):
    """A citation as Open WebUI reads it. document: the quote."""

    source: NamedSource
    document: list[str]
    metadata: list[SourceMetadata]


class _WithCitations(BaseModel):
    """What stands beside OpenAI's fields. A title or other task that a client sends by itself has none of it."""

    citations: list[str] | None = Field(None, description=f"The links; citations[n-1] is of [n]. {_NOT_WITH_SOURCES}")
    search_results: list[SearchResult] | None = Field(None, description=f"With title and quote. {_NOT_WITH_SOURCES}")
    sources: list[ChatSource] | None = Field(None, description="The citations for Open WebUI, in its profile.")
    citable_qa: AnswerOut | None = Field(None, description="The whole answer object, as POST /api/ask has it.")


class ChatCompletion(_WithCitations):
    """An answer as OpenAI's chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage


class ChatDelta(BaseModel):
    """What a chunk adds to the message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: None = None
    annotations: list[ChatAnnotation] | None = None


class ChunkChoice(BaseModel):
    """The one choice, a piece of it."""

    index: int
    delta: ChatDelta
    logprobs: None
    finish_reason: Literal["stop", "length"] | None


class SourceEvent(BaseModel):
    """An event of Open WebUI's."""

    type: Literal["source"]
    data: ChatSource


class ChatCompletionChunk(_WithCitations):
    """A piece of a streamed answer. The last one has finish_reason, and what stands beside OpenAI's fields."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatUsage | None = Field(None, description="In the last chunk, where `stream_options.include_usage` asks for it.")
    event: SourceEvent | None = Field(None, description="Before the text that cites it, in Open WebUI's profile.")


class ErrorInStream(ErrorOfOpenAI):
    """A fault after the answer had begun."""

    request_id: str


class ChatStreamError(BaseModel):
    """What ends a stream that cannot go on."""

    error: ErrorInStream
