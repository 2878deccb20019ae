"""Fusion of vectors and words: each side counts as much as it tells the candidates apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.copies
from index.records import Equals
from index.search import _fuse, search
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.retrieval import find
from qa.workspace import Workspace

scores = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=60)


@given(st.lists(st.tuples(st.floats(-1, 1, width=32), st.floats(0, 40, width=32)), min_size=1, max_size=60))
def test_fused_scores_lie_between_0_and_1_and_the_best_on_both_sides_comes_first(pairs):
    cosines, words = (np.array(side, np.float32) for side in zip(*pairs, strict=True))
    fused = _fuse(cosines, words)
    assert np.all((fused >= -1e-6) & (fused <= 1 + 1e-6))
    best = [i for i in range(len(pairs)) if cosines[i] == cosines.max() and words[i] == words.max()]
    assert all(fused[i] >= fused.max() - 1e-6 for i in best)


@given(scores)
def test_a_side_that_cannot_tell_the_candidates_apart_ruins_nothing(values):
    side, flat = np.array(values, np.float32), np.full(len(values), 3.0, np.float32)
    for fused in (_fuse(side, flat), _fuse(flat, side)):
        for i in range(len(values)):
            for j in range(len(values)):
                assert not (side[i] > side[j] and fused[i] < fused[j])


def test_one_that_stands_out_by_its_words_beats_many_that_are_alike_by_their_vectors():
    cosines = np.array([0.50, 0.52, 0.51, 0.515, 0.505, 0.49], np.float32)
    words = np.array([1.0, 1.2, 1.1, 1.0, 1.2, 14.0], np.float32)
    fused = _fuse(cosines, words)
    assert fused[5] > np.sort(fused)[0]  # though its cosine is the lowest of all
    assert _fuse(np.append(cosines, 0.9), np.append(words, 0.0)).argmax() == 6  # and the other way round


@pytest.mark.parametrize("question", ["ZX-4711", "What is part ZX-4711 for?"])
def test_a_part_number_is_found_by_its_words(folder: Path, make_workspace, question: str):
    for number in range(40):
        (folder / f"{number}.txt").write_text(f"Part ZX-{4700 + number} is a valve for pump {number}. It is made of brass.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    with workspace.store.view() as view:
        hits = search(view, workspace.embedder, question, k=3)
    assert "ZX-4711" in hits[0].passage.text
    assert hits[0].scores.dense is not None
    assert (hits[0].scores.lexical or 0) > 0
    assert 0 <= hits[0].scores.fused <= 1


def test_copies_come_last_unless_they_are_to_be_ranked_by_their_scores(folder: Path, make_workspace):
    for name in ("one", "two", "three"):
        (folder / f"{name}.txt").write_text("The lighthouse of Lom was lit by whale oil until 1861.")
    (folder / "other.txt").write_text("Whales are seen from the pier in spring.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    question = "What was the lighthouse of Lom lit by?"
    with workspace.store.view() as view:
        sifted = [hit.document.title for hit in search(view, workspace.embedder, question, k=4)]
        ranked = [hit.document.title for hit in search(view, workspace.embedder, question, k=4, copies_last=False)]
    assert sifted[1] == "other"
    assert ranked[3] == "other"
    assert sorted(sifted) == sorted(ranked)


def titles_found(workspace: Workspace, folder: Path, question: str, k: int, newer: float = 0.0) -> list[str]:
    index_paths(workspace, [folder])
    with workspace.store.view() as view:
        return [hit.document.title for hit in search(view, workspace.embedder, question, k, newer=newer)]


def test_copies_come_last_however_many_are_weighed_by_their_dates(folder: Path, make_workspace):
    told = "The lighthouse of Lom on the northern cape was lit by whale oil until the keepers were given lamps of glass"
    for number in range(99):
        (folder / f"{number}.txt").write_text(f"{told}, {'so ' * (number % 3)}it is told.{' ' * number}")
    (folder / "other.txt").write_text("Whales are seen from the pier in spring.")
    found = titles_found(make_workspace(), folder, "What was the lighthouse of Lom lit by?", k=5, newer=0.5)
    assert found.index("other") == 1


def test_the_same_words_under_other_titles_are_copies(folder: Path, make_workspace):
    told = "Whoever enters the harbour by night shows a green lamp at the mast"
    titles = ("Rules of the port of Lom", "Bakeries and their owners", "A letter to my sister", "Annual accounts of 1931")
    for number, (title, mark) in enumerate(zip(titles, ".…? ", strict=True)):
        (folder / f"{number}.html").write_text(
            f"<html><head><title>{title}</title></head><body><p>{told}{mark}</p></body></html>"
        )
    (folder / "other.txt").write_text("Pilots keep their boats in the harbour.")
    assert titles_found(make_workspace(), folder, "Which lamp is shown in the harbour by night?", k=3)[1] == "other"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5 percent", "15 percent"),
        ("< 30", "> 30"),
        ("-5 degrees", "5 degrees"),
        ("three years", "seven years"),
        ("what Kestrel Optics gave", "what Bowline Analytics gave"),
    ],
)
def test_texts_that_differ_in_a_number_sign_or_name_alone_are_no_copies(folder: Path, make_workspace, one: str, other: str):
    for name, value in (("a", one), ("b", other)):
        (folder / f"{name}.txt").write_text(
            f"The limit that holds for all members of the club since the meeting is {value}."
        )
    (folder / "c.txt").write_text("The club has a boat.")
    found = titles_found(make_workspace(), folder, "Which limit holds for all members of the club?", k=3)
    assert set(found[:2]) == {"a", "b"}


def test_nearly_the_same_words_on_the_same_are_copies(folder: Path, make_workspace):
    told = (
        "Whoever enters the harbour by night shows a {} lamp at the mast until the ship is made fast at the quay of the {}."
    )
    for name, words in (("a", ("green", "pilots")), ("b", ("bright", "fishermen"))):
        (folder / f"{name}.txt").write_text(told.format(*words))
    (folder / "other.txt").write_text("Pilots keep their boats in the harbour.")
    workspace = make_workspace()
    vectors = workspace.embedder.embed([told.format("green", "pilots"), told.format("bright", "fishermen")])
    assert vectors[0] @ vectors[1] < 0.96
    assert titles_found(workspace, folder, "Which lamp is shown in the harbour by night?", k=3)[1] == "other"


def test_texts_of_nearly_the_same_words_on_something_else_are_no_copies(folder: Path, make_workspace):
    told = (
        "Ways to prevent {} cancer are being studied in clinical trials. Trials are taking place in many parts of the country. "
        "Information about them is on the website of the institute. Ask your doctor which of them are open to patients now."
    )
    for name in ("prostate", "liver"):
        (folder / f"{name}.txt").write_text(told.format(name))
    (folder / "newer.txt").write_text(told.format("liver").replace("Ask your", "Do ask a"))
    (folder / "weather.txt").write_text("It rains in May.")
    titles = titles_found(make_workspace(), folder, "Which ways to prevent liver cancer are studied?", k=4)
    assert titles.index("prostate") < 2
    assert titles[3] in ("liver", "newer")


def test_among_hundreds_of_copies_a_text_is_read_and_compared_once_and_what_else_there_is_found(
    folder: Path, make_workspace, monkeypatch: pytest.MonkeyPatch
):
    for number in range(300):
        (folder / f"copy{number}.txt").write_text("Whoever enters the harbour by night shows a green lamp at the mast.")
    for number, place in enumerate(("Brest", "Cadiz", "Dover")):
        (folder / f"{place}.txt").write_text(f"In the harbour of {place}, pilots of class {number} keep their boats.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    compared = []
    is_copy = index.copies._is_copy
    monkeypatch.setattr("index.copies._is_copy", lambda words, others: compared.append(words) or is_copy(words, others))
    read: list[int] = []
    with workspace.store.view() as view:
        passages = type(view).passages
        monkeypatch.setattr(type(view), "passages", lambda self, nums: read.extend(nums) or passages(self, nums))
        hits = search(view, workspace.embedder, "Which lamp is shown in the harbour by night?", k=4)
    assert {hit.document.title for hit in hits[1:]} == {
        "Brest",
        "Cadiz",
        "Dover",
    }
    assert len(compared) <= 3 * 4  # texts, in each of three rounds at the most
    assert len(read) == len(set(read))  # in all rounds together


@pytest.mark.parametrize(("k", "copies", "most"), [(10, 0, 25), (1, 0, 2), (10, 4, 57)])
def test_no_more_passages_are_read_than_a_choice_needs(
    folder: Path, make_workspace, monkeypatch: pytest.MonkeyPatch, k: int, copies: int, most: int
):
    for number in range(80):
        told = f"The parcel of {number} holds {chr(97 + number % 26) * 9} and {number * 37} nails of {chr(122 - number % 26) * 8}."
        (folder / f"{number}.txt").write_text(told if number >= copies else "The parcel holds nails.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    read: list[int] = []
    with workspace.store.view() as view:
        passages = type(view).passages
        monkeypatch.setattr(type(view), "passages", lambda self, nums: read.extend(nums) or passages(self, nums))
        hits = search(view, workspace.embedder, "Which parcel holds nails?", k)
    assert len({hit.passage.text for hit in hits}) == k
    assert k <= len(read) <= most


def test_newer_documents_are_preferred_as_much_as_is_asked_for(folder: Path, make_workspace):
    texts = {
        "2019": "The harbour fee of Lom is 40 crowns.",
        "2024": "In Lom, ships pay a fee in the harbour.",
        "none": "Bees.",
    }
    for year, text in texts.items():
        head = f"---\ndate: {year}-05-01\n---\n" if year != "none" else ""
        (folder / f"{year}.md").write_text(f"{head}# Notes\n\n{text}\n")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    with workspace.store.view() as view:
        found = {
            newer: [
                Path(hit.document.path).stem for hit in search(view, workspace.embedder, "harbour fee of Lom", newer=newer)
            ]
            for newer in (0.0, 1.0)
        }
    assert found[0.0] == ["2019", "2024", "none"]
    assert found[1.0] == ["2024", "2019", "none"]


def test_where_nothing_is_admitted_nothing_is_found_though_newer_ones_are_preferred(folder: Path, make_workspace):
    (folder / "one.txt").write_text("The lamp is lit.")
    workspace = make_workspace(prefer_newer=0.5)
    index_paths(workspace, [folder])
    with workspace.store.view() as view:
        assert search(view, workspace.embedder, "Who lit the lamp?", scope=Equals("lang", "xx"), newer=0.5) == []


def test_only_the_best_are_reranked_and_the_others_follow_them(folder: Path, make_workspace):
    for number in range(30):
        (folder / f"{number}.txt").write_text(f"Valve number {number} of the {number * 7} pumps is made of brass.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    asked: list[int] = []

    def turned_round(question: str, hits):
        asked.append(len(hits))
        return [0.001 * i for i in range(len(hits))]

    with workspace.store.view() as view:
        plain = search(view, workspace.embedder, "brass valve", k=20)
        turned = search(view, workspace.embedder, "brass valve", k=20, rerank=turned_round)
        few = search(view, workspace.embedder, "brass valve", k=20, rerank=lambda question, hits: [0.1, 0.2])
        none = search(view, workspace.embedder, "brass valve", k=20, rerank=lambda question, hits: [])
    assert asked == [16]
    assert [hit.scores.rerank is None for hit in turned] == [False] * 16 + [True] * 4
    assert {hit.passage.id for hit in turned[:16]} == {hit.passage.id for hit in plain[:16]}
    assert turned[0].passage.id != plain[0].passage.id
    assert [hit.passage.id for hit in few[:2]] == [plain[1].passage.id, plain[0].passage.id]
    assert [hit.scores.rerank for hit in few[2:]] == [None] * 18
    assert none == plain


def test_the_passage_that_an_answer_runs_on_into_comes_with_it(folder: Path, make_workspace):
    filler = "The annals of the abbey say little else about the valley, its people and its weather in those years."
    grounds = [f"The abbot of Lom rejected the tithe on the ground that {reason}." for reason in (
        "the harvest had failed", "the mill was in ruins", "the bishop had granted relief", "no council had agreed to it",
        "the monks had sworn poverty", "the road was closed by snow", "the king himself was exempt",
    )]  # fmt: skip
    (folder / "abbey.txt").write_text(" ".join([filler] * 18 + grounds + [filler] * 12))
    for number in range(12):
        (folder / f"{number}.txt").write_text(f"The tithe of Lom in the year {1300 + number} was paid in grain and in wool.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    question = "On what grounds did the abbot of Lom reject the tithe?"
    with workspace.store.view() as view:
        hits = find(view, workspace, AskRequest(question, collection="default", k=3))
        following = {one.passage.id: view.passage_after(one.passage) for one in hits}
    first, second = sorted(hits[:2], key=lambda one: one.passage.start)
    assert following[first.passage.id] == second.passage
    assert workspace.reader.runs_on(question, first, second.passage)
    assert not workspace.reader.runs_on("When did bees come to the valley?", first, second.passage)
