"""PDF → text with pages and bookmarks as places, by pypdfium2 (Chrome's engine: 794 pages/s, measured; pypdf 61)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.errors import NeedsPassword, UnreadableFile
from index.readers.builder import fold_space
from index.readers.dates import iso_date
from index.readers.pdf_arabic import mend_ligatures
from index.readers.pdf_furniture import runs_on, without_furniture
from index.readers.pdf_headings import typeset_headings, typeset_title
from index.readers.pdf_lines import text_with_line_ends
from index.readers.pdf_notes import notes_of, with_notes_moved
from index.readers.pdf_outline import Bookmark, bookmarks, headings_of_page
from index.readers.pdf_tables import with_rows
from index.readers.pdf_title import title_of
from index.readers.pdf_typeset import TypesetLine, typeset_lines
from index.readers.pdf_words import CAPTION
from index.readers.text import clean
from index.records import Extracted, Locator, Section
from index.sentences import line_goes_on
from index.table_rows import is_table

# PDFium marks a hyphen that only breaks a word at a line's end with one of the first two, and drops the line's end.
_LINE_HYPHEN = re.compile("(?<![^\\W\\d_])([^\\W\\d_]*)[\x02\ufffe](?:\r\n?|\n)?([^\\W\\d_]*)([^\\s\x02\ufffe]*)[ \r]*\n?")
_SOFT_HYPHEN = re.compile("\u00ad(?:\r\n?|\n)?")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CAPTION = re.compile(rf"{CAPTION.pattern}[\d.]*:")
_SHORT_LINE_SHARE = 0.72
_NEIGHBOURS = 5  # lines before and after by which the width of a column is judged
_GARBAGE_SHARE = 0.3
_GARBAGE = frozenset(["Co", "Cn", "Cs"])


def read_pdf(data: bytes, passwords: Sequence[str] = ()) -> Extracted:
    """Read the text of every page; passwords are tried one after the other where the file is encrypted.

    Raises UnreadableFile for a broken, encrypted or text-less file.
    """
    document = open_pdf(data, passwords)
    try:
        title = title_of(document)
        outline = bookmarks(document)
        lines: list[TypesetLine] | None = None if outline else []
        read = list(_page_texts(document, lines))
        metadata = _metadata(document, len(read))
    finally:
        document.close()
    raw = with_notes_moved([text for text, _ in read], [notes for _, notes in read])
    sound = ["" if _is_garbage(page) else page for page in raw]
    pages = without_furniture([clean(page) for page in _join_words(sound)])
    text, sections = _join([_paragraphs(page) for page in pages], outline or typeset_headings(lines or []))
    if not any(map(str.isalnum, text)):
        raise UnreadableFile(_why_no_text(raw, sound))
    title = title or typeset_title(lines or [])
    return Extracted(text=text, media_type="application/pdf", title=title, sections=sections, metadata=metadata)


def open_pdf(data: bytes, passwords: Sequence[str]) -> pdfium.PdfDocument:
    """Open a PDF with the first password that fits. Raises UnreadableFile, NeedsPassword where none does."""
    for password in (None, *passwords):
        try:
            return pdfium.PdfDocument(data, password=password)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) != pdfium_raw.FPDF_ERR_PASSWORD:
                raise UnreadableFile("not a PDF that can be opened: it is damaged or something else") from error
    raise NeedsPassword("an encrypted PDF: it needs a password; give it in the setting `pdf_passwords`")


def _metadata(document: pdfium.PdfDocument, pages: int) -> dict[str, str]:
    dates = (iso_date(document.get_metadata_value(name)) for name in ("CreationDate", "ModDate"))
    found = {
        "pages": str(pages),
        "author": fold_space(clean(document.get_metadata_value("Author"))),
        "date": next(filter(None, dates), ""),
    }
    return {name: value for name, value in found.items() if value}


def _why_no_text(raw: list[str], sound: list[str]) -> str:
    if any(page and not kept for page, kept in zip(raw, sound, strict=True)):
        return "its text layer is unreadable (a font without a table of its characters?)"
    return f"no text on its {len(raw)} pages (a scan?)"


def _page_texts(document: pdfium.PdfDocument, lines: list[TypesetLine] | None) -> Iterator[tuple[str, list[str]]]:
    """Yield the text and the notes of each page. lines: where to add how its lines are set, None if nobody needs it."""
    for number in range(len(document)):
        try:
            page = document[number]
            characters = page.get_textpage()
            text = text_with_line_ends(characters)
            if lines is not None:
                lines += typeset_lines(characters, text, number + 1)
            yield with_rows(characters, mend_ligatures(characters, text)), notes_of(characters, text)
            page.close()
        except pdfium.PdfiumError:
            yield "", []  # one damaged page must not cost the others


def _is_garbage(page: str) -> bool:
    """Say whether a page's characters mean nothing: its fonts do not tell which characters their glyphs are."""
    characters = [one for one in page if not one.isspace() and one not in "\x02\ufffe\u00ad"]
    bad = sum(one == "\ufffd" or one < " " or unicodedata.category(one) in _GARBAGE for one in characters)
    return bad > _GARBAGE_SHARE * len(characters)


