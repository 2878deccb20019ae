"""What is in a data directory, from the catalog alone: `qa status` imports no more than this."""

from __future__ import annotations

from pathlib import Path

from index.catalog import Catalog
from index.records import Stats


def read_stats(folder: Path) -> Stats:
    """Open the catalog of a data directory and count. Raises IndexMissing where there is none."""
    catalog = Catalog.open(folder / "catalog.db")
    try:
        with catalog.snapshot():
            return catalog.stats()
    finally:
        catalog.close()
