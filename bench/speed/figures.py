"""Numbers of several rounds → median and range, shares and ratios. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float
    rounds: int


def spread_of(values: Sequence[float]) -> Spread | None:
    """Return the spread of what was measured; None where nothing was."""
    return Spread(median(values), min(values), max(values), len(values)) if values else None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of them do not exceed (nearest rank). Raises ValueError on none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratio(value: Spread | None, ours: Spread | None) -> float | None:
    """Return how many times ours a value is; None where either is missing or ours is 0."""
    return value.median / ours.median if value and ours and ours.median else None


def significant(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, without an exponent: 0.00123, 12.3, 1,230."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    places = digits - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(0, places)}f}"
