"""The body of POST /v1/chat/completions: checked as OpenAI checks it, and what it asks of us."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from qa.records import Turn
from qa.web.bodies import read_json
from qa.web.problems import FieldRefused

_MOST_TURNS = 10  # earlier questions that are looked at
_LONGEST_WISHES = 1_000  # characters of system messages
_LONGEST_EARLIER = 4_000  # characters of an earlier message
_CODES = {"missing": "missing_required_parameter"}


class _Lenient(BaseModel):
    """Fields that it does not know are left alone: OpenAI adds some every month, and clients send them."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Part(_Lenient):
    """A part of a message's content; only text can be asked about."""

    type: str = Field(description="`text`, or `refusal`, which says nothing")
    text: str | None = None


class Message(_Lenient):
    """A message of the conversation. The user's last one is the question; the system's are wishes about tone and length."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """The content's text."""
        if isinstance(self.content, list):
            return "\n".join(part.text or "" for part in self.content)
        return self.content or ""


class StreamOptions(_Lenient):
    """What a stream holds besides the text."""

    include_usage: bool | None = Field(None, description="end with a chunk that holds the usage")


class ResponseFormat(_Lenient):
    """The form of the content."""

    type: str = Field(description="`text`; others are refused")


_Text = Annotated[str, Field(min_length=1, max_length=256)]


class ChatBody(_Lenient):
    """Body of POST /v1/chat/completions. model: the collection that is asked."""

    model: _Text = Field(description="an id of GET /v1/models")
    messages: list[Message] = Field(min_length=1, max_length=2_000)
    stream: bool | None = Field(None, description="answer in pieces, as server-sent events")
    stream_options: StreamOptions | None = Field(None, description="only with `stream`")
    max_tokens: int | None = Field(None, ge=1, description="cuts the answer's own text behind a whole claim")
    max_completion_tokens: int | None = Field(None, ge=1, description="the same; wins over `max_tokens`")
    n: int | None = Field(None, ge=1, le=128, description="more than 1 is refused")
    temperature: float | None = Field(None, ge=0, le=2, description="changes nothing here")
    top_p: float | None = Field(None, ge=0, le=1, description="changes nothing here")
    logprobs: bool | None = Field(None, description="true is refused")
    stop: str | list[str] | None = Field(None, description="changes nothing here")
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = Field(None, description="what is not `text` is refused")
    tools: list[dict[str, Any]] | None = Field(None, description="none is ever called")
    tool_choice: str | dict[str, Any] | None = Field(None, description="what demands a tool is refused")
    function_call: str | dict[str, Any] | None = Field(None, description="what demands a function is refused")

    @property
    def most_tokens(self) -> int:
        """Tokens that the answer's text may have, 0 for any number."""
        return self.max_completion_tokens or self.max_tokens or 0

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


_FIELDS = {name for kind in (ChatBody, Message, Part, StreamOptions, ResponseFormat) for name in kind.model_fields}


def read_chat_body() -> ChatBody:
    """Return the request's body. Raises FieldRefused for a field that is wrong or cannot be served."""
    try:
        return ChatBody.model_validate(read_json())
    except ValidationError as error:
        first = _first_fault(error)
        param = _param(first["loc"])
        code = _CODES.get(first["type"], "invalid_type" if first["type"].endswith("_type") else "invalid_value")
        raise FieldRefused(param, f"{param}: {first['msg']}", code=code) from None


def _first_fault(error: ValidationError) -> ErrorDetails:
    """Return what is wrong first; of the forms that a field may have, by the one that the sender came nearest to."""
    faults = error.errors(include_input=False, include_url=False)
    of_field = [one for one in faults if _param(one["loc"]).startswith(_param(faults[0]["loc"]))]
    return max(of_field, key=lambda one: len(one["loc"]))


def check_servable(body: ChatBody) -> None:
    """Raise FieldRefused for what OpenAI's API offers and this one cannot do; what changes nothing is left alone."""
    demanded = isinstance(body.tool_choice, dict) or body.tool_choice == "required" or isinstance(body.function_call, dict)
    form = body.response_format.type if body.response_format else "text"
    refused = (
        ("n", (body.n or 1) > 1, "an answer is made once: ask with n = 1"),
        ("logprobs", bool(body.logprobs), "there are no probabilities of tokens"),
        ("response_format", form != "text", "an answer is text with citations; its parts are in `citable_qa`"),
        ("tool_choice", demanded, "no tool is ever called; leave it out, or set it to `auto` or `none`"),
        ("modalities", any(one != "text" for one in body.modalities or ()), "an answer is text"),
    )
    for param, is_refused, why in refused:
        if is_refused:
            raise FieldRefused(param, f"{param}: cannot be served here", why, code="unsupported_value")
    if body.stream_options and not body.stream:
        raise FieldRefused("stream_options", "stream_options: only allowed when `stream` is true")
    for i, message in enumerate(body.messages):
        _check_parts(f"messages[{i}].content", message)


def question_of(body: ChatBody) -> str:
    """Return the last message of the user. Raises FieldRefused where there is none."""
    return body.messages[_last_of_user(body)].text


def earlier_turns(body: ChatBody) -> tuple[Turn, ...]:
    """Return the questions before the last one, each with what the assistant said to it."""
    turns: list[Turn] = []
    for message in body.messages[: _last_of_user(body)]:
        text = message.text[:_LONGEST_EARLIER]
        if message.role == "user" and text.strip():
            turns.append(Turn(text, ""))
        elif message.role == "assistant" and turns and text:
            turns[-1] = Turn(turns[-1].question, f"{turns[-1].answer}\n{text}".strip())
    return tuple(turns[-_MOST_TURNS:])


def wishes_of(body: ChatBody) -> str:
    """Return what the system messages say, cut at its longest."""
    said = "\n".join(message.text.strip() for message in body.messages if message.role in ("system", "developer"))
    return said[:_LONGEST_WISHES].strip()


def _last_of_user(body: ChatBody) -> int:
    for i in range(len(body.messages) - 1, -1, -1):
        if body.messages[i].role == "user":
            return i
    raise FieldRefused("messages", "messages: none of them is the user's", "ask in a message with the role `user`")


def _check_parts(param: str, message: Message) -> None:
    for i, part in enumerate(message.content if isinstance(message.content, list) else ()):
        if part.type not in ("text", "refusal"):
            raise FieldRefused(
                f"{param}[{i}]",
                f"{param}[{i}]: a part of type {part.type[:40]!r} cannot be read",
                "only text can be asked about; documents are indexed with `qa index`",
                code="unsupported_value",
            )
        if part.type == "text" and part.text is None:
            raise FieldRefused(f"{param}[{i}].text", f"{param}[{i}].text: Field required", code=_CODES["missing"])


def _param(place: tuple[int | str, ...]) -> str:
    """Write a place in the body as OpenAI does: messages[0].content. The names of pydantic's unions are no part of it."""
    known = [part for part in place if isinstance(part, int) or part in _FIELDS]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in known).removeprefix(".") or "body"
