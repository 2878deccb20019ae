"""Names of programs are found as a whole and by their parts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.identifiers import identifier_words
from index.records import Hit
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.retrieval import find
from qa.workspace import Workspace


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("call both_require(input)", ["bothrequire"]),
        ("__init__ and _private", []),
        ("MAX_MAP__SIZE", ["MAXMAPSIZE"]),
        ("the StdMapObserver", ["Std", "Map", "Observer"]),
        ("an HTMLParser2", ["HTML", "Parser", "2"]),
        ("camelCase, iPhone", ["camel", "Case", "i", "Phone"]),
        ("MapObserver, MapFeedback", ["Map", "Observer", "Feedback"]),
        ("IDs, DNAs, NATO, The Hague, iv. and e-mail", []),
        ("", []),
    ],
)
def test_identifiers_give_their_words(text: str, words: list[str]):
    assert identifier_words(text) == words


@given(st.text(max_size=200))
def test_any_text_gives_words_of_its_own_letters(text: str):
    assert all(set(word) <= set(text) and word.isalnum() for word in identifier_words(text))


@pytest.mark.parametrize("text", ["a" * 200_000, "A" * 200_000, "aB" * 100_000, "_" * 200_000, "a_" * 100_000])
def test_no_text_takes_long(text: str):
    began = time.process_time()
    identifier_words(text)
    assert time.process_time() - began < 2


@pytest.fixture
def programs(make_workspace, folder: Path) -> Workspace:
    workspace = make_workspace(reranker="none")
    (folder / "a.txt").write_text("fn both_require(input: &[u8]) -> bool { input.len() > 3 }")
    (folder / "b.txt").write_text("Both parties require a notice in writing. They both require it by the end of the month.")
    (folder / "c.txt").write_text("impl StdMapObserver { fn reset(&mut self) { self.map.fill(0); } }")
    index_paths(workspace, [folder])
    return workspace


def lexical(workspace: Workspace, question: str) -> dict[str, float]:
    with workspace.store.view() as view:
        hits: list[Hit] = find(view, workspace, AskRequest(question, collection="default", k=3))
    return {Path(hit.document.path).name: hit.scores.lexical for hit in hits}


def test_an_identifier_is_found_before_a_text_that_has_its_words_more_often(programs: Workspace):
    scores = lexical(programs, "What does both_require do?")
    assert scores["a.txt"] > scores["b.txt"] > 0


def test_an_identifier_is_found_by_its_parts(programs: Workspace):
    assert lexical(programs, "Where is the observer of the map reset?")["c.txt"] > 0


def test_search_files_of_an_older_program_are_built_anew_by_whoever_reads_first(programs: Workspace, make_workspace):
    manifest = programs.store.folder / "lexical" / "manifest.json"
    older = json.loads(manifest.read_text())
    del older["words"]
    manifest.write_text(json.dumps(older))
    assert lexical(make_workspace(), "observer")["c.txt"] > 0
    assert json.loads(manifest.read_text())["words"] == 2
