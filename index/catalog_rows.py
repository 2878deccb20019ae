"""Rows of the catalog ↔ records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from index.locators import locator_from_json, locator_to_json
from index.records import Document, DocumentInfo, FileRecord, Locator, Passage, Section
from index.sqlite import Value

_INFO_FIELDS = "id collection path part title sha256 length media_type lang metadata generation indexed_at".split()
_FILE_FIELDS = "collection path size mtime_ns ctime_ns status sha256 reason checked_ns readers".split()
_FILE_PATH = _FILE_FIELDS.index("path")
INFO_COLUMNS = ", ".join(f"d.{name}" for name in _INFO_FIELDS)
FILE_COLUMNS = ", ".join(_FILE_FIELDS)
PASSAGE_COLUMNS = 'p.id, p.start, p."end", p.text, p.context, p.locator'


def document_row(document: Document, file_sha256: str) -> tuple[Value, ...]:
    """Return the values of a new row of `documents`, after its generation."""
    return (
        document.id,
        document.collection,
        document.path,
        document.part,
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
    text, sections = row[len(_INFO_FIELDS) :]
    places = tuple(Section(start, locator_from_json(fields)) for start, fields in json.loads(sections))
    return Document(**_info_fields(row), text=text, sections=places)


def sections_to_json(sections: Sequence[Section]) -> str:
    """Write sections as `row_to_document` reads them."""
    return json.dumps([[section.start, locator_to_json(section.locator)] for section in sections], ensure_ascii=False)


def locator_to_text(locator: Locator) -> str:
    """Write a locator as `row_to_passage` reads it."""
    return json.dumps(locator_to_json(locator), ensure_ascii=False)


def row_to_passage(row: Sequence[Any], document_id: str) -> Passage:
    """Make a record of PASSAGE_COLUMNS."""
    return Passage(row[0], document_id, row[1], row[2], row[3], locator_from_json(json.loads(row[5])), row[4])


class Ledger(Mapping[str, FileRecord]):
    """The file ledger of a collection by path. Records are made when asked for: most runs look at few of them."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows = {row[_FILE_PATH]: row for row in rows}

    def __getitem__(self, path: str) -> FileRecord:
        """Return the record of a path."""
        return row_to_file(self._rows[path])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the paths in the order of the rows."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._rows)

    def __contains__(self, path: object) -> bool:
        """Say whether a path is known, without making its record."""
        return path in self._rows


def row_to_file(row: Sequence[Any]) -> FileRecord:
    """Make a record of FILE_COLUMNS."""
    return FileRecord(**dict(zip(_FILE_FIELDS, row, strict=True)))


def file_row(record: FileRecord) -> tuple[Value, ...]:
    """Return the values of FILE_COLUMNS."""
    return tuple(getattr(record, name) for name in _FILE_FIELDS)


def _info_fields(row: Sequence[Any]) -> dict[str, Any]:
    fields = dict(zip(_INFO_FIELDS, row, strict=False))
    return {**fields, "metadata": json.loads(fields["metadata"])}
