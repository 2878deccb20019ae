"""The documents and what is indexed, as pages for people. Complete without JavaScript."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from index.errors import IndexMissing
from index.records import AllOf, Equals
from qa.web.api import workspace
from qa.web.ask_pages import count_collections

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