def _join_words(pages: list[str]) -> list[str]:
    """Put words together that a line's end breaks, keeping the hyphen of those that are written with one elsewhere."""
    words = set(_WORD.findall("\n".join(pages)))

    def join(match: re.Match[str]) -> str:
        compound, joined = f"{match[1]}-{match[2]}", match[1] + match[2]
        is_compound = match[3][:1].isdigit() and not match[2]  # COVID-19
        return (compound if is_compound or (compound in words and joined not in words) else joined) + match[3] + "\n"

    return [_LINE_HYPHEN.sub(join, _SOFT_HYPHEN.sub("", page)) for page in pages]


def _paragraphs(page: str) -> str:
    """Set the paragraphs of a page apart; the blocks of its tables are that already."""
    blocks = page.split("\n\n")
    if not any(map(is_table, blocks)):
        return _set_apart(page)
    return "\n\n".join(block if is_table(block) else _set_apart(block) for block in blocks)


def _set_apart(page: str) -> str:
    """Set an empty line where a paragraph or heading ends: after a line clearly shorter than those around it.

    PDF has no paragraphs; without this a heading would run into the sentence below it.
    """
    lines = [line.strip() for line in page.split("\n")]
    widths = [len(line) for line in lines]
    out: list[str] = []
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True)):
        out.append(line)
        widest = max(widths[max(0, number - _NEIGHBOURS) : number + _NEIGHBOURS + 1])
        ends = len(line) < _SHORT_LINE_SHARE * widest and line[-1:] not in (",", ";", "-", "(")
        may_begin = not following[:1].islower() and following[:1] not in "(,.;:)" and not line_goes_on(line, following)
        if line and following and ((ends and may_begin) or _CAPTION.match(following)):
            out.append("")
    return "\n".join(out).strip()


def _join(pages: list[str], outline: list[Bookmark]) -> tuple[str, tuple[Section, ...]]:
    """Join pages. A sentence that runs over the page end is kept in one piece: one line break, not two."""
    parts: list[str] = []
    sections: list[Section] = []
    heading: tuple[str, ...] = ()
    length = 0
    for number, page in enumerate(pages, start=1):
        may_flow = bool(parts) and bool(page) and not any(map(is_table, page.split("\n\n", 2)[:2]))
        flows = may_flow and runs_on(parts[-1].rpartition("\n")[2], page.partition("\n")[0])
        here = [one for one in outline if one.page == number]
        starts = headings_of_page(page, here, flows)
        if page:
            parts.append("" if not parts else "\n" if flows else "\n\n")
            length += len(parts[-1])
            if not starts or starts[0][0] > 0:
                sections.append(Section(length, Locator(page=number, heading=heading)))
            sections += [Section(length + at, Locator(page=number, heading=path)) for at, path in starts]
            parts.append(page)
            length += len(page)
        heading = here[-1].path if here else heading  # though its line was not found
    return "".join(parts), tuple(sections)
