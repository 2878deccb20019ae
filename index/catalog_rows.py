"""Rows of the catalog ↔ records, and filters → SQL. Values are always bound, never written into the SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from index.locators import locator_from_json, locator_to_json
from index.records import AllOf, Document, DocumentInfo, Equals, FileRecord, Filter, Passage, Section

INFO_COLUMNS = (
    "d.id, d.collection, d.path, d.title, d.sha256, d.length, d.media_type, d.lang, d.metadata, d.generation, d.indexed_at"
)
PASSAGE_COLUMNS = 'p.id, p.start, p."end", p.text, p.context, p.locator'
_COLUMNS = {"collection": "d.collection", "path": "d.path", "document": "d.id"}


def where(scope: Filter) -> tuple[str, list[object]]:
    """Compile a filter to an SQL condition on `documents d` and its bound values."""
    if isinstance(scope, AllOf):
        parts = [where(part) for part in scope.parts]
        condition = " AND ".join(f"({text})" for text, _ in parts) or "1"
        return condition, [value for _, values in parts for value in values]
    if isinstance(scope, Equals) and scope.key in _COLUMNS:
        return f"{_COLUMNS[scope.key]} = ?", [scope.value]
    return "EXISTS (SELECT 1 FROM json_each(d.metadata) m WHERE m.key = ? AND m.value = ?)", [scope.key, scope.value]


def document_row(document: Document, file_sha256: str) -> tuple[object, ...]:
    """Return the values of a new row of `documents`, after its generation."""
    return (
        document.id,
        document.collection,
        document.path,
        document.title,
        document.sha256,
        len(document.text),
        document.media_type,
        document.lang,
        json.dumps(dict(document.metadata), ensure_ascii=False),
        datetime.now(UTC).isoformat(timespec="seconds"),
        file_sha256,
    )


def row_to_info(row: Sequence[Any]) -> DocumentInfo:
    """Make a record of INFO_COLUMNS."""
    return DocumentInfo(**_info_fields(row))


def row_to_document(row: Sequence[Any]) -> Document:
    """Make a record of INFO_COLUMNS, text, sections."""
    sections = tuple(Section(start, locator_from_json(fields)) for start, fields in json.loads(row[12]))
    return Document(**_info_fields(row), text=row[11], sections=sections)


def sections_to_json(sections: Sequence[Section]) -> str:
    """Write sections as `row_to_document` reads them."""
    return json.dumps([[section.start, locator_to_json(section.locator)] for section in sections], ensure_ascii=False)


def row_to_passage(row: Sequence[Any], document_id: str) -> Passage:
    """Make a record of PASSAGE_COLUMNS."""
    return Passage(row[0], document_id, row[1], row[2], row[3], locator_from_json(json.loads(row[5])), row[4])


def row_to_file(row: Sequence[Any]) -> FileRecord:
    """Make a record of a whole row of `files`."""
    collection, path, size, mtime_ns, status, sha256, reason, checked_ns, readers = row
    return FileRecord(
        collection=collection,
        path=path,
        size=size,
        mtime_ns=mtime_ns,
        status=status,
        sha256=sha256,
        reason=reason,
        checked_ns=checked_ns,
        readers=readers,
    )


def _info_fields(row: Sequence[Any]) -> dict[str, Any]:
    names = (
        "id",
        "collection",
        "path",
        "title",
        "sha256",
        "length",
        "media_type",
        "lang",
        "metadata",
        "generation",
        "indexed_at",
    )
    fields = dict(zip(names, row, strict=False))
    return {**fields, "metadata": json.loads(fields["metadata"])}
