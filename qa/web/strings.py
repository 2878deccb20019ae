"""What the pages say, in the reader's language: one JSON file a language in strings/, looked up as `t("key", n=3)`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, g, request
from markupsafe import Markup, escape
from werkzeug.local import LocalProxy

_FOLDER = Path(__file__).parent / "strings"
_COOKIE = "lang"
_YEAR = 365 * 24 * 3600  # seconds
_FOR_SCRIPT = "js."  # keys of these are what the page's script says


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages. name: as its readers write it."""

    code: str
    name: str
    direction: str


LANGUAGES = {one.code: one for one in (Language("en", "English", "ltr"), Language("ur", "اردو", "rtl"))}
_DEFAULT = "en"


@lru_cache
def strings_of(code: str) -> Mapping[str, Any]:
    """Return all strings of a language: text by key, or {"one", "other"} for what depends on a number."""
    found: Mapping[str, Any] = json.loads((_FOLDER / f"{code}.json").read_text(encoding="utf-8"))
    return found


def translate(code: str, key: str, **values: object) -> Markup:
    """Return a string with its values put in, escaped unless they are markup. Its form for one or many is told by `n`.

    Raises KeyError for a key that the language does not have.
    """
    found = strings_of(code)[key]
    if isinstance(found, dict):
        found = found["one" if values["n"] == 1 else "other"]
    shown = {name: f"{value:,}" if type(value) is int else value for name, value in values.items()}
    return escape(found).format(**shown)


def language() -> Language:
    """Return the language of this request: ?lang=, else the cookie, else what the browser prefers."""
    for wanted in (request.args.get("lang", ""), request.cookies.get(_COOKIE, "")):
        if wanted in LANGUAGES:
            return LANGUAGES[wanted]
    preferred = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return LANGUAGES[next((one for one in preferred if one in LANGUAGES), _DEFAULT)]


def t(key: str, **values: object) -> Markup:
    """Return a string in the language of this request."""
    return translate(_current().code, key, **values)


def t_or(key: str, other: str) -> Markup:
    """Return a string in the language of this request, or `other` where there is none with this key."""
    return t(key) if key in strings_of(_current().code) else escape(other)


def why(reason: str, code: str = "") -> Markup:
    """Return in plain words why a model's answer is not there, in a language, of this request by default.

    reason: "code: what was wrong, for operators".
    """
    code, key = code or _current().code, f"reason.{reason.partition(':')[0]}"
    return translate(code, key) if key in strings_of(code) else escape(reason)


def speak(app: Flask) -> None:
    """Give templates `t`, `t_or`, `why`, `language`, and what base.html needs to offer the others."""
    # globals, so that imported macros have them, too
    app.jinja_env.globals.update(t=t, t_or=t_or, why=why, language=LocalProxy(_current))
    app.context_processor(_offer)
    app.after_request(_remember)


def _offer() -> dict[str, Any]:
    return {
        "languages": [(one, _address(one.code)) for one in LANGUAGES.values()],
        "script_words": _script_words(),
    }


def _current() -> Language:
    if "language" not in g:
        g.language = language()
    found: Language = g.language
    return found


def _script_words() -> dict[str, Any]:
    """Return the strings of the page's script by their key without "js."."""
    found = strings_of(_current().code)
    return {key.removeprefix(_FOR_SCRIPT): text for key, text in found.items() if key.startswith(_FOR_SCRIPT)}


def _address(code: str) -> str:
    """Return the address of this page in another language; of the first page where this one was made by a form."""
    path = request.path if request.method in ("GET", "HEAD") else "/"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in ("lang", "part")]
    return f"{request.script_root}/{quote(path.lstrip('/'))}?{urlencode([*kept, ('lang', code)])}"


def _remember(response: Response) -> Response:
    """Keep the language that was chosen, and tell caches what the page depends on."""
    wanted = request.args.get("lang", "")
    if wanted in LANGUAGES:
        response.set_cookie(_COOKIE, wanted, max_age=_YEAR, samesite="Lax", httponly=True, secure=request.is_secure)
    if response.mimetype == "text/html":
        response.vary.update(("Accept-Language", "Cookie"))
    return response
