"""The passages for a request: its collection and filters → a filter of the index, with an error for what is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from index.clock import Clock
from index.embedder import Vectors
from index.filters import FIELDS
from index.passages import embedded_text
from index.records import DEFAULT_COLLECTION, AllOf, AnyOf, Equals, Filter, Hit, Range, StartsWith
from index.search import embed_question, search_near
from index.store import View
from qa.errors import BadQuestion, NotFound
from qa.records import AskRequest
from qa.workspace import Workspace

_FILTER = re.compile(r"([^=<>]+)(>=|<=|=)(.*)", re.DOTALL)
_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_SHOWN = 12
_MAY_RUN_ON = 2  # of the best hits

FilterValue = str | Sequence[str] | Mapping[str, str]


def find(
    view: View, workspace: Workspace, request: AskRequest, *, read: bool = True, clock: Clock | None = None
) -> list[Hit]:
    """Search for a checked request.

    Where the best passages end with what answers, the passages that they run on into come with them. read: False leaves
    out what reads passages, for searches by what is no question. clock: times the steps of `search`; there are none where
    the question was searched for before.
    Raises NotFound for a collection and BadQuestion for a filter key that no document has: neither is "no evidence".
    """
    key = (request.question, request.k, scope_of(request))
    hits = workspace.remembered.recall(view, key) if read else None
    if hits is None:
        hits = _search(view, workspace, request, clock or Clock(), read=read)
        if read:  # what is no question is not asked again
            workspace.remembered.keep(view, key, hits)
    if not hits:
        _check_scope(view, request)
    return hits


def _search(view: View, workspace: Workspace, request: AskRequest, clock: Clock, *, read: bool) -> list[Hit]:
    vector = embed_question(workspace.embedder, request.question, clock)  # before its turn: those who wait share a batch
    rerank, newer = workspace.rerank if read else None, workspace.settings.prefer_newer
    with workspace.processors:
        hits = search_near(view, vector, request.question, request.k, scope_of(request), rerank, newer=newer, clock=clock)
        if read:
            with clock.step("follow"):
                hits = _with_what_follows(view, workspace, request.question, vector, hits)
    return hits


def _with_what_follows(view: View, workspace: Workspace, question: str, vector: Vectors, hits: Sequence[Hit]) -> list[Hit]:
    """Put behind a hit the passage that its answer runs on into, in the place of the last hit: k stays k.

    It has the scores of that hit, to which it owes its place, but the cosine of its own. vector: the question's.
    """
    found = list(hits)
    for hit in hits[:_MAY_RUN_ON]:
        following = view.passage_after(hit.passage)
        if following is None or following.id in {one.passage.id for one in found} or found[-1] is hit:
            continue
        if workspace.reader.runs_on(question, hit, following):
            [own] = workspace.embedder.embed([embedded_text(following)])
            more = replace(hit, passage=following, scores=replace(hit.scores, dense=float(own @ vector)))
            found[found.index(hit) + 1 :] = [more, *found[found.index(hit) + 1 : -1]]
    return found


def scope_of(request: AskRequest) -> Filter:
    """Return the filter that the request's collection and filters make."""
    return AllOf((Equals("collection", request.collection), request.filters))


def parse_filters(texts: Iterable[str]) -> Filter:
    """Read filters as they are typed: key=value, key>=value, key<=value, key=low..high, path=folder/.

    Different keys must all fit; of several key=value with one key, any. Raises BadQuestion for anything else.
    """
    bounds: list[Filter] = []
    equal: dict[str, list[str]] = {}
    for text in texts:
        match = _FILTER.fullmatch(text)
        key, sign, value = (part.strip() for part in match.groups()) if match else ("", "", "")
        if not key or not value:
            raise BadQuestion(f"{text}: not a filter", "write key=value, date>=2024-01-01 or date=2024-01..2024-06")
        low, dots, high = value.partition("..")
        if sign == "=" and not dots:
            equal.setdefault(key, []).append(value)
        elif sign == "=":
            bounds.append(Range(key, low, high))
        else:
            bounds.append(Range(key, value, "") if sign == ">=" else Range(key, "", value))
    return AllOf((*(_any_of(key, values) for key, values in equal.items()), *bounds))


def filters_from_json(fields: Mapping[str, FilterValue]) -> Filter:
    """Make a filter of the API's: {"lang": "en", "author": ["A", "B"], "date": {"from": "2024-01", "to": "2024-06"}}."""
    parts: list[Filter] = []
    for key, value in fields.items():
        if isinstance(value, Mapping):
            parts.append(Range(key, value.get("from", ""), value.get("to", "")))
        else:
            parts.append(_any_of(key, [value] if isinstance(value, str) else value))
    return AllOf(tuple(parts))


def _any_of(key: str, values: Sequence[str]) -> Filter:
    parts = tuple(_equal(key, value) for value in values)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _equal(key: str, value: str) -> Filter:
    """Admit what a person means by key=value: all below a folder, any time in a year, month or day."""
    if key == "path" and value.endswith("/"):
        return StartsWith(key, value)
    return Range(key, value, value) if key == "date" and _DATE.fullmatch(value) else Equals(key, value)


def _check_scope(view: View, request: AskRequest) -> None:
    collections = view.stats().collections
    if request.collection not in collections and (collections or request.collection != DEFAULT_COLLECTION):
        raise NotFound(f"there is no collection {request.collection}", f"there are: {', '.join(collections) or 'none'}")
    unknown = _keys(request.filters) - FIELDS.keys() - (known := view.metadata_keys())
    if unknown:
        shown = ", ".join(sorted(FIELDS.keys() | known)[:_SHOWN])
        raise BadQuestion(f"{min(unknown)}: no document can be filtered by this", f"use one of: {shown}")


def _keys(scope: Filter) -> set[str]:
    if isinstance(scope, AllOf | AnyOf):
        return {key for part in scope.parts for key in _keys(part)}
    return {scope.key}
