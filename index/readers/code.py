"""Program code → its text as it stands, under a title that says what it defines. Where in it a line is, nothing says."""

from __future__ import annotations

import re

from index.readers.text import decode_rated
from index.records import Extracted

_ASIDE = re.compile(r"/\*.*?\*/|\"\"\".*?\"\"\"|'''.*?'''", re.DOTALL)  # comments and texts of several lines
_MODIFIERS = (
    "public private protected internal export default abstract final sealed static data open partial inline async unsafe "
    "pub mutable readonly file"
)
_MODIFIED = rf"(?:(?:{_MODIFIERS.replace(' ', '|')}|pub\([a-z ]+\))[ ]+)*"
_TYPES = "class|struct|enum|enum class|interface|trait|record|object|protocol|module|extension|actor"
# The line ends with the name, or goes on as none but a definition does.
_GOES_ON = r"(?=\s*(?:[({:<\[]|$|(?:extends|implements|final|where|with|internal constructor)\b))"
_TYPE = re.compile(rf"{_MODIFIED}(?:{_TYPES}) (?:[A-Z][A-Z0-9]*_[A-Z0-9_]* )?(?P<name>[^\W\d]\w*){_GOES_ON}")
_GO_TYPE = re.compile(r"type (?P<name>[^\W\d]\w*) (?:struct|interface)\b")
_FUNCTION = re.compile(
    rf"{_MODIFIED}(?:def|fn|func|function|fun) (?:\([^()]*\) )?(?P<name>[^\W\d][\w.]*[?!]?)(?=[ ]?(?:[(<\[]|$))"
)
# As C and its kin open them, no further in than any other: "static int main(void) {", or with the bracket in the next line.
_C_FUNCTION = re.compile(r"(?:[\w:<>,*&]+ )+[*&]*(?P<name>[^\W\d][\w:]*) ?\([^;(){}]*\)(?: const)?(?: \{|$)")
_STATEMENTS = frozenset("return else new if for while switch catch typedef using case go defer match".split())
_LINE = 300  # characters; longer ones are data, or written by a program
_NAMES = 4


def read_code(data: bytes) -> Extracted:
    """Read program code."""
    decoded = decode_rated(data)
    title = title_of_code(decoded.text)
    return Extracted(text=decoded.text, media_type="text/x-source", title=title, metadata=decoded.metadata)


def title_of_code(text: str) -> str:
    """Return the first types that code defines, else the first functions, "" where it defines nothing that is found."""
    lines = [line for line in _ASIDE.sub("", text).split("\n") if len(line) <= _LINE]
    inner = [" ".join(line.split()) for line in lines]
    outer = [line.rstrip() for line in lines if line[:1].strip() and line.split(maxsplit=1)[0] not in _STATEMENTS]
    for patterns, candidates in (((_TYPE, _GO_TYPE), inner), ((_FUNCTION,), inner), ((_C_FUNCTION,), outer)):
        names = [found["name"] for line in candidates for one in patterns if (found := one.match(line))]
        if names:
            return ", ".join(list(dict.fromkeys(names))[:_NAMES])
    return ""
