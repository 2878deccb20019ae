"""The documents and what is indexed, as pages for people. Complete without JavaScript."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from index.errors import IndexMissing
from index.locators import locate
from index.records import AllOf, Document, Equals
from qa.errors import NotFound
from qa.web.api import workspace
from qa.web.ask_pages import count_collections
from qa.web.excerpt import cut_document
from qa.web.places import place
from qa.web.strings import t

bp = Blueprint("pages", __name__)

_MAX_LISTED = 500


@bp.get("/documents")
def documents() -> str:
    """List the documents that are indexed, all or those of ?collection=."""
    chosen = request.args.get("collection", "")
    found = workspace().store.documents(Equals("collection", chosen) if chosen else AllOf())
    listed = {"documents": found[:_MAX_LISTED], "total": len(found)}
    return render_template("documents.html", **listed, collections=count_collections(), chosen=chosen)


@bp.get("/status")
def status() -> str:
    """Show what is indexed, and which files are not, with the reason."""
    try:
        stats = workspace().store.stats()
    except IndexMissing:
        stats = None
    return render_template("status.html", stats=stats, listed=_MAX_LISTED)


@bp.get("/documents/<document_id>")
def document(document_id: str) -> str:
    """Show a document's text; with ?start=&end= that span is marked, if `v` still names the version that is here."""
    with workspace().store.view() as view:
        found = view.document(document_id)
    if found is None:
        raise NotFound("no document has this id", "its file may have been deleted since")
    span, notice = _wanted_span(found)
    pieces = cut_document(found, *(span or (0, 0)))
    where = place(locate(found.sections, *span)) if span else ""
    return render_template("document.html", document=found, pieces=pieces, span=span, place=where, notice=notice)


def _wanted_span(document: Document) -> tuple[tuple[int, int] | None, str]:
    """Return the span to mark, and a notice when the link's span cannot be shown."""
    try:
        start, end = int(request.args.get("start", "")), int(request.args.get("end", ""))
    except ValueError:
        return None, ""
    version = request.args.get("v", "")
    if version and not document.sha256.startswith(version):
        return None, t("document.changed")
    if not 0 <= start < end <= len(document.text):
        return None, t("document.no_place")
    return (start, end), ""
