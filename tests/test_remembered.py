"""What was searched for is not searched for again in the same generation, and never shown where it may not be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from index.records import Equals, Hit
from qa.errors import NotFound
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.remembered import RememberedHits
from qa.retrieval import find
from qa.workspace import Workspace

BRIDGE = "How long is the bridge over the Lenne?"


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that were really searched for, as they come."""
    import qa.retrieval

    questions: list[str] = []
    inner = qa.retrieval.search_near

    def noted(view, vector, question, *rest, **named):
        questions.append(question)
        return inner(view, vector, question, *rest, **named)

    monkeypatch.setattr(qa.retrieval, "search_near", noted)
    return questions


@pytest.fixture
def bridges(make_workspace, folder: Path) -> Workspace:
    workspace = make_workspace()
    (folder / "bridge.txt").write_text("The bridge over the Lenne is 118 metres long. It was built of steel in 1911.")
    index_paths(workspace, [folder])
    return workspace


def search(workspace: Workspace, question: str = BRIDGE, **wanted) -> list[Hit]:
    with workspace.store.view() as view:
        return find(view, workspace, AskRequest(question, **{"collection": "default", "k": 5, **wanted}))


def test_what_is_asked_again_is_searched_for_once(bridges, searched):
    assert search(bridges) == search(bridges) != []
    assert searched == [BRIDGE]


def test_another_question_number_or_filter_is_another_search(bridges, searched):
    search(bridges)
    search(bridges, question="Of what is the bridge?")
    search(bridges, k=6)
    search(bridges, filters=Equals("lang", "en"))
    assert len(searched) == 4


def test_searches_by_what_is_no_question_are_not_remembered(bridges, searched):
    for _ in range(2):
        with bridges.store.view() as view:
            find(view, bridges, AskRequest(BRIDGE, collection="default", k=5), read=False)
    assert (len(searched), len(bridges.remembered)) == (2, 0)


def test_what_a_caller_does_to_the_hits_changes_nothing_for_the_next(bridges):
    first = search(bridges)
    kept = list(first)
    first.clear()
    assert search(bridges) == kept


def test_after_a_commit_the_new_is_found_and_the_removed_is_not(bridges, folder, searched):
    search(bridges)
    (folder / "bridge.txt").unlink()
    (folder / "river.txt").write_text("The bridge over the Lenne was pulled down; the new one is 130 metres long.")
    index_paths(bridges, [folder])
    assert ["130" in hit.passage.text for hit in search(bridges)] == [True]
    assert len(bridges.remembered) == 1


def test_who_still_reads_an_older_generation_sees_it_and_pushes_nothing_out(bridges, folder, searched):
    with bridges.store.view() as old:
        (folder / "bridge.txt").write_text("The bridge over the Lenne is 90 metres long.")
        index_paths(bridges, [folder])
        newest = search(bridges)
        for _ in range(2):
            hits = find(old, bridges, AskRequest(BRIDGE, collection="default", k=5))
            assert ["118 metres" in hit.passage.text for hit in hits] == [True]
    assert search(bridges) == newest
    assert len(searched) == 3


def test_a_renamed_file_is_found_under_its_new_name(bridges, folder):
    search(bridges)
    (folder / "bridge.txt").rename(folder / "lenne.txt")
    index_paths(bridges, [folder])
    assert [hit.document.path.endswith("lenne.txt") for hit in search(bridges)] == [True]


def test_who_may_see_other_collections_only_gets_nothing_that_another_has_found(bridges, folder, tmp_path):
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "letter.txt").write_text("Dear Ann, the bridge is closed until May.")
    index_paths(bridges.of_collection("letters"), [letters])
    assert search(bridges)
    with pytest.raises(NotFound):
        search(bridges.narrowed(["letters"]))
    assert search(bridges.narrowed(["default"])) == search(bridges)


def test_another_index_in_the_same_place_is_searched_anew(bridges, folder, searched, make_workspace):
    """A restored copy of the data directory can have the number of generations of the one before."""
    search(bridges)
    shutil.rmtree(bridges.settings.data)
    (folder / "bridge.txt").write_text("The bridge over the Lenne is 90 metres long, after all.")
    index_paths(make_workspace(), [folder])
    assert ["90 metres" in hit.passage.text for hit in search(bridges)] == [True]


def test_a_collection_that_is_not_there_is_said_each_time(bridges):
    for _ in range(2):
        with pytest.raises(NotFound):
            search(bridges, collection="minutes")


def test_searches_that_find_nothing_fill_no_memory(bridges):
    for number in range(3):
        assert search(bridges, question=f"How long is bridge {number}?", filters=Equals("lang", "fi")) == []
    assert len(bridges.remembered) == 0


def test_only_the_last_searches_are_remembered(bridges):
    remembered = RememberedHits()
    hits = search(bridges) * 10
    with bridges.store.view() as view:
        for number in range(300):
            remembered.keep(view, number, hits)
        remembered.keep(view, 299, hits)
        assert len(remembered) == 200
        assert remembered.recall(view, 100) == hits
        remembered.keep(view, 300, hits)
        assert remembered.recall(view, 100) == hits
        assert remembered.recall(view, 101) is None


@pytest.mark.parametrize("path", ["/api/search", "/api/ask"])
def test_a_search_that_is_remembered_is_counted_as_one(client: FlaskClient, path: str):
    body = {"question": "How many listings are there?", "mode": "extractive"}
    for _ in range(2):
        assert client.post(path, json=body if path == "/api/ask" else {"question": body["question"]}).status_code == 200
    assert 'qa_stage_seconds_count{stage="search"} 2.0' in client.get("/metrics").text
