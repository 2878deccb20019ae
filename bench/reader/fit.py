"""Fit the reader's calibration on held-out questions: `python -m bench.reader.fit` (needs the public data; twelve minutes).

Which questions: those of SQuAD 2.0 split A and of CLAPNQ's half whose article falls to fitting (`is_for_fitting`); the
others are for evaluation (bench/evaluate.py). And those of a third of the documents written for this project, which are
more like what people ask about. Each is read alone with its passage, and with what search finds for it among all passages,
as in the product. The reader's model was trained on none of these articles and documents, but for what its card says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.reader.fit_claims import fit_stance
from bench.reader.mutations import names_of, other_name
from bench.reader.own_documents import DOCUMENTS, fitted_items, searched_items
from bench.reader.split import is_for_fitting
from index.records import Hit
from qa.config import Settings
from qa.evaluation.collection import index_texts
from qa.evaluation.datasets import ReadingItem, ReadingSet, Text, open_dataset
from qa.evaluation.tasks import as_hits
from qa.reader import rated_picks, sentence_logits, told_by_rule
from qa.reading.calibration import FITTED, Logistic
from qa.reading.hit_sentences import Sentence, sentences_of
from qa.reading.picking import choose
from qa.reading.questions import analyse
from qa.reading.signals import ANSWER_SIGNALS, SENTENCE_SIGNALS, answer_signals, sentence_signals
from qa.records import AskRequest
from qa.retrieval import find
from qa.workspace import Workspace

Floats = npt.NDArray[np.float64]

SETS = ("squad/dev-v2.0.split_A.json.gz", "reading/clapnq/dev")
_SEED = 5
_MOST_ALONE, _MOST_SEARCHED = 1500, 400  # questions of one set
_ANSWERABLE = 0.75  # share of questions with an answer for which the risks are worked out
_RIDGE = 1.0
_NEAR_MISSES = 0.3  # the weight of such questions beside a set's own
_TRIED = 12  # words and names of other questions
_THING = re.compile(r"(?<=[a-z] )[a-z]{5,}(?<!ed)(?<!ing)\b")  # a noun or adjective, roughly


@dataclass(frozen=True, slots=True)
class Case:
    """A question as it was read. labels: of each sentence; searched: among all passages, not only its own."""

    rows: Floats
    labels: npt.NDArray[np.bool_]
    sentences: list[Sentence]
    item: ReadingItem
    searched: bool
    weight: float


@dataclass(frozen=True, slots=True)
class _Set:
    """Questions to be read with their passage alone, those to be searched for, and those whose texts are searched."""

    name: str
    alone: Sequence[ReadingItem]
    searched: Sequence[ReadingItem]
    texts: Sequence[ReadingItem]


def cases_of(data: Path, workspace: Workspace) -> Iterator[Case]:
    """Yield every question that is fitted on, alone and searched for."""
    rng = random.Random(_SEED)  # noqa: S311  # no secret
    sets = [*(_public_set(data / name, rng) for name in SETS), _own_set(rng)]
    texts = {_key(item): Text(_key(item), item.title, item.text) for one in sets for item in one.texts}
    index_texts(workspace.store, workspace.embedder, list(texts.values()))
    for one in sets:
        alone, searched = one.alone[:_MOST_ALONE], one.searched[:_MOST_SEARCHED]
        sys.stderr.write(f"{one.name}: {len(alone)} alone, {len(searched)} searched for\n")
        for item in alone:
            yield _case(item, as_hits(item, workspace), workspace, searched=False, weight=1 / len(alone))
        near = list(near_misses([item for item in alone if item.gold], rng))
        for item in near:
            yield _case(item, as_hits(item, workspace), workspace, searched=False, weight=_NEAR_MISSES / len(near))
        with workspace.store.view() as view:
            for item in searched:
                hits = find(view, workspace, AskRequest(item.question, collection="default", k=8))
                yield _case(item, hits, workspace, searched=True, weight=1 / len(searched))


def _public_set(path: Path, rng: random.Random) -> _Set:
    found = open_dataset(path)
    if not isinstance(found, ReadingSet):
        raise TypeError(f"{path}: no set of questions with their passages")
    held = [item for item in found.items if is_for_fitting(item.title)]
    rng.shuffle(held)
    return _Set(path.name, held, held, found.items)


def _own_set(rng: random.Random) -> _Set:
    alone, searched = list(fitted_items(rng)), list(searched_items())
    rng.shuffle(alone)
    rng.shuffle(searched)
    return _Set(DOCUMENTS.name, alone, searched, [*alone, *searched])


def near_misses(items: Sequence[ReadingItem], rng: random.Random) -> Iterator[ReadingItem]:
    """Ask of each passage for another name, number or thing than it tells of, as people do who look for what is not there.

    The sets' own unanswerable questions were written to share every word with their passage, which few questions do.
    """
    names = [name for item in items for name in names_of(item.question)]
    words = [word for item in items for word in _THING.findall(item.question)]
    for item in items:
        text = f"{item.title} {item.text}".lower()
        strangers = [name for name in rng.sample(names, min(_TRIED, len(names))) if name.lower() not in text]
        changed = other_name(item.question, strangers, rng)
        if not changed or rng.random() < 0.5:
            there = [word for word in _THING.findall(item.question) if word in text]
            others = [word for word in rng.sample(words, min(_TRIED, len(words))) if word[:5] not in text]
            changed = item.question.replace(rng.choice(there), others[0], 1) if there and others else changed
        if changed:
            yield replace(item, question=changed, gold=())


def _key(item: ReadingItem) -> str:
    return hashlib.sha256(f"{item.title}\0{item.text}".encode()).hexdigest()[:16]


def _case(item: ReadingItem, hits: Sequence[Hit], workspace: Workspace, *, searched: bool, weight: float) -> Case:
    sentences = sentences_of(hits)
    rows = sentence_signals(analyse(item.question), sentences, workspace.embedder, workspace.reader.model)
    spans = {span for gold in item.gold for span in gold}
    labels = np.array([_is_gold(one, item, spans, searched=searched) for one in sentences])
    return Case(rows, labels, sentences, item, searched, weight)


def _is_gold(one: Sentence, item: ReadingItem, spans: set[tuple[int, int]], *, searched: bool) -> bool:
    own = not searched or one.hit.document.path == _key(item)
    return own and any(low < one.end and high > one.start for low, high in spans)


# ---------------------------------------------------------------------- fitting


def fit_logistic(rows: Floats, labels: npt.NDArray[np.bool_], weights: Floats) -> Logistic:
    """Fit by Newton's steps with a little ridge; a signal that is NaN counts as its mean."""
    mean, scale = np.nanmean(rows, axis=0), np.maximum(np.nanstd(rows, axis=0), 1e-6)
    standard = np.concatenate([np.nan_to_num((rows - mean) / scale), np.ones((len(rows), 1))], axis=1)
    weights = weights * (len(rows) / weights.sum())
    ridge = _RIDGE * np.diag([*[1.0] * rows.shape[1], 0.0])
    found = np.zeros(standard.shape[1])
    for _ in range(30):
        chances = 1 / (1 + np.exp(-standard @ found))
        slope = standard.T @ (weights * (labels - chances)) - ridge @ found
        curve = (standard.T * (weights * chances * (1 - chances))) @ standard + ridge
        found += np.linalg.solve(curve, slope)
    return Logistic(mean, scale, found[:-1], float(found[-1]))


