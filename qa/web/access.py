"""Who asks, and what they may do: every route says what it needs, by `@needs("ask")` under its `@bp.get(...)`.

A route that says nothing is open to admins only, and a test fails that names it. What a key may not see of other
collections is not there for it: `workspace()` of qa/web/api.py holds only what the asker may see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, url_for
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response as BaseResponse

from qa.config import Settings
from qa.gate import Gate
from qa.gate import shown_key as key_in
from qa.keys import Key, Scope
from qa.web.problems import wants_page
from qa.web.session import Secret, Sessions, is_safe_path

Need = Scope | Literal["nothing"]
_View = TypeVar("_View", bound=Callable[..., Any])
_OF_FLASK = frozenset(("static",))  # its files hold nothing that is anybody's


@dataclass(frozen=True, slots=True)
class Needs:
    """What a route needs. whole: only who may see every collection has it; the others get 404.

    takes: the most bytes and parts of a form that it takes, where that is more than others do. signed: it looks itself for
    a signature that only the sender can have made, so that no page can make a browser send it.
    """

    scope: Need
    whole: bool = False
    takes: Callable[[Settings], tuple[int, int]] | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sent the request. by: what says so; key: None for nobody known; session: of a browser that signed in.

    anyone: no key is needed here, everybody may do everything.
    """

    by: Literal["nothing", "header", "cookie"]
    key: Key | None = None
    session: str = ""
    anyone: bool = False

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections that may be seen; none stands for all."""
        return self.key.collections if self.key else ()

    def may(self, scope: Need) -> bool:
        """Say whether the asker may do what needs this scope."""
        return scope == "nothing" or self.anyone or (self.key is not None and self.key.allows(scope))

    def sees(self, collection: str) -> bool:
        """Say whether the asker may see a collection."""
        return self.anyone or (self.key is not None and (not self.collections or collection in self.collections))


class Door:
    """Lets in who shows a key. Without any key everybody is let in, unless the server listens beyond this machine."""

    def __init__(self, settings: Settings, without_keys: Secret) -> None:
        """without_keys: as in Sessions."""
        self._gate = Gate(settings, settings.host)
        self.ring = self._gate.ring
        self.sessions = Sessions(self.ring, without_keys)

    def who(self) -> Asker:
        """Return who sent this request."""
        if not self._gate.needs_key:
            return Asker("nothing", anyone=True)
        shown = shown_key()
        if shown is not None:
            return Asker("header", self._gate.find(shown))
        session = self.sessions.read()
        key = self.ring.with_id(session.key_id) if session else None
        return Asker("cookie", key, session.nonce) if session and key else Asker("nothing")


def needs(
    scope: Need,
    *,
    whole: bool = False,
    takes: Callable[[Settings], tuple[int, int]] | None = None,
    signed: bool = False,
) -> Callable[[_View], _View]:
    """Declare what a route needs, as `Needs` says: a scope, or "nothing" where it is open to all."""

    def declare(view: _View) -> _View:
        view.__dict__["needs"] = Needs(scope, whole, takes, signed)
        return view

    return declare


def needs_of(app: Flask, endpoint: str) -> Needs | None:
    """Return what a route declares, None where it declares nothing."""
    if endpoint in _OF_FLASK:
        return Needs("nothing")
    found = getattr(app.view_functions[endpoint], "needs", None)
    return found if isinstance(found, Needs) else None


def shown_key() -> str | None:
    """Return the key in the request's headers, None where there is none."""
    return key_in(request.headers)


def door() -> Door:
    """Return the door of this application."""
    found = current_app.extensions["door"]
    assert isinstance(found, Door)  # noqa: S101
    return found


def asker() -> Asker:
    """Return who sent this request."""
    if "asker" not in g:
        g.asker = Asker("nothing")  # should the keys be unreadable, the page that says so is for nobody known
        g.asker = door().who()
    found = g.asker
    assert isinstance(found, Asker)  # noqa: S101
    return found


def authorize() -> BaseResponse | None:
    """Let the request pass if its route's need is met; a browser that is not signed in is sent to where it can."""
    if request.endpoint is None:
        return None  # there is no such route: an error of its own
    need = needs_of(current_app, request.endpoint) or Needs("admin", whole=True)
    if need.scope == "nothing":
        return None  # a health check answers even where the keys cannot be read
    if asker().may(need.scope):
        if need.whole and asker().collections:
            abort(404)
        if need.takes:  # only now: nobody else's large body is read
            settings = current_app.extensions["workspace"].settings
            request.max_content_length, request.max_form_parts = need.takes(settings)
        return None
    if asker().key is None:
        return _ask_for_key()
    return abort(403, f"This key may not do that: it takes one with the scope {need.scope}.")


def _ask_for_key() -> BaseResponse:
    if shown_key() is not None:
        raise Unauthorized("This key is not known here.")
    if request.method in ("GET", "HEAD") and wants_page():
        path = request.full_path.rstrip("?")
        return redirect(url_for("sign_in.form", next=path if is_safe_path(path) and path != "/" else None), code=303)
    raise Unauthorized("A key is needed here.")
