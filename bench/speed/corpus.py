"""The public passages → a folder of files, one a document, and questions whose answers are known to be in it."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

_SEED = 11
_WORDS = 10  # of a question: a run of words out of one passage, about as long as people's questions are
_SHORTEST = 25  # words of a passage that a question is taken from
_IN_A_FOLDER = 1000


@dataclass(frozen=True)
class Corpus:
    """What is indexed. Every folder of a smaller size holds the first passages of a larger one's, in the same order."""

    folder: Path
    passages: int
    documents: int
    questions: Sequence[str]  # all different


def source_of(root: Path) -> Path:
    """Return the file of public passages; ends the command where it is not there."""
    source = Path(os.environ.get("QA_BENCH_DATA", root.parent / "shared" / "data")) / "scale" / "passages.jsonl.gz"
    if not source.exists():
        sys.exit(f"{source}: not found; set QA_BENCH_DATA to the folder of the public data")
    return source


def read_documents(source: Path) -> list[list[str]]:
    """Return the passages of each document, documents shuffled (always alike) so that every size holds all kinds."""
    documents: dict[str, list[str]] = {}
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            documents.setdefault(fields["_id"].rsplit("#", 1)[0], []).append(" ".join(fields["text"].split()))
    return shuffled(list(documents.values()))


def shuffled(documents: list[list[str]]) -> list[list[str]]:
    """Return documents in an order that depends on nothing but their number."""
    return random.Random(_SEED).sample(documents, len(documents))  # noqa: S311  # no secret


def write_corpus(documents: Sequence[list[str]], size: int, place: Path, questions: int) -> Corpus:
    """Write the first so many passages into a folder, which is made anew. Raises ValueError where there are too few."""
    chosen = list(_first(documents, size))
    if sum(map(len, chosen)) < size:
        raise ValueError(f"the corpus holds {sum(map(len, chosen)):,} passages, fewer than {size:,}")
    shutil.rmtree(place, ignore_errors=True)
    for number, passages in enumerate(chosen):
        path = place / f"{number // _IN_A_FOLDER:03}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(passages), encoding="utf-8")
    asked = make_questions([one for passages in chosen for one in passages], questions)
    if len(asked) < questions:
        raise ValueError(f"{size:,} passages give {len(asked):,} questions, fewer than {questions:,}")
    return Corpus(place, size, len(chosen), asked)


def make_questions(passages: Sequence[str], number: int) -> list[str]:
    """Return different runs of words, each out of another passage as long as there are any, always the same ones.

    No question is asked twice in a run, for what remembers answers would then be measured at remembering.
    """
    long = [words for words in (one.split() for one in passages) if len(words) >= _SHORTEST]
    drawn = random.Random(_SEED)  # noqa: S311  # no secret
    order = drawn.sample(long, len(long))
    chosen = (order[turn % len(order)] for turn in range(4 * number)) if order else iter(())
    runs = (words[start : start + _WORDS] for words in chosen for start in [drawn.randrange(len(words) - _WORDS + 1)])
    return list(islice(dict.fromkeys(map(" ".join, runs)), number))


def holds(text: str, question: str) -> bool:
    """Say whether a passage has the words that a question was made of."""
    return question in " ".join(text.split())


def _first(documents: Sequence[list[str]], size: int) -> Iterator[list[str]]:
    left = size
    for passages in documents:
        if left <= 0:
            return
        yield passages[:left]
        left -= len(passages)
