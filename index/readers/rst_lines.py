"""Lines of reStructuredText: their indent, and which of them belong together."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

FIELD = re.compile(r":([\w][\w /-]*):(?:\s+(.*))?$")
HEADER = re.compile(r"([A-Z][\w-]*):(?:\s+(.*))?$")  # of a PEP, which begins like a mail message
ITEM = re.compile(r"(?:[-*+•]|\(?(?:\d{1,3}|[a-zA-Z#])[.)])\s+(?=\S)")


def folded(lines: Sequence[str]) -> list[str]:
    """Join the lines of a paragraph; items, fields and lines of another indent begin anew."""
    blocks: list[str] = []
    previous = -1
    for line in lines:
        text = line.strip()
        begins = ITEM.match(text) or FIELD.match(text) or HEADER.match(line) or text.startswith("| ")
        if blocks and not begins and (indent(line) == previous or FIELD.match(blocks[-1]) or HEADER.match(blocks[-1])):
            blocks[-1] += f" {text}"
            continue
        previous = text_indent(line)
        item = ITEM.match(text)
        is_bullet = item is not None and not item[0].strip("(").rstrip()[:-1].isalnum()
        blocks.append(f"- {text[item.end() :]}" if item and is_bullet else text.removeprefix("| "))
    return blocks


def without_colons(block: str) -> str:
    """Drop the mark of a literal block: "for example::" is read "for example:"."""
    if not block.endswith("::"):
        return block
    return block[:-2].rstrip() if block[:-2].endswith(" ") else block[:-1].lstrip(":")


def indent(line: str) -> int:
    """Return how many spaces a line begins with."""
    return len(line) - len(line.lstrip())


def text_indent(line: str) -> int:
    """Return where the text of a line begins, after the mark of a list item."""
    item = ITEM.match(line.strip())
    return indent(line) + (item.end() if item else 0)


def dedent(lines: Sequence[str]) -> str:
    """Join lines without the indent that they share."""
    return textwrap.dedent("\n".join(line.rstrip() for line in lines)).strip("\n")
