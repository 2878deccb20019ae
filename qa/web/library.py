"""Sending files and starting to index from the browser: both only where the settings allow them, one run at a time."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from index.errors import CitableError, unavailable
from qa.config import Settings
from qa.errors import BadUpload
from qa.indexing import index_paths, reindex
from qa.uploads import save_upload
from qa.web.access import asker, needs
from qa.web.api import whole_workspace, workspace
from qa.web.bodies import NoFields, read_body
from qa.web.openapi import described
from qa.web.pages import job_state, jobs, library_page, may_upload
from qa.web.schemas import JobOut
from qa.web.strings import t

bp = Blueprint("library", __name__)

_MB = 1_000_000
_FILES_AT_ONCE = 10  # of the largest size, in one form without JavaScript
_MOST_PARTS = 2_000


def largest_form(settings: Settings) -> int:
    """Return how many bytes a form with files may have."""
    return _FILES_AT_ONCE * settings.upload_size * _MB


def most_sent(settings: Settings) -> tuple[int, int]:
    """Return how many bytes and parts a form may have, by whether it may hold files."""
    return largest_form(settings) if settings.uploads else 64_000, _MOST_PARTS


@bp.post("/documents/uploads")
@needs("index", takes=most_sent)
def upload() -> str | Response:
    """Take files and index them. A page for a form, or JSON for the page's script, which sends one file after the other.

    Fields: file (any number), path (of each, where its folder counts), replace (instead of files of the same name), more
    (others follow: index later).
    """
    settings = workspace().settings
    if settings.uploads is None:
        abort(403, "Nobody may send files here.")
    if not may_upload():
        abort(404)
    sent, paths = request.files.getlist("file"), request.form.getlist("path")
    names = paths if len(paths) == len(sent) else [one.filename or "" for one in sent]
    results = [_take(one, name) for one, name in zip(sent, names, strict=True) if name]
    if not request.form.get("more"):
        _index_uploads()
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify({"files": results})
    return library_page(results)


@bp.post("/documents/reindex")
@needs("index")
def start() -> BaseResponse:
    """Start to index again, for the form, and go back to the documents, which say how far that, or another run, is."""
    _start_reindex()
    return redirect(url_for("pages.documents", _anchor="job"), code=303)


@bp.get("/documents/job")
@needs("read")
def job() -> str:
    """Say how far the run is, as the piece of the page that shows it."""
    return render_template("_job.html", job=job_state())


@bp.post("/api/index")
@needs("index")
@described(JobOut, status=202, errors=(409, 413, 415, 422))
def start_by_api() -> tuple[Response, int]:
    """Start to index again what was indexed before."""
    if request.get_data():
        read_body(NoFields)
    if not _start_reindex():
        abort(409, "A run is going on: wait for its end.")
    return jsonify(job_state().to_json()), 202


@bp.get("/api/index")
@needs("read")
@described(JobOut)
def job_by_api() -> Response:
    """Say how far the run is, or how the last one ended."""
    return jsonify(job_state().to_json())


def _start_reindex() -> bool:
    """Start, if the settings let people; False while another run goes on."""
    if not workspace().settings.reindex:
        abort(403, "Indexing cannot be started from here.")
    here, seen = whole_workspace(), asker().collections
    return jobs().start(lambda progress: reindex(here, seen, progress=progress), seen)


def _index_uploads() -> None:
    """Index the folder of uploads, or once more after the run that goes on: it may have passed the new files."""
    here, folder = whole_workspace(), whole_workspace().settings.uploads
    if folder is not None and folder.is_dir():
        names = [here.settings.collection]
        jobs().start(lambda progress: [index_paths(here, [folder], progress=progress)], names, queue=True)


def _take(sent: FileStorage, name: str) -> dict[str, Any]:
    """Keep one file, and say what has become of it. Only a disk that takes no more ends the others, too."""
    settings = workspace().settings
    folder, replace = settings.uploads, bool(request.form.get("replace"))
    if folder is None:
        raise CitableError("uploads are off")
    try:
        status = str(save_upload(folder, name, sent.stream, settings.upload_size * _MB, replace=replace))
        return {"path": name, "status": status, "message": t(f"upload.{status}")}
    except BadUpload as error:
        return {"path": name, "status": "refused", "reason": error.reason, "message": t(f"upload.{error.reason}")}
    except OSError as error:
        raise unavailable(folder, error) from error
