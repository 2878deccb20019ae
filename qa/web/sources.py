"""The source of a citation: its document with the words marked, the page as a picture, the original file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from index.errors import UnreadableFile
from index.locators import locate
from index.records import Document
from qa.answer_json import citation_path
from qa.errors import NotFound
from qa.originals import Original, find_original, is_there, open_original
from qa.page_images import PagePainter, page_order, pages_of
from qa.web.access import needs
from qa.web.api import workspace
from qa.web.blocks import cut_document, window
from qa.web.outline import outline
from qa.web.pieces import Mark, settle_marks, soft_lines
from qa.web.places import place
from qa.workspace import Workspace

bp = Blueprint("sources", __name__)
bp.add_app_template_filter(soft_lines)

_MOST_PAGES = 6  # pictures shown at once; a longer quote goes on in the text
_SAFE_TYPES = {".pdf": "application/pdf", ".txt": "text/plain", ".csv": "text/csv"}
# What is handed out is somebody's file: should a browser show it all the same, it may do nothing.
_FILE_POLICY = "default-src 'none'; sandbox"


@bp.get("/documents/<document_id>")
@needs("read")
def document(document_id: str) -> str:
    """Show a document's text; with ?start=&end= that span is marked, if `v` still names the version that is here.

    ?answer= names the answer whose other citations are marked, too; ?part=1 gives the piece that is shown beside an answer.
    """
    found = _document(document_id)
    span, notice = wanted_span(found)
    answer = workspace().history.get(request.args.get("answer", "")) or {}
    part = bool(request.args.get("part"))
    name = "_source.html" if part else "document.html"
    return render_template(name, document=found, span=span, notice=notice, part=part, **_shown(found, span, answer))


@bp.get("/passages/<passage_id>")
@needs("read")
def passage(passage_id: str) -> BaseResponse:
    """Lead to the place of a passage in its document."""
    with workspace().store.view() as view:
        found = view.passage(passage_id)
    if found is None:
        raise NotFound("no passage has this id", "its document may have changed or gone since")
    return redirect(citation_path(found[1].id, found[0].start, found[0].end, found[1].sha256))


@bp.get("/documents/<document_id>/file")
@needs("read")
def file(document_id: str) -> Response:
    """Hand out the file that the document was read from, to be saved, never to be opened in this site's name."""
    original = find_original(workspace(), document_id)
    content = open_original(original)
    kind = _SAFE_TYPES.get(original.path.suffix.lower(), "application/octet-stream")
    response = send_file(content, mimetype=kind, as_attachment=True, download_name=original.name or "document", etag=False)
    response.headers["Content-Security-Policy"] = _FILE_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/documents/<document_id>/pages/<int:number>.png")
@needs("read")
def page(document_id: str, number: int) -> Response:
    """Draw a page of a PDF; with ?start=&end= what stands on it of those words is boxed."""
    found = _document(document_id)
    if not pages_of(found, 0, found.length):
        raise NotFound("this document has no pages that could be drawn", "open its text instead")
    span, _ = wanted_span(found)
    order = page_order(found, number, *(span or (0, 0)))
    try:
        picture = painter().draw(find_original(workspace(), document_id), order)
    except UnreadableFile as error:
        raise NotFound(f"this page cannot be shown: {error.message}", "open the text instead") from error
    return Response(picture.png, content_type="image/png")


@bp.app_template_global()
def source_url(shown: dict[str, Any], answer_id: str = "") -> str:
    """Return the link to a citation or passage of an answer object that also marks the answer's other citations."""
    path, mark, fragment = str(shown["url"]).partition("#")
    return f"{path}&{urlencode({'answer': answer_id})}{mark}{fragment}" if answer_id else str(shown["url"])


def make_painter(workspace: Workspace) -> PagePainter:
    """Return what draws the pages of a workspace's PDFs."""
    settings = workspace.settings
    return PagePainter(settings.file_memory, [one.get_secret_value() for one in settings.pdf_passwords])


