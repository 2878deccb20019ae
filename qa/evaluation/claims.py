"""Claims with evidence → how often the verdict is right, of the product, of its judge alone, and of a rule on cosines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from index.sentences import sentence_spans
from qa.evaluation import metrics
from qa.evaluation.datasets import ClaimSet
from qa.evaluation.metrics import Metric, averaged, bootstrapped
from qa.evaluation.thresholds import by_chances, by_likeness
from qa.evidence import Evidence
from qa.support import judge
from qa.workspace import Workspace

_VERDICTS = ("supported", "contradicted", "unsupported")
_SILENT = (0.0, 0.0, 1.0)


def judge_claims(
    dataset: ClaimSet, workspace: Workspace, progress: Callable[[int, int], None]
) -> tuple[dict[str, Metric], dict[str, list[float]]]:
    """Judge each claim by its evidence. Returns metrics by name, and the milliseconds that each claim took.

    The balanced accuracy is of the likeliest verdict: the rules' where they decide, else the judge's, which may not be sure
    of it, so that the claim is shown otherwise. "of the judge alone" is of what it finds likeliest of all claims, those that
    the rules decide among them. What there is no opinion on counts as neither borne out nor contradicted. What takes two
    thresholds has them from the other half of the claims; cosines are of a claim and the sentence that is most like it.
    """
    judgements, alone, chances, cosines, taken = [], [], [], [], []
    for done, item in enumerate(dataset.items):
        progress(done, len(dataset.items))
        began = time.perf_counter()
        judgements.append(judge(item.claim, [Evidence(item.evidence)], workspace.entails))
        taken.append((time.perf_counter() - began) * 1000)
        found = workspace.entails(item.claim, item.evidence) if workspace.entails else None
        alone.append(found.likeliest[0] if found else "unsupported")
        chances.append((found.supported, found.contradicted, 1 - found.supported - found.contradicted) if found else _SILENT)
        cosines.append(_likeness(item.claim, item.evidence, workspace))
    labels = [item.label for item in dataset.items]
    verdicts = [one.verdict for one in judgements]
    bold = [float(label != "supported") for label, verdict in zip(labels, verdicts, strict=True) if verdict == "supported"]
    true = np.array([_VERDICTS.index(label) for label in labels])
    of_judge = {
        "of the judge alone": _balanced(labels, alone),
        "of the judge, two thresholds": _balanced(labels, _named(by_chances(np.array(chances), true))),
    }
    found_metrics = {
        "balanced accuracy": _balanced(labels, [one.opinion or one.verdict for one in judgements]),
        **(of_judge if workspace.entails else {}),
        "of cosines, two thresholds": _balanced(labels, _named(by_likeness(np.array(cosines), true))),
        "decided": averaged([float(verdict != "unchecked") for verdict in verdicts]),
        "shown as supported": averaged([float(verdict == "supported") for verdict in verdicts]),
        "of these not borne out": averaged(bold),
    }
    return found_metrics, {"judge": taken}


def _likeness(claim: str, evidence: str, workspace: Workspace) -> float:
    sentences = [evidence[start:end] for start, end in sentence_spans(evidence)] or [evidence]
    vectors = workspace.sentence_vectors.embed([claim, *sentences])
    return float((vectors[1:] @ vectors[0]).max())


def _named(verdicts: npt.NDArray[np.int_]) -> list[str]:
    return [_VERDICTS[one] for one in verdicts]


def _balanced(labels: Sequence[str], verdicts: Sequence[str]) -> Metric:
    true = np.asarray(labels)
    said = np.asarray(["unsupported" if verdict == "unchecked" else verdict for verdict in verdicts])
    return bootstrapped(len(true), lambda i: metrics.balanced_accuracy(said[i].tolist(), true[i].tolist()))
