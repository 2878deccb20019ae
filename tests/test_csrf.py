"""Forms carry a token, sessions are cookies that no script reads, and keys in headers need neither."""

from __future__ import annotations

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from werkzeug.test import TestResponse

from qa.kept_secret import SECRET_BYTES, KeptSecret
from qa.keys import KeyRing
from qa.web import create_app
from qa.web.session import is_safe_path
from qa.workspace import Workspace

HTML = {"Accept": "text/html"}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, corpus: Workspace) -> Flask:
    """An application whose client sends what it is told and nothing else."""
    monkeypatch.setattr(Flask, "test_client_class", FlaskClient)
    return create_app(corpus)


def token_in(response: TestResponse) -> str:
    field = HTMLParser(response.get_data(as_text=True)).css_first("input[name=csrf_token]")
    assert field
    return str(field.attributes["value"])


def sign_in(client: FlaskClient, key: str, next_page: str = "", base_url: str = "http://localhost") -> TestResponse:
    token = token_in(client.get("/sign-in", base_url=base_url))
    fields = {"key": f" {key} ", "csrf_token": token, "next": next_page}
    return client.post("/sign-in", data=fields, base_url=base_url)


def test_a_form_without_the_token_of_a_page_of_ours_is_refused(plain: Flask) -> None:
    client = plain.test_client()
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": "WyIiLCJ4Il0.AAAA"}):
        for path in ("/ask", "/history/delete", "/answers/a1/feedback", "/documents/reindex", "/sign-in", "/sign-out"):
            assert client.post(path, data={"question": "why", **token}).status_code == 403, path
    token = token_in(client.get("/"))
    assert client.post("/ask", data={"question": "?", "csrf_token": token}).status_code == 422
    assert client.post("/history/delete", headers={"X-CSRF-Token": token}).status_code == 303


def test_every_form_that_posts_carries_a_token(plain: Flask) -> None:
    client = plain.test_client()
    answer = client.post("/api/ask", json={"question": "What is the MTCR?", "k": 1}).get_json()
    for path in ("/", "/documents", "/sign-in", "/history", f"/answers/{answer['id']}", f"/answers/{answer['id']}/delete"):
        tree = HTMLParser(client.get(path, follow_redirects=True).get_data(as_text=True))
        for form in tree.css("form[method=post]"):
            assert form.css_first("input[name=csrf_token]"), path


def test_a_page_that_was_open_during_a_restart_still_submits(plain: Flask, corpus: Workspace) -> None:
    token = token_in(plain.test_client().get("/"))
    later = create_app(corpus).test_client()
    assert later.post("/history/delete", data={"csrf_token": token}).status_code == 303
    kept = corpus.settings.data / "forms.secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not list(corpus.settings.data.glob("forms.secret.*")), "nothing is left of its making"
    kept.unlink()
    assert create_app(corpus).test_client().post("/history/delete", data={"csrf_token": token}).status_code == 403


def test_servers_that_start_at_once_keep_one_secret(tmp_path: Path) -> None:
    secrets = [KeptSecret(tmp_path / "forms.secret") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        values = set(threads.map(KeptSecret.value, secrets))
    assert values == {(tmp_path / "forms.secret").read_bytes()}
    assert len(values.pop()) == SECRET_BYTES


def test_a_secret_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "forms.secret").write_bytes(b"half")
    value = KeptSecret(tmp_path / "forms.secret").value()
    assert len(value) == SECRET_BYTES
    assert KeptSecret(tmp_path / "forms.secret").value() == value


def test_without_a_data_directory_forms_work_and_none_is_made(tmp_path: Path) -> None:
    secret = KeptSecret(tmp_path / "none" / "forms.secret")
    value = secret.value()
    assert secret.value() == value
    assert not (tmp_path / "none").exists()
    (tmp_path / "none").mkdir()
    assert secret.value() == value == KeptSecret(tmp_path / "none" / "forms.secret").value(), "open pages stay good"


