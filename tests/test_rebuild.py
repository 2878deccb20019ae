"""`qa index --rebuild`: all passages and vectors anew, from the texts in the index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.embedder import SentenceTransformerEmbedder
from qa.indexing import index_paths, rebuild_index
from qa.workspace import Workspace


def test_another_model_is_refused_with_a_command_and_taken_by_that_command(
    run_qa, folder: Path, other_model: str, monkeypatch: pytest.MonkeyPatch
):
    (folder / "a.txt").write_text("The bridge is of stone.")
    assert run_qa("index", folder).exit_code == 0
    monkeypatch.setattr(Workspace, "embedder", SentenceTransformerEmbedder(other_model))
    monkeypatch.setenv("QA_EMBEDDER", other_model)
    for refused in (run_qa("index", folder), run_qa("ask", "What is the bridge of?"), run_qa("search", "bridge")):
        assert refused.exit_code == 4
        assert "qa index --rebuild" in refused.stderr
    (folder / "a.txt").unlink()  # a rebuild reads no file
    rebuilt = run_qa("index", "--rebuild", "--json")
    assert rebuilt.exit_code == 0
    assert json.loads(rebuilt.stdout)["rebuilt"] == {"files": 1, "passages": 1, "embedded": 1, "generation": 2}
    assert "The bridge is of stone." in run_qa("search", "bridge").stdout


def test_a_rebuild_keeps_ids_links_and_every_collection(folder: Path, make_workspace, other_model: str):
    (folder / "a.txt").write_text("The bridge is of stone.")
    index_paths(make_workspace(), [folder])
    index_paths(make_workspace(collection="other"), [folder])
    before = [(one.collection, one.id, one.sha256) for one in make_workspace().store.documents()]
    workspace = make_workspace(embedder=other_model)
    workspace.__dict__["embedder"] = SentenceTransformerEmbedder(other_model)
    assert rebuild_index(workspace).files == 2
    assert [(one.collection, one.id, one.sha256) for one in workspace.store.documents()] == before


def test_a_rebuild_of_nothing_says_that_there_is_no_index(run_qa, tmp_path: Path):
    refused = run_qa("index", "--rebuild")
    assert refused.exit_code == 4
    assert "qa index PATH" in refused.stderr
    assert not (tmp_path / ".qa").exists()


def test_neither_a_path_nor_rebuild_is_a_usage_error(run_qa):
    assert run_qa("index").exit_code == 2
