"""A client that does what a browser does: it sends the token of a page of ours with every form."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_TOKEN = re.compile(r'<body data-token="([^"]+)"')


def token_of(page: str) -> str:
    """Return the token that a page carries."""
    found = _TOKEN.search(page)
    assert found, page[:300]
    return found[1]


class Visitor(FlaskClient):
    """A client whose posts carry the token of a page that it has loaded. Only a post of JSON, as tools send it, has none."""

    def post(self, *args: Any, **kw: Any) -> TestResponse:
        """Post as a page of ours does."""
        headers = dict(kw.pop("headers", None) or {})
        if "json" not in kw and kw.get("content_type") != "application/json":
            page = super().get("/nothing", headers={"Accept": "text/html"})
            headers.setdefault("X-CSRF-Token", token_of(page.get_data(as_text=True)))
            page.close()
        return super().post(*args, headers=headers, **kw)
