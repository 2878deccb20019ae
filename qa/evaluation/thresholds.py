"""Verdicts by two thresholds that are chosen for balanced accuracy on half of the claims and applied to the other half.

So a judge can be compared with a rule on cosines: both know as much of how often each verdict is right.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Verdicts = npt.NDArray[np.int_]

_STEPS = np.linspace(-4.0, 4.0, 33)  # of a logarithm of chances
_SEED = 7
_PARTS = np.linspace(0.0, 1.0, 31)  # of the claims


def by_chances(chances: Floats, labels: Verdicts) -> Verdicts:
    """Return a verdict a claim from chances of shape (claims, 3): the likeliest, two of them weighed by a constant each."""
    logs = np.log(np.maximum(chances, 1e-9))
    return _crossed(logs, labels, lambda _: product(_STEPS, _STEPS), _weighed)


def by_likeness(cosines: Floats, labels: Verdicts) -> Verdicts:
    """Return a verdict a claim from cosines: 0 (borne out) from one threshold on, 1 from a lower one on, 2 below."""
    return _crossed(cosines, labels, lambda some: combinations_with_replacement(np.quantile(some, _PARTS), 2), _banded)


def _weighed(logs: Floats, first: float, second: float) -> Verdicts:
    verdicts: Verdicts = (logs + np.array([first, second, 0.0])).argmax(axis=1)
    return verdicts


def _banded(cosines: Floats, low: float, high: float) -> Verdicts:
    return np.where(cosines >= high, 0, np.where(cosines >= low, 1, 2))


def _crossed(
    values: Floats, labels: Verdicts, pairs: Callable[[Floats], Any], decide: Callable[[Floats, float, float], Verdicts]
) -> Verdicts:
    """Choose a pair on half of the claims, drawn by lot, for the others, and the other way round."""
    verdicts = np.zeros(len(labels), int)
    is_first = np.random.default_rng(_SEED).permutation(len(labels)) % 2 == 0
    for known, asked in ((is_first, ~is_first), (~is_first, is_first)):
        if known.any():
            best = max(pairs(values[known]), key=lambda pair: _balanced(decide(values[known], *pair), labels[known]))
            verdicts[asked] = decide(values[asked], *best)
    return verdicts


def _balanced(said: Verdicts, true: Verdicts) -> float:
    return float(np.mean([np.mean(said[true == label] == label) for label in np.unique(true)]))
