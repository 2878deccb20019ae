"""The API's own description, OpenAPI 3.1, from the models that check what is sent; and a page that shows it.

A route says what it takes and answers by `@described(...)`. spectree makes the description of it; the checking stays with
`read_body`, for errors are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from flask import Blueprint, Response, current_app, jsonify, render_template
from pydantic import BaseModel
from spectree import Response as Responses
from spectree import SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData
from spectree.plugins.flask_plugin import FlaskPlugin

from qa import __version__
from qa.web.access import needs
from qa.web.problems import FOR_TOOLS
from qa.web.schemas import Problem

bp = Blueprint("openapi", __name__)

_View = TypeVar("_View", bound=Callable[..., Any])
_ALWAYS = (400, 401, 403, 404, 429, 500, 503)  # what any route may answer
_WITH_BODY = (413, 415)
_EVENTS = "text/event-stream"
_SCHEMAS = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Events:
    """Server-sent events that a route answers with where it is asked to.

    said: what they are; chunks: what the data of each may be; last: what that of the last one is, if that is no JSON.
    """

    said: str
    chunks: tuple[type[BaseModel], ...] = ()
    last: str = ""


@dataclass(frozen=True, slots=True)
class _Further:
    """What spectree cannot say of a route. codes: every status that it may answer with."""

    codes: frozenset[int]
    events: Events | None


def _component(name: str) -> str:
    return name.removesuffix("Out").removeprefix("_")


class _Describing(FlaskPlugin):
    """Describes routes and leaves them as they are: a stream must not be read through to look at it."""

    def validate(self, func: Callable[..., Any], *_: Any, **values: Any) -> Any:
        """Call the view."""
        return func(**values)


_SPEC = SpecTree(
    backend=_Describing,
    mode="strict",
    annotations=False,
    title="Citable QA",
    version=__version__,
    description="Answers questions over documents; every claim carries a citation that is a verbatim span of a source.",
    validation_error_model=Problem,
    naming_strategy=lambda model: _component(model.__name__),
    nested_naming_strategy=lambda _, child: _component(child),
    security_schemes=[
        SecurityScheme(name="key", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")),
        SecurityScheme(
            name="header", data=SecuritySchemeData(type=SecureType.API_KEY, field_in=InType.HEADER, name="X-API-Key")
        ),
    ],
    security=[{"key": []}, {"header": []}, {}],
)


def described(
    answers: type[BaseModel],
    *,
    takes: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    status: int = 200,
    errors: tuple[int, ...] = (),
    invalid: int = 422,
    streams: Events | None = None,
) -> Callable[[_View], _View]:
    """Describe a route of the API: what it answers, and what it takes as JSON or in its address.

    errors: what it may answer besides what any route may; invalid: what it answers to a wrong field of its body; streams:
    what it also answers as server-sent events.
    """
    codes = {*_ALWAYS, *((*_WITH_BODY, invalid) if takes else ()), *errors}
    responses = Responses(**{f"HTTP_{status}": answers}, **{f"HTTP_{code}": Problem for code in codes})

    def describe(view: _View) -> _View:
        made: _View = _SPEC.validate(json=takes, query=query, resp=responses, operation_id=view.__name__)(view)
        made.__dict__["further"] = _Further(frozenset((status, *codes)), streams)
        return made

    return describe


@bp.get("/openapi.json")
@needs("nothing")
def openapi() -> Response:
    """Describe the API."""
    return jsonify(_description())


@bp.get("/docs")
@needs("nothing")
def docs() -> str:
    """Show the description to people."""
    described_by = _description()
    return render_template("docs.html", paths=described_by["paths"], schemas=described_by["components"]["schemas"])


@cache
def _description() -> dict[str, Any]:
    found: dict[str, Any] = _SPEC.spec
    found["paths"] = {path: one for path, one in found["paths"].items() if path.startswith(FOR_TOOLS)}
    further = _further_of_paths()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, further[path, method])
    for one in further.values():
        for chunk in one.events.chunks if one.events else ():
            found["components"]["schemas"] |= _schemas_of(chunk)
    return found


def _further_of_paths() -> dict[tuple[str, str], _Further]:
    """Return what spectree cannot say, by the path as it writes it, and the method in small letters."""
    views = current_app.view_functions
    return {
        (_path_of(rule.rule), method.lower()): views[rule.endpoint].__dict__["further"]
        for rule in current_app.url_map.iter_rules()
        if "further" in views[rule.endpoint].__dict__
        for method in rule.methods or ()
    }


def _path_of(rule: str) -> str:
    return re.sub(r"<(?:[^<>:]*:)?([^<>]*)>", r"{\1}", rule)


def _complete(operation: dict[str, Any], further: _Further) -> None:
    """Say of each response what type it has, for spectree knows JSON only; leave out those that it adds by itself."""
    operation["responses"] = {code: one for code, one in operation["responses"].items() if int(code) in further.codes}
    for code, response in operation["responses"].items():
        content = response.get("content", {})
        if int(code) >= 400 and "application/json" in content:
            content["application/problem+json"] = content.pop("application/json")
        elif further.events:
            content[_EVENTS] = {"schema": _event_of(further.events)}


def _event_of(events: Events) -> dict[str, Any]:
    """Describe one event of a stream, as an object of its fields: so OpenAPI 3.2 has it, and tools of 3.1 read it."""
    data: dict[str, Any] = {"type": "string", "contentMediaType": "application/json"}
    if events.chunks:
        data["contentSchema"] = {"anyOf": [{"$ref": _SCHEMAS + _component(one.__name__)} for one in events.chunks]}
    if events.last:
        data = {"anyOf": [data, {"const": events.last}]}
    fields = {"event": {"type": "string"}, "data": data}
    return {"type": "object", "description": events.said, "required": ["data"], "properties": fields}


def _schemas_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema and those that it refers to, by their names in the description."""
    written = json.dumps(model.model_json_schema(mode="serialization", ref_template=_SCHEMAS + "{model}"))
    schema = json.loads(re.sub(rf'"{_SCHEMAS}(\w+)"', lambda found: f'"{_SCHEMAS}{_component(found[1])}"', written))
    nested = schema.pop("$defs", {})
    return {_component(model.__name__): schema, **{_component(name): one for name, one in nested.items()}}
