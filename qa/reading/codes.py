"""Codes that a question names and nothing that was found has: of another model, error or clause nobody is told here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.records import Hit

# "XR-300", "E55", "GLM-130B"; not "H2O", "Q4", "FY23", "EUR210" or "COVID-19", which are written in other ways too.
_CODE = re.compile(
    r"(?<![\w-])(?!COVID|FY|CY|[WS]S|EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|JPY|CAD|AUD)([A-Z]{1,6})-?(\d{2,6}|(?<=-)\d)([A-Z]?)(?![\w-])"
)
_CLAUSE = re.compile(r"(?:\b(?:clause|section|article|paragraph|schedule)|§) ?(\d+(?:\.\d+)+)", re.I)
_GAP = r"[\s‑–-]{0,2}"
_TELLING = 3  # digits: "INV-9004" may be "invoice no. 9004"


def names_what_is_nowhere(question: str, hits: Sequence[Hit]) -> bool:
    """Say whether the question names codes or clauses, and none of them stands in any hit, its title or headings."""
    codes, clauses = _CODE.findall(question), _CLAUSE.findall(question)
    if not codes and not clauses:
        return False
    text = "\n".join(f"{hit.document.title}\n{hit.passage.context}\n{hit.passage.text}" for hit in hits)
    numbers = [*clauses, *(digits for letters, digits, _ in codes if len(digits) >= _TELLING and len(letters) > 1)]
    patterns = [*(rf"{letters}{_GAP}{digits}{_GAP}{end}" for letters, digits, end in codes), *map(re.escape, numbers)]
    return not any(re.search(rf"(?<![\w.]){pattern}(?!\d)(?!\.\d)", text, re.I) for pattern in patterns)
