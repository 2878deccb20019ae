"""Question → hits: dense and lexical candidates, fusion with feedback, reranking, duplicates out, documents mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from index.clock import Clock
from index.copies import Sieve
from index.embedder import Embedder, Vectors
from index.records import AllOf, DocumentInfo, Filter, Hit, Passage, Scores
from index.store import View

# Given the question and the best hits, returns scores, higher is better, of as many of the first as it looked at: of none
# where it can tell nothing. `qa` passes its reader here.
Reranker = Callable[[str, Sequence[Hit]], Sequence[float]]

_CANDIDATES = 50  # from each side
_MORE, _MOST_CANDIDATES = 4, 3_200  # so many times more are fetched while too few of them are distinct
_OFFERED = 16  # of the best candidates, to what reranks them
_FETCHED = 32  # candidates whose texts are read at once where those read first were too much alike
_DENSE_WEIGHT = 0.6
_FEEDBACK, _FEEDBACK_SHARE = 3, 0.3  # passages that the question's vector is moved towards, and how far
_TINY = 1e-9
_FURTHER = 0.97  # what each further passage of one document counts for, times the one before


_Read = dict[int, tuple[Passage, DocumentInfo]]


@dataclass(frozen=True, slots=True)
class _Candidate:
    num: int
    vector: Vectors
    dense: float
    lexical: float
    fused: float


def search(
    view: View,
    embedder: Embedder,
    question: str,
    k: int = 8,
    scope: Filter = AllOf(),
    rerank: Reranker | None = None,
    *,
    newer: float = 0.0,
    copies_last: bool = True,
    clock: Clock | None = None,
) -> list[Hit]:
    """Find min(k, passages that the filter admits) for a question; the rest as `search_near`."""
    vector = embed_question(embedder, question, clock or Clock())
    return search_near(view, vector, question, k, scope, rerank, newer=newer, copies_last=copies_last, clock=clock)


def embed_question(embedder: Embedder, question: str, clock: Clock) -> Vectors:
    """Return the question's unit vector, shape (dimension,). clock: times this as the step embed."""
    with clock.step("embed"):
        vector: Vectors = embedder.embed([question])[0]
    return vector


