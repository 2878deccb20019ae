"""The measures of `qa eval`: ranking as ir-measures counts it, the rest by their definitions."""

from __future__ import annotations

import random

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, R, nDCG

from qa.evaluation import metrics


def judged_runs(seed: int) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    """Make rankings and graded judgements, some questions with none found."""
    rng = random.Random(seed)
    runs, relevant = {}, {}
    for question in range(30):
        documents = [f"d{number}" for number in range(60)]
        rng.shuffle(documents)
        runs[f"q{question}"] = documents[: rng.randrange(1, 40)]
        relevant[f"q{question}"] = {one: rng.randrange(1, 4) for one in rng.sample(documents, rng.randrange(1, 15))}
    return runs, relevant


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("measure", "ours"),
    [
        (nDCG @ 10, lambda ranked, relevant: metrics.ndcg(ranked, relevant, 10)),
        (R @ 10, lambda ranked, relevant: metrics.recall(ranked, relevant, 10)),
        (RR @ 10, lambda ranked, relevant: metrics.reciprocal_rank(ranked, relevant, 10)),
        (AP @ 100, lambda ranked, relevant: metrics.average_precision(ranked, relevant, 100)),
    ],
    ids=["nDCG@10", "R@10", "RR@10", "AP@100"],
)
def test_ranking_measures_are_those_of_ir_measures(measure, ours, seed: int):
    runs, relevant = judged_runs(seed)
    scored = {key: {one: -float(place) for place, one in enumerate(ranked)} for key, ranked in runs.items()}
    theirs = {one.query_id: one.value for one in ir_measures.iter_calc([measure], relevant, scored)}
    for key, ranked in runs.items():
        assert ours(ranked, relevant[key]) == pytest.approx(theirs[key], abs=1e-6)


def test_auroc_is_the_chance_that_a_true_one_scores_higher_ties_half():
    rng = np.random.default_rng(1)
    scores, truths = rng.integers(0, 8, 60).astype(float), rng.random(60) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[truths] for b in scores[~truths]]
    assert metrics.auroc(scores.tolist(), truths.tolist()) == pytest.approx(float(np.mean(pairs)))
    assert metrics.auroc([0.1, 0.9], [True, True]) == 0.5


def test_balanced_accuracy_weighs_every_class_alike():
    assert metrics.balanced_accuracy(["a", "a", "a", "a"], ["a", "a", "a", "b"]) == 0.5
    assert metrics.balanced_accuracy(["a", "b"], ["a", "b"]) == 1.0


def test_f1_of_two_empty_sets_is_one():
    assert metrics.f1(set(), set()) == 1.0
    assert metrics.f1({1}, set()) == 0.0
    assert metrics.f1({1, 2}, {2, 3}) == 0.5


def test_an_interval_holds_the_value_and_narrows_with_more_questions():
    few, many = metrics.averaged([0.0, 1.0] * 10), metrics.averaged([0.0, 1.0] * 1000)
    assert few.low < few.value == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert metrics.averaged([0.0, 1.0] * 10) == few  # the same every time
    assert metrics.averaged([]).n == 0


def test_word_f1_counts_a_word_as_often_as_it_occurs():
    assert metrics.word_f1("a b b c".split(), "b c d".split()) == pytest.approx(2 * 2 / 7)
    assert metrics.word_f1([], []) == 1
    assert metrics.word_f1([], ["a"]) == 0
    assert metrics.word_f1(["b"], ["a"]) == 0


def test_chances_that_come_true_have_no_calibration_error():
    chances = [0.2] * 10 + [0.8] * 10
    right = [True] * 2 + [False] * 8 + [True] * 8 + [False] * 2
    assert metrics.calibration_error(chances, right) == pytest.approx(0)
    assert metrics.calibration_error(chances, [False] * 20) == pytest.approx(0.5)
    assert [count for *_, count in metrics.reliability(chances, right)] == [10, 10]
    assert metrics.reliability([1.0], [True]) == [(1.0, 1.0, 1)]


def test_the_risk_is_that_of_the_surest_answers_first():
    points = metrics.risk_by_coverage([0.9, 0.1, 0.5, 0.7], [True, False, False, True])
    assert points == [(0.25, 0), (0.5, 0), (0.75, pytest.approx(1 / 3)), (1, 0.5)]
    assert metrics.area_under_risk([0.9, 0.1, 0.5, 0.7], [True, False, False, True]) == pytest.approx(
        (0 + 0 + 1 / 3 + 0.5) / 4
    )
    assert metrics.area_under_risk([], []) == 0
