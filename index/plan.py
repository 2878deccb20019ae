"""What a sync is about to do: the files that are there, compared with the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from index.errors import BadPath, TooManyDeletions
from index.readers import READERS_VERSION
from index.records import DEFAULT_COLLECTION, FileRecord
from index.scan import disk_path, entry_of, hash_file, place_of, scan

_RACY_NS = 2_000_000_000  # a file written this shortly before it was last looked at may have changed unseen
_GUARD_FROM = 10  # files with documents; smaller collections may lose any number of them


@dataclass(frozen=True)
class Plan:
    """What a sync is about to do. Paths as the index names them.

    renamed: (new record, old path) of files that only moved; skipped: files that are not read, and folders that cannot
    be; noted: those of the unchanged and skipped that the ledger does not know like this yet; deleted: files whose documents
    go, because they are gone or skipped now; forgotten: files that are gone and were no documents; held: how many files
    of the collection have documents.
    """

    collection: str = DEFAULT_COLLECTION
    added: Sequence[FileRecord] = ()
    changed: Sequence[FileRecord] = ()
    renamed: Sequence[tuple[FileRecord, str]] = ()
    unchanged: Sequence[FileRecord] = ()
    skipped: Sequence[FileRecord] = ()
    noted: Sequence[FileRecord] = ()
    deleted: Sequence[str] = ()
    forgotten: Sequence[str] = ()
    held: int = 0

    @property
    def to_read(self) -> list[FileRecord]:
        """The files whose contents are needed."""
        return [*self.added, *self.changed]


def make_plan(
    ledger: Mapping[str, FileRecord],
    held: Set[str],
    root: Path,
    paths: Sequence[Path],
    collection: str = DEFAULT_COLLECTION,
    exclude: Sequence[Path] = (),
) -> Plan:
    """Compare the files under the paths with the ledger, which is by path.

    held: the files that have documents; root: the folder that relative paths in the index start from; exclude: what is not
    looked at, the data directory. Raises BadPath for a path in that, and for one that neither exists nor was ever indexed.
    """
    scopes = [entry_of(path) for path in paths]
    found: dict[str, FileRecord] = {}
    for path, scope in zip(paths, scopes, strict=True):
        if any(scope.is_relative_to(folder) for folder in exclude):
            raise BadPath(f"{path}: belongs to the data directory, which is not indexed", "give the path of your documents")
        if not is_known(scope, ledger, root):
            raise BadPath(f"{path}: no such file or folder", "give the path of a file or folder that exists")
        found |= {record.path: record for record in scan(scope, root, collection, exclude)}
    blind = [place_of(record.path, root) for record in found.values() if record.status == "failed"]
    places = [str(scope) for scope in scopes]
    gone = [name for name in ledger if name not in found and _is_gone(place_of(name, root), places, blind)]
    kinds: dict[str, list[FileRecord]] = {"added": [], "changed": [], "unchanged": [], "skipped": []}
    for record in found.values():
        kind, record = _compare(record, ledger.get(record.path), root)
        kind = "changed" if kind == "added" and record.path in held else kind
        kinds[kind].append(record)
    lost = [ledger[name] for name in gone if name in held]
    # records of all other files only where one of them may have moved: making them takes most of a small run
    elsewhere = sorted(held - found.keys() - set(gone)) if kinds["added"] else []
    away = _find_moved_away([ledger[name] for name in elsewhere], kinds["added"], root)
    renamed = _find_renamed(kinds["added"], [*lost, *away], root)
    moved_to, moved_from = {new.path for new, _ in renamed}, {old for _, old in renamed}
    kinds["added"] = [record for record in kinds["added"] if record.path not in moved_to]
    left_out = [one.path for one in kinds["skipped"] if one.status == "skipped" and one.path in held]
    deleted = [*(record.path for record in lost if record.path not in moved_from), *left_out]
    forgotten = sorted(set(gone) - set(deleted) - moved_from)
    noted = [record for record in (*kinds["unchanged"], *kinds["skipped"]) if _is_news(record, ledger.get(record.path))]
    return Plan(collection, **kinds, noted=noted, renamed=renamed, deleted=deleted, forgotten=forgotten, held=len(held))


def is_known(scope: Path, ledger: Iterable[str], root: Path) -> bool:
    """Say whether a file or folder is there, or was when it was indexed. ledger: paths as the index names them."""
    return os.path.lexists(scope) or any(_is_under(place_of(name, root), str(scope)) for name in ledger)


def without_deletions(plan: Plan) -> Plan:
    """Return the plan with every document kept; of a file whose documents would have gone the ledger's line stays too."""
    kept = set(plan.deleted)
    return replace(plan, deleted=(), noted=[record for record in plan.noted if record.path not in kept])


