"""The last runs of the index as bars: what came above a line, what went below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Run

_HEIGHT = 60  # of the tallest bar, in the units of the drawing
_STEP = 18
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A run. x: its left side; up, down: heights of what was added and removed."""

    run: Run
    x: int
    up: float
    down: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars from the oldest to the newest run, on a drawing of this width with its line at `middle`."""

    bars: Sequence[Bar]
    width: int
    middle: float
    height: float


def timeline(runs: Sequence[Run]) -> Timeline:
    """Draw runs, which come newest first. Heights are by square root, so that a first large run leaves others to be seen."""
    most = max((max(run.added, run.removed) for run in runs), default=0)
    bars = [
        Bar(run, at * _STEP, _height(run.added, most), _height(run.removed, most)) for at, run in enumerate(reversed(runs))
    ]
    middle = max((bar.up for bar in bars), default=0.0) + 1
    below = max((bar.down for bar in bars), default=0.0) + 1
    return Timeline(bars, max(1, len(runs)) * _STEP, middle, middle + below)


def _height(count: int, most: int) -> float:
    return round(max(_SHORTEST, _HEIGHT * (count / most) ** 0.5), 1) if count else 0.0
