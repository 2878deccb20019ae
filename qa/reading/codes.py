"""Codes that a question names and nothing that was found has: of another model, error or clause nobody is told here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.records import Hit

# "XR-300", "E55", "GLM-130B"; not "H2O", "Q4" or "COVID-19", which have other names.
_CODE = re.compile(r"(?<![\w-])(?!COVID)[A-Z]{1,6}(?:-\d|\d\d)\d{0,5}[A-Z]?(?![\w-])")
_CLAUSE = re.compile(
    r"(?:\b(?:clause|section|article|paragraph|schedule|item|rule|step|§)|§) ?(\d+(?:\.\d+)*)(?![\w.]*\d)", re.I
)
_JOINED = re.compile(r"[\s‑–-]+")


def names_what_is_nowhere(question: str, hits: Sequence[Hit]) -> bool:
    """Say whether the question names codes or clauses, and none of them stands in any hit, its title or headings."""
    codes = [_JOINED.sub("", code) for code in _CODE.findall(question)]
    clauses = _CLAUSE.findall(question)
    if not codes and not clauses:
        return False
    text = "\n".join(f"{hit.document.title}\n{hit.passage.context}\n{hit.passage.text}" for hit in hits)
    joined = _JOINED.sub("", text)
    return not (any(_stands(code, joined) for code in codes) or any(_stands(clause, text) for clause in clauses))


def _stands(code: str, text: str) -> bool:
    return re.search(rf"(?<!\d\.)(?<![\d]){re.escape(code)}(?!\d)(?!\.\d)", text, re.I) is not None
