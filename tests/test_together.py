"""What several threads ask for at once is computed in one batch, and what was computed lately is not computed again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from index.embedder import BundledEmbedder, Vectors
from index.together import Together
from qa.reading.sentence_vectors import SentenceVectors


class Doubler:
    """Doubles numbers; the first batch takes until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.begun.set()
        assert self.go.wait(10)
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


@pytest.fixture
def doubler() -> Doubler:
    return Doubler()


def ask_while_busy(doubler: Doubler, numbers: Sequence[int]) -> tuple[Together[int, int], list[Future[int]]]:
    """Ask for 1, and for the numbers while that is computed; let go when all wait."""
    together: Together[int, int] = Together(doubler.run)
    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        futures = [pool.submit(together.ask, 1)]
        assert doubler.begun.wait(10)
        futures += [pool.submit(together.ask, number) for number in numbers]
        deadline = time.monotonic() + 10
        while together.waiting < len(numbers):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        doubler.go.set()
    return together, futures


def test_who_comes_while_a_batch_runs_shares_the_next(doubler: Doubler) -> None:
    _, futures = ask_while_busy(doubler, [2, 3, 4])
    assert [one.result() for one in futures] == [2, 4, 6, 8]
    assert [sorted(batch) for batch in doubler.batches] == [[1], [2, 3, 4]]


def test_a_batch_that_fails_fails_for_all_in_it_and_for_nobody_else(doubler: Doubler) -> None:
    together, futures = ask_while_busy(doubler, [2, 13])
    assert futures[0].result() == 2
    for future in futures[1:]:
        with pytest.raises(ValueError, match="13"):
            future.result()
    assert together.ask(5) == 10


def test_nobody_waits_for_others_to_come(doubler: Doubler) -> None:
    doubler.go.set()
    assert Together(doubler.run).ask(4) == 8
    assert doubler.batches == [[4]]


def test_who_has_a_result_returns_while_the_next_batch_runs() -> None:
    """Whoever comes at once again must not keep back those whose batch is over."""
    begun, go = [threading.Event() for _ in range(3)], [threading.Event() for _ in range(3)]

    def run(numbers: Sequence[int]) -> Sequence[int]:
        batch = len([one for one in begun if one.is_set()])
        begun[batch].set()
        assert go[batch].wait(10)
        return numbers

    together: Together[int, int] = Together(run)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(together.ask, 0)
        assert begun[0].wait(10)
        second = [pool.submit(together.ask, number) for number in (1, 2)]
        while together.waiting < 2:
            time.sleep(0.001)
        go[0].set()
        assert begun[1].wait(10)
        third = pool.submit(together.ask, 3)
        while together.waiting < 1:
            time.sleep(0.001)
        go[1].set()
        assert begun[2].wait(10)
        assert [one.result(timeout=10) for one in (first, *second)] == [0, 1, 2], "though the third batch still runs"
        assert not third.done()
        go[2].set()
        assert third.result(timeout=10) == 3


class Counting:
    """Counts what is embedded."""

    def __init__(self, embed: Callable[[Sequence[str]], Vectors]) -> None:
        self._embed = embed
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self._embed(texts)


def test_a_sentence_is_embedded_once_and_its_vector_stays_the_same(embedder: BundledEmbedder) -> None:
    counting = Counting(embedder.embed)
    vectors = SentenceVectors(counting)
    first = vectors.embed(["The sea is calm.", "The lamp is lit.", "The sea is calm."])
    again = vectors.embed(["The lamp is lit.", "The keeper sleeps.", "The sea is calm."])
    assert counting.texts == ["The sea is calm.", "The lamp is lit.", "The keeper sleeps."]
    assert (first[[1, 0]] == again[[0, 2]]).all()
    assert (first == embedder.embed(["The sea is calm.", "The lamp is lit.", "The sea is calm."])).all()
    assert vectors.embed([]).shape == (0, embedder.dimension)


def test_only_so_many_sentences_are_kept_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.reading.sentence_vectors._KEPT", 2)
    counting = Counting(lambda texts: np.array([[len(text)] for text in texts], np.float32))
    vectors = SentenceVectors(counting)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        assert vectors.embed([text])[0, 0] == len(text)
    assert counting.texts == ["a", "bb", "ccc", "bb"]
