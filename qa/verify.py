"""A stored answer's quotes against today's documents: valid, moved, changed or gone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from index.locators import locate, locator_to_json
from index.records import Document
from index.store import View
from qa.answer_json import citation_path
from qa.citations import find_spans
from qa.edges import is_whole
from qa.evidence import sentences_at
from qa.folding import fold


def verify_answer(view: View, answer: Mapping[str, Any], base_url: str = "") -> dict[str, Any]:
    """Check every citation of an answer object.

    valid: the same words at the same place; moved: elsewhere in the document, `start`, `end` and `url` say where;
    changed: the document is there, but the words are not, or their sentence says something else now ("It is false that
    …"); gone: the document is not indexed any more.
    """
    checks = [_check(view, citation, _sentences_then(answer, citation), base_url) for citation in answer["citations"]]
    return {
        "id": answer["id"],
        "generation": view.generation,
        "valid": all(check["status"] in ("valid", "moved") for check in checks),
        "citations": checks,
    }


def _sentences_then(answer: Mapping[str, Any], citation: Mapping[str, Any]) -> str:
    """Return the sentences that the citation stood in, as the answer's passages show them; "" where they do not."""
    for passage in answer["passages"]:
        inside = passage["start"] <= citation["start"] and citation["end"] <= passage["end"]
        if inside and passage["document_id"] == citation["document_id"]:
            start = passage["start"]
            return sentences_at(passage["text"], citation["start"] - start, citation["end"] - start)[0]
    return ""


def _check(view: View, citation: Mapping[str, Any], sentences: str, base_url: str) -> dict[str, Any]:
    document = view.document(citation["document_id"])
    checked = {"n": citation["n"], "document_id": citation["document_id"], "quote": citation["quote"]}
    if document is None:
        return {**checked, "status": "gone"}
    span = _place(document, citation, sentences)
    if span is None:
        return {**checked, "status": "changed"}
    return {
        **checked,
        "status": "valid" if span == (citation["start"], citation["end"]) else "moved",
        "start": span[0],
        "end": span[1],
        "locator": locator_to_json(locate(document.sections, *span)),
        "url": base_url + citation_path(document.id, *span, document.sha256),
    }


def _place(document: Document, citation: Mapping[str, Any], sentences: str) -> tuple[int, int] | None:
    """Return where the quote stands in the document as it is now, in the sentences that it stood in; None if nowhere."""
    start, end = citation["start"], citation["end"]
    if document.sha256 == citation["sha256"]:
        return start, end
    in_place = document.text[start:end] == citation["quote"] and is_whole(document.text, start, end)
    for span in chain([(start, end)] if in_place else [], find_spans(citation["quote"], document.text)):
        if not sentences or fold(sentences_at(document.text, *span)[0])[0] == fold(sentences)[0]:
            return span
    return None
