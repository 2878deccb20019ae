"""A page of a PDF as a picture, with the words of a quote boxed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from index.errors import UnreadableFile
from index.page_order import Box, PageOrder, PagePicture
from index.readers.pdf import open_pdf
from index.readers.pdf_arabic import mend_ligatures
from index.readers.pdf_lines import numbered_text
from index.readers.pdf_quote import find_spans

_WIDTH = 1_200  # pixels: sharp at the width of a column, on dense screens too
_MAX_PIXELS = 5_000_000
_LARGEST = 3.0  # pixels a point
_PAD = 1.5  # points around the words
_FILL = (255, 214, 64, 110)
_LINE = (176, 96, 0, 255)


def draw_page(data: bytes, order: PageOrder, passwords: Sequence[str] = ()) -> PagePicture:
    """Draw a page. Raises UnreadableFile for a file that is no PDF, or has no such page, or whose page is broken."""
    document = open_pdf(data, passwords)
    try:
        if not 1 <= order.page <= len(document):
            raise UnreadableFile(f"it has {len(document)} pages, not {order.page}")
        return _draw(document[order.page - 1], order)
    except pdfium.PdfiumError as error:
        raise UnreadableFile("this page is damaged and cannot be drawn") from error
    finally:
        document.close()


def _draw(page: pdfium.PdfPage, order: PageOrder) -> PagePicture:
    rectangles = list(_rectangles(page, order))
    for rectangle in rectangles:
        _add_box(page, *rectangle)
    width, height = page.get_size()
    scale = min(_LARGEST, _WIDTH / max(width, 1.0), (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, rev_byteorder=True, no_smoothpath=False)
    boxes = [_in_pixels(page, bitmap, rectangle) for rectangle in rectangles]
    return PagePicture(_png(bitmap), bitmap.width, bitmap.height, boxes)


def _rectangles(page: pdfium.PdfPage, order: PageOrder) -> Iterator[Box]:
    """Yield (left, bottom, right, top) of each line of the quote, in the page's own points."""
    if not order.end:
        return
    text = page.get_textpage()
    numbered = numbered_text(text, mend_ligatures(text, text.get_text_range()))
    for start, end in find_spans(numbered, order.text, order.start, order.end):
        count = text.count_rects(start, end - start)
        for left, bottom, right, top in _by_line([text.get_rect(number) for number in range(count)]):
            yield left - _PAD, bottom - _PAD, right + _PAD, top + _PAD


def _by_line(rectangles: Sequence[Box]) -> list[Box]:
    """Join what stands side by side in one line: PDFium starts a new rectangle wherever the program that wrote it did."""
    lines: list[Box] = []
    for left, bottom, right, top in rectangles:
        if lines:
            before = lines[-1]
            height = min(top - bottom, before[3] - before[1])
            beside = min(top, before[3]) - max(bottom, before[1]) > height / 2
            if beside and left - before[2] < 1.5 * height and before[0] - right < 1.5 * height:
                lines[-1] = (min(left, before[0]), min(bottom, before[1]), max(right, before[2]), max(top, before[3]))
                continue
        lines.append((left, bottom, right, top))
    return lines


def _add_box(page: pdfium.PdfPage, left: float, bottom: float, right: float, top: float) -> None:
    """Put a box on the page itself, so that PDFium turns and cuts it with the page."""
    box = pdfium_raw.FPDFPageObj_CreateNewRect(left, bottom, right - left, top - bottom)
    pdfium_raw.FPDFPageObj_SetFillColor(box, *_FILL)
    pdfium_raw.FPDFPageObj_SetStrokeColor(box, *_LINE)
    pdfium_raw.FPDFPageObj_SetStrokeWidth(box, 0.8)
    pdfium_raw.FPDFPageObj_SetBlendMode(box, b"Multiply")
    pdfium_raw.FPDFPath_SetDrawMode(box, pdfium_raw.FPDF_FILLMODE_ALTERNATE, 1)
    pdfium_raw.FPDFPage_InsertObject(page.raw, box)


def _in_pixels(page: pdfium.PdfPage, bitmap: pdfium.PdfBitmap, rectangle: Box) -> Box:
    convert = bitmap.get_posconv(page)
    left, bottom, right, top = rectangle
    (x1, y1), (x2, y2) = convert.to_bitmap(left, top), convert.to_bitmap(right, bottom)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _png(bitmap: pdfium.PdfBitmap) -> bytes:
    """Write PNG (W3C, 2003): 8 bits RGB, unfiltered rows. The imaging library that could do it is no dependency of ours."""
    stride, channels = bitmap.stride, bitmap.n_channels
    pixels = bytes(bitmap.buffer)
    if channels != 3:
        raise UnreadableFile("this page cannot be drawn")
    rows = b"".join(b"\0" + pixels[row * stride : row * stride + bitmap.width * 3] for row in range(bitmap.height))
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
