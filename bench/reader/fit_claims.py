"""Fit the chances of the reader as a judge of claims, on claims that it was not trained on: part of fit.py."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from bench.reader.claims import CONTRADICTED, NEITHER, SUPPORTED
from bench.reader.own_claims import fitted_claims
from qa.reading.calibration import Floats, Softmax
from qa.reading.reader_model import ReaderModel, Text
from qa.support import SURE

_STANCES = (SUPPORTED, CONTRADICTED, NEITHER)
# Of an answer's claims most are borne out by what they cite: of ChatGPT's over ASQA 74 %, over ELI5 51 % (Gao et al. 2023,
# arXiv:2305.14627, citation recall).
_SHARES = (0.6, 0.2, 0.2)
_MOST = 5_000
_SEED = 5


def fit_stance(data: Path, model: ReaderModel) -> dict[str, Any]:
    """Return the field `stance` of qa/model/calibration.json. Prints what comes of it, on claims left out of the fit."""
    claims = list(fitted_claims(data, random.Random(_SEED)))  # noqa: S311  # no secret
    random.Random(_SEED).shuffle(claims)  # noqa: S311
    claims = claims[:_MOST]
    insights = [model.read(row.question, [Text("", row.sentences)])[0] for row, _ in claims]
    logits = np.array([insight.stance for insight in insights])
    true = np.array([row.stance for row, _ in claims])
    beside = np.array([away for _, away in claims])
    half = len(claims) // 2
    _print(_fitted(logits[:half], true[:half], beside[:half]), logits[half:], true[half:], beside[half:])
    found = _fitted(logits, true, beside)
    return {"weights": found.weights.round(4).tolist(), "bias": found.bias.round(4).tolist()}


def _fitted(logits: Floats, true: npt.NDArray[np.int_], beside: npt.NDArray[np.bool_]) -> Softmax:
    """Fit with each verdict as frequent as `_SHARES` says; of what is silent, half beside the point."""
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    weights = np.zeros(len(true))
    for kind, share in zip(_STANCES, _SHARES, strict=True):
        for away in (False, True):
            chosen = (true == kind) & (beside == away)
            weights[chosen] = share / max(1, chosen.sum()) / (2 if kind == NEITHER else 1)
    model = LogisticRegression(max_iter=1000).fit(logs, true, sample_weight=weights * len(true))
    return Softmax(model.coef_, model.intercept_)


def _print(fitted: Softmax, logits: Floats, true: npt.NDArray[np.int_], beside: npt.NDArray[np.bool_]) -> None:
    chances = np.array([fitted.chances(one) for one in logits])
    said, is_sure = chances.argmax(axis=1), chances.max(axis=1) >= SURE
    sys.stderr.write("claims not fitted on: shown as borne out, contradicted, silent, unchecked; likeliest right\n")
    names = ("borne out", "contradicted", "silent", "beside the point")
    for name, chosen in zip(names, _groups(true, beside), strict=True):
        shares = [float((is_sure & (said == kind))[chosen].mean()) for kind in _STANCES]
        right = float((said == true)[chosen].mean())
        row = (*shares, float((~is_sure)[chosen].mean()), right)
        sys.stderr.write(f"{name:17}" + "".join(f"{share:8.2f}" for share in row) + "\n")


def _groups(true: npt.NDArray[np.int_], beside: npt.NDArray[np.bool_]) -> Sequence[npt.NDArray[np.bool_]]:
    return (*((true == kind) & ~beside for kind in _STANCES), beside)
