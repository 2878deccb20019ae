"""Pages of indexed PDFs as pictures, drawn in a sandboxed child that goes when nobody has asked for a while."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence

from index.page_order import PageOrder, PagePicture
from index.records import Document
from index.sandbox import Limits, Sandbox
from qa.originals import Original, check_version

MEDIA_TYPE = "application/pdf"
_KEPT = 24  # pictures, of some 200 kB each
_IDLE_SECONDS = 60.0
_SECONDS = 10.0  # a page that takes longer is none that a person waits for


class PagePainter:
    """Draws one page at a time. Safe to share between threads."""

    def __init__(self, memory: int = 1500, passwords: Sequence[str] = (), idle_seconds: float = _IDLE_SECONDS) -> None:
        self._limits = Limits(_SECONDS, memory)
        self._passwords = passwords
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, PageOrder], PagePicture] = OrderedDict()
        self._sandbox: Sandbox | None = None
        self._timer: threading.Timer | None = None

    def draw(self, original: Original, order: PageOrder) -> PagePicture:
        """Draw a page of the file as it was indexed.

        Raises NotFound where the file is not that one any more, UnreadableFile where the page cannot be drawn.
        """
        with self._lock:
            key = (original.sha256, order)
            if key not in self._kept:
                sha256, picture = self._open().draw(original.path, order)
                check_version(sha256, original)
                self._kept[key] = picture
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def close(self) -> None:
        """Stop the child and forget the pictures; the next call starts another."""
        with self._lock:
            sandbox, self._sandbox = self._sandbox, None
            self._kept.clear()
            if sandbox:
                sandbox.stop()

    def _open(self) -> Sandbox:
        if self._timer:
            self._timer.cancel()
        # by a weak reference, so that a painter that nobody holds goes, and its child with it
        self._timer = threading.Timer(self._idle_seconds, _close, [weakref.ref(self)])
        self._timer.daemon = True
        self._timer.start()
        if self._sandbox is None:
            self._sandbox = Sandbox(self._limits, self._passwords)
            weakref.finalize(self, self._sandbox.stop)
        return self._sandbox


def page_order(document: Document, page: int, start: int, end: int) -> PageOrder:
    """Return the order for a page of a document on which what it holds of text[start:end] is boxed."""
    begins, ends = page_span(document, page)
    first, last = max(start, begins) - begins, min(end, ends) - begins
    if first >= last:
        return PageOrder(page)
    return PageOrder(page, document.text[begins:ends], first, last)


def page_span(document: Document, page: int) -> tuple[int, int]:
    """Return where a page's text begins and ends in the document's; an empty span of a page without any."""
    following = [section.start for section in document.sections[1:]] + [len(document.text)]
    spans = [
        (section.start, end)
        for section, end in zip(document.sections, following, strict=True)
        if section.locator.page == page
    ]
    return (spans[0][0], spans[-1][1]) if spans else (0, 0)


def pages_of(document: Document, start: int, end: int) -> list[int]:
    """Return the pages that a span of a PDF's text stands on; none for what is no PDF file itself, as an attachment."""
    if document.media_type != MEDIA_TYPE or document.part:
        return []
    following = [section.start for section in document.sections[1:]] + [len(document.text)]
    found = [
        section.locator.page
        for section, section_end in zip(document.sections, following, strict=True)
        if section.locator.page and section.start < end and start < section_end
    ]
    return list(dict.fromkeys(found))


def _close(painter: weakref.ref[PagePainter]) -> None:
    if held := painter():
        held.close()
