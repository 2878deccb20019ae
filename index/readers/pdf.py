"""PDF → text with pages as places, by pypdfium2 (Chrome's engine: 794 pages/s, measured; pypdf 61)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.errors import UnreadableFile
from index.readers.builder import fold_space
from index.readers.text import clean
from index.records import Extracted, Locator, Section

# PDFium marks a hyphen that only breaks a word at a line's end with one of these.
_LINE_HYPHEN = re.compile("([^\\W\\d_]*)[\x02\ufffe\u00ad](?:\r\n?|\n)?([^\\W\\d_]*)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SHORT_LINE_SHARE = 0.72


def read_pdf(data: bytes) -> Extracted:
    """Read the text of every page. Raises UnreadableFile for a broken, encrypted or text-less file."""
    document = _open(data)
    try:
        pages = [_paragraphs(clean(page)) for page in _join_words(list(_page_texts(document)))]
        title = fold_space(clean(document.get_metadata_value("Title")))
        author = fold_space(clean(document.get_metadata_value("Author")))
    finally:
        document.close()
    text, sections = _join(pages)
    if not text:
        raise UnreadableFile(f"no text on its {len(pages)} pages (a scan?)")
    metadata = {"pages": str(len(pages))} | ({"author": author} if author else {})
    return Extracted(text=text, media_type="application/pdf", title=title, sections=sections, metadata=metadata)


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium_raw.FPDF_ERR_PASSWORD:
            raise UnreadableFile("an encrypted PDF: it needs a password") from error
        raise UnreadableFile("not a PDF that can be opened: it is damaged or something else") from error


def _page_texts(document: pdfium.PdfDocument) -> Iterator[str]:
    for number in range(len(document)):
        try:
            page = document[number]
            yield page.get_textpage().get_text_range()
            page.close()
        except pdfium.PdfiumError:
            yield ""  # one damaged page must not cost the others


def _join_words(pages: list[str]) -> list[str]:
    """Put words together that a line's end breaks, keeping the hyphen of those that are written with one elsewhere."""
    words = set(_WORD.findall("\n".join(pages)))

    def join(match: re.Match[str]) -> str:
        compound = f"{match[1]}-{match[2]}"
        return compound if compound in words and match[1] + match[2] not in words else match[1] + match[2]

    return [_LINE_HYPHEN.sub(join, page) for page in pages]


def _paragraphs(page: str) -> str:
    """Set an empty line where a paragraph or heading ends: after a line clearly shorter than its page's lines.

    PDF has no paragraphs; without this a heading would run into the sentence below it.
    """
    lines = [line.strip() for line in page.split("\n")]
    widest = max((len(line) for line in lines), default=0)
    out: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        out.append(line)
        ends = len(line) < _SHORT_LINE_SHARE * widest and line[-1:] not in (",", ";", "-", "(")
        if line and following and ends and not following[0].islower() and following[0] != "(":
            out.append("")
    return "\n".join(out).strip()


def _join(pages: list[str]) -> tuple[str, tuple[Section, ...]]:
    """Join pages. A sentence that runs over the page end is kept in one piece: one line break, not two."""
    parts: list[str] = []
    sections: list[Section] = []
    length = 0
    for number, page in enumerate(pages, start=1):
        if not page:
            continue
        if parts:
            separator = "\n" if parts[-1][-1] not in ".!?۔؟:" and page[0].islower() else "\n\n"
            parts.append(separator)
            length += len(separator)
        sections.append(Section(length, Locator(page=number)))
        parts.append(page)
        length += len(page)
    return "".join(parts), tuple(sections)
