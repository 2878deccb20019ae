"""Fusion of vectors and words: each side counts as much as it tells the candidates apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.search import _fuse, search
from qa.indexing import index_paths

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
