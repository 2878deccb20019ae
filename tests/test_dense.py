"""The nearest passages while an index is older than the catalog, and of a file that is mapped instead of read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from index.local_store import LocalStore
from index.records import AllOf, Equals, Filter
from qa.indexing import index_paths
from qa.workspace import Workspace

KINDS = [("flat", 1000, 1000), ("int8", 10, 1000), ("ivf", 10, 20)]


@pytest.fixture
def changed(
    folder: Path, make_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Workspace]:
    """Index 120 notes and then change 15 of them, the derived files staying as the first run left them."""

    def make(flat: int, int8: int) -> Workspace:
        for name, value in {"FLAT_UP_TO": flat, "INT8_UP_TO": int8, "_REWRITE_SHARE": 1.0, "_PROBES": 10_000}.items():
            monkeypatch.setattr(f"index.dense.{name}", value)
        monkeypatch.setattr("index.local_writing._PURGE_AT_ONCE", 0)
        monkeypatch.setattr("index.local_writing._PURGE_SHARE", 1.0)
        workspace = make_workspace()
        write_notes(folder, range(120), "ship")
        index_paths(workspace, [folder])
        write_notes(folder, range(0, 120, 8), "boat")
        return workspace

    return make


def write_notes(folder: Path, numbers: range, word: str) -> None:
    for number in numbers:
        tag = "rare" if number % 20 == 0 else "common"
        text = f"---\ntag: {tag}\n---\nNote {number}: {word} {number % 13} lies at pier {number % 7}."
        (folder / f"{number}.md").write_text(text)


def best_of(store: LocalStore, vector: np.ndarray, k: int, scope: Filter) -> list[tuple[int, float]]:
    """Compare every passage that the filter admits."""
    with store.view() as view:
        nums = view.numbers(scope)
        scores = view.vectors(nums) @ vector
    return sorted(((num, float(score)) for num, score in zip(nums, scores, strict=True)), key=lambda pair: -pair[1])[:k]


def found_by(store: LocalStore, vector: np.ndarray, k: int, scope: Filter) -> list[tuple[int, float]]:
    with store.view() as view:
        return view.search_dense(vector, k, scope)


@pytest.mark.parametrize(("kind", "flat", "int8"), KINDS)
@pytest.mark.parametrize("mapped", [False, True])
def test_what_changed_since_the_index_was_made_is_found_as_by_brute_force(
    changed: Callable[..., Workspace], folder: Path, kind: str, flat: int, int8: int, mapped: bool
):
    workspace = changed(flat, int8)
    store = LocalStore(workspace.settings.data, mapped=mapped)
    vector = workspace.embedder.embed(["a boat at the pier"])[0]
    before = found_by(store, vector, 120, AllOf())
    index_paths(workspace, [folder])
    fresh = LocalStore(workspace.settings.data, mapped=mapped)
    for one in (store, fresh):
        with one.view() as view:
            dense = view.derived.dense
            assert (dense.kind, dense.generation, dense.base.generation) == (kind, 2, 1)
            assert len(dense.nums) == len(dense.removed) == 15
        for k in (1, 7, 120):
            for scope in (AllOf(), AllOf((Equals("tag", "rare"),)), AllOf((Equals("tag", "common"),))):
                best, found = best_of(one, vector, k, scope), found_by(one, vector, k, scope)
                assert np.allclose([score for _, score in found], [score for _, score in best], atol=1e-6)
                assert {num for num, _ in found} <= {num for num, _ in best_of(one, vector, 120, scope)}
        assert len({num for num, _ in before} - {num for num, _ in found_by(one, vector, 120, AllOf())}) == 15


@pytest.mark.parametrize(("kind", "flat", "int8"), KINDS)
def test_a_mapped_file_is_not_copied_into_memory(changed: Callable[..., Workspace], kind: str, flat: int, int8: int):
    data = changed(flat, int8).settings.data
    size = next(data.glob("dense-*.faiss")).stat().st_size
    with opened(LocalStore(data, mapped=True)):
        assert mapped_bytes("dense-1.faiss") >= size
    with opened(LocalStore(data)):
        assert mapped_bytes("dense-1.faiss") == 0


@contextmanager
def opened(store: LocalStore) -> Iterator[None]:
    with store.view():
        yield


def mapped_bytes(name: str) -> int:
    """Return how many bytes of files of this name are mapped into this process."""
    ranges = [line.split()[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines() if name in line]
    return sum(int(end, 16) - int(start, 16) for start, end in ranges)


def test_a_mapped_file_that_is_replaced_or_removed_serves_who_has_it(changed: Callable[..., Workspace]):
    workspace = changed(10, 1000)
    vector = workspace.embedder.embed(["a ship at the pier"])[0]
    store = LocalStore(workspace.settings.data, mapped=True)
    with store.view() as view:
        before = view.search_dense(vector, 20)
        for path in workspace.settings.data.glob("dense-*"):
            path.unlink()
        assert view.search_dense(vector, 20) == before


def test_a_newer_file_takes_the_place_of_an_index_that_is_held(
    changed: Callable[..., Workspace], folder: Path, monkeypatch: pytest.MonkeyPatch
):
    workspace = changed(10, 1000)
    store = LocalStore(workspace.settings.data, mapped=True)
    with store.view() as view:
        assert view.derived.dense.base.generation == 1
    monkeypatch.setattr("index.dense._REWRITE_SHARE", 0.0)
    index_paths(workspace, [folder])
    with store.view() as view:
        assert (view.derived.dense.base.generation, len(view.derived.dense.nums)) == (2, 0)


def test_a_damaged_file_is_not_mapped(changed: Callable[..., Workspace]):
    workspace = changed(10, 1000)
    path = next(workspace.settings.data.glob("dense-*.faiss"))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with opened(LocalStore(workspace.settings.data, mapped=True)):
        assert mapped_bytes(path.name) == 0
