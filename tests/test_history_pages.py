"""Past questions: listed page by page, deleted one or all after a page that asks, from the disk too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from qa.history import History
from qa.web import create_app
from qa.workspace import Workspace

NORWAY = "Who is the king of Norway, whom no document names?"
MTCR = "What is the MTCR?"


@pytest.fixture
def asked(client: FlaskClient) -> list[str]:
    """Return the ids of two answers, the older first."""
    return [client.post("/api/ask", json={"question": one, "k": 1}).get_json()["id"] for one in (MTCR, NORWAY)]


def listed(client: FlaskClient, address: str = "/history") -> list[tuple[str, str]]:
    tree = HTMLParser(client.get(address).text)
    return [(node.attributes["href"] or "", node.text()) for node in tree.css(".past li > a:first-child")]


def fill(history: History, answer: dict[str, object], count: int) -> None:
    for n in range(count):
        history.save(
            {**answer, "id": f"a{n:012}", "question": f"Question {n}?", "created_at": f"2026-01-01T00:00:{n % 60:02}"}
        )


def test_past_questions_are_listed_the_newest_first(client: FlaskClient, asked: list[str]):
    assert listed(client) == [(f"/answers/{asked[1]}", NORWAY), (f"/answers/{asked[0]}", MTCR)]
    shown = HTMLParser(client.get("/history").text).css(".past .quiet")
    assert "no answer found" in shown[0].text()
    assert "answered" in shown[1].text()


def test_without_any_the_page_says_so(client: FlaskClient):
    assert "Nothing has been asked yet" in client.get("/history").text


def test_many_are_listed_page_by_page(client: FlaskClient, corpus: Workspace, asked: list[str]):
    fill(corpus.history, corpus.history.get(asked[0]) or {}, 118)
    pages = [listed(client, f"/history?page={n}") for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({address for page in pages for address, _ in page}) == 120
    second = HTMLParser(client.get("/history?page=2").text)
    assert [node.attributes["href"] for node in second.css("nav.paging a")] == ["/history?page=1", "/history?page=3"]
    for odd in ("0", "-1", "99", "x", "", "9" * 50, "٢"):
        assert client.get("/history", query_string={"page": odd}).status_code == 200


def test_one_is_deleted_after_a_page_that_asks(client: FlaskClient, corpus: Workspace, asked: list[str]):
    sure = HTMLParser(client.get(f"/answers/{asked[1]}/delete").text)
    assert NORWAY in sure.css_first("main").text()
    assert corpus.history.get(asked[1]), "asking deletes nothing"
    assert client.get(f"/answers/{asked[1]}").status_code == 200
    sent = client.post(sure.css_first("main form").attributes["action"])
    assert (sent.status_code, sent.headers["Location"]) == (303, "/history")
    assert listed(client) == [(f"/answers/{asked[0]}", MTCR)]
    assert client.get(f"/answers/{asked[1]}").status_code == 404
    assert client.post(f"/answers/{asked[1]}/delete").status_code == 404


def test_all_are_deleted_after_a_page_that_asks(client: FlaskClient, asked: list[str]):
    sure = HTMLParser(client.get("/history/delete").text)
    assert "all 2 questions" in sure.css_first("h1").text()
    assert len(listed(client)) == 2
    assert client.post(sure.css_first("main form").attributes["action"]).status_code == 303
    assert listed(client) == []
    assert client.post("/history/delete").status_code == 303, "nothing to delete is no error"


def test_what_is_deleted_is_on_the_disk_no_more(client: FlaskClient, corpus: Workspace, asked: list[str]):
    client.post("/api/feedback", json={"answer_id": asked[1], "value": "helpful"})

    def found() -> bool:
        files = [path for path in corpus.settings.data.rglob("history*") if path.is_file()]
        return any(b"whom no document names" in path.read_bytes() for path in files)

    assert found()
    client.post(f"/answers/{asked[1]}/delete")
    assert not found()
    assert corpus.history.feedback(asked[1]) == {}
    assert corpus.history.get(asked[0])


def test_a_page_of_another_site_can_delete_nothing(client: FlaskClient, asked: list[str]):
    for path in ("/history/delete", f"/answers/{asked[0]}/delete"):
        assert client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert len(listed(client)) == 2


def test_a_follow_up_of_a_deleted_answer_goes_on_from_what_is_left(client: FlaskClient, asked: list[str]):
    conversation = client.get(f"/api/answers/{asked[0]}").get_json()["conversation_id"]
    client.post(f"/answers/{asked[0]}/delete")
    again = client.post("/api/ask", json={"question": "And COMCASA?", "conversation_id": conversation})
    assert again.status_code == 404
    assert "no conversation has this id" in again.get_json()["detail"]


def test_a_permalink_shows_what_was_stored_whatever_happens_to_the_index(
    corpus: Workspace, make_workspace: Callable[..., Workspace], asked: list[str], tmp_path: Path
):
    shutil.copytree(corpus.settings.data, tmp_path / "moved")
    (tmp_path / "moved" / "catalog.db").unlink()
    moved = create_app(make_workspace(tmp_path / "moved")).test_client()
    for one in asked:
        answer = corpus.history.get(one) or {}
        shown = HTMLParser(moved.get(f"/answers/{one}").text)
        assert shown.css_first("h1").text() == answer["question"]
        for claim in answer["claims"]:
            assert claim["text"] in shown.css_first(".answer-text").text()


# Compression


def test_pages_and_files_are_gzipped_for_those_who_take_it(client: FlaskClient):
    for path in ("/", "/static/style.css", "/static/ask.js"):
        plain, packed = (
            client.get(path, headers={"Accept-Encoding": kind}, buffered=True) for kind in ("identity", "gzip, br")
        )
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed.vary
        assert len(packed.data) < len(plain.data) * 0.6
        assert packed.content_length == len(packed.data)
    refused = client.get("/static/style.css", headers={"Accept-Encoding": "gzip;q=0"}, buffered=True)
    assert "Content-Encoding" not in refused.headers


def test_a_packed_file_is_not_sent_again_when_it_is_known(client: FlaskClient):
    first = client.get("/static/style.css", headers={"Accept-Encoding": "gzip"}, buffered=True)
    headers = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    assert client.get("/static/style.css", headers=headers, buffered=True).status_code == 304


def test_a_stream_is_not_held_back_to_be_packed(client: FlaskClient):
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in client.post("/api/ask", json={"question": MTCR, "k": 1}, headers=headers).headers
