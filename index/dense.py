"""Nearest passages by vector: FAISS, derived from the catalog. The only module that knows faiss.

FAISS neither notices a flipped bit nor a full disk (0 of 150 flips found, `write_index` reported success when the
last 4 KiB did not fit, measured), so a file of it is a cache: with a checksum, and rebuilt when anything is off.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.catalog import Catalog
from index.embedder import Vectors
from index.files import write_durably

faiss: Any = importlib.import_module("faiss")  # typed as Any: its own stubs do not know half of what is used here

Found = list[tuple[int, float]]

# A file is written anew when more than this share of its rows has changed; smaller changes are caught up in memory.
_REWRITE_SHARE = 0.02
_CHUNK = 10_000  # passages whose vectors are read from the catalog at once


@dataclass(frozen=True)
class DenseIndex:
    """An index of one generation, never changed once made: readers keep theirs while a newer one is made."""

    generation: int
    token: str
    index: Any  # faiss.IndexIDMap2 over IndexFlatIP: exact inner product, ids are passage numbers

    def search(self, vector: Vectors, k: int, admitted: np.ndarray | None = None) -> Found:
        """Return up to k (passage number, cosine), best first, among the admitted numbers (all when None).

        Exact with and without a filter: min(k, number of admitted passages) are found (invariant 13).
        """
        k = min(k, self.index.ntotal if admitted is None else len(admitted))
        if k <= 0:
            return []
        if admitted is None:
            scores, nums = self.index.search(vector.reshape(1, -1), k)
        else:
            selector = faiss.IDSelectorBatch(admitted)
            scores, nums = self.index.search(vector.reshape(1, -1), k, params=faiss.SearchParameters(sel=selector))
        # FAISS fills up with id -1 where it found too few
        return [(int(num), float(score)) for num, score in zip(nums[0], scores[0], strict=True) if num >= 0]


def open_dense(folder: Path, catalog: Catalog, dimension: int) -> DenseIndex:
    """Return the index of the catalog's generation: the newest sound file, caught up in memory, else built anew."""
    return _catch_up(_load_newest(folder, catalog, dimension), catalog, dimension)


def refresh_dense(folder: Path, catalog: Catalog, dimension: int) -> DenseIndex:
    """Like `open_dense`, and leave a fresh file behind when the newest is missing, damaged or far behind. Writer only."""
    loaded = _load_newest(folder, catalog, dimension)
    current = _catch_up(loaded, catalog, dimension)
    if loaded is None or _changes(loaded, catalog) > _REWRITE_SHARE * max(1, current.index.ntotal):
        _save(folder, current)
    return current


def _changes(loaded: DenseIndex, catalog: Catalog) -> int:
    added, removed = catalog.changes_since(loaded.generation)
    return len(added) + len(removed)


def _empty(dimension: int) -> DenseIndex:
    return DenseIndex(0, "", faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))


def _catch_up(old: DenseIndex | None, catalog: Catalog, dimension: int) -> DenseIndex:
    """Apply what the catalog has committed since `old`; the old index itself stays as it is."""
    generation, token = catalog.generation(), catalog.token()
    if old is not None and (old.generation, old.token) == (generation, token):
        return old
    old = old or _empty(dimension)
    added, removed = catalog.changes_since(old.generation)
    index = faiss.clone_index(old.index) if old.index.ntotal else _empty(dimension).index
    if removed and index.ntotal:
        index.remove_ids(np.asarray(removed, np.int64))
    for start in range(0, len(added), _CHUNK):
        nums = added[start : start + _CHUNK]
        index.add_with_ids(catalog.vectors(nums), np.asarray(nums, np.int64))
    return DenseIndex(generation, token, index)


def _files(folder: Path) -> list[Path]:
    """Return the index files, newest generation first."""
    numbered = [(int(path.stem[6:]), path) for path in folder.glob("dense-*.faiss") if path.stem[6:].isdigit()]
    return [path for _, path in sorted(numbered, reverse=True)]


def _load_newest(folder: Path, catalog: Catalog, dimension: int) -> DenseIndex | None:
    for path in _files(folder):
        index = _load(path, catalog, dimension)
        if index is not None:
            return index
    return None


def _load(path: Path, catalog: Catalog, dimension: int) -> DenseIndex | None:
    """Load a file if its size, checksum, dimension and generation are right; None otherwise, whatever is wrong."""
    try:
        manifest = json.loads(path.with_suffix(".json").read_bytes())
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != manifest["sha256"] or manifest["dimension"] != dimension:
            return None
        if not catalog.was_committed(manifest["generation"], manifest["token"]):
            return None
        # the very bytes that were hashed are deserialised
        index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return DenseIndex(manifest["generation"], manifest["token"], index)


def _save(folder: Path, dense: DenseIndex) -> None:
    path = folder / f"dense-{dense.generation}.faiss"
    data: bytes = faiss.serialize_index(dense.index).tobytes()
    manifest = {
        "generation": dense.generation,
        "token": dense.token,
        "dimension": dense.index.d,
        "rows": dense.index.ntotal,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_durably(path, data)
    write_durably(path.with_suffix(".json"), json.dumps(manifest).encode())
    for old in _files(folder):
        if old != path:
            old.unlink(missing_ok=True)
            old.with_suffix(".json").unlink(missing_ok=True)
