"""Data set → what the product makes of it → metrics. One function a kind of set."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.passages import embedded_text, split_document
from index.records import DEFAULT_COLLECTION, Document, Extracted, FileRecord, Hit, Scores
from index.search import search
from index.sentences import sentence_spans
from index.sync import make_document
from qa.answer import answer_question
from qa.evaluation import metrics
from qa.evaluation.claims import judge_claims
from qa.evaluation.collection import index_texts
from qa.evaluation.datasets import AskItem, AskSet, ClaimSet, Dataset, ReadingItem, ReadingSet, RetrievalSet, Text
from qa.evaluation.metrics import Metric, averaged, bootstrapped
from qa.indexing import index_paths
from qa.reader import Reading
from qa.records import AskRequest, Mode
from qa.workspace import Workspace

Progress = Callable[[int, int], None]  # questions done, questions in all

Truths = npt.NDArray[np.bool_]

_RANKED = 100  # passages that a retrieval question is given


@dataclass
class Result:
    """metrics by name; latency: milliseconds of each stage, one value a question.

    chances, right: of each question, how sure the answer was and whether it was right.
    """

    dataset: str
    kind: str
    metrics: dict[str, Metric] = field(default_factory=dict)
    latency: dict[str, list[float]] = field(default_factory=dict)
    chances: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)


def evaluate(dataset: Dataset, workspace: Workspace, mode: Mode, progress: Progress) -> Result:
    """Measure the product on a data set. workspace: empty, in a place of its own; its settings are what is measured.

    What no question of the set tells anything of is left out.
    """
    result = _measure(dataset, workspace, mode, progress)
    result.metrics = {name: metric for name, metric in result.metrics.items() if metric.n}
    return result


def _measure(dataset: Dataset, workspace: Workspace, mode: Mode, progress: Progress) -> Result:
    if isinstance(dataset, RetrievalSet):
        return _retrieval(dataset, workspace, progress)
    if isinstance(dataset, ReadingSet):
        return _reading(dataset, workspace, progress)
    if isinstance(dataset, ClaimSet):
        return Result(dataset.name, "claims", *judge_claims(dataset, workspace, progress))
    return _asking(dataset, workspace, mode, progress)


# ---------------------------------------------------------------------- retrieval


def _retrieval(dataset: RetrievalSet, workspace: Workspace, progress: Progress) -> Result:
    result = Result(dataset.name, "retrieval", latency={"search": []})
    index_texts(workspace.store, workspace.embedder, dataset.documents)
    rows: list[tuple[list[str], Mapping[str, int]]] = []
    with workspace.store.view() as view:
        for done, (key, question) in enumerate(dataset.questions.items()):
            progress(done, len(dataset.questions))
            began = time.perf_counter()
            hits = search(view, workspace.embedder, question, _RANKED, rerank=workspace.rerank, copies_last=False)
            result.latency["search"].append((time.perf_counter() - began) * 1000)
            rows.append((list(dict.fromkeys(hit.document.id for hit in hits)), dataset.relevant[key]))
    result.metrics = {
        "nDCG@10": averaged([metrics.ndcg(*row, 10) for row in rows]),
        "recall@3": averaged([metrics.recall(*row, 3) for row in rows]),
        "recall@10": averaged([metrics.recall(*row, 10) for row in rows]),
        "recall@100": averaged([metrics.recall(*row, 100) for row in rows]),
        "MRR@10": averaged([metrics.reciprocal_rank(*row, 10) for row in rows]),
        "MAP@100": averaged([metrics.average_precision(*row, 100) for row in rows]),
    }
    return result


# ---------------------------------------------------------------------- reading one passage


def _reading(dataset: ReadingSet, workspace: Workspace, progress: Progress) -> Result:
    """Measure which sentences are taken, as if nothing were refused, and what is refused: each by itself.

    A refused question is wrong only by "refused, answerable", or the choice of sentences could not be told from it.
    """
    result = Result(dataset.name, "reading", latency={"read": []})
    rows, answerable, chose = [], [], []
    for done, item in enumerate(dataset.items):
        progress(done, len(dataset.items))
        hits = as_hits(item, workspace)
        began = time.perf_counter()
        reading = workspace.reader.read(item.question, hits)
        result.latency["read"].append((time.perf_counter() - began) * 1000)
        result.chances.append(reading.score)
        answerable.append(bool(item.gold))
        chose.append(bool(reading.picks))
        if item.gold:
            rows.append(_score_reading(item, reading))
        result.right.append(_holds_answer(item, reading))
    result.metrics = {name: averaged([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    _add_refusal(result, np.asarray(answerable), np.asarray(chose))
    return result


def _holds_answer(item: ReadingItem, reading: Reading) -> bool:
    """Say whether one of the sentences that were chosen answers, as `Reading.score` has the chance of."""
    spans = [(pick.start, pick.end) for pick in reading.chosen]
    return any(low < end and high > start for gold in item.gold for low, high in gold for start, end in spans)


def _score_reading(item: ReadingItem, reading: Reading) -> dict[str, float]:
    """Compare the sentences that were chosen with those of the answer that they are most like."""
    sentences = sentence_spans(item.text)
    wanted = [_touched(sentences, gold) for gold in item.gold]
    rated = sorted(reading.rated, key=lambda pick: -pick.score)
    order = [next(iter(_touched(sentences, [(pick.start, pick.end)])), -1) for pick in rated]
    chosen = _touched(sentences, [(pick.start, pick.end) for pick in reading.chosen])
    quoted = [word for pick in reading.chosen for word in _words(pick.text)]
    golds = [[word for i in sorted(gold) for word in _words(item.text[slice(*sentences[i])])] for gold in wanted]
    return {
        "top sentence": float(any(order[:1] and order[0] in gold for gold in wanted)),
        "sentence MAP": max(_precision_of(order, gold) for gold in wanted),
        "sentence F1": max(metrics.f1(chosen, gold) for gold in wanted),
        "evidence word-F1": max(metrics.word_f1(quoted, gold) for gold in golds),
    }


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _add_refusal(result: Result, answerable: Truths, chose: Truths) -> None:
    """Add what is known where some questions have an answer and others have none."""
    result.metrics["refused, unanswerable"] = averaged(list(map(float, ~chose[~answerable])))
    result.metrics["refused, answerable"] = averaged(list(map(float, ~chose[answerable])))
    if len(set(answerable.tolist())) != 2:
        return
    chances, right = np.asarray(result.chances), np.asarray(result.right)
    result.metrics["answerable AUROC"] = bootstrapped(
        len(right), lambda i: metrics.auroc(chances[i].tolist(), answerable[i].tolist())
    )
    result.metrics["refusal F1"] = bootstrapped(len(right), lambda i: _refusal_f1(chose[i], answerable[i]))
    result.metrics["wrong, of those answered"] = averaged(list(map(float, ~right[chose])))
    result.metrics["area under risk"] = bootstrapped(
        len(right), lambda i: metrics.area_under_risk(chances[i].tolist(), right[i].tolist())
    )
    result.metrics["calibration error"] = bootstrapped(
        len(right), lambda i: metrics.calibration_error(chances[i].tolist(), right[i].tolist())
    )


def _refusal_f1(chose: Truths, answerable: Truths) -> float:
    refused, wanted = np.flatnonzero(~chose), np.flatnonzero(~answerable)
    return metrics.f1(set(refused.tolist()), set(wanted.tolist()))


def as_hits(item: ReadingItem, workspace: Workspace) -> list[Hit]:
    """Return the item's passage as search would hand it on, cut as the index would cut it."""
    document = _document(Text("d", item.title, item.text))
    passages = split_document(document, workspace.embedder.count_tokens, workspace.embedder.window)
    vectors = workspace.embedder.embed([item.question, *map(embedded_text, passages)])
    cosines = vectors[1:] @ vectors[0]
    return [
        Hit(passage, document, Scores(float(cosine), 0.0, float(cosine)))
        for passage, cosine in zip(passages, cosines, strict=True)
    ]


