"""The plan for large systems: its arithmetic, and the simulated queue against what queueing theory says."""

from __future__ import annotations

import pytest

from bench.plan import Costs, answering, holding, indexing, least_servers, llm, slowest


def test_costs_grow_with_passages_and_questions():
    small, large = indexing(1e6, 64), indexing(1e9, 64)
    assert large["core-hours"] == pytest.approx(1000 * small["core-hours"])
    assert holding(1e9)["GB of memory"] == pytest.approx(1000 * holding(1e6)["GB of memory"])
    assert llm(10)["dollars a month"] == pytest.approx(llm(1000)["dollars a month"] / 100)


def test_a_question_that_costs_more_needs_more_cores():
    cheap, dear = (answering(1e7, 100, reads=True, costs=Costs(read=read))["cores"] for read in (0.1, 0.4))
    assert dear > 3 * cheap / 2
    assert answering(1e7, 100, reads=False)["cores"] < cheap


def test_without_a_queue_a_question_takes_as_long_as_it_takes():
    # the 99th of a hundred lognormal times with this spread takes 2.5 times the median
    alone = slowest(rate=0.1, seconds=0.2, servers=50)
    assert alone == pytest.approx(0.2 * 2.5 * 2.718281828 ** (-((0.9163 / 2.326) ** 2) / 2), rel=0.05)


def test_cores_are_enough_and_one_less_is_not():
    cores = least_servers(50, 0.3)
    assert cores > 50 * 0.3, "more than what is just busy all the time"
    assert slowest(50, 0.3, cores) <= 1.0 < slowest(50, 0.3, cores - 1)
