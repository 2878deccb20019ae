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
from bench.reader.rows import Row
from qa.evidence import Evidence
from qa.reader import Reader
from qa.reading.calibration import Floats, Softmax, log_softmax
from qa.support import SURE, judge

_STANCES = (SUPPORTED, CONTRADICTED, NEITHER)
_NAMES = ("borne out", "contradicted", "silent", "beside the point")
# Of an answer's claims most are borne out by what they cite: of ChatGPT's over ASQA 74 %, over ELI5 51 % (Gao et al. 2023,
# arXiv:2305.14627, citation recall).
_SHARES = (0.6, 0.2, 0.2)
_MOST = 8_000
_SEED = 5


def fit_stance(data: Path, reader: Reader) -> dict[str, Any]:
    """Return the field `stance` of qa/model/calibration.json. Prints what comes of it, on claims left out of the fit.

    Fitted are those claims only that the model is asked about and can read, beside the sentences that are cited.
    """
    found = list(fitted_claims(data, random.Random(_SEED)))  # noqa: S311  # no secret
    random.Random(_SEED).shuffle(found)  # noqa: S311
    found = found[:_MOST]
    read = [_logits(row, reader) for row, _ in found]
    is_read = np.array([one is not None for one in read])
    true, beside = np.array([row.stance for row, _ in found]), np.array([away for _, away in found])
    for name, chosen in zip(_NAMES, _groups(true, beside), strict=True):
        sys.stderr.write(f"{name:17}{is_read[chosen].mean():8.2f} asked of the model\n")
    true, beside, logits = true[is_read], beside[is_read], np.array([one for one in read if one])
    half = len(logits) // 2
    _print(_fitted(logits[:half], true[:half], beside[:half]), logits[half:], true[half:], beside[half:])
    whole = _fitted(logits, true, beside)
    return {"weights": whole.weights.round(4).tolist(), "bias": whole.bias.round(4).tolist()}


def _logits(row: Row, reader: Reader) -> tuple[float, float, float] | None:
    """Return what the model says of a claim; None where the rules decide, or it cannot read."""
    asked: list[tuple[float, float, float] | None] = []
    judge(row.question, [Evidence(" ".join(row.sentences))], lambda *pair: asked.append(reader.stance(*pair)))
    return asked[0] if asked else None


def _fitted(logits: Floats, true: npt.NDArray[np.int_], beside: npt.NDArray[np.bool_]) -> Softmax:
    """Fit with each verdict as frequent as `_SHARES` says; of what is silent, half beside the point."""
    weights = np.zeros(len(true))
    for kind, share in zip(_STANCES, _SHARES, strict=True):
        for away in (False, True):
            chosen = (true == kind) & (beside == away)
            weights[chosen] = share / max(1, chosen.sum()) / (2 if kind == NEITHER else 1)
    model = LogisticRegression(max_iter=1000).fit(log_softmax(logits), true, sample_weight=weights * len(true))
    return Softmax(model.coef_, model.intercept_)


def _print(fitted: Softmax, logits: Floats, true: npt.NDArray[np.int_], beside: npt.NDArray[np.bool_]) -> None:
    chances = np.array([fitted.chances(one) for one in logits])
    said, is_sure = chances.argmax(axis=1), chances.max(axis=1) >= SURE
    sys.stderr.write("claims not fitted on: sure of borne out, contradicted, silent; not sure; likeliest is right\n")
    for name, chosen in zip(_NAMES, _groups(true, beside), strict=True):
        shares = [float((is_sure & (said == kind))[chosen].mean()) for kind in _STANCES]
        right = float((said == true)[chosen].mean())
        row = (*shares, float((~is_sure)[chosen].mean()), right)
        sys.stderr.write(f"{name:17}" + "".join(f"{share:8.2f}" for share in row) + "\n")


def _groups(true: npt.NDArray[np.int_], beside: npt.NDArray[np.bool_]) -> Sequence[npt.NDArray[np.bool_]]:
    return (*((true == kind) & ~beside for kind in _STANCES), beside)
