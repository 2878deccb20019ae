"""What readers say of an answer and its citations: kept, shown, taken back, and gone when the answer goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from index.sqlite import Database
from qa.config import Settings
from qa.indexing import index_paths
from qa.keeping import open_history
from qa.web import create_app
from qa.workspace import Workspace

QUESTION = "Under which legal instrument were the four Pakistani entities listed in December 2024?"


@pytest.fixture
def answer(client: FlaskClient) -> dict[str, Any]:
    return dict(client.post("/api/ask", json={"question": QUESTION, "k": 2}).get_json())


def pressed(client: FlaskClient, answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the answer's page shows as said: (of which citation, what)."""
    tree = HTMLParser(client.get(f"/answers/{answer['id']}").text)
    return [
        (form.attributes["data-feedback"] or "", button.attributes["data-value"] or "")
        for form in tree.css("[data-feedback]")
        for button in form.css("[aria-pressed=true]")
    ]


def give(client: FlaskClient, answer: dict[str, Any], value: str, citation: int = 0) -> int:
    fields = {"answer_id": answer["id"], "citation": citation, "value": value}
    return client.post("/api/feedback", json=fields).status_code


def test_feedback_is_given_by_the_forms_of_the_page(client: FlaskClient, answer: dict[str, Any]):
    tree = HTMLParser(client.get(f"/answers/{answer['id']}").text)
    first, source = (tree.css_first(f"form[data-feedback='{n}']") for n in (0, 1))
    assert (first.attributes["method"], source.attributes["method"]) == ("post", "post")
    for form in (first, source):
        hidden = {node.attributes["name"]: node.attributes["value"] for node in form.css("input")}
        sent = client.post(form.attributes["action"], data={**hidden, "value": form.css_first("button").attributes["value"]})
        assert sent.status_code == 303
        assert sent.headers["Location"].startswith(f"/answers/{answer['id']}#")
    assert pressed(client, answer) == [("0", "helpful"), ("1", "does_not_support")]


def test_feedback_is_changed_and_taken_back(client: FlaskClient, answer: dict[str, Any]):
    assert give(client, answer, "helpful") == 200
    assert give(client, answer, "not_helpful") == 200
    assert pressed(client, answer) == [("0", "not_helpful")]
    again = HTMLParser(client.get(f"/answers/{answer['id']}").text).css_first("[data-value=not_helpful]")
    client.post(f"/answers/{answer['id']}/feedback", data={"value": again.attributes["value"]})
    assert pressed(client, answer) == []


@pytest.mark.parametrize(
    ("value", "citation"), [("helpful", 1), ("does_not_support", 0), ("does_not_support", 99), ("great", 0), ("helpful", -1)]
)
def test_what_does_not_fit_is_refused(client: FlaskClient, answer: dict[str, Any], value: str, citation: int):
    assert give(client, answer, value, citation) == 422
    form = client.post(f"/answers/{answer['id']}/feedback", data={"value": value, "citation": citation})
    assert form.status_code == 422
    assert pressed(client, answer) == []


@pytest.mark.parametrize("citation", ["x", "1e3", "٣", "9" * 50, ""])
def test_an_odd_number_is_refused(client: FlaskClient, answer: dict[str, Any], citation: str):
    sent = client.post(f"/answers/{answer['id']}/feedback", data={"value": "does_not_support", "citation": citation})
    assert sent.status_code == 422


def test_feedback_on_what_is_not_stored_is_404(client: FlaskClient):
    assert give(client, {"id": "a0"}, "helpful") == 404
    assert client.post("/answers/a0/feedback", data={"value": "helpful"}).status_code == 404


def test_feedback_from_another_sites_page_is_refused(client: FlaskClient, answer: dict[str, Any]):
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(f"/answers/{answer['id']}/feedback", data={"value": "helpful"}, headers=headers).status_code == 403


def test_feedback_goes_when_its_answer_goes(folder: Path, make_workspace: Callable[..., Workspace]):
    (folder / "bridge.txt").write_text("The red bridge was built in 1901 by the town.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    client = create_app(workspace).test_client()
    answer = client.post("/api/ask", json={"question": "When was the red bridge built?"}).get_json()
    assert give(client, answer, "helpful") == 200
    assert workspace.history.feedback(answer["id"]) == {0: "helpful"}
    (folder / "bridge.txt").write_text("Nothing of that kind is here any more.")
    index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) is None
    assert workspace.history.feedback(answer["id"]) == {}


def test_a_history_of_before_feedback_keeps_its_answers(client: FlaskClient, corpus: Workspace, answer: dict[str, Any]):
    with closing(Database(corpus.settings.data / "history.db")) as database:
        database.run("DROP TABLE feedback")
        database.run("PRAGMA user_version = 0")
    assert corpus.history.feedback(answer["id"]) == {}
    assert give(client, answer, "helpful") == 200
    assert corpus.history.get(answer["id"]) == answer
    assert corpus.history.find_damage() == []


def test_without_a_history_nothing_was_said(tmp_path: Path):
    assert open_history(Settings(data=tmp_path)).feedback("a0") == {}
    assert not (tmp_path / "history.db").exists()
