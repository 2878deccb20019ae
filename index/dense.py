"""Nearest passages by vector: FAISS, derived from the catalog. The only module that knows faiss.

FAISS neither notices a flipped bit nor a full disk (0 of 150 flips found, `write_index` reported success when the
last 4 KiB did not fit, measured), so a file of it is a cache: with a checksum, and rebuilt when anything is off.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from index.catalog import Catalog
from index.embedder import Vectors
from index.files import replacing, sha256_of, write_durably

faiss: Any = importlib.import_module("faiss")  # typed as Any: its own stubs do not know half of what is used here

Found = list[tuple[int, float]]
GetVectors = Callable[[Sequence[int]], Vectors]

# Up to so many passages each kind of index is used: exact, a quarter as large, the same and not exhaustive.
FLAT_UP_TO = 10_000
INT8_UP_TO = 200_000
# A file is written anew when more than this share of its rows has changed; smaller changes are caught up in memory.
_REWRITE_SHARE = 0.02
_CHUNK = 10_000  # passages whose vectors are read from the catalog at once
_PROBES = 256  # cells of an IVF index that are searched (at a million rows `make large`: recall@10 .985, with 64 .949)
_EXACT_UP_TO = 2_000  # admitted passages that are compared one by one instead of searching an IVF index
_IO_BYTES = 1 << 20
_BYTE = 127.0


@dataclass(frozen=True)
class Base:
    """FAISS's index of one commit, never changed once readers have it: it may be a file that all processes map.

    index: its ids are passage numbers. kind: "flat" (exact), "int8" (every row, rounded) or "ivf" (some rows, rounded).
    """

    generation: int
    token: str
    kind: str
    index: Any


@dataclass(frozen=True)
class DenseIndex:
    """What is searched of one generation: an index of it or of a commit before it, and what has changed since.

    nums: the passages added since, ascending, shape (n,); rows: their vectors, shape (n, dimension). removed: numbers of the
    passages removed since, in any order.
    """

    generation: int
    token: str
    base: Base
    nums: np.ndarray
    rows: Vectors
    removed: np.ndarray

    @property
    def kind(self) -> str:
        """The kind of its index."""
        return self.base.kind

    def search(self, vector: Vectors, k: int, admitted: np.ndarray | None, vectors: GetVectors) -> Found:
        """Return (passage number, cosine), best first, among the admitted numbers (all when None).

        min(k, number of admitted passages) are found at every kind and size, filtered or not (invariant 13). What a
        rounded index finds is compared anew with the vectors themselves, read by `vectors`.
        """
        k = min(k, self.base.index.ntotal + len(self.nums) if admitted is None else len(admitted))
        if k <= 0:
            return []
        if self.kind == "flat":
            both = self._nearest(vector, k, admitted) + self._nearest_added(vector, k, admitted)
            return sorted(both, key=lambda pair: -pair[1])[:k]
        if self.kind == "ivf" and admitted is not None and len(admitted) <= _EXACT_UP_TO:
            return _rank(vector, admitted.tolist(), vectors, k)
        more = k + k // 2 + 16 if self.kind == "int8" else 4 * k + 64
        rough = self._nearest(vector, more, admitted) + self._nearest_added(vector, k, admitted)
        return _rank(vector, [num for num, _ in rough], vectors, k)

    def _nearest(self, vector: Vectors, k: int, admitted: np.ndarray | None) -> Found:
        """Search the index, without what was removed since."""
        index = self.base.index
        if not index.ntotal:
            return []
        # with two threads on two cores one waits for the other whenever a core has other work: 2.4 ms become 20 (measured)
        faiss.omp_set_num_threads(1)
        asked = _coded(vector.reshape(1, -1), self.kind)
        scores, nums = index.search(asked, min(k, index.ntotal), params=self._parameters(admitted))
        # FAISS fills up with id -1 where it found too few
        return [(int(num), float(score)) for num, score in zip(nums[0], scores[0], strict=True) if num >= 0]

    def _nearest_added(self, vector: Vectors, k: int, admitted: np.ndarray | None) -> Found:
        """Compare what was added since one by one: it is little, or there would be a newer index."""
        nums, rows = self.nums, self.rows
        if admitted is not None and len(nums):
            places = np.searchsorted(admitted, nums).clip(max=len(admitted) - 1)
            kept = admitted[places] == nums
            nums, rows = nums[kept], rows[kept]
        if not len(nums):
            return []
        scores = rows @ vector
        order = np.argsort(-scores, kind="stable")[:k]
        return [(int(nums[at]), float(scores[at])) for at in order]

    def _parameters(self, admitted: np.ndarray | None) -> Any:
        selector = self._selector(admitted)
        if self.kind == "ivf":  # of a filter every cell, or what is admitted might be overlooked
            cells = _PROBES if admitted is None else self.base.index.nlist
            return faiss.SearchParametersIVF(sel=selector, nprobe=cells)
        return faiss.SearchParameters(sel=selector) if selector else None

    def _selector(self, admitted: np.ndarray | None) -> Any:
        if admitted is not None:  # of this generation: nothing that was removed
            bits = np.zeros(int(admitted[-1]) + 1, np.uint8)
            bits[admitted] = 1
            return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
        return faiss.IDSelectorNot(faiss.IDSelectorBatch(self.removed)) if len(self.removed) else None


def _rank(vector: Vectors, nums: Sequence[int], vectors: GetVectors, k: int) -> Found:
    scores = vectors(nums) @ vector if nums else np.zeros(0, np.float32)
    order = np.argsort(-scores, kind="stable")[:k]
    return [(nums[at], float(scores[at])) for at in order]


def open_dense(folder: Path, catalog: Catalog, held: DenseIndex | None = None, *, mapped: bool = False) -> DenseIndex:
    """Return the index of the catalog's generation: the newest sound file, or `held`, with what is newer; else built.

    mapped: the file is not read into memory but mapped, so that processes share it; nobody may change it in place then
    (`replacing` never does: an old file lives on until nobody maps it).
    """
    known = held.base if held and _is_usable(held.base, catalog) else None
    base = _load_newest(folder, catalog, than=known, mapped=mapped) or known or _caught_up(None, catalog)
    return _with_newer(base, catalog)


def refresh_dense(folder: Path, catalog: Catalog, *, rewrite: bool = False) -> None:
    """Leave a fresh file behind when the newest is missing, far behind, or `rewrite` is asked for. Writer only."""
    if not rewrite and _is_near(folder, catalog):
        return
    loaded = _load_newest(folder, catalog)
    usable = loaded is not None and loaded.kind == kind_for(catalog.count_passages())
    _save(folder, _caught_up(loaded if usable else None, catalog))


def _is_near(folder: Path, catalog: Catalog) -> bool:
    """Say whether the newest file is sound, of the right kind, and only a few changes behind."""
    path = next(iter(_files(folder)), None)
    manifest = _manifest(path) if path else None
    if path is None or manifest is None or check_dense(folder, catalog):
        return False
    few: bool = catalog.count_changes_since(manifest["generation"]) <= _REWRITE_SHARE * manifest["rows"]
    return few and bool(manifest["kind"] == kind_for(catalog.count_passages()))


def check_dense(folder: Path, catalog: Catalog) -> str:
    """Say what is wrong with the newest file, or "" when readers can use it."""
    path = next(iter(_files(folder)), None)
    if path is None:
        return "dense-*.faiss is missing"
    manifest = _manifest(path)
    try:
        sound = manifest is not None and sha256_of(path) == manifest["sha256"]
    except OSError:
        sound = False
    if manifest is None or not sound:
        return f"{path.name} or its checksum is damaged"
    return "" if _fits(manifest, catalog) else f"{path.name} belongs to another catalog"


def kind_for(rows: int) -> str:
    """Return the kind of index for a number of passages."""
    return "flat" if rows <= FLAT_UP_TO else "int8" if rows <= INT8_UP_TO else "ivf"


def _coded(vectors: Vectors, kind: str) -> Vectors:
    """Return vectors as an index of this kind takes them: as whole numbers of a byte for "int8".

    A component of a unit vector is seldom beyond six times the root of its mean square; a trained range would be slower
    to decode. At 100,000 passages of MiniLM the 50 nearest were always among the 66 nearest found so, in 1.3 ms where 16
    bits take 3.2 and as many bytes again (measured, 1 thread).
    """
    if kind != "int8":
        return vectors
    most = 6 / math.sqrt(vectors.shape[1])
    coded: Vectors = np.rint(vectors * (_BYTE / most)).clip(-_BYTE, _BYTE).astype(np.float32)
    return coded


def _make(kind: str, catalog: Catalog, nums: Sequence[int]) -> Any:
    dimension = catalog.dimension()
    if kind != "ivf":
        return faiss.index_factory(
            dimension, {"flat": "IDMap2,Flat", "int8": "IDMap2,SQ8_direct_signed"}[kind], faiss.METRIC_INNER_PRODUCT
        )
    # IVF keeps ids itself; wrapped in IDMap2 it returns wrong ones after a removal (measured)
    cells = int(2 * math.sqrt(len(nums)))
    index = faiss.index_factory(dimension, f"IVF{cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    sample = nums[:: max(1, len(nums) // (40 * cells))]
    index.train(catalog.vectors(sample))
    return index


def _caught_up(old: Base | None, catalog: Catalog) -> Base:
    """Apply to an index that nobody else has what was committed since, or build one without it."""
    added, removed = catalog.changes_since(old.generation if old else 0)
    kind = old.kind if old else kind_for(len(added))
    index = old.index if old and old.index.ntotal else _make(kind, catalog, added)
    if removed and index.ntotal:
        index.remove_ids(np.asarray(removed, np.int64))
    for start in range(0, len(added), _CHUNK):
        nums = added[start : start + _CHUNK]
        index.add_with_ids(_coded(catalog.vectors(nums), kind), np.asarray(nums, np.int64))
    return Base(catalog.generation(), catalog.token(), kind, index)


def _with_newer(base: Base, catalog: Catalog) -> DenseIndex:
    """Add to an index what the catalog has committed since; the index itself stays as it is."""
    generation, token = catalog.generation(), catalog.token()
    added, removed = ([], []) if base.token == token else catalog.changes_since(base.generation)
    rows = catalog.vectors(added) if added else np.zeros((0, base.index.d), np.float32)
    return DenseIndex(generation, token, base, np.asarray(added, np.int64), rows, np.asarray(removed, np.int64))


def _is_usable(base: Base, catalog: Catalog) -> bool:
    return bool(base.index.d == catalog.dimension()) and catalog.can_catch_up(base.generation, base.token)


def _files(folder: Path) -> list[Path]:
    """Return the index files, newest generation first."""
    return [path for _, path in _numbered(folder)]


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    numbered = [(int(path.stem[6:]), path) for path in folder.glob("dense-*.faiss") if path.stem[6:].isdigit()]
    return sorted(numbered, reverse=True)


def _load_newest(folder: Path, catalog: Catalog, *, than: Base | None = None, mapped: bool = False) -> Base | None:
    """Return the newest sound file's index; None where there is none, or none that is newer than another index."""
    oldest = than.generation if than else -1
    found = (_load(path, catalog, mapped) for number, path in _numbered(folder) if number > oldest)
    return next((base for base in found if base), None)