def painter() -> PagePainter:
    """Return the one painter of this application."""
    found = current_app.extensions["painter"]
    assert isinstance(found, PagePainter)  # noqa: S101
    return found


def wanted_span(document: Document) -> tuple[tuple[int, int] | None, str]:
    """Return the span to mark, and a notice when the link's span cannot be shown."""
    start, end = _whole("start"), _whole("end")
    if start is None or end is None:
        return None, ""
    version = request.args.get("v", "")
    if version and not document.sha256.startswith(version):
        return None, "document.changed"
    if not 0 <= start < end <= len(document.text):
        return None, "document.no_place"
    return (start, end), ""


def _document(document_id: str) -> Document:
    with workspace().store.view() as view:
        found = view.document(document_id)
    if found is None:
        raise NotFound("this document is not in the index (any more)", "its file may have been deleted since")
    return found


def _shown(found: Document, span: tuple[int, int] | None, answer: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows besides the document itself."""
    low, high = _wanted_window(found, span)
    citations = answer.get("citations", [])
    marks = settle_marks(span, _also(found, citations, span))
    original = find_original(workspace(), found.id)
    return {
        "blocks": cut_document(found, marks, low, high),
        "low": low,
        "high": high,
        "place": place(locate(found.sections, *span)) if span else "",
        "outline": outline(found),
        "answer_id": answer.get("id", ""),
        "neighbours": _neighbours(found, span, citations),
        "pages": _pages(found, span, original),
        "has_file": is_there(original),
        "link": _link,
    }


def _wanted_window(found: Document, span: tuple[int, int] | None) -> tuple[int, int]:
    """Return what of the text is shown: around the span, or from ?at= on; with ?before= or ?after= all that lies there."""
    before, after = bool(request.args.get("before")), bool(request.args.get("after"))
    at = min(max(_whole("at") or 0, 0), found.length)
    start, end = span or (at, at)
    low, high = window(found, start, end, before=before, after=after)
    return (low if span or before else at), high


def _also(found: Document, citations: Sequence[dict[str, Any]], span: tuple[int, int] | None) -> list[Mark]:
    """Return the marks of what else the answer cites of this version of the document."""
    return [
        Mark(one["start"], one["end"], "also", one["n"])
        for one in citations
        if one["document_id"] == found.id and one["sha256"] == found.sha256 and (one["start"], one["end"]) != span
    ]


def _neighbours(found: Document, span: tuple[int, int] | None, citations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the citations of the answer before and after the one that is shown, and how many there are."""
    here = next(
        (at for at, one in enumerate(citations) if one["document_id"] == found.id and (one["start"], one["end"]) == span),
        None,
    )
    if here is None:
        return {}
    before = citations[here - 1] if here else None
    after = citations[here + 1] if here + 1 < len(citations) else None
    return {"n": citations[here]["n"], "of": len(citations), "before": before, "after": after}


def _pages(found: Document, span: tuple[int, int] | None, original: Original) -> list[dict[str, Any]]:
    """Return the pages that a quote stands on, each with the address of its picture; the first page without a quote."""
    if not is_there(original):
        return []
    start, end = span or (0, 1)
    query: dict[str, Any] = {"start": start, "end": end} if span else {}
    names = pages_of(found, start, end)[:_MOST_PAGES]
    address = "sources.page"
    return [
        {"number": one, "url": url_for(address, document_id=found.id, number=one, v=found.sha256[:12], **query)}
        for one in names
    ]


def _link(**changes: object) -> str:
    """Return the address of this page with some of what it asks for changed; None leaves a part out."""
    kept = {
        name: request.args[name] for name in ("start", "end", "v", "answer", "at", "before", "after") if name in request.args
    }
    arguments: dict[str, Any] = {name: value for name, value in {**kept, **changes}.items() if value is not None}
    return url_for("sources.document", document_id=(request.view_args or {})["document_id"], **arguments)


def _whole(name: str) -> int | None:
    """Return a whole number of the address, None where there is none."""
    text = request.args.get(name, "")
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None
