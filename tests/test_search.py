"""Searching: as many passages as asked for, distinct ones before repetitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.records import AllOf, Equals, Hit, Range
from index.search import search
from qa.indexing import index_paths
from qa.workspace import Workspace

DISTINCT = (
    "Boiler pressure is read every morning by the engineer on duty.",
    "A valve opens when the pressure in the boiler gets too high.",
    "The steam gauge beside the door shows bars.",
    "Water for heating comes from the spring above the village.",
    "Coal was replaced by wood pellets.",
    "In summer the plant is cleaned by two chimney sweeps.",
    "Insurance asks for an inspection by an outside company.",
    "Children may visit the engine room with a teacher.",
)


@pytest.fixture
def repetitive(folder: Path, make_workspace) -> Workspace:
    """70 reports that are nearly alike, one in six of 2023, and eight texts that are not."""
    report = "Boiler pressure report: the boiler pressure was within limits at every hour of the shift, as seen by {}."
    for number in range(70):
        name = f"{chr(97 + number % 26)}{chr(97 + number // 26)}son"
        (folder / f"report{number}.md").write_text(
            f"---\nyear: {'y23' if number < 12 else 'y24'}\n---\n{report.format(name)}"
        )
    for number, text in enumerate(DISTINCT):
        (folder / f"other{number}.txt").write_text(text)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    return workspace


def found(workspace: Workspace, **options: object) -> list[Hit]:
    with workspace.store.view() as view:
        return search(view, workspace.embedder, "boiler pressure", **options)


def test_what_is_not_a_repetition_is_found_behind_any_number_of_those(repetitive: Workspace):
    hits = found(repetitive, k=10)
    assert len(hits) == len({hit.passage.id for hit in hits}) == 10
    assert {hit.passage.text for hit in hits[:9]} >= set(DISTINCT)
    assert "report" in hits[9].document.path


def test_repetitions_are_returned_where_there_is_nothing_else(repetitive: Workspace):
    scope = AllOf((Equals("year", "y23"), Range("collection")))
    for k, expected in ((1, 1), (10, 10), (50, 12)):
        hits = found(repetitive, k=k, scope=scope)
        assert len(hits) == expected
        assert {hit.document.metadata["year"] for hit in hits} == {"y23"}


def test_a_reranker_sees_distinct_passages_first_and_no_more_than_before(repetitive: Workspace):
    seen: list[int] = []

    def rerank(_: str, hits: list[Hit]) -> list[float]:
        seen.append(len(hits))
        return [1.0 if "chimney" in hit.passage.text else 0.0 for hit in hits]

    hits = found(repetitive, k=10, rerank=rerank)
    assert "chimney" in hits[0].passage.text
    assert len(hits) == 10
    assert max(seen) <= 100
