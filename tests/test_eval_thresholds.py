"""Two thresholds are chosen on half of the claims and tell the other half apart."""

from __future__ import annotations

import numpy as np

from qa.evaluation.thresholds import by_chances, by_likeness

LABELS = np.array([0, 0, 1, 1, 2, 2] * 20)


def test_likeness_is_cut_where_the_other_half_tells():
    cosines = np.array([0.9, 0.5, 0.1])[LABELS]
    assert (by_likeness(cosines, LABELS) == LABELS).all()


def test_chances_that_lean_to_one_verdict_are_weighed():
    leaning = np.array([[0.90, 0.05, 0.05], [0.60, 0.35, 0.05], [0.60, 0.05, 0.35]])[LABELS]
    assert (leaning.argmax(axis=1) == 0).all()
    assert (by_chances(leaning, LABELS) == LABELS).all()


def test_one_claim_has_a_verdict():
    assert by_likeness(np.array([0.5]), np.array([0])).shape == (1,)
