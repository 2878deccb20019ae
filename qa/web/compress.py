"""Pages, styles and scripts go out gzipped to whoever takes them so; streams and what is large go as they are."""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

_KINDS = ("text/html", "text/css", "text/javascript", "application/json", "image/svg+xml")
_SIZES = range(1_000, 512 * 1024)  # bytes: below it gains nothing, above it is felt
_LEVEL = 5


def compress(app: Flask) -> None:
    """Add it to an application."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.mimetype not in _KINDS or (response.is_streamed and not response.direct_passthrough):
        return response
    response.vary.add("Accept-Encoding")
    fits = response.status_code != 304 and (response.content_length or 0) in _SIZES
    if fits and request.accept_encodings.best_match(["identity", "gzip"]) == "gzip":
        response.direct_passthrough = False  # a static file, read to be packed
        response.set_data(gzip.compress(response.get_data(), _LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
