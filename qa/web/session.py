"""Browsers that have signed in: a signed cookie that names the key, never the key itself."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from qa.keys import Key, KeyRing

COOKIE = "qa_session"
_DAYS = 30
_SIGNER = {"key_derivation": "hmac", "digest_method": staticmethod(hashlib.sha256)}


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in. nonce: tells it from other browsers with the same key."""

    key_id: str
    nonce: str


class Secret(Protocol):
    """Random bytes."""

    def value(self) -> bytes:
        """Return the bytes."""


class Sessions:
    """Signs and reads cookies and form tokens. The secret is kept: a restart signs nobody out, and open pages stay good."""

    def __init__(self, ring: KeyRing, without_keys: Secret) -> None:
        """Read nothing yet. without_keys: what forms are signed with where there are no keys, which bring their own."""
        self._ring, self._without_keys = ring, without_keys
        self._kept: bytes | None = None

    def open(self, key: Key, response: BaseResponse) -> None:
        """Put the cookie of a browser that has shown a key into a response."""
        value = self._cookies().dumps([key.id, secrets.token_urlsafe(16)])
        response.set_cookie(COOKIE, str(value), max_age=_DAYS * 24 * 3600, **_attributes())

    def close(self, response: BaseResponse) -> None:
        """Take the cookie back."""
        response.delete_cookie(COOKIE, **_attributes())

    def read(self) -> Session | None:
        """Return the session that this request's cookie names, None without one that we have signed."""
        value = request.cookies.get(COOKIE)
        if not value or not self._ring.has_keys:
            return None
        try:
            key_id, nonce = self._cookies().loads(value, max_age=_DAYS * 24 * 3600)
        except (BadData, ValueError, TypeError):
            return None
        return Session(str(key_id), str(nonce))

    def token(self, session: str) -> str:
        """Return a token for the forms of a session, "" for a browser that has none; each time another one.

        Pages go out compressed, and a token that stayed the same could be guessed piece by piece from their sizes.
        """
        return str(self._tokens().dumps([session, secrets.token_urlsafe(8)]))

    def is_token(self, token: str, session: str) -> bool:
        """Say whether a token is one of this session's."""
        try:
            whose, _ = self._tokens().loads(token)
        except (BadData, ValueError, TypeError):
            return False
        return secrets.compare_digest(str(whose).encode(), session.encode())

    def _secret(self) -> bytes:
        if not self._ring.has_keys:
            return self._without_keys.value()
        if self._kept is None:
            self._kept = self._ring.secret("session")
        return self._kept

    def _cookies(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret(), salt="session", signer_kwargs=_SIGNER)

    def _tokens(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret(), salt="token", signer_kwargs=_SIGNER)


def is_safe_path(path: str) -> bool:
    """Say whether a path leads to a page of this server and nowhere else."""
    return path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()


def _attributes() -> dict[str, Any]:
    settings = current_app.extensions["workspace"].settings
    return {
        "path": request.script_root or "/",
        "httponly": True,
        "samesite": "Lax",
        "secure": request.is_secure or settings.base_url.startswith("https:"),
    }
