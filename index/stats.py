"""What is in a data directory, from the catalog alone: `qa status` imports no more than this."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from index.catalog import Catalog
from index.records import Stats


def read_stats(folder: Path) -> Stats:
    """Open the catalog of a data directory and count. Raises IndexMissing where there is none."""
    catalog = Catalog.open(folder / "catalog.db")
    try:
        with catalog.snapshot():
            return count_all(catalog, folder)
    finally:
        catalog.close()


def count_all(catalog: Catalog, folder: Path) -> Stats:
    """Count what the catalog holds and what its folder takes up on disk."""
    return Stats(
        generation=catalog.generation(),
        committed_at=catalog.committed_at(),
        embedder=catalog.state("embedder") or "",
        dimension=int(catalog.state("dimension") or 0),
        collections=catalog.collections(),
        media_types=catalog.media_types(),
        languages=catalog.languages(),
        failures=catalog.failures(),
        sizes={
            "catalog": _size(folder.glob("catalog.db*")),
            "dense": _size(folder.glob("dense-*")),
            "lexical": _size((folder / "lexical").glob("*")),
        },
    )


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # a writer has just put another in its place
    return total
