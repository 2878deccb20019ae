"""Documents written for this project, as people have them on disk, and questions about them → rows and fitted questions.

`own_documents.txt` holds each in passages, with questions that are asked of every passage:

    ## Title
    > A passage.               as many as there are
    question | 1:2,3 | 4:1     answered by sentences 2 and 3 of the first and by sentence 1 of the fourth; - by none

Those whose title falls to fitting (`is_for_fitting`) are not trained on: the calibration is fitted on them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.reader.own_questions import UNANSWERED, asked_of_texts
from bench.reader.rows import Row, labelled_at, row_of
from bench.reader.split import is_for_fitting
from index.sentences import sentence_spans
from qa.evaluation.datasets import ReadingItem

DOCUMENTS = Path(__file__).with_name("own_documents.txt")


@dataclass(frozen=True, slots=True)
class Document:
    """asked: each question, and passage → its sentences that answer, both from 0."""

    title: str
    passages: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[int, tuple[int, ...]]]] = field(default_factory=list)


def read_documents(path: Path = DOCUMENTS) -> list[Document]:
    """Read the file. Raises ValueError with the number of a line that is malformed."""
    found: list[Document] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        try:
            if line.startswith("## "):
                found.append(Document(line[3:]))
            elif line.startswith(">") and not found[-1].asked:
                found[-1].passages.append(line[2:])
            elif line:
                found[-1].asked.append(asked_of_texts(line, len(found[-1].passages)))
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
    return found


def document_rows(_data: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of the questions with each passage of their document, but for the documents that are fitted on."""
    for said, title, passage, places in _asked_of_passages(rng, fitting=False):
        yield from row_of(said, title, labelled_at(passage, places), rng)


def fitted_items(rng: random.Random) -> Iterator[ReadingItem]:
    """Yield the questions of the documents that are fitted on with each of their passages."""
    for asked in _asked_of_passages(rng, fitting=True):
        yield _item(*asked)


def searched_items() -> Iterator[ReadingItem]:
    """Yield the questions of the documents that are fitted on that one passage answers, or none."""
    for document in read_documents(DOCUMENTS):
        for said, answered in document.asked if is_for_fitting(document.title) else ():
            if len(answered) <= 1:
                passage = next(iter(answered), 0)
                yield _item(said, document.title, document.passages[passage], answered.get(passage, ()))


def _asked_of_passages(rng: random.Random, *, fitting: bool) -> Iterator[tuple[str, str, str, tuple[int, ...]]]:
    """Yield question, title, passage, and the places of its sentences that answer; of a passage that does not, a share."""
    for document in read_documents(DOCUMENTS):
        for said, answered in document.asked if is_for_fitting(document.title) == fitting else ():
            for i, passage in enumerate(document.passages):
                if i in answered or rng.random() < UNANSWERED:
                    yield said, document.title, passage, answered.get(i, ())


def _item(said: str, title: str, passage: str, places: Sequence[int]) -> ReadingItem:
    spans = sentence_spans(passage)
    return ReadingItem(said, title, passage, (tuple(spans[place] for place in places),) if places else ())
