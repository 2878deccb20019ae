"""Source code of programs → its text as it stands, named after what it defines, with definitions for headings.

Definitions are told by the words that open them in most languages, and their bodies by how far they are indented: a name
that is not found is a heading less, never a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.readers.text import decode_rated
from index.records import Extracted, Locator, Section

_MODIFIERS = (
    "public private protected internal export default abstract final sealed static data open partial inline async unsafe "
    "extern const constexpr override virtual inner case fileprivate declare enum"
).split()
_MODIFIED = rf"(?:(?:{'|'.join(_MODIFIERS)}|pub(?:\([^)]*\))?|template\s*<[^{{}};]*>|\"C\")\s+)*"
_NO_NAME = r"(?!(?:extends|implements|final|where|for|with)\b)"
_TYPE = re.compile(
    _MODIFIED + r"(?:class|struct|enum|interface|trait|union|record|object|protocol|module|extension|actor)\s+"
    # a macro of C++ may stand before the name: class API_EXPORT Message {
    rf"(?:[A-Z][A-Z0-9_]*\s+)?{_NO_NAME}(?P<name>[A-Za-z_]\w*)(?=\s*(?:[({{:<=]|$|(?:extends|implements|final|where|with)\b))"
)
_GO_TYPE = re.compile(r"type\s+(?P<name>[A-Za-z_]\w*)(?:\[[^\]]*\])?\s+(?:struct|interface)\b")
_RUST_IMPL = re.compile(
    r"(?:unsafe\s+)?impl\b(?:\s*<[^{;]*?>)?\s+(?:[^{;]*?\sfor\s+)?(?:&(?:mut\s+)?)?(?:\w+::)*(?P<name>[A-Za-z_]\w*)"
)
_FUNCTION = re.compile(
    _MODIFIED
    + r"(?:def|fn|func|function|fun|sub)\s+(?:\([^)]*\)\s*)?(?:self\.)?(?P<name>[A-Za-z_]\w*[?!]?)(?=\s*(?:[<(\[]|$))"
)
_C_FUNCTION = re.compile(
    r"(?:(?:[\w:<>,*&\[\]]+[ \t]+)+[*&]*(?P<name>~?[A-Za-z_][\w:~]*)|(?P<member>[A-Za-z_]\w*::[\w:~]+))[ \t]*\("
)
_C_OPENS = re.compile(r"[^;{}]*\)[^;{}=]*\{")
_STATEMENTS = frozenset(
    "return else new throw case if for while switch catch do delete await yield typedef using goto assert".split()
)
_ABOVE = re.compile(r"#|//|/\*|\*|@|\[|template\b")  # a line that belongs to the definition below it
# A line no further in than a definition that does not end it: brackets, labels, clauses of its head.
_GOES_ON = re.compile(r"[{})\]]|(?:public|private|protected)\s*:|where\b|:|->|=>")
_NEVER = re.compile(r"#|//|/?\*|[:,]")  # comments, directives, what a constructor sets first: define nothing
_LINE = 400  # characters looked at; what is longer is data or was written by a program
_HEAD = 600  # characters, in which the body of a function begins
_NAMES = 4  # in a title


def read_code(data: bytes) -> Extracted:
    """Read source code."""
    decoded = decode_rated(data)
    return Extracted(
        text=decoded.text,
        media_type="text/x-source",
        title=title_of_code(decoded.text),
        sections=tuple(_sections(decoded.text)),
        metadata=decoded.metadata,
    )


def title_of_code(text: str) -> str:
    """Return the first types that source code defines, else the first functions, "" of what defines nothing."""
    found = [definition for line in _lines(text) if (definition := _definition(text, line))]
    types = [one.name for one in found if one.is_type]
    return ", ".join(list(dict.fromkeys(types or [one.name for one in found]))[:_NAMES])


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    indent: int  # columns
    words: str  # without the white space on either side, and without what goes on for too long


@dataclass(frozen=True, slots=True)
class _Definition:
    name: str
    indent: int
    is_type: bool


def _lines(text: str) -> Iterator[_Line]:
    """Yield the lines that are not blank."""
    start = 0
    for line in text.split("\n"):
        words = line[:_LINE].strip()
        if words:
            before = line[: len(line) - len(line.lstrip())].expandtabs(4)
            yield _Line(start, len(before), words)
        start += len(line) + 1


def _definition(text: str, line: _Line) -> _Definition | None:
    if _NEVER.match(line.words):
        return None
    for pattern in (_TYPE, _GO_TYPE, _RUST_IMPL):
        found = pattern.match(line.words)
        if found and not line.words.endswith(";"):
            return _Definition(found["name"], line.indent, is_type=True)
    found = _FUNCTION.match(line.words)
    name = found["name"] if found else _c_function(text, line)
    return _Definition(name, line.indent, is_type=False) if name else None


def _c_function(text: str, line: _Line) -> str:
    """Name a function that no word opens, as in C, C++, C# and Java, by the body that follows its head."""
    found = _C_FUNCTION.match(line.words)
    name = (found["name"] or found["member"]) if found else ""
    if not name or name.startswith("std::") or name in _STATEMENTS or line.words.split(maxsplit=1)[0] in _STATEMENTS:
        return ""
    after = text.find("(", line.start)
    return name if _C_OPENS.match(text[after : after + _HEAD]) else ""


def _sections(text: str) -> Iterator[Section]:
    """Yield a section wherever a definition begins, with what belongs to it just above, or ends."""
    open_ones: list[_Definition] = []
    above, end = -1, 0  # where the lines begin that may belong to the next definition; where the line before ended
    for line in _lines(text):
        if above >= 0 and text.count("\n", end, line.start) > 1:
            above = -1
        definition = _definition(text, line)
        inside = [one for one in open_ones if one.indent < line.indent]
        if definition:
            open_ones = [*inside, definition]
            yield Section(line.start if above < 0 else above, _place(open_ones))
        elif len(inside) < len(open_ones) and not (_GOES_ON.match(line.words) or _ABOVE.match(line.words)):
            open_ones = inside
            yield Section(line.start, _place(open_ones))
        above = (line.start if above < 0 else above) if _ABOVE.match(line.words) else -1
        end = line.start + len(line.words)


def _place(definitions: Sequence[_Definition]) -> Locator:
    return Locator(heading=tuple(one.name for one in definitions))
