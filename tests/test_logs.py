"""The server's log: plain or JSON lines, with the request's id; no question, document text or key in it, or in the metrics."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llm_server import LLMServer, StatusError

from qa import logs
from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

DOCUMENT = "The zanzibar guild dug the tunnel at Sitka in the winter of 1877."
QUESTION = "Who dug the tunnel at Sitka, in the words of canaryquestion?"
API_KEY = "sk-canary-5b1f0c7e9d"
SECRETS = ("zanzibar", "Sitka", "canaryquestion", API_KEY)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Give the root logger, and our own, back as they were."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in ("qa", "index")]
    before = root.handlers[:], root.level, [one.level for one in ours]
    root.handlers[:] = []  # set_up closes those that it takes away, and pytest's are needed again
    yield
    root.handlers[:], root.level = before[0], before[1]
    for one, level in zip(ours, before[2], strict=True):
        one.setLevel(level)


def test_lines_are_json_with_the_fields_of_the_request(capsys: pytest.CaptureFixture[str], corpus: Workspace) -> None:
    logs.set_up("json", "INFO")
    client = create_app(corpus).test_client()
    with client.get("/api/answers/zanzibar?q=zanzibar", headers={"X-Request-Id": "trace-0123.abc"}) as response:
        response.get_data()
    [line] = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "qa.web.requests",
        "message": "request",
        "request_id": "trace-0123.abc",
        "method": "GET",
        "route": "/api/answers/<answer_id>",
        "status": 404,
    }


def test_a_line_is_one_line_whatever_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("plain", "INFO")
    logging.getLogger("qa.test").warning("first\nsecond \x1b[2J", extra={"request_id": "r1234567"})
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("WARNING qa.test: first second  [2J request_id=r1234567")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_an_error_is_logged_by_kind_and_place_without_its_message(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(form, "DEBUG")  # type: ignore[arg-type]
    try:
        raise ValueError("zanzibar")
    except ValueError:
        logging.getLogger("waitress").exception("Exception while serving")
    said = capsys.readouterr().err
    assert "ValueError at " in said
    assert "test_logs.py:" in said
    assert "zanzibar" not in said


def test_without_debug_of_its_own_no_library_tells_what_it_sends(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("plain", "DEBUG")
    logging.getLogger("openai._base_client").debug("Request options: zanzibar")
    logging.getLogger("qa.test").debug("ours")
    said = capsys.readouterr().err
    assert "ours" in said
    assert "zanzibar" not in said


@pytest.mark.parametrize("form", ["plain", "json"])
def test_nothing_that_is_secret_is_in_the_log_at_debug_in_errors_or_in_the_metrics(
    form: str,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    tmp_path: Path,
    make_workspace: Callable[..., Workspace],
    llm: LLMServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "tunnel.txt").write_text(DOCUMENT)
    (folder / "zanzibar.pdf").write_bytes(b"%PDF-1.4 zanzibar")
    llm.reply_with(StatusError(500))
    workspace = make_workspace(model="openai/test", api_base=llm.url, api_key=API_KEY, llm_timeout=5)
    logs.set_up(form, "DEBUG")  # type: ignore[arg-type]
    index_paths(workspace, [folder])
    app = create_app(workspace)
    key = app.extensions["door"].ring.make("admin")[1]
    client = app.test_client()

    def asked(path: str, body: object = None, key: str = key) -> str:
        """Return what is said to a request; empty where it is the answer itself, which may hold what it likes."""
        method = "POST" if body else "GET"
        with client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {key}"}) as response:
            said = response.get_data(as_text=True)
            return "" if response.status_code == 200 and body else said

    errors = asked("/api/ask", {"question": QUESTION}) + asked("/api/ask", {"question": QUESTION, "mode": "llm"})
    errors += asked("/api/documents", key=f"{key}x") + asked("/api/documents", key="canaryquestion")
    asked(f"/canaryquestion?key={key}")
    metrics = asked("/metrics")
    shutil.rmtree(tmp_path / ".qa" / "lexical")
    monkeypatch.setattr(workspace.history, "save", _break)
    asked("/api/ask", {"question": QUESTION, "mode": "extractive"})
    log = capsys.readouterr().err
    assert log.count("/api/ask") == 3
    assert "ValueError" in log
    assert 'qa_llm_calls_total{model="openai/test",result="failed"}' in metrics
    assert "llm_failed" in errors
    secret = key.split("_", 2)[2]  # which may have underscores
    for word in (*SECRETS, secret):
        assert word not in log, f"the log holds {word}"
        assert word not in errors, f"an error holds {word}"
        assert word not in metrics, f"the metrics hold {word}"


def _break(*_: object) -> None:
    raise ValueError(f"{DOCUMENT} {QUESTION} {API_KEY}")
