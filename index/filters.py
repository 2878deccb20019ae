"""Filters → SQL, and what else databases write differently. Values are always bound, never written into the SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
_MOST_VALUES = 500  # that SQLite is given for one statement


@dataclass(frozen=True)
class Dialect:
    """How a database writes what differs.

    mark: where a value is bound; pairs, value: the metadata, and one value of it; takes_arrays: many are bound as one.
    """

    mark: str
    pairs: str
    value: str
    takes_arrays: bool

    def among(self, wanted: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
        """Yield tests for a column that is to be one of the wanted values, with the bound values; together all of them."""
        if self.takes_arrays:
            yield f"= ANY({self.mark})", (list(wanted),)
            return
        for start in range(0, len(wanted), _MOST_VALUES):
            batch = wanted[start : start + _MOST_VALUES]
            yield f"IN ({','.join([self.mark] * len(batch))})", batch

    def where(self, scope: Filter) -> Condition:
        """Compile a filter to an SQL condition on `documents d` and its bound values."""
        if isinstance(scope, AllOf):
            return _join(" AND ", [self.where(part) for part in scope.parts], "1 = 1")
        if isinstance(scope, AnyOf):
            return _join(" OR ", [self.where(part) for part in scope.parts], "1 = 0")
        if isinstance(scope, Equals):
            return self._on(scope.key, "{} = ?", [scope.value])
        if isinstance(scope, StartsWith):
            return self._on(scope.key, "substr({}, 1, ?) = ?", [len(scope.value), scope.value])
        return self._within(scope)

    def _within(self, scope: Range) -> Condition:
        """Compare as text, as ISO dates are made for; "2024-03" as the upper end includes 2024-03-31."""
        parts: list[Condition] = []
        if scope.low:
            parts.append(self._on(scope.key, "{} >= ?", [scope.low]))
        if scope.high:
            parts.append(self._on(scope.key, "{} <> '' AND substr({}, 1, ?) <= ?", [len(scope.high), scope.high]))
        return _join(" AND ", parts, "1 = 1")

    def _on(self, key: str, test: str, values: list[Value]) -> Condition:
        column = FIELDS.get(key)
        test = test.replace("?", self.mark)
        if column:
            return test.replace("{}", column), values
        inner, pairs, mark = test.replace("{}", self.value), self.pairs, self.mark
        condition = f"EXISTS (SELECT 1 FROM {pairs} m WHERE m.key = {mark} AND {inner})"
        return condition, [key, *values]


SQLITE = Dialect("?", "json_each(d.metadata)", "m.value", takes_arrays=False)
POSTGRES = Dialect("%s", "json_each_text(d.metadata::json)", 'm.value COLLATE "C"', takes_arrays=True)


def _join(word: str, parts: list[Condition], none: str) -> Condition:
    condition = word.join(f"({text})" for text, _ in parts) or none
    return condition, [value for _, values in parts for value in values]