def check_deletions(plan: Plan, unreadable: int = 0) -> None:
    """Raise TooManyDeletions when more than half of a collection of more than ten files would lose their documents.

    unreadable: how many do so because they cannot be read any more, which no plan can know.
    """
    lost = len(plan.deleted) + unreadable
    if plan.held > _GUARD_FROM and lost * 2 > plan.held:
        raise TooManyDeletions(
            f"{lost} of {plan.held} indexed files are gone, left out or unreadable now, and would be deleted from the index",
            "if that is right, add --yes; to keep them, add --no-delete",
        )


def _is_under(path: str, scope: str) -> bool:
    return path == scope or path.startswith(os.path.join(scope, ""))


def _is_gone(path: str, scopes: Sequence[str], blind: Sequence[str]) -> bool:
    """Say whether a file that the scan did not find is gone, and not just where the scan could not or did not look."""
    scope = next((scope for scope in scopes if _is_under(path, scope)), None)
    if scope is None or any(_is_under(path, folder) for folder in blind):
        return False
    hidden = f"{os.sep}." in path[len(scope) - 1 :]
    return not hidden or not os.path.lexists(path)


def _find_moved_away(known: Sequence[FileRecord], added: Sequence[FileRecord], root: Path) -> list[FileRecord]:
    """Return the files outside of the scan that new ones may be: their folder is there no more, size and time are the same.

    A copy has a time of its own: it takes nothing from a drive that is only not mounted.
    """
    alike = {(record.size, record.mtime_ns) for record in added}
    return [one for one in known if (one.size, one.mtime_ns) in alike and _is_missing(disk_path(one.path, root).parent)]


def _is_missing(folder: Path) -> bool:
    """Say whether a folder does not exist; not where that cannot be seen."""
    try:
        folder.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _compare(record: FileRecord, known: FileRecord | None, root: Path) -> tuple[str, FileRecord]:
    """Say which part of the plan a file belongs to, and what the ledger should say of it."""
    if record.status != "indexed":
        return "skipped", record
    if known is None or not known.sha256:
        return "added", record
    if known.readers != READERS_VERSION:
        return "changed", record
    settled = known.checked_ns - max(known.mtime_ns, known.ctime_ns) > _RACY_NS
    same = (record.size, record.mtime_ns, record.ctime_ns) == (known.size, known.mtime_ns, known.ctime_ns)
    if same and settled:
        return "unchanged", known
    if hash_file(disk_path(record.path, root)) != known.sha256:
        return "changed", record
    # what the ledger says of it stands, an old failure included
    seen = replace(known, size=record.size, mtime_ns=record.mtime_ns, ctime_ns=record.ctime_ns)
    return "unchanged", replace(seen, checked_ns=record.checked_ns)


def _is_news(record: FileRecord, known: FileRecord | None) -> bool:
    if known is None or record.status == "indexed":
        return record != known
    return replace(record, checked_ns=known.checked_ns) != known


def _find_renamed(added: Sequence[FileRecord], lost: Sequence[FileRecord], root: Path) -> list[tuple[FileRecord, str]]:
    """Pair new files with lost ones of the same bytes. Only files of a lost one's size are hashed."""
    candidates: dict[tuple[int, str], list[FileRecord]] = {}
    for record in lost:
        if record.size and record.sha256 and record.readers == READERS_VERSION:
            candidates.setdefault((record.size, PurePath(record.path).suffix.lower()), []).append(record)
    renamed: list[tuple[FileRecord, str]] = []
    for record in added:
        alike = candidates.get((record.size, PurePath(record.path).suffix.lower()))
        sha256 = hash_file(disk_path(record.path, root)) if alike else ""
        old = next((one for one in alike or () if one.sha256 == sha256), None)
        if alike and old:
            alike.remove(old)
            renamed.append((replace(record, sha256=sha256), old.path))
    return renamed
