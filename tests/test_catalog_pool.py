"""Open catalogs are lent again, and never one whose file is not the same any more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from index.catalog import Catalog
from index.catalog_pool import CatalogPool
from index.errors import IndexDamaged, IndexMissing
from qa.indexing import index_paths
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def path(folder: Path, make_workspace: MakeWorkspace) -> Path:
    """The catalog of an index of one document."""
    (folder / "a.txt").write_text("The bridge is of stone. " * 400)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    return workspace.settings.data / "catalog.db"


def lent(pool: CatalogPool) -> Catalog:
    with pool.lend() as catalog:
        return catalog


def test_one_is_lent_again_and_sees_what_was_committed_since(path: Path, folder: Path, make_workspace: MakeWorkspace):
    pool = CatalogPool(path)
    first = lent(pool)
    generation = first.generation()
    (folder / "b.txt").write_text("The tunnel is of brick.")
    index_paths(make_workspace(), [folder])
    assert lent(pool) is first
    assert first.generation() > generation


def test_two_at_once_have_one_each_and_few_are_kept(path: Path):
    pool = CatalogPool(path)
    lending = [pool.lend() for _ in range(6)]
    catalogs = [one.__enter__() for one in lending]
    assert len(set(map(id, catalogs))) == 6
    for one in lending:
        one.__exit__(None, None, None)
    kept = [catalog for _, catalog in pool._idle]
    assert len(kept) == 4
    assert all(catalog in catalogs for catalog in kept)


def test_one_that_failed_is_not_lent_again(path: Path):
    pool = CatalogPool(path)
    with pytest.raises(ZeroDivisionError), pool.lend() as first:
        raise ZeroDivisionError
    assert lent(pool) is not first


def test_a_file_in_its_place_is_read_instead(path: Path, folder: Path, make_workspace: MakeWorkspace, tmp_path: Path):
    pool = CatalogPool(path)
    first = lent(pool)
    (folder / "a.txt").write_text("The tunnel is of brick.")
    other = make_workspace(tmp_path / "other")
    index_paths(other, [folder])
    shutil.rmtree(path.parent)
    (tmp_path / "other").rename(path.parent)
    with pool.lend() as catalog:
        assert catalog is not first
        assert "tunnel" in next(iter(catalog.passages([1]).values()))[0].text


def test_a_file_that_is_gone_or_cut_short_is_said(path: Path):
    pool = CatalogPool(path)
    lent(pool)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(IndexDamaged):
        lent(pool)
    lent_before = CatalogPool(path)
    path.unlink()
    with pytest.raises(IndexMissing):
        lent(lent_before)
