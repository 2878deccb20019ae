"""The records of the index: frozen, without behaviour, importing nothing of ours.

All offsets are Unicode code points, half-open, into the text of a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DEFAULT_COLLECTION = "default"
CELLS = " | "  # between the cells of a table's row, in the text of a document


@dataclass(frozen=True, slots=True)
class Locator:
    """What a person calls a place in a document. Fields that do not apply are None or empty.

    message: number of the message in a mailbox, from 1; attachment: its file name; slide: from 1; sheet: its name;
    cells: "A2:F21"; pointer: where in a JSON file, RFC 6901.
    """

    page: int | None = None
    last_page: int | None = None
    heading: tuple[str, ...] = ()
    slide: int | None = None
    sheet: str = ""
    cells: str = ""
    message: int | None = None
    attachment: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """From `start` to the next section's start, the place in the document is `locator`."""

    start: int
    locator: Locator


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """A document without its text.

    `id` stays the same while the file changes; `sha256` is of the UTF-8 text and names one version of it.
    `path` is relative to the folder that the index belongs to, or absolute outside of it. `part` tells the documents
    of one file apart (a message of a mailbox, an attachment of a message) and is empty where a file is one document.
    """

    id: str
    collection: str
    path: str
    part: str = ""
    title: str
    sha256: str
    length: int
    media_type: str
    lang: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    generation: int = 0
    indexed_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(DocumentInfo):
    """A document with its text and the places in it, sections sorted by start."""

    text: str
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """A document as a reader found it in a file. part: its name within the file, empty where the file is one document.

    metadata: names → values as text; dates in ISO 8601, "date" being the document's own.
    """

    text: str
    media_type: str
    part: str = ""
    title: str = ""
    lang: str = ""
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences: `text == document.text[start:end]` (invariant 1).

    `context` (title and heading path) is embedded and searched with the text but is no part of it.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    locator: Locator
    context: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """How each stage rated a passage. dense: cosine; lexical: BM25; fused: 0 to 1, dates included; rerank: the reader's."""

    dense: float | None = None
    lexical: float | None = None
    fused: float = 0.0
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question."""

    passage: Passage
    document: DocumentInfo
    scores: Scores


@dataclass(frozen=True, slots=True)
class Equals:
    """Admits documents whose `key` is `value`.

    key: "collection", "path", "document" (its id), "title", "lang", "media_type", or a metadata key.
    """

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class StartsWith:
    """Admits documents whose `key` begins with `value`: all below a folder, for one."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """Admits documents whose `key` lies between two texts, both included, such as ISO dates; "" leaves an end open."""

    key: str
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Admits documents that every part admits; no parts admit everything."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Admits documents that some part admits; no parts admit nothing."""

    parts: tuple[Filter, ...] = ()


Filter = Equals | StartsWith | Range | AllOf | AnyOf

FileStatus = Literal["indexed", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One line of the file ledger: every file seen is indexed, skipped or failed with a reason (invariant 8).

    size in bytes; mtime_ns, ctime_ns and checked_ns in nanoseconds since the epoch; sha256 of the bytes, "" if never
    read; readers: the version of the readers that read it.
    """

    collection: str
    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    status: FileStatus
    sha256: str = ""
    reason: str = ""
    checked_ns: int = 0
    readers: str = ""


@dataclass(frozen=True, slots=True)
class CollectionStats:
    """What one collection holds."""

    documents: int
    passages: int


@dataclass(frozen=True, slots=True)
class Run:
    """A commit of the index. added, removed: documents; seconds: what the run took; committed_at: ISO 8601, UTC."""

    generation: int
    committed_at: str
    added: int
    removed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Stats:
    """What is in the index at one generation.

    sizes: bytes on disk by part; media_types, languages: how many documents are of each.
    """

    generation: int
    committed_at: str
    embedder: str
    dimension: int
    collections: Mapping[str, CollectionStats]
    media_types: Mapping[str, int]
    languages: Mapping[str, int]
    failures: tuple[FileRecord, ...]
    sizes: Mapping[str, int]
