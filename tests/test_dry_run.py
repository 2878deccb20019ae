"""`qa index --dry-run` says what the same command would do, what it would refuse included, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.embedder import SentenceTransformerEmbedder
from qa.workspace import Workspace


def fill(folder: Path, count: int = 12) -> None:
    for number in range(count):
        (folder / f"f{number:02}.txt").write_text(f"Fruit number {number} is ripe.")


def test_a_dry_run_with_no_delete_lists_no_deletions(run_qa, folder: Path):
    fill(folder, 2)
    run_qa("index", folder)
    (folder / "f00.txt").unlink()
    assert json.loads(run_qa("index", folder, "--dry-run", "--json").stdout)["deleted"] == ["docs/f00.txt"]
    assert json.loads(run_qa("index", folder, "--dry-run", "--no-delete", "--json").stdout)["deleted"] == []
    assert "0 to delete" in run_qa("index", folder, "--dry-run", "--no-delete").stderr


def test_a_dry_run_of_what_the_guard_refuses_prints_the_plan_and_ends_as_the_run_would(run_qa, folder: Path):
    fill(folder)
    run_qa("index", folder)
    for path in list(folder.iterdir())[:8]:
        path.unlink()
    preview, real = run_qa("index", folder, "--dry-run"), run_qa("index", folder)
    assert (preview.exit_code, preview.stderr) == (real.exit_code, real.stderr)
    assert real.exit_code == 2
    assert "8 to delete" in preview.stderr
    told = json.loads(run_qa("index", folder, "--dry-run", "--json").stdout)
    assert len(told["deleted"]) == 8
    assert told["error"]["code"] == "too_many_deletions"
    for allowed in ("--yes", "--no-delete"):
        assert run_qa("index", folder, "--dry-run", allowed).exit_code == 0


def test_a_dry_run_of_a_rebuild_says_how_much_is_made_anew(
    run_qa, folder: Path, other_model: str, monkeypatch: pytest.MonkeyPatch
):
    fill(folder, 3)
    assert run_qa("index", "--rebuild", "--dry-run").exit_code == 4
    run_qa("index", folder)
    told = json.loads(run_qa("index", "--rebuild", "--dry-run", "--json").stdout)
    assert told["rebuild"] == {"documents": 3, "passages": 3, "embedded": 0}  # the same model: its vectors serve again
    monkeypatch.setattr(Workspace, "embedder", SentenceTransformerEmbedder(other_model))
    monkeypatch.setenv("QA_EMBEDDER", other_model)
    told = json.loads(run_qa("index", "--rebuild", "--dry-run", "--json").stdout)
    assert told["rebuild"] == {"documents": 3, "passages": 3, "embedded": 3}
    assert "3 documents of 3 passages to make anew, about 3 to embed" in run_qa("index", "--rebuild", "--dry-run").stderr
    both = run_qa("index", folder, "--rebuild", "--dry-run")
    assert both.exit_code == 0
    assert "3 unchanged" in both.stderr
    refused = run_qa("index", folder, "--dry-run")
    assert refused.exit_code == 4
    assert "qa index --rebuild" in refused.stderr
    assert run_qa("status", "--json").stdout.count('"generation": 1') == 1