def fit(cases: Sequence[Case]) -> dict[str, Any]:
    """Return what qa/model/calibration.json holds, but for `stance`."""
    answered = [case for case in cases if case.labels.any()]
    sentence = fit_logistic(
        np.concatenate([case.rows for case in answered]),
        np.concatenate([case.labels for case in answered]),
        # a question's weight is shared by its sentences: else those with eight passages would count eight times
        np.concatenate([np.full(len(case.labels), case.weight / len(case.labels)) for case in answered]),
    )
    usable = [case for case in cases if len(case.labels)]
    rows, right = _answers(usable, sentence)
    answer = fit_logistic(rows, right, np.array([case.weight for case in usable]))
    searched = np.array([case.searched for case in usable])
    has_answer = np.array([bool(case.item.gold) for case in usable])[searched]
    chances = 1 / (1 + np.exp(-answer.logits(rows)))[searched]
    return {
        "sentence": _fields(sentence, SENTENCE_SIGNALS),
        "answer": _fields(answer, ANSWER_SIGNALS),
        "risks": _risks(chances, right[searched], has_answer),
        "hopeless": round(float(np.quantile(chances[has_answer], 0.01)), 4),
    }


def _answers(cases: Sequence[Case], sentence: Logistic) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the signals of each case's answer, and whether one of the sentences that make it answers."""
    rows, right = [], []
    for case in cases:
        asked = analyse(case.item.question)
        told = told_by_rule(asked, case.sentences)
        logits = sentence_logits(sentence, case.rows, told)
        rows.append(answer_signals(asked, case.rows, sentence.logits(case.rows), case.sentences))
        rated = rated_picks(case.sentences, logits, told)
        places = {(pick.hit.passage.id, pick.start) for pick in choose(asked, rated)}
        right.append(any(case.labels[i] for i, pick in enumerate(rated) if (pick.hit.passage.id, pick.start) in places))
    return np.stack(rows), np.array(right)


def _risks(chances: Floats, right: npt.NDArray[np.bool_], has_answer: npt.NDArray[np.bool_]) -> list[list[float]]:
    """Return for rising chances the share of answers from there on that are wrong."""
    share = has_answer.mean()
    weights = np.where(has_answer, _ANSWERABLE / share, (1 - _ANSWERABLE) / (1 - share))
    found = []
    for least in np.arange(0.0, 0.96, 0.02):
        kept = chances >= least
        if kept.sum() >= 20:
            found.append([round(float(least), 2), round(float((weights * ~right)[kept].sum() / weights[kept].sum()), 4)])
    return found


def _fields(one: Logistic, names: Sequence[str]) -> dict[str, Any]:
    rounded = {name: [round(float(v), 5) for v in getattr(one, name)] for name in ("mean", "scale", "weights")}
    return {"signals": list(names), **rounded, "bias": round(one.bias, 5)}


def main() -> None:
    """Read, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        workspace = Workspace(Settings(data=Path(place) / "data"))
        found = {**fit(list(cases_of(options.data, workspace))), "stance": fit_stance(options.data, workspace.reader)}
    FITTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
