"""Filters as they are typed: what they admit, and what is said of those that make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import CitableError
from qa.errors import BadQuestion
from qa.indexing import index_paths
from qa.retrieval import filters_from_json, parse_filters

NOTES = {
    "a/one.md": {"author": "Ada", "date": "2023-12-31"},
    "a/two.md": {"author": "Ben", "date": "2024-01-01"},
    "b/three.md": {"author": "Ada", "date": "2024-06-30"},
    "b/four = five.md": {"author": "Żaneta O'Neil"},
}


@pytest.fixture
def notes(run_qa, folder: Path):
    """Return what lists the names of the documents that filters admit."""
    for name, metadata in NOTES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"---\n{json.dumps(metadata, ensure_ascii=False)}\n---\nThe harbour of {path.stem}.", encoding="utf-8"
        )
    assert run_qa("index", folder).exit_code == 0

    def admitted(*filters: str) -> set[str]:
        options = [option for text in filters for option in ("--filter", text)]
        listed = json.loads(run_qa("docs", "list", "--json", *options).stdout)["documents"]
        found = json.loads(run_qa("search", "harbour", "--k", 50, "--json", *options).stdout)["passages"]
        assert {hit["path"] for hit in found} == {one["path"] for one in listed}
        return {Path(one["path"]).stem for one in listed}

    return admitted


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["author=Ada"], {"one", "three"}),
        (["author=Ada", "author=Ben"], {"one", "two", "three"}),
        (["author=Ada", "date>=2024"], {"three"}),
        (["date=2024-01..2024-06"], {"two", "three"}),
        (["date=..2024-01"], {"one", "two"}),
        (["date=2024.."], {"two", "three"}),
        (["date>=2024-01-01", "date<=2024-01-01"], {"two"}),
        (["author=Żaneta O'Neil"], {"four = five"}),
        (["path=docs/a/"], {"one", "two"}),
        (["path=docs/b/four = five.md"], {"four = five"}),
        (["media_type=text/markdown"], {"one", "two", "three", "four = five"}),
        ([" author = Ben "], {"two"}),
    ],
    ids=lambda one: " ".join(sorted(one)),
)
def test_a_filter_admits_what_it_says_in_search_and_in_lists(notes, filters: list[str], names: set[str]):
    assert notes(*filters) == names


@pytest.mark.parametrize("text", ["", "author", "=Ada", "author=", "date>2024", "author<>Ada"])
def test_what_is_no_filter_is_refused_with_examples(text: str):
    with pytest.raises(BadQuestion, match="not a filter") as caught:
        parse_filters([text])
    assert "key=value" in caught.value.hint


def test_a_key_that_no_document_has_is_named_with_those_that_there_are(run_qa, notes):
    refused = run_qa("ask", "Which harbour?", "--filter", "autor=Ada")
    assert refused.exit_code == 2
    assert "autor" in refused.stderr
    assert "author" in refused.stderr


def test_errors_of_filters_are_errors_for_people():
    assert issubclass(BadQuestion, CitableError)


def test_collections_are_searched_and_listed_apart(run_qa, folder: Path):
    for name in ("contracts", "minutes"):
        (folder / f"{name}.txt").write_text(f"The harbour as the {name} have it.")
        assert run_qa("index", folder / f"{name}.txt", "--collection", name).exit_code == 0
    for name in ("contracts", "minutes"):
        assert f"{name}.txt" in run_qa("docs", "list", "--collection", name).stdout
        assert len(run_qa("docs", "list", "--collection", name).stdout.splitlines()) == 1
        hits = json.loads(run_qa("search", "harbour", "--collection", name, "--json").stdout)["passages"]
        assert [hit["path"] for hit in hits] == [f"docs/{name}.txt"]
    refused = run_qa("ask", "Which harbour?", "--collection", "nope")
    assert refused.exit_code == 3
    assert "contracts, minutes" in refused.stderr
    assert run_qa("docs", "rm", "docs/minutes.txt", "--collection", "contracts").exit_code == 3
    assert run_qa("docs", "rm", "docs/minutes.txt", "--collection", "minutes").exit_code == 0
    assert "contracts" in run_qa("docs", "list").stdout


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2024-03", {"b", "c"}), ("2024", {"a", "b", "c"}), ("2024-03-31", {"c"}), ("2025-01-01", {"d"}), ("2024-3", set())],
)
def test_a_year_month_or_day_admits_every_time_in_it(folder: Path, make_workspace, value: str, expected: set[str]):
    dates = {"a": "2024-02-29", "b": "2024-03-01", "c": "2024-03-31T23:59:59Z", "d": "2025-01-01"}
    for name, date in dates.items():
        (folder / f"{name}.md").write_text(f"---\ndate: {date}\n---\nThe harbour {name}.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    for scope in (parse_filters([f"date={value}"]), filters_from_json({"date": value})):
        assert {Path(one.path).stem for one in workspace.store.documents(scope)} == expected
