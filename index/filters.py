"""Filters → SQL. Values are always bound, never written into the SQL."""

from __future__ import annotations

from index.records import AllOf, AnyOf, Equals, Filter, Range, StartsWith
from index.sqlite import Value

# What a filter may name besides metadata.
FIELDS = {
    "collection": "d.collection",
    "path": "d.path",
    "document": "d.id",
    "title": "d.title",
    "lang": "d.lang",
    "media_type": "d.media_type",
}
Condition = tuple[str, list[Value]]


def where(scope: Filter) -> Condition:
    """Compile a filter to an SQL condition on `documents d` and its bound values."""
    if isinstance(scope, AllOf):
        return _join(" AND ", [where(part) for part in scope.parts], "1")
    if isinstance(scope, AnyOf):
        return _join(" OR ", [where(part) for part in scope.parts], "0")
    if isinstance(scope, Equals):
        return _on(scope.key, "{} = ?", [scope.value])
    if isinstance(scope, StartsWith):
        return _on(scope.key, "substr({}, 1, ?) = ?", [len(scope.value), scope.value])
    return _within(scope)


def _within(scope: Range) -> Condition:
    """Compare as text, as ISO dates are made for; "2024-03" as the upper end includes 2024-03-31."""
    parts: list[Condition] = []
    if scope.low:
        parts.append(_on(scope.key, "{} >= ?", [scope.low]))
    if scope.high:
        parts.append(_on(scope.key, "{} <> '' AND substr({}, 1, ?) <= ?", [len(scope.high), scope.high]))
    return _join(" AND ", parts, "1")


def _on(key: str, test: str, values: list[Value]) -> Condition:
    column = FIELDS.get(key)
    if column:
        return test.replace("{}", column), values
    inner = test.replace("{}", "m.value")
    return f"EXISTS (SELECT 1 FROM json_each(d.metadata) m WHERE m.key = ? AND {inner})", [key, *values]


def _join(word: str, parts: list[Condition], none: str) -> Condition:
    condition = word.join(f"({text})" for text, _ in parts) or none
    return condition, [value for _, values in parts for value in values]
