"""An answer object as what its readers see: paragraphs of claims with their citations, verdicts counted, scores as bars."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_MARKERS = re.compile(r"(?:\[\d+\])+")
_VERDICTS = ("supported", "unchecked", "unsupported", "contradicted")
_STAGES = ("dense", "lexical", "fused", "rerank")
_WORDS = ((0.9, "very_high"), (0.75, "high"), (0.5, "fair"), (0.0, "low"))


def paragraphs_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the answer's paragraphs: `lead` in, `listed`, and `parts`, each a list of claims with their citations."""
    if not answer["claims"]:
        return [{"lead": "", "listed": False, "parts": [[{"text": answer["text"], "cited": [], "verdict": "none"}]]}]
    by_number = {citation["n"]: citation for citation in with_languages(answer)}
    paragraphs: list[dict[str, Any]] = []
    end = 0
    for claim in answer["claims"]:
        between = _MARKERS.sub("", answer["text"][end : claim["start"]])
        listed = between.endswith("\n- ")
        if not paragraphs or "\n\n" in between:
            lead = between.removesuffix("- ").strip()
            paragraphs.append({"lead": lead, "listed": listed, "parts": [[]]})
        elif listed:
            paragraphs[-1]["parts"].append([])
        paragraphs[-1]["parts"][-1].append({**claim, "cited": [by_number[n] for n in claim["citations"]]})
        end = claim["end"]
    return paragraphs


def with_languages(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the citations, each with the language of its document, "" where the answer does not tell."""
    known = {passage["document_id"]: passage.get("lang", "") for passage in answer["passages"]}
    return [{**citation, "lang": known.get(citation["document_id"], "")} for citation in answer["citations"]]


def verdict_key(claim: Mapping[str, Any]) -> str:
    """Return how a claim's verdict is called: its own word, or "no_source" for what nothing is cited for."""
    unfounded = claim["verdict"] == "unsupported" and not claim["citations"]
    return "no_source" if unfounded else str(claim["verdict"])


def count_verdicts(answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return how many claims have each verdict, of those that occur."""
    counted = Counter(claim["verdict"] for claim in answer["claims"])
    return [(verdict, counted[verdict]) for verdict in _VERDICTS if counted[verdict]]


def doubtful_claims(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the claims that are worth a look: not supported, or with quotes that were not found, or left out."""
    doubtful = [one for one in answer["claims"] if one["verdict"] != "supported" or one["rejected"]]
    return [*doubtful, *({**one, "left_out": True} for one in answer.get("left_out", ()))]


def score_word(score: float) -> str:
    """Return the word for a chance between 0 and 1."""
    return next(word for least, word in _WORDS if score >= least)


def with_bars(passages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return passages with `bars`: (stage, score, length from 0 to 100), 100 being the best of all these passages."""
    best = {stage: max((one["scores"].get(stage, 0.0) for one in passages), default=0.0) for stage in _STAGES}

    def bar(stage: str, score: float) -> tuple[str, float, int]:
        return stage, score, round(max(0.0, score) / best[stage] * 100) if best[stage] > 0 else 0

    def bars(scores: Mapping[str, float]) -> list[tuple[str, float, int]]:
        return [bar(stage, scores[stage]) for stage in _STAGES if stage in scores]

    return [{**one, "bars": bars(one["scores"])} for one in passages]
