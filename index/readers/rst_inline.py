"""The marks within a line of reStructuredText → the words that they mark."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Lengths are bounded where a mark that nothing closes would make the search slow.
_INLINE = re.compile(
    r"""
    ``(?P<literal>.{1,2000}?)``(?!`)
  | :(?P<role>[a-zA-Z][\w.:+-]{0,40}):`(?P<of_role>[^`]+)`
  | `(?P<text>[^`]+)`(?::[a-zA-Z][\w.:+-]{0,40}:|__?)?
  | \*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*
  | (?<![\w*])\*(?P<emphasis>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])
  | \[(?P<note>\#?[\w.*-]+)\]_
  | (?<![\w|])\|(?P<name>[^\s|](?:[^|]*[^\s|])?)\|_{0,2}
  | (?<![\w_])(?P<reference>[A-Za-z0-9](?:[\w.+-]{0,80}[A-Za-z0-9])?)__?(?![\w(])
  | \\(?P<escaped>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_WITH_TARGET = re.compile(r"(.*?)\s*<[^<>]+>", re.DOTALL)
_NUMBERED = {"pep": "PEP ", "rfc": "RFC "}  # roles whose text is a number
_MARK = re.compile(r"[`*|\\_]")


def plain(text: str, substitutions: Mapping[str, str]) -> str:
    """Return a line without its marks. substitutions: name between bars → what stands for it."""
    if not _MARK.search(text):
        return text
    return _INLINE.sub(lambda match: _words(match, substitutions), text)


def _words(match: re.Match[str], substitutions: Mapping[str, str]) -> str:
    kind = match.lastgroup
    words = str(match[kind or 0])
    if kind == "of_role":
        return _of_role(str(match["role"]).rpartition(":")[2], words)
    if kind == "text":
        return _without_target(words)
    if kind == "note":
        return f"[{words.lstrip('#')}]"
    if kind == "name":
        return substitutions.get(words, match[0])
    if kind == "escaped":
        return "" if words.isspace() else words
    return words


def _of_role(role: str, words: str) -> str:
    shown = _without_target(words)
    if shown != words:
        return shown
    if words.startswith("~"):
        return words.rpartition(".")[2].lstrip("~")
    return _NUMBERED.get(role, "") + words.lstrip("!")


def _without_target(words: str) -> str:
    target = _WITH_TARGET.fullmatch(words)
    return target[1] if target and target[1] else words.strip("<>")
