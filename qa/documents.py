"""Documents as the API and `qa show` give them, and ids of spans in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath, PurePosixPath
from typing import Any

from index.locators import locator_to_json
from index.records import Document, DocumentInfo

_CITATION_ID = re.compile(r"(d[0-9a-f]+):(\d{1,12})-(\d{1,12})")


def info_to_json(document: DocumentInfo) -> dict[str, Any]:
    """Return a document without its text."""
    return {
        "id": document.id,
        "collection": document.collection,
        "path": document.path,
        "part": document.part,
        "title": document.title,
        "sha256": document.sha256,
        "length": document.length,
        "media_type": document.media_type,
        "lang": document.lang,
        "metadata": dict(document.metadata),
        "generation": document.generation,
        "indexed_at": document.indexed_at,
    }


def document_to_json(document: Document) -> dict[str, Any]:
    """Return a document with its text and the places in it."""
    sections = [{"start": one.start, "locator": locator_to_json(one.locator)} for one in document.sections]
    return {**info_to_json(document), "text": document.text, "sections": sections}


def files_apart(documents: Iterable[DocumentInfo]) -> dict[str, str]:
    """Return id → ", NAME" of the file where several documents have one title, as all reports of an office may, else ""."""
    found = {one.id: one for one in documents}.values()
    counts = Counter(one.title for one in found)
    return {one.id: f", {PurePath(one.path).name}" if one.path and counts[one.title] > 1 else "" for one in found}


def split_citation_id(identifier: str) -> tuple[str, tuple[int, int] | None]:
    """Return (document id, span) of "d…:START-END", or (identifier, None) of anything else."""
    match = _CITATION_ID.fullmatch(identifier)
    return (match[1], (int(match[2]), int(match[3]))) if match else (identifier, None)


def date_of(document: DocumentInfo) -> str:
    """Return the date that a document gives itself, as ISO 8601 text; "" when it gives none."""
    return str(document.metadata.get("date", ""))[:10]


def supersedes(newer: DocumentInfo, older: DocumentInfo) -> bool:
    """Say whether a document names another as the one it takes the place of (front matter `supersedes`, a file or title)."""
    named = {name.strip().casefold() for name in str(newer.metadata.get("supersedes", "")).split(",")} - {""}
    return bool(named & {older.path.casefold(), PurePosixPath(older.path).name.casefold(), older.title.casefold()})
