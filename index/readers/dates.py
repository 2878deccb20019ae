"""Dates as files write them → ISO 8601."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}  # fmt: skip
_YEAR_FIRST = re.compile(r"\s*(?:D:)?(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?!\d*[-/.]\d)")
_PDF = re.compile(r"\s*D:(\d{4})(\d\d)(\d\d)")
_DAY_FIRST = re.compile(r"\s*(?:[A-Za-z]+,?\s+)?(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+([A-Za-z]{3,9})\.?,?[\s-]+(\d{4})\b")
_MONTH_FIRST = re.compile(r"\s*(?:[A-Za-z]+day,?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b")


def iso_date(text: str) -> str:
    """Return the day of a date in ISO 8601 (2024-12-19), "" if it is none or may be two, as 1/2/2024 may."""
    if found := _YEAR_FIRST.match(text):
        return _iso(found[1], int(found[3]), found[4])
    if found := _PDF.match(text):
        return _iso(found[1], int(found[2]), found[3])
    if found := _DAY_FIRST.match(text):
        return _iso(found[3], _month(found[2]), found[1])
    if found := _MONTH_FIRST.match(text):
        return _iso(found[3], _month(found[1]), found[2])
    return ""


def _month(name: str) -> int:
    return _MONTHS.get(name[:3].lower(), 0)


def _iso(year: str, month: int, day: str) -> str:
    try:
        return date(int(year), month, int(day)).isoformat()
    except ValueError:
        return ""
