"""The map of the corpus: a true, stable projection; points that open their passages; a question and its hits among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from werkzeug.test import TestResponse

from qa.corpus_map import HEIGHT, KINDS, WIDTH, draw_map
from qa.indexing import index_paths
from qa.projection import fit, sample
from qa.web import create_app
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
QUESTION = "Why does Pakistan reject the sanctions?"


def page(response: TestResponse, status: int = 200) -> HTMLParser:
    assert response.status_code == status
    return HTMLParser(response.get_data(as_text=True))


# The projection


def test_the_plane_holds_the_two_directions_of_most_variance() -> None:
    rng = np.random.default_rng(7)
    flat = rng.normal(size=(400, 2)) * [5.0, 2.0]
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0][:2]
    vectors = (flat @ turn + rng.normal(size=(400, 6)) * 0.01 + 3.0).astype(np.float32)
    plane = fit(vectors)
    assert plane.share > 0.999
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-5)
    placed = plane.place(vectors)
    between = np.linalg.norm(placed[:50, None] - placed[None, :50], axis=-1)
    np.testing.assert_allclose(between, np.linalg.norm(vectors[:50, None] - vectors[None, :50], axis=-1), atol=0.1)
    assert placed[:, 0].var() > placed[:, 1].var()


def test_the_same_vectors_give_the_same_plane_in_any_order() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(100, 8)).astype(np.float32)
    first, again = fit(vectors), fit(vectors[::-1].copy())
    np.testing.assert_allclose(first.axes, again.axes, atol=1e-4)


@pytest.mark.parametrize("vectors", [np.zeros((1, 4)), np.ones((5, 4)), np.ones((3, 1)), np.eye(2)])
def test_vectors_that_span_no_plane_are_placed_all_the_same(vectors: np.ndarray) -> None:
    plane = fit(vectors.astype(np.float32))
    placed = plane.place(vectors.astype(np.float32))
    assert placed.shape == (len(vectors), 2)
    assert np.isfinite(placed).all()
    assert 0 <= plane.share <= 1


def test_a_sample_is_spread_over_all_and_always_the_same() -> None:
    numbers = list(range(10, 100_010))
    taken = sample(numbers, 3000)
    assert taken == sample(numbers, 3000)
    assert len(set(taken)) == 3000
    assert max(np.diff(taken)) <= 35
    assert sample(numbers[:5], 3000) == numbers[:5]
    assert sample([], 3000) == []


# The map


def test_every_passage_is_a_point_within_the_drawing(corpus: Workspace) -> None:
    with corpus.store.view() as view:
        drawn = draw_map(view)
        assert len(drawn.points) == drawn.total == len(view.numbers())
    assert all(0 < point.x < WIDTH and 0 < point.y < HEIGHT for point in drawn.points)
    assert len(drawn.kinds) == KINDS
    assert drawn.kinds[-1] == "", "more documents than colours: the last is for the others"
    assert {point.kind for point in drawn.points} == set(range(KINDS))
    assert sum(row.points for row in drawn.rows) == drawn.total
    assert all(row.document not in row.nearest for row in drawn.rows)


def test_documents_that_speak_of_the_same_are_named_as_near(corpus: Workspace) -> None:
    with corpus.store.view() as view:
        rows = {row.document.path.rpartition("/")[2]: row for row in draw_map(view).rows}
    nearest = [one.path for one in rows["sanctions-factsheet-v1.md"].nearest]
    assert any(path.endswith("sanctions-factsheet-v2.md") for path in nearest)
    assert not any("apricots" in path for path in nearest)


def test_collections_are_told_apart_where_there_are_several(make_workspace: MakeWorkspace, folder: Path) -> None:
    for name in ("one", "two"):
        (folder / f"{name}.txt").write_text(f"The {name} bridge is of stone. It was built in the summer.")
        index_paths(make_workspace(collection=name), [folder / f"{name}.txt"])
    with make_workspace().store.view() as view:
        drawn = draw_map(view)
    assert drawn.by_collection
    assert drawn.kinds == ["one", "two"]


def test_an_index_of_one_passage_has_a_map(make_workspace: MakeWorkspace, folder: Path) -> None:
    (folder / "a.txt").write_text("The bridge is of stone.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    shown = page(create_app(workspace).test_client().get("/map?q=bridge"))
    assert len(shown.css(".map a.map-hit")) == 1


# The page


def test_each_point_leads_to_its_passage(client: FlaskClient) -> None:
    shown = page(client.get("/map"))
    links = [one.attributes["href"] or "" for one in shown.css(".map g > a")]
    assert len(links) == len(set(links)) > 40
    for link in links[::20]:
        opened = client.get(link)
        assert opened.status_code == 302
        source = page(client.get(opened.headers["Location"]))
        assert source.css_first("mark#cited").text()
    assert client.get("/passages/p0").status_code == 404


def test_the_drawing_is_not_in_the_way_of_the_keyboard_and_the_table_says_the_same(client: FlaskClient) -> None:
    shown = page(client.get("/map"))
    assert shown.css_first("svg.map").attributes["aria-hidden"] == "true"
    assert all(one.attributes["tabindex"] == "-1" for one in shown.css("svg.map a"))
    documents = client.get("/api/documents").get_json()["documents"]
    rows = {one.attributes["href"] for one in shown.css(".map-table td:first-child a")}
    assert rows == {f"/documents/{one['id']}" for one in documents}


def test_a_question_lies_among_its_hits(client: FlaskClient) -> None:
    shown = page(client.get("/map", query_string={"q": QUESTION}))
    found = client.post("/api/search", json={"question": QUESTION}).get_json()["passages"]
    assert shown.css_first("input[name=q]").attributes["value"] == QUESTION
    hits = shown.css("svg.map a.map-hit")
    assert [one.attributes["href"] for one in reversed(hits)] == [one["url"] for one in found]
    rows = shown.css(".map-table")[0].css("tbody tr")
    assert [row.css_first("a").attributes["href"] for row in rows] == [one["url"] for one in found]
    cosines = [float(row.css("td")[2].text()) for row in rows]
    assert cosines == pytest.approx([one["scores"]["dense"] for one in found], abs=0.006)
    for one in hits:
        circle = one.css_first("circle").attributes
        assert 0 < float(circle["cx"] or 0) < WIDTH
        assert 0 < float(circle["cy"] or 0) < HEIGHT


def test_a_stored_answer_is_laid_over_the_map(client: FlaskClient) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION}).get_json()
    shown = page(client.get(f"/map?answer={answer['id']}"))
    assert {one.attributes["href"] for one in shown.css(".map-hit")} == {one["url"] for one in answer["passages"]}
    assert client.get("/map?answer=a0").status_code == 404


@pytest.mark.parametrize("question", ["?!", "x" * 5000])
def test_a_question_that_is_none_is_an_error_for_people(client: FlaskClient, question: str) -> None:
    assert client.get("/map", query_string={"q": question}, headers={"Accept": "text/html"}).status_code == 422


def test_the_map_follows_the_index_and_is_else_drawn_once(make_workspace: MakeWorkspace, folder: Path) -> None:
    (folder / "a.txt").write_text("The bridge is of stone. It was built in the summer.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    app = create_app(workspace)
    client = app.test_client()
    assert len(page(client.get("/map")).css(".map g > a")) == 1
    first = app.extensions["map"]._maps[()][0]
    client.get("/map?lang=ur")
    assert app.extensions["map"]._maps[()][0] is first
    (folder / "b.txt").write_text("The harbour was opened in the winter by the town.")
    index_paths(workspace, [folder])
    assert len(page(client.get("/map")).css(".map g > a")) == 2


def test_without_an_index_there_is_no_map(make_workspace: MakeWorkspace) -> None:
    assert create_app(make_workspace()).test_client().get("/map").status_code == 503


def test_no_document_breaks_out_of_the_drawing(make_workspace: MakeWorkspace, folder: Path) -> None:
    attack = "</title></svg><script>alert(1)</script>\"'><image href=//evil.example onerror=alert(1)>"
    (folder / "a.md").write_text(f"# {attack}\n\nThe zebra protocol {attack} was signed.\n")
    (folder / "b.txt").write_text("The harbour was opened in the winter by the town.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    text = create_app(workspace).test_client().get("/map", query_string={"q": f"zebra {attack}"}).get_data(as_text=True)
    tree = HTMLParser(text)
    assert len([one for one in tree.css("script") if one.text()]) == 0
    assert tree.css("image, [onerror], [style]") == []
    assert not re.search(r"(?:href|src)=\"(?!/(?!/)|#)", text)
