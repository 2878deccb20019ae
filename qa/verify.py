"""A stored answer's quotes against today's documents: valid, moved, changed or gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from index.locators import locate, locator_to_json
from index.store import View
from qa.answer_json import citation_path
from qa.citations import find_span
from qa.edges import is_whole


def verify_answer(view: View, answer: Mapping[str, Any], base_url: str = "") -> dict[str, Any]:
    """Check every citation of an answer object.

    valid: the same words at the same place; moved: elsewhere in the document, `start`, `end` and `url` say where;
    changed: the document is there, the words are not; gone: the document is not indexed any more.
    """
    checks = [_check(view, citation, base_url) for citation in answer["citations"]]
    return {
        "id": answer["id"],
        "generation": view.generation,
        "valid": all(check["status"] in ("valid", "moved") for check in checks),
        "citations": checks,
    }


def _check(view: View, citation: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    document = view.document(citation["document_id"])
    checked = {"n": citation["n"], "document_id": citation["document_id"], "quote": citation["quote"]}
    if document is None:
        return {**checked, "status": "gone"}
    start, end, quote = citation["start"], citation["end"], citation["quote"]
    if document.text[start:end] == quote and is_whole(document.text, start, end):
        status = "valid"
    else:
        found = find_span(quote, document.text)
        if found is None:
            return {**checked, "status": "changed"}
        status, (start, end) = "moved", found
    return {
        **checked,
        "status": status,
        "start": start,
        "end": end,
        "locator": locator_to_json(locate(document.sections, start, end)),
        "url": base_url + citation_path(document.id, start, end, document.sha256),
    }
