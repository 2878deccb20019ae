"""The documents and what is indexed, as pages for people. Complete without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for

from index.errors import IndexMissing
from index.records import AllOf, DocumentInfo, Equals, Stats
from qa.web.access import asker, needs
from qa.web.api import whole_workspace, workspace
from qa.web.job_state import JobState
from qa.web.jobs import IndexJobs
from qa.web.timeline import timeline

bp = Blueprint("pages", __name__)

_A_PAGE = 50
_MAX_LISTED = 500
_RUNS = 30
# in the address → what documents call it
_FILTERS = {"collection": "collection", "format": "media_type", "language": "lang"}
_UNKNOWN = "-"  # in the address, for documents whose language nobody knows


@bp.get("/documents")
@needs("read")
def documents() -> str:
    """List the documents: those of ?q= (in title or path), ?collection=, ?format= and ?language=, 50 on a page."""
    return library_page()


@bp.get("/status")
@needs("read")
def status() -> str:
    """Show what is indexed, what the last runs did, and which files are not indexed, with the reason."""
    stats = _stats()
    runs = workspace().store.runs(_RUNS) if stats else []
    return render_template("status.html", stats=stats, listed=_MAX_LISTED, runs=runs, timeline=timeline(runs))


def library_page(results: Sequence[dict[str, Any]] = ()) -> str:
    """Return the page of documents. results: what has become of the files that were just sent."""
    stats = _stats()
    found = _wanted_documents() if stats else []
    pages = max(1, -(-len(found) // _A_PAGE))
    page = min(max(1, request.args.get("page", 1, int)), pages)
    settings = workspace().settings
    return render_template(
        "documents.html",
        documents=found[(page - 1) * _A_PAGE : page * _A_PAGE],
        total=len(found),
        page=page,
        pages=pages,
        choices=_choices(stats) if stats else {},
        chosen={name: request.args.get(name, "") for name in ("q", *_FILTERS)},
        is_empty=not stats or not any(one.documents for one in stats.collections.values()),
        link=_link,
        results=results,
        job=job_state(),
        may_upload=settings.uploads is not None and may_upload(),
        may_reindex=settings.reindex and asker().may("index"),
        upload_size=settings.upload_size,
    )


def jobs() -> IndexJobs:
    """Return what indexes."""
    found = current_app.extensions["jobs"]
    assert isinstance(found, IndexJobs)  # noqa: S101
    return found


def may_upload() -> bool:
    """Say whether the asker may send files: they go into the default collection."""
    return asker().may("index") and asker().sees(whole_workspace().settings.collection)


def job_state() -> JobState:
    """Return how far indexing is, as far as the asker may know: a run of other collections is none."""
    state, seen = jobs().state, asker().collections
    return state if not seen or (state.collections and set(state.collections) <= set(seen)) else JobState()


def _stats() -> Stats | None:
    try:
        return workspace().store.stats()
    except IndexMissing:
        return None


def _wanted_documents() -> list[DocumentInfo]:
    given = {key: request.args.get(name, "") for name, key in _FILTERS.items()}
    scope = AllOf(tuple(Equals(key, "" if value == _UNKNOWN else value) for key, value in given.items() if value))
    words = request.args.get("q", "").casefold().split()
    found = workspace().store.documents(scope)
    return [one for one in found if _holds(one, words)] if words else found


def _holds(document: DocumentInfo, words: Sequence[str]) -> bool:
    text = f"{document.title}\n{document.path}\n{document.part}".casefold()
    return all(word in text for word in words)


def _choices(stats: Stats) -> dict[str, dict[str, int]]:
    """Return how many documents each choice of a filter has; none for a filter that has nothing to choose."""
    counts = {
        "collection": {name: one.documents for name, one in stats.collections.items()},
        "format": dict(stats.media_types),
        "language": {name or _UNKNOWN: count for name, count in stats.languages.items()},
    }
    return {name: values for name, values in counts.items() if len(values) > 1}


def _link(page: int) -> str:
    """Return the address of another page of the same list."""
    kept: dict[str, Any] = {name: request.args[name] for name in ("q", *_FILTERS) if request.args.get(name)}
    return url_for("pages.documents", page=page if page > 1 else None, **kept)
