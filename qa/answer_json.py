"""The answer object: one JSON form for the CLI, the API, streams, stored answers and every chat tool."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from index.locators import locator_to_json
from index.records import Hit, Scores
from qa.injection import find_orders
from qa.records import Answer, Citation, Claim, Repair


def answer_to_json(answer: Answer, base_url: str = "") -> dict[str, Any]:
    """Return the answer object. base_url: put before citation links; without it they are paths on the server."""
    cited = {citation.passage_id for citation in answer.citations}
    return {
        "id": answer.id,
        "question": answer.question,
        "searched_for": answer.searched_for,
        "conversation_id": answer.conversation_id or None,
        "created_at": answer.created_at,
        "status": answer.status,
        "mode": answer.mode,
        "degraded": {"reason": answer.degraded} if answer.degraded else None,
        "score": round(answer.score, 4),
        "text": answer.text,
        "claims": [claim_to_json(claim) for claim in answer.claims],
        "citations": [citation_to_json(citation, base_url) for citation in answer.citations],
        "passages": [hit_to_json(hit, cited=hit.passage.id in cited, base_url=base_url) for hit in answer.hits],
        "model": answer.model or None,
        "prompt": {"name": answer.prompt_name, "sha256": answer.prompt_sha256} if answer.prompt_name else None,
        "index": {"generation": answer.generation, "embedder": answer.embedder},
        "conflicts": [dict(conflict) for conflict in answer.conflicts],
        "left_out": [claim_to_json(claim) for claim in answer.left_out],
        "notes": list(answer.notes),
        "usage": dict(answer.usage),
        "timings_ms": dict(answer.timings_ms),
    }


def claim_to_json(claim: Claim) -> dict[str, Any]:
    """Return a claim as the answer object shows it."""
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": claim.verdict,
        "score": round(claim.score, 4),
        "citations": list(claim.citations),
        "rejected": [{"quote": one.quote, "reason": one.reason} for one in claim.rejected],
        "reason": claim.reason,
        "repair": _repair_to_json(claim.repair),
    }


def _repair_to_json(repair: Repair | None) -> dict[str, Any] | None:
    return {"tried": list(repair.tried), "by": repair.by or None, "before": repair.before} if repair else None


def citation_to_json(citation: Citation, base_url: str = "") -> dict[str, Any]:
    """Return a citation as the answer object shows it, with the link that opens it highlighted."""
    return {
        "n": citation.n,
        "document_id": citation.document_id,
        "title": citation.title,
        "path": citation.path,
        "sha256": citation.sha256,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "locator": locator_to_json(citation.locator),
        "url": base_url + citation_path(citation.document_id, citation.start, citation.end, citation.sha256),
        "score": round(citation.score, 4),
    }


def citation_path(document_id: str, start: int, end: int, sha256: str) -> str:
    """Return the path that opens a span of one version of a document.

    `v` names the version: should the document have changed since, the page says so instead of marking other words.
    """
    return f"/documents/{document_id}?{urlencode({'start': start, 'end': end, 'v': sha256[:12]})}#cited"


def hit_to_json(hit: Hit, *, cited: bool, base_url: str = "") -> dict[str, Any]:
    """Return a passage as the answer object and the search API show it."""
    passage, document = hit.passage, hit.document
    return {
        "id": passage.id,
        "document_id": document.id,
        "title": document.title,
        "path": document.path,
        "lang": document.lang,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "locator": locator_to_json(passage.locator),
        "url": base_url + citation_path(document.id, passage.start, passage.end, document.sha256),
        "scores": scores_to_json(hit.scores),
        "flags": list(find_orders(f"{document.title}\n{passage.text}")),
        "cited": cited,
    }


def scores_to_json(scores: Scores) -> dict[str, float | None]:
    """Return the score of each stage; a stage that did not run is left out."""
    named = {"dense": scores.dense, "lexical": scores.lexical, "fused": scores.fused, "rerank": scores.rerank}
    return {name: round(score, 4) for name, score in named.items() if score is not None}
