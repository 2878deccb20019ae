"""Codes that a question names and nothing that was found has: of another model, error or clause nobody is told here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.records import Hit

# "XR-300", "E55", "GLM-130B"; not "H2O", "Q4", "FY23", "EUR210" or "COVID-19", which are written in other ways too.
_CODE = re.compile(r"(?<![\w-])(?!COVID|FY|EUR|USD|GBP|CHF|CY)([A-Z]{1,6})-?(\d{2,6}|(?<=-)\d)([A-Z]?)(?![\w-])")
_CLAUSE = re.compile(r"(?:\b(?:clause|section|article|paragraph|schedule)|§) ?(\d+(?:\.\d+)+)", re.I)
_JOINED = re.compile(r"[\s‑–-]+")
_TELLING = 3  # digits: "INV-9004" may be "invoice no. 9004"


def names_what_is_nowhere(question: str, hits: Sequence[Hit]) -> bool:
    """Say whether the question names codes or clauses, and none of them stands in any hit, its title or headings."""
    codes, clauses = _CODE.findall(question), _CLAUSE.findall(question)
    if not codes and not clauses:
        return False
    text = "\n".join(f"{hit.document.title}\n{hit.passage.context}\n{hit.passage.text}" for hit in hits)
    joined = _JOINED.sub("", text)
    numbers = [*clauses, *(digits for letters, digits, _ in codes if len(digits) >= _TELLING and len(letters) > 1)]
    return not (any(_stands("".join(code), joined) for code in codes) or any(_stands(one, text) for one in numbers))


def _stands(code: str, text: str) -> bool:
    return re.search(rf"(?<!\d\.)(?<!\d){re.escape(code)}(?!\d)(?!\.\d)", text, re.I) is not None
