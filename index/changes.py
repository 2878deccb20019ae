"""What a run changes, sorted for the one commit at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from index.catalog_reading import File
from index.records import FileRecord
from index.store import Change, DropFile, MoveFile, NoteFile


@dataclass
class Changes:
    """Files by what becomes of them, and the lines of the ledger that are new or change.

    put: what is staged of the file replaces what was there; drop: the file is gone; move: it has this new path.
    """

    put: list[File] = field(default_factory=list)
    drop: list[File] = field(default_factory=list)
    move: list[tuple[File, str]] = field(default_factory=list)
    ledger: list[FileRecord] = field(default_factory=list)

    @property
    def new_places(self) -> list[File]:
        """The files that were moved, where they are now."""
        return [(collection, new) for (collection, _), new in self.move]


def sort_changes(changes: Iterable[Change]) -> Changes:
    """Sort changes as they come, for the one commit at their end."""
    found = Changes()
    for change in changes:
        if isinstance(change, DropFile):
            found.drop.append((change.collection, change.path))
            continue
        record = change.record
        found.ledger.append(record)
        if isinstance(change, MoveFile):
            found.move.append(((record.collection, change.old_path), record.path))
        elif not isinstance(change, NoteFile):
            found.put.append((record.collection, record.path))
    return found
