"""Measures of ranking, reading, refusal and verdicts: pure functions, one value a question, and their uncertainty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_RESAMPLES = 1000
_SEED = 7
_BINS = 10


@dataclass(frozen=True, slots=True)
class Metric:
    """A value with the interval that holds 95 of 100 bootstrap resamples (Efron 1979), over n questions."""

    value: float
    low: float
    high: float
    n: int


# ---------------------------------------------------------------------- ranking: ids best first, grades of the relevant


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the normalised discounted cumulative gain (Järvelin & Kekäläinen 2002), gain linear as in trec_eval."""
    gains = [relevant.get(one, 0) for one in ranked[:k]]
    best = sorted(relevant.values(), reverse=True)[:k]
    return _discounted(gains) / _discounted(best) if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def recall(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the share of the relevant among the first k."""
    return len(set(ranked[:k]) & relevant.keys()) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return 1 / place of the first relevant among the first k, 0 when there is none."""
    return next((1 / place for place, one in enumerate(ranked[:k], start=1) if one in relevant), 0.0)


def average_precision(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the mean over the relevant of the precision at their places; those beyond k count 0."""
    found, total = 0, 0.0
    for place, one in enumerate(ranked[:k], start=1):
        if one in relevant:
            found += 1
            total += found / place
    return total / len(relevant) if relevant else 0.0


# ---------------------------------------------------------------------- sets, chances, classes


def f1(chosen: set[int], gold: set[int]) -> float:
    """Return the harmonic mean of precision and recall; 1 when both are empty."""
    if not chosen and not gold:
        return 1.0
    return 2 * len(chosen & gold) / (len(chosen) + len(gold))


def auroc(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """Return the chance that a true one scores above a false one, ties half (Mann-Whitney U); 0.5 without both."""
    values, true = np.asarray(scores, float), np.asarray(truths, bool)
    positives, negatives = int(true.sum()), int((~true).sum())
    if not positives or not negatives:
        return 0.5
    ranks = _ranks(values)
    return float((ranks[true].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _ranks(values: Floats) -> Floats:
    """Return the place of each value from 1 in rising order, equal ones sharing their mean place."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    means: Floats = (ends - (sizes - 1) / 2)[group]
    return means


def word_f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Return the F1 of two lists of words, each word as often as it occurs (as SQuAD's evaluation counts)."""
    common = sum((Counter(said) & Counter(wanted)).values())
    return 2 * common / (len(said) + len(wanted)) if common else float(not said and not wanted)


def balanced_accuracy(said: Sequence[str], true: Sequence[str]) -> float:
    """Return the mean over the classes that occur of the share that was recognised."""
    classes = sorted(set(true))
    shares = [np.mean([one == label for one, truth in zip(said, true, strict=True) if truth == label]) for label in classes]
    return float(np.mean(shares)) if shares else 0.0


# ---------------------------------------------------------------------- how far a chance can be trusted


def reliability(chances: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float, int]]:
    """Return for each tenth of chances that occurs: the mean chance, the share that was right, how many (DeGroot 1983)."""
    values, true = np.asarray(chances, float), np.asarray(right, bool)
    tenths = np.minimum((values * _BINS).astype(int), _BINS - 1)
    chosen = [tenths == number for number in range(_BINS)]
    return [(float(values[one].mean()), float(true[one].mean()), int(one.sum())) for one in chosen if one.any()]


def calibration_error(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Return the expected calibration error (Naeini et al. 2015): how far chances are from shares, weighted by number."""
    bins = reliability(chances, right)
    total = sum(count for *_, count in bins)
    return sum(abs(chance - share) * count for chance, share, count in bins) / total if total else 0.0


def risk_by_coverage(chances: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """Return (share answered, share of these that is wrong), the surest first (El-Yaniv & Wiener 2010)."""
    order = np.argsort(-np.asarray(chances, float), kind="stable")
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    counts = np.arange(1, len(order) + 1)
    return [(float(one / len(order)), float(missed / one)) for one, missed in zip(counts, wrong, strict=True)]


def area_under_risk(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean of the risks at all coverages; less is better."""
    return float(np.mean([risk for _, risk in risk_by_coverage(chances, right)])) if len(chances) else 0.0


# ---------------------------------------------------------------------- uncertainty


def averaged(values: Sequence[float]) -> Metric:
    """Return the mean of one value a question."""
    array = np.asarray(values, float)
    return bootstrapped(len(array), lambda chosen: float(array[chosen].mean()))


def bootstrapped(n: int, measure: Callable[[npt.NDArray[np.int64]], float]) -> Metric:
    """Measure n questions by their places, then resamples of them with replacement, always the same ones."""
    if not n:
        return Metric(0.0, 0.0, 0.0, 0)
    generator = np.random.default_rng(_SEED)
    value = measure(np.arange(n))
    resampled = [measure(generator.integers(0, n, n)) for _ in range(_RESAMPLES)]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Metric(value, float(low), float(high), n)