def _document(text: Text) -> Document:
    record = FileRecord(collection=DEFAULT_COLLECTION, path=text.id, size=0, mtime_ns=0, ctime_ns=0, status="indexed")
    return make_document(Extracted(text=text.text, media_type="text/plain", title=text.title), record, text.id)


def _touched(sentences: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> set[int]:
    """Return the numbers of the sentences that spans touch."""
    return {number for number, (start, end) in enumerate(sentences) for low, high in spans if start < high and end > low}


def _precision_of(order: Sequence[int], gold: set[int]) -> float:
    names = [str(one) for one in dict.fromkeys(order)]
    return metrics.average_precision(names, {str(one): 1 for one in gold}, len(names))


# ---------------------------------------------------------------------- from end to end


def _asking(dataset: AskSet, workspace: Workspace, mode: Mode, progress: Progress) -> Result:
    result = Result(dataset.name, "asking")
    folder = dataset.file.parent
    index_paths(workspace, sorted(path for path in folder.iterdir() if path != dataset.file), root=folder.parent)
    rows = []
    for done, item in enumerate(dataset.items):
        progress(done, len(dataset.items))
        answer = answer_question(workspace, AskRequest(item.question, mode=mode))
        for stage, spent in answer["timings_ms"].items():  # type: ignore[attr-defined]
            result.latency.setdefault(stage, []).append(float(spent))
        rows.append(_score_answer(item, answer, workspace))
        result.chances.append(float(answer["score"]))  # type: ignore[arg-type]
        result.right.append(bool(rows[-1]["right"]))
    answered = [row for row in rows if not row["refused"]]
    known = [row for row, item in zip(rows, dataset.items, strict=True) if item.expect]
    result.metrics = {
        "answer holds an expected quote": averaged([row["holds"] for row in known]),
        "citation recall": averaged([row["recall"] for row in known]),
        "citation precision": averaged([row["precision"] for row in known if not row["refused"]]),
        "quotes exact": averaged([row["exact"] for row in answered]),
    }
    answerable = np.array([bool(item.expect) for item in dataset.items])
    _add_refusal(result, answerable, np.array([not row["refused"] for row in rows]))
    return result


def _score_answer(item: AskItem, answer: Mapping[str, Any], workspace: Workspace) -> dict[str, float]:
    """Compare the citations with the expected quotes: a citation is right if it touches one, recall over documents' quotes.

    Precision and recall as in ALCE (Gao et al. 2023, arXiv:2305.14627), with people's quotes in the place of a model.
    """
    text = _folded(answer["text"])
    expected = [(Path(name).name, _folded(quote)) for name, quote in item.expect]
    cited = [(Path(one["path"]).name, _folded(one["quote"])) for one in answer["citations"]]
    right = [any(name == other and _overlap(quote, words) for other, quote in expected) for name, words in cited]
    reached = [any(name == other and _overlap(quote, words) for name, words in cited) for other, quote in expected]
    with workspace.store.view() as view:
        exact = [
            (document := view.document(one["document_id"])) is not None
            and document.text[one["start"] : one["end"]] == one["quote"]
            for one in answer["citations"]
        ]
    return {
        "holds": float(any(quote in text for _, quote in expected)),
        "recall": float(np.mean(reached)) if reached else 0.0,
        "precision": float(np.mean(right)) if right else 0.0,
        "exact": float(all(exact)),
        "right": float(any(reached)),
        "refused": float(answer["status"] == "no_evidence"),
    }


def _folded(text: str) -> str:
    return " ".join(text.split())


def _overlap(quote: str, words: str) -> bool:
    return quote in words or words in quote