def test_tokens_differ_each_time_and_belong_to_one_session(plain: Flask) -> None:
    client, other = plain.test_client(), plain.test_client()
    assert token_in(client.get("/")) != token_in(client.get("/"))
    _, key = plain.extensions["door"].ring.make("admin")
    foreign = token_in(other.get("/sign-in"))
    sign_in(client, key)
    for token in (foreign, ""):
        assert client.post("/history/delete", data={"csrf_token": token}).status_code == 403
    sign_in(other, key)
    assert client.post("/history/delete", data={"csrf_token": token_in(other.get("/"))}).status_code == 403
    assert client.post("/history/delete", data={"csrf_token": token_in(client.get("/"))}).status_code == 303


def test_json_needs_a_token_with_a_cookie_and_none_without(plain: Flask) -> None:
    client = plain.test_client()
    assert client.post("/api/search", json={"question": "why", "k": 1}).status_code == 200
    assert client.post("/api/index").status_code == 403
    assert client.post("/api/search", data='{"question": "why"}', content_type="text/plain").status_code == 403
    _, key = plain.extensions["door"].ring.make("admin")
    sign_in(client, key)
    assert client.post("/api/search", json={"question": "why", "k": 1}).status_code == 403
    token = {"X-CSRF-Token": token_in(client.get("/"))}
    assert client.post("/api/search", json={"question": "why", "k": 1}, headers=token).status_code == 200


def test_a_key_in_a_header_needs_no_token_wherever_it_is_sent_from(plain: Flask) -> None:
    _, key = plain.extensions["door"].ring.make("admin")
    headers = {"Authorization": f"Bearer {key}", "Sec-Fetch-Site": "cross-site", "Origin": "https://chat.example"}
    assert plain.test_client().post("/history/delete", headers=headers).status_code == 303


def test_a_browser_signs_in_sees_and_signs_out(plain: Flask) -> None:
    _, key = plain.extensions["door"].ring.make("ask")
    client = plain.test_client()
    sent = client.get("/documents?q=a", headers=HTML)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/sign-in?next=/documents?q%3Da")
    entered = sign_in(client, key, "/documents?q=a")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/documents?q=a")
    cookie = entered.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    assert key not in cookie
    page = client.get("/documents", headers=HTML)
    assert page.status_code == 200
    assert client.post("/sign-out", data={"csrf_token": token_in(page)}).status_code == 303
    assert client.get("/documents", headers=HTML).status_code == 303


def test_over_https_the_cookie_is_for_https_only(plain: Flask) -> None:
    _, key = plain.extensions["door"].ring.make("ask")
    assert "Secure" in sign_in(plain.test_client(), key, base_url="https://localhost").headers["Set-Cookie"]


def test_a_wrong_key_signs_nobody_in(plain: Flask) -> None:
    plain.extensions["door"].ring.make("ask")
    refused = sign_in(plain.test_client(), "qa_k00000000_" + "x" * 43)
    assert refused.status_code == 401
    assert "Set-Cookie" not in refused.headers
    assert "not known here" in refused.get_data(as_text=True)


def test_a_session_ends_with_its_key_and_outlives_the_server(plain: Flask, corpus: Workspace) -> None:
    ring: KeyRing = plain.extensions["door"].ring
    key, text = ring.make("ask")
    client = plain.test_client()
    value = sign_in(client, text).headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    later = create_app(corpus).test_client()
    later.set_cookie("qa_session", value)
    assert later.get("/documents").status_code == 200
    later.set_cookie("qa_session", value[:-2] + "xx")
    assert later.get("/documents", headers={"Accept": "application/json"}).status_code == 401
    ring.revoke(key.id)
    assert client.get("/documents", headers={"Accept": "application/json"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\n/b"]
)
def test_signing_in_leads_nowhere_else(path: str, plain: Flask) -> None:
    assert not is_safe_path(path)
    _, key = plain.extensions["door"].ring.make("ask")
    assert sign_in(plain.test_client(), key, path).headers["Location"] == "/"


def test_a_signed_in_browser_of_a_collection_is_told_nothing_of_others(
    plain: Flask, make_workspace: Callable[..., Workspace]
) -> None:
    _, key = plain.extensions["door"].ring.make("read", ["elsewhere"])
    client = plain.test_client()
    sign_in(client, key)
    assert "corpus/" not in client.get("/documents", headers=HTML).get_data(as_text=True)