def search_near(
    view: View,
    vector: Vectors,
    question: str,
    k: int = 8,
    scope: Filter = AllOf(),
    rerank: Reranker | None = None,
    *,
    newer: float = 0.0,
    copies_last: bool = True,
    clock: Clock | None = None,
) -> list[Hit]:
    """Find min(k, passages that the filter admits) for a question and its vector, with every stage's score.

    Best first, but passages that say what a better one says come last, and only where there is nothing else. `rerank` is
    given the best candidates; all others follow those.
    newer: how much the date of a document counts against all else, 0 to 1. copies_last: False ranks them by their scores
    alone, as test collections count them. clock: times the steps dense, lexical, fetch and rerank.
    """
    clock = clock or Clock()
    wanted = _Wanted(vector, question, k, scope, newer, copies_last, max(k, _OFFERED if rerank is not None else 0) + k)
    sieve = _gather(view, wanted, clock)
    distinct = sieve.distinct
    if rerank is not None:
        with clock.step("rerank"):
            distinct = _reranked(question, distinct, rerank)
    best = _mix_documents(distinct, k)
    return [*best, *sieve.others[: k - len(best)]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is searched for, as `search_near` is told, and how many hits it chooses from."""

    vector: Vectors
    question: str
    k: int
    scope: Filter
    newer: float
    copies_last: bool
    choice: int  # hits to choose from: those that are offered to `rerank` or wanted, and as many more as are wanted


def _gather(view: View, wanted: _Wanted, clock: Clock) -> Sieve:
    """Return k distinct hits, if there are so many, and the near-duplicates that came with them.

    One round is enough but where the best are nearly all alike; it is bounded, for there may be thousands of those.
    What was read for one round is not read anew for the next.
    """
    limit = max(wanted.k, _CANDIDATES)
    read: _Read = {}
    while True:
        with clock.step("dense"):
            dense = dict(view.search_dense(wanted.vector, limit, wanted.scope))
        with clock.step("lexical"):
            lexical = dict(view.search_lexical(wanted.question, limit, wanted.scope))
        with clock.step("fetch"):
            sieve = _fetch(view, _rate(view, wanted.vector, dense, lexical), wanted, read)
        if len(sieve.distinct) >= wanted.k or len(dense) < limit or limit >= _MOST_CANDIDATES:
            return sieve
        limit *= _MORE


def _fetch(view: View, candidates: Sequence[_Candidate], wanted: _Wanted, read: _Read) -> Sieve:
    """Return the hits of the best candidates, sifted: as many as a choice needs, for reading all takes longest.

    read: what was read before; what is read now is added to it.
    """
    sieve = Sieve(keeps_copies=not wanted.copies_last)
    left = list(candidates)
    # some of the first are copies as a rule; by their dates even the last may come first
    at_once = len(left) if wanted.newer else wanted.choice + wanted.choice // 4
    while left and not _are_enough(sieve.distinct, wanted):
        batch, left = left[:at_once], left[at_once:]
        read.update(view.passages([one.num for one in batch if one.num not in read]))
        found = [one for one in batch if one.num in read]
        hits = [_make_hit(one, *read[one.num]) for one in found]
        sieve.add(_prefer_newer(hits, wanted.newer), {read[one.num][0].id: one.vector for one in found})
        at_once = _FETCHED
    return sieve


def _are_enough(distinct: Sequence[Hit], wanted: _Wanted) -> bool:
    """Say whether there is something to choose from: enough, and of several documents."""
    counts = Counter(hit.document.id for hit in distinct)
    mixed = sum(min(count, _share_of(wanted.k)) for count in counts.values())
    return len(distinct) >= wanted.choice and mixed >= wanted.k


def _rate(view: View, vector: Vectors, dense: Mapping[int, float], lexical: Mapping[int, float]) -> list[_Candidate]:
    """Rate what either side found, best first: fuse, move the question's vector towards the best, fuse again.

    The second step is Rocchio's feedback (1971) without anybody's judgement: what the best passages say is asked for too.
    Measured (nDCG@10 without and with): NFCorpus .334 .341, SciFact .729 .733, CISI .445 .448, MLQuestions .571 .565.
    """
    nums = sorted(dense.keys() | lexical.keys())
    if not nums:
        return []
    vectors = view.vectors(nums)
    cosines = vectors @ vector
    words = np.array([lexical.get(num, 0.0) for num in nums])
    first = _fuse(cosines, words)
    best = np.argsort(-first, kind="stable")[:_FEEDBACK]
    weights = 1.0 / np.arange(1, len(best) + 1)
    moved = vector + _FEEDBACK_SHARE * (weights / weights.sum()) @ vectors[best]
    fused = _fuse(vectors @ (moved / np.linalg.norm(moved)), words)
    order = sorted(range(len(nums)), key=lambda i: (-fused[i], nums[i]))
    return [_Candidate(nums[i], vectors[i], float(cosines[i]), float(words[i]), float(fused[i])) for i in order]


def _fuse(cosines: Vectors, words: Vectors) -> Vectors:
    """Weigh both scores, 0 to 1, with a weight for each question (convex combination, Bruch et al. 2023, arXiv:2210.11934).

    A side counts the more the further its best stands out from the rest, in standard deviations: the side that cannot
    tell the candidates apart then ruins nothing. Unlike reciprocal ranks, this keeps how much better the best is. A
    passage that the lexical side did not return is scored 0 there.
    """
    dense, lexical = _DENSE_WEIGHT * _standing_out(cosines), (1 - _DENSE_WEIGHT) * _standing_out(words)
    share = dense / max(dense + lexical, _TINY)
    return share * _unit(cosines) + (1 - share) * _unit(words)


def _standing_out(scores: Vectors) -> float:
    return float((scores.max() - scores.min()) / max(float(scores.std()), _TINY))


def _unit(scores: Vectors) -> Vectors:
    low = float(scores.min())
    unit: Vectors = (scores - low) / max(float(scores.max()) - low, _TINY)
    return unit


def _make_hit(candidate: _Candidate, passage: Passage, document: DocumentInfo) -> Hit:
    return Hit(passage, document, Scores(candidate.dense, candidate.lexical, candidate.fused))


def _reranked(question: str, hits: Sequence[Hit], rerank: Reranker) -> list[Hit]:
    scores = rerank(question, hits[:_OFFERED])
    rated = [replace(hit, scores=replace(hit.scores, rerank=float(score))) for hit, score in zip(hits, scores, strict=False)]
    return [*sorted(rated, key=lambda hit: -(hit.scores.rerank or 0.0)), *hits[len(rated) :]]


def _prefer_newer(hits: Sequence[Hit], share: float) -> list[Hit]:
    """Raise hits by where the dates of their documents lie between the oldest and the newest; undated ones count as old."""
    days = [_day_of(hit) for hit in hits]
    known = [day for day in days if day]
    if not share or not known:
        return list(hits)
    oldest, span = min(known), max(max(known) - min(known), 1)
    recency = [max(0.0, (day - oldest) / span) if day else 0.0 for day in days]
    raised = [
        replace(hit, scores=replace(hit.scores, fused=(hit.scores.fused + share * one) / (1 + share)))
        for hit, one in zip(hits, recency, strict=True)
    ]
    return sorted(raised, key=lambda hit: -hit.scores.fused)


def _day_of(hit: Hit) -> int:
    """Return the day that a document gives itself as a number, 0 when it gives none; a bare year is its first day."""
    text = str(hit.document.metadata.get("date", ""))[:10]
    try:
        return date.fromisoformat(f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01"[:10]).toordinal()
    except ValueError:
        return 0


def _mix_documents(hits: Sequence[Hit], k: int) -> list[Hit]:
    """Take k hits so that one document does not crowd out the others.

    Each further passage of a document counts a little less, and beyond three quarters of the k it has to wait until the
    other documents have nothing left. What was not reranked comes after what was.
    """
    share = _share_of(k)
    waiting = list(hits)
    taken: list[Hit] = []
    counts: Counter[str] = Counter()
    while waiting and len(taken) < k:
        best = max(waiting, key=lambda hit: (counts[hit.document.id] < share, *_rank(hit, counts[hit.document.id])))
        waiting.remove(best)
        taken.append(best)
        counts[best.document.id] += 1
    return sorted(taken, key=_rank, reverse=True)


def _share_of(k: int) -> int:
    return max(2, (3 * k + 3) // 4)


def _rank(hit: Hit, further: int = 0) -> tuple[bool, float]:
    """Return what a hit is sorted by. further: how many passages of its document are before it."""
    scores = hit.scores
    return scores.rerank is not None, (scores.fused if scores.rerank is None else scores.rerank) * _FURTHER**further