def _manifest(path: Path) -> dict[str, Any] | None:
    """Return what was written beside an index file; None when it is missing or not to be understood."""
    try:
        manifest = json.loads(path.with_suffix(".json").read_bytes())
        kinds = {"generation": int, "token": str, "dimension": int, "kind": str, "rows": int, "sha256": str}
        return manifest if all(isinstance(manifest.get(key), kind) for key, kind in kinds.items()) else None
    except (OSError, ValueError, AttributeError):
        return None


def _fits(manifest: dict[str, Any], catalog: Catalog) -> bool:
    known = catalog.can_catch_up(manifest["generation"], manifest["token"])
    return known and manifest["dimension"] == catalog.dimension()


def _load(path: Path, catalog: Catalog, mapped: bool) -> Base | None:
    """Load a file if its checksum, dimension and generation are right; None otherwise, whatever is wrong."""
    manifest = _manifest(path)
    if manifest is None or not _fits(manifest, catalog):
        return None
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != manifest["sha256"]:
                return None
            index = _read(file, mapped)
    except (OSError, RuntimeError):
        return None
    return Base(manifest["generation"], manifest["token"], manifest["kind"], index)


def _read(file: BinaryIO, mapped: bool) -> Any:
    """Return the index in the very file that was hashed, whatever has its name by now."""
    if mapped:  # FAISS opens a file by name; only this flag maps all kinds, IO_FLAG_MMAP copies those but IVF (measured)
        return faiss.read_index(f"/dev/fd/{file.fileno()}", faiss.IO_FLAG_MMAP_IFC)
    file.seek(0)  # in pieces: it may be as large as half the memory
    return faiss.read_index(faiss.PyCallbackIOReader(file.read, _IO_BYTES))


def _save(folder: Path, dense: Base) -> None:
    path = folder / f"dense-{dense.generation}.faiss"
    digest = hashlib.sha256()
    with replacing(path) as file:

        def write(data: bytes) -> int:
            digest.update(data)
            return file.write(data)

        faiss.write_index(dense.index, faiss.PyCallbackIOWriter(write, _IO_BYTES))
    manifest = {
        "generation": dense.generation,
        "token": dense.token,
        "dimension": dense.index.d,
        "kind": dense.kind,
        "rows": dense.index.ntotal,
        "sha256": digest.hexdigest(),
    }
    write_durably(path.with_suffix(".json"), json.dumps(manifest).encode())
    for old in _files(folder):
        if old != path:
            old.unlink(missing_ok=True)
            old.with_suffix(".json").unlink(missing_ok=True)
