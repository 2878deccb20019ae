"""Bytes of a file → its documents, as text with places in it. One module per family of formats.

`formats.detect` says which format the bytes are; add a line to `_READERS` for a new one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence

from index.errors import UnreadableFile
from index.readers.formats import detect
from index.records import Extracted

# Raised when a reader starts to give other text for the same bytes: files are then read anew.
READERS_VERSION = "8"

# format → the function that reads it. Imported when first needed: no run meets all of them, and some are slow to load.
_READERS = {
    "text": "index.readers.text:read_text",
    "code": "index.readers.code:read_code",
    "markdown": "index.readers.markdown:read_markdown",
    "rst": "index.readers.rst:read_rst",
    "rtf": "index.readers.rtf:read_rtf",
    "html": "index.readers.html:read_html",
    "epub": "index.readers.epub:read_epub",
    "pdf": "index.readers.pdf:read_pdf",
    "docx": "index.readers.docx:read_docx",
    "odt": "index.readers.odt:read_odt",
    "pptx": "index.readers.pptx:read_pptx",
    "xlsx": "index.readers.xlsx:read_xlsx",
    "csv": "index.readers.csv:read_csv",
    "json": "index.readers.json:read_json",
    "jsonl": "index.readers.json:read_jsonl",
    "eml": "index.readers.mail:read_eml",
    "mbox": "index.readers.mail:read_mbox",
}


def read_bytes(data: bytes, name: str, passwords: Sequence[str] = ()) -> list[Extracted]:
    """Read the documents in a file's bytes: one, but for mail, where messages and attachments are documents of their own.

    name: the file's name; its suffix decides where the bytes do not. passwords: tried on an encrypted PDF.
    Raises UnreadableFile, whose message is the reason shown to the user; Unsupported for formats that are not read.
    """
    if not data:
        raise UnreadableFile("the file is empty")
    try:
        kind = detect(data, name)
        options = {"passwords": passwords} if kind in ("pdf", "eml", "mbox") else {}
        found = _reader(kind)(data, **options)
        documents = [found] if isinstance(found, Extracted) else list(found)
    except (UnreadableFile, MemoryError):
        raise
    except Exception as error:  # whatever a parser dies of costs this file and no other
        raise UnreadableFile(f"the reader failed on it ({type(error).__name__})") from error
    documents = [document for document in documents if any(map(str.isalnum, document.text))]
    if not documents:
        raise UnreadableFile("no text in it (a scan or pictures only?)")
    return documents


def _reader(kind: str) -> Callable[..., Extracted | Iterable[Extracted]]:
    module, function = _READERS[kind].split(":")
    reader: Callable[..., Extracted | Iterable[Extracted]] = getattr(importlib.import_module(module), function)
    return reader
