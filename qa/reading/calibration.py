"""Signals → chances: regressions fitted on held-out questions and claims (bench/reader), and what risks they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FITTED = Path(__file__).parent.parent / "model" / "calibration.json"


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression over standardized signals. A signal that is NaN says nothing either way."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def logits(self, rows: Floats) -> Floats:
        """rows: shape (…, signals). Returns shape (…)."""
        standard: Floats = np.nan_to_num((rows - self.mean) / self.scale)
        found: Floats = standard @ self.weights + self.bias
        return found


@dataclass(frozen=True, slots=True)
class Softmax:
    """A logistic regression over several classes. weights: shape (classes, logits); bias: shape (classes,)."""

    weights: Floats
    bias: Floats

    def chances(self, logits: Sequence[float]) -> Floats:
        """Return the chance of each class. logits: a head's, one a class."""
        found: Floats = np.exp(log_softmax(self.weights @ log_softmax(np.asarray(logits, np.float64)) + self.bias))
        return found


def log_softmax(logits: Floats) -> Floats:
    """Return the logarithms of the chances that logits mean. logits: shape (…, classes)."""
    least = logits - logits.max(axis=-1, keepdims=True)  # else the powers of large ones are infinite
    found: Floats = least - np.log(np.exp(least).sum(axis=-1, keepdims=True))
    return found


@dataclass(frozen=True, slots=True)
class Calibration:
    """sentence: signals → it answers. answer: signals → one of the sentences that make the answer answers.

    stance: the head's logits → the evidence bears a claim out, contradicts it, does neither.
    risks: (chance, share that is wrong among answers whose chance is at least this), rising chances. hopeless: below this
    chance lie 1 of 100 questions that had an answer.
    """

    sentence: Logistic
    answer: Logistic
    stance: Softmax
    risks: tuple[tuple[float, float], ...]
    hopeless: float

    def least_chance(self, risk: float) -> float:
        """Return from which chance on at most this share of answers was wrong, on held-out questions; 1 where none is."""
        return next((chance for chance, wrong in self.risks if wrong <= risk), 1.0)


def chance(logit: float) -> float:
    """Return the logistic function of a logit."""
    return float(1 / (1 + np.exp(-logit)))


@lru_cache(maxsize=1)
def fitted() -> Calibration:
    """Return what was fitted for the bundled reader."""
    fields = json.loads(FITTED.read_text(encoding="utf-8"))
    risks = tuple((float(one), float(wrong)) for one, wrong in fields["risks"])
    stance = Softmax(*(np.array(fields["stance"][name], np.float64) for name in ("weights", "bias")))
    return Calibration(_logistic(fields["sentence"]), _logistic(fields["answer"]), stance, risks, float(fields["hopeless"]))


def _logistic(fields: dict[str, Any]) -> Logistic:
    mean, scale, weights = (np.array(fields[name], np.float64) for name in ("mean", "scale", "weights"))
    return Logistic(mean, scale, weights, float(fields["bias"]))
