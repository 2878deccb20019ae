"""Claims written for this project about public passages → training rows, and held-out ones to fit the judge's chances on.

They stand in `own_claims.txt`, six about each text, two of each kind and mostly of nearly the same words, and among the
questions of `own_questions.txt`; own_questions.py says how. Those about a text whose title falls to fitting
(`is_claim_for_fitting`) are not trained on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.reader.claims import NEITHER
from bench.reader.own_questions import QUESTIONS, STANCES, read_questions, texts_by_key
from bench.reader.rows import Row, labelled, nearest, wikipedia_articles
from bench.reader.split import is_claim_for_fitting

CLAIMS = Path(__file__).with_name("own_claims.txt")
_COMPARED = 60  # passages, for one that is near, where a text has no article


@dataclass(frozen=True, slots=True)
class _Claim:
    """sentences: all of the text; places: of those that the claim is held against, from 0."""

    text: str
    title: str
    sentences: list[str]
    places: Sequence[int]
    stance: int


def claim_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of the claims, each beside the sentences that it is held against, and at times one before and after."""
    for claim in _claims(data, fitting=False):
        first, last = min(claim.places), max(claim.places)
        evidence = claim.sentences[max(0, first - rng.randrange(2)) : last + 1 + rng.randrange(2)]
        yield Row(claim.text, claim.title, tuple(evidence), stance=claim.stance)


def fitted_claims(data: Path, rng: random.Random) -> Iterator[tuple[Row, bool]]:
    """Yield the held-out claims beside their own sentences, and some again beside others of the text, or of another text.

    True of the latter: evidence beside the point, which is how answers go wrong most: the words cited do not say so.
    """
    articles = wikipedia_articles(data)
    everywhere = [text for found in articles.values() for text in found]
    for claim in _claims(data, fitting=True):
        first, last = min(claim.places), max(claim.places)
        yield Row(claim.text, claim.title, tuple(claim.sentences[first : last + 1]), stance=claim.stance), False
        if claim.stance == NEITHER or rng.random() < 0.5:
            continue
        if rng.random() < 0.5:
            others = [*claim.sentences[: max(0, first - 1)], *claim.sentences[last + 2 :]]
        else:
            own = articles[claim.title]
            beside = own if len(own) > 1 else rng.sample(everywhere, min(_COMPARED, len(everywhere)))
            others = [one for one, _ in labelled(nearest(claim.text, " ".join(claim.sentences), beside), [])]
        if others:
            start = rng.randrange(len(others))
            yield Row(claim.text, claim.title, tuple(others[start : start + 2]), stance=NEITHER), True


def _claims(data: Path, *, fitting: bool) -> Iterator[_Claim]:
    texts = texts_by_key(data)
    for one in (*read_questions(CLAIMS), *read_questions(QUESTIONS)):
        title, text = texts[one.key]
        if is_claim_for_fitting(title) is not fitting:
            continue
        sentences = [sentence for sentence, _ in labelled(text[one.start : one.end], [])]
        for sign, said, places, _ in one.lines:
            if sign in STANCES:
                yield _Claim(said, title, sentences, places, STANCES.index(sign))
