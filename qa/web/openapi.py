"""The API's own description, OpenAPI 3.1, from the models that check what is sent; and a page that shows it.

A route says what it takes and answers by `@described(...)`. spectree makes the description of it; the checking stays with
`read_body`, for errors are ours.
"""

from __future__ import annotations

from collections.abc import Callable
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
_WITH_BODY = (413, 415, 422)
_EVENTS = "text/event-stream"


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
    naming_strategy=lambda model: model.__name__.removesuffix("Out"),
    nested_naming_strategy=lambda _, child: child.removesuffix("Out").removeprefix("_"),
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
    streams: bool = False,
) -> Callable[[_View], _View]:
    """Describe a route of the API: what it answers, and what it takes as JSON or in its address.

    errors: what it may answer besides what any route may; streams: it also answers as server-sent events.
    """
    codes = {*_ALWAYS, *(_WITH_BODY if takes else ()), *errors}
    responses = Responses(**{f"HTTP_{status}": answers}, **{f"HTTP_{code}": Problem for code in codes})

    def describe(view: _View) -> _View:
        made: _View = _SPEC.validate(json=takes, query=query, resp=responses, operation_id=view.__name__)(view)
        made.__dict__["streams"] = streams
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
    rules = {rule.rule: rule.endpoint for rule in current_app.url_map.iter_rules()}
    streaming = {rule for rule, endpoint in rules.items() if getattr(current_app.view_functions[endpoint], "streams", False)}
    found["paths"] = {path: one for path, one in found["paths"].items() if path.startswith(FOR_TOOLS)}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            _name_types(operation, streams=path in streaming)
    return found


def _name_types(operation: dict[str, Any], *, streams: bool) -> None:
    """Say of each response what type it has: spectree knows JSON only."""
    for code, response in operation["responses"].items():
        content = response.get("content", {})
        if int(code) >= 400 and "application/json" in content:
            content["application/problem+json"] = content.pop("application/json")
        elif streams:
            content[_EVENTS] = {"schema": {"type": "string"}}
    if not operation["responses"].get("422"):
        return
    if "requestBody" not in operation and not operation["parameters"]:
        operation["responses"].pop("422")
