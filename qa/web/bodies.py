"""The bodies of API requests, checked by pydantic: unknown fields are errors."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from index.records import Filter
from qa.errors import BadQuestion
from qa.records import AskRequest
from qa.retrieval import filters_from_json

_Body = TypeVar("_Body", bound=BaseModel)


class _Within(BaseModel):
    """A range of texts such as ISO dates, both ends included."""

    model_config = ConfigDict(extra="forbid", strict=True)

    low: str = Field("", alias="from")
    high: str = Field("", alias="to")


_Several = Annotated[list[str], Field(min_length=1, max_length=100)]


class SearchBody(BaseModel):
    """Body of POST /api/search."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: str
    collection: str = ""
    k: int = Field(0, ge=0, le=50)
    filters: dict[str, str | _Several | _Within] = Field(default_factory=dict, max_length=20)


class AskBody(SearchBody):
    """Body of POST /api/ask."""

    conversation_id: str | None = Field(None, max_length=64)
    mode: Literal["auto", "llm", "extractive"] = "auto"
    model: str = ""
    only_supported: bool | None = None


class NoFields(BaseModel):
    """Body of POST /api/index, which may be left out: what is indexed again stands in the index."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DocumentsQuery(BaseModel):
    """What GET /api/documents takes in its address."""

    collection: str = ""
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=999_999_999)


def read_query(kind: type[_Body]) -> _Body:
    """Return what the address asks for, checked. Raises 400 for a wrong value."""
    try:
        return kind.model_validate({name: request.args[name] for name in kind.model_fields if name in request.args})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadRequest(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def read_json() -> Any:
    """Return the request's JSON. Raises 415 for another type, 400 for what is no JSON."""
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON with Content-Type: application/json.")
    try:
        fields: Any = request.get_json()
        json.dumps(fields, ensure_ascii=False).encode()  # half a surrogate pair is no text that could be stored
    except (BadRequest, RecursionError, UnicodeEncodeError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    return fields


def read_body(kind: type[_Body]) -> _Body:
    """Return the request's JSON as a checked body. Raises 400 or 415 for no JSON, BadQuestion for a wrong field."""
    fields = read_json()
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        allowed = ", ".join(kind.model_fields)
        hint = f"the fields are: {allowed}" if allowed else "send {} or nothing"
        raise BadQuestion(f"{place}: {first['msg']}", hint) from None


def ask_request(body: SearchBody) -> AskRequest:
    """Return what a body asks for."""
    if isinstance(body, AskBody):
        return AskRequest(
            question=body.question,
            collection=body.collection,
            mode=body.mode,
            model=body.model,
            k=body.k,
            filters=_filters(body),
            conversation_id=body.conversation_id or "",
            only_supported=body.only_supported,
        )
    return AskRequest(body.question, body.collection, "extractive", k=body.k, filters=_filters(body))


def _filters(body: SearchBody) -> Filter:
    values = {key: one.model_dump(by_alias=True) if isinstance(one, _Within) else one for key, one in body.filters.items()}
    return filters_from_json(values)
