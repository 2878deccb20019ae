"""Filters → expressions of Milvus. Every name and value is written as an escaped literal.

Only comparisons are used that every version knows and that mean the same everywhere: `like` is not among them, for what
is a wildcard in it differs between versions.
"""

from __future__ import annotations

from collections.abc import Iterable

from index.filters import FIELDS
from index.postgres import without_nul
from index.records import AllOf, AnyOf, Equals, Filter, Range, StartsWith

EVERYTHING, _NOTHING = "num >= 0", "num < 0"  # there is no literal for either
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_SURROGATES = range(0xD800, 0xE000)


def expression(scope: Filter) -> str:
    """Compile a filter to an expression on the rows of passages."""
    if isinstance(scope, AllOf):
        return _join(" and ", map(expression, scope.parts), EVERYTHING)
    if isinstance(scope, AnyOf):
        return _join(" or ", map(expression, scope.parts), _NOTHING)
    field = _field(scope.key)
    if isinstance(scope, Equals):
        return f"{field} == {literal(scope.value)}"
    if isinstance(scope, StartsWith):
        return _join(" and ", [f"{field} >= {literal(scope.value)}", *_below(field, scope.value)], EVERYTHING)
    return _within(field, scope)


def both(*conditions: str) -> str:
    """Return the expression that asks for all of these; empty ones ask for nothing."""
    return _join(" and ", filter(None, conditions), "")


def either(*conditions: str) -> str:
    """Return the expression that asks for one of these."""
    return _join(" or ", conditions, _NOTHING)


def any_of(field: str, numbers: Iterable[int]) -> str:
    """Return the expression that asks a field for one of some numbers."""
    return f"{field} in [{', '.join(str(int(one)) for one in numbers)}]"


def none_of(field: str, numbers: Iterable[int]) -> str:
    """Return the expression that asks a field for none of some numbers."""
    return f"{field} not in [{', '.join(str(int(one)) for one in numbers)}]"


def literal(text: str) -> str:
    """Write a text as Milvus reads it: quoted, with what would end or break the quotes escaped, and NUL as it is kept."""
    return f'"{without_nul(text).translate(_ESCAPES)}"'


def _field(key: str) -> str:
    if key in FIELDS:
        return key
    return f"metadata[{literal(key)}]"


def _within(field: str, scope: Range) -> str:
    """Compare as text; "2024-03" as the upper end includes 2024-03-31."""
    parts: list[str] = []
    if scope.low:
        parts.append(f"{field} >= {literal(scope.low)}")
    if scope.high:
        parts += [f'{field} > ""', *_below(field, scope.high)]
    return _join(" and ", parts, EVERYTHING)


def _below(field: str, start: str) -> list[str]:
    """Ask for what comes before all that is greater than every text with this start; for nothing where there is none."""
    after = _after(without_nul(start))
    return [f"{field} < {literal(after)}"] if after else []


def _after(start: str) -> str:
    """Return the first text that comes after all that begin with `start`, or "" where none does."""
    for end in range(len(start), 0, -1):
        code = ord(start[end - 1]) + 1
        code = _SURROGATES.stop if code in _SURROGATES else code  # they are no characters, and cannot be sent
        if code <= 0x10FFFF:
            return start[: end - 1] + chr(code)
    return ""


def _join(word: str, parts: Iterable[str], none: str) -> str:
    written = list(parts)
    return word.join(f"({one})" for one in written) if len(written) > 1 else (written or [none])[0]
