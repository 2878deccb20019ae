"""Claims written for this project about public passages → training rows, and held-out ones to fit the judge's chances on.

They stand in `own_claims.txt`, six about each text, two of each kind and mostly of nearly the same words, and among the
questions of `own_questions.txt`; own_questions.py says how. Those about a text whose title falls to fitting
(`is_claim_for_fitting`) are not trained on.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.reader.claims import NEITHER
from bench.reader.own_questions import QUESTIONS, STANCES, read_questions, texts_by_key
from bench.reader.rows import Row, labelled, nearest, wikipedia_passages
from bench.reader.split import is_claim_for_fitting

CLAIMS = Path(__file__).with_name("own_claims.txt")
_COMPARED = 60  # passages, for one that is near, where a text has no article


def claim_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of the claims, each beside the sentences that it is held against, and at times one before and after."""
    for row, _, _ in _held_against_its_own(data, rng, fitting=False):
        yield row


def fitted_claims(data: Path, rng: random.Random) -> Iterator[tuple[Row, bool]]:
    """Yield the held-out claims, and whether the evidence is beside the point: other sentences of the text, or of another.

    That is how answers go wrong most: the claim is true, and the words cited for it are not the ones that say so.
    """
    articles: dict[str, list[str]] = defaultdict(list)
    for title, text in wikipedia_passages(data):
        articles[title].append(" ".join(text.split()))
    everywhere = [text for found in articles.values() for text in found]
    for row, sentences, places in _held_against_its_own(data, rng, fitting=True):
        yield row, False
        if row.stance == NEITHER:
            continue
        if rng.random() < 0.5:
            others = [one for i, one in enumerate(sentences) if not min(places) - 1 <= i <= max(places) + 1]
        else:
            own = articles[row.context]
            beside = own if len(own) > 1 else rng.sample(everywhere, min(_COMPARED, len(everywhere)))
            others = [one for one, _ in labelled(nearest(row.question, " ".join(sentences), beside), [])]
        if others and rng.random() < 0.5:
            start = rng.randrange(len(others))
            yield Row(row.question, row.context, tuple(others[start : start + 2]), stance=NEITHER), True


def _held_against_its_own(
    data: Path, rng: random.Random, *, fitting: bool
) -> Iterator[tuple[Row, list[str], Sequence[int]]]:
    """Yield each claim with its evidence, all sentences of its text, and the places of those that it is held against."""
    texts = texts_by_key(data)
    for one in (*read_questions(CLAIMS), *read_questions(QUESTIONS)):
        title, text = texts[one.key]
        if is_claim_for_fitting(title) is not fitting:
            continue
        sentences = [sentence for sentence, _ in labelled(text[one.start : one.end], [])]
        for sign, said, places, _ in one.lines:
            if sign in STANCES:
                evidence = sentences[max(0, min(places) - rng.randrange(2)) : max(places) + 1 + rng.randrange(2)]
                yield Row(said, title, tuple(evidence), stance=STANCES.index(sign)), sentences, places
