"""Folders → the files in them, each with the reason if it is not to be read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pathspec import GitIgnoreSpec

from index.readers import READERS_VERSION
from index.readers.formats import skip_reason
from index.records import FileRecord, FileStatus

IGNORE_FILE = ".qaignore"  # lines as in .gitignore, for its folder and those below
_RAW_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")


def index_path(path: Path, root: Path) -> str:
    """Name a file as the index does: relative to root with "/", or absolute when it lies elsewhere.

    Bytes of a name that are no UTF-8 are written as backslash, x and two digits.
    """
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return os.fsencode(shown.as_posix()).decode("utf-8", "backslashreplace")


def disk_path(name: str, root: Path) -> Path:
    """Return where the file that `index_path` named lies."""
    return Path(place_of(name, root))


def place_of(name: str, root: Path) -> str:
    """Return `disk_path` as text, which is ten times faster for all files of a large index."""
    place = os.path.join(root, name)
    if "\\x" in name and not os.path.lexists(place):
        name = os.fsdecode(_RAW_BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), os.fsencode(name)))
        return os.path.join(root, name)
    return place


def entry_of(path: Path) -> Path:
    """Return the one absolute form of a path that a user may give in many: a link that is named is followed."""
    try:
        return path.resolve()
    except RuntimeError:  # a link that leads to itself; the scan says so
        return path.parent.resolve() / path.name


def hash_file(path: Path) -> str:
    """Return the sha256 of a regular file's bytes, "" when it cannot be read. Never waits, for a pipe for one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if stat.S_ISREG(os.fstat(descriptor).st_mode) else ""
    except OSError:
        return ""


def scan(scope: Path, root: Path, collection: str, exclude: Sequence[Path] = ()) -> Iterator[FileRecord]:
    """Yield a record for each file at or under a path. Hidden files and folders, and `exclude`, are not looked at."""
    scanner = _Scanner(root, collection, frozenset(exclude), scope)
    yield from scanner.walk() if scope.is_dir() else scanner.look_at(scope)


@dataclass(frozen=True)
class _Ignored:
    folder: Path
    lines: GitIgnoreSpec


@dataclass(frozen=True)
class _Scanner:
    root: Path
    collection: str
    exclude: frozenset[Path]
    scope: Path

    def walk(self) -> Iterator[FileRecord]:
        """Walk without recursion: folders may nest deeper than Python does. Links to folders are not followed."""
        todo: list[tuple[Path, tuple[_Ignored, ...]]] = [(self.scope, ())]
        while todo:
            folder, ignored = todo.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                yield self._record(folder, "failed", f"the folder cannot be listed: {error.strerror}")
                continue
            ignored = (*ignored, *_ignore_lines(folder))
            below = []
            for entry in entries:
                path = folder / entry.name
                if entry.name.startswith(".") or path in self.exclude:
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                if _is_ignored(path, ignored, is_folder=is_folder):
                    yield self._record(path, "skipped", f"excluded by {IGNORE_FILE}")
                elif is_folder:
                    below.append((path, ignored))
                else:
                    yield from self.look_at(path)
            todo.extend(reversed(below))

    def look_at(self, path: Path) -> Iterator[FileRecord]:
        try:
            info = path.lstat()
        except FileNotFoundError:
            return  # gone since the folder was listed
        except OSError as error:
            yield self._record(path, "failed", f"cannot be looked at: {error.strerror}")
            return
        if stat.S_ISLNK(info.st_mode):
            reason = self._link_reason(path)
        elif not stat.S_ISREG(info.st_mode):
            reason = "not a regular file"
        else:
            reason = skip_reason(path.name)
        record = self._record(path, "skipped" if reason else "indexed", reason)
        yield replace(record, size=info.st_size, mtime_ns=info.st_mtime_ns, ctime_ns=info.st_ctime_ns)

    def _link_reason(self, path: Path) -> str:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "a symbolic link that leads nowhere"
        inside = target.is_relative_to(self.scope.resolve())
        return (
            "a symbolic link: what it leads to is read in its own place" if inside else "a symbolic link out of the folder"
        )

    def _record(self, path: Path, status: FileStatus, reason: str) -> FileRecord:
        return FileRecord(
            collection=self.collection,
            path=index_path(path, self.root),
            size=0,
            mtime_ns=0,
            ctime_ns=0,
            status=status,
            reason=reason,
            checked_ns=time.time_ns(),
            readers=READERS_VERSION,
        )


def _ignore_lines(folder: Path) -> Iterator[_Ignored]:
    try:
        lines = (folder / IGNORE_FILE).read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    yield _Ignored(folder, GitIgnoreSpec.from_lines(lines))


def _is_ignored(path: Path, ignored: Sequence[_Ignored], *, is_folder: bool) -> bool:
    for one in ignored:
        name = path.relative_to(one.folder).as_posix() + ("/" if is_folder else "")
        if one.lines.match_file(os.fsencode(name).decode("utf-8", "backslashreplace")):
            return True
    return False


def outermost(paths: Iterable[str]) -> list[str]:
    """Return paths, as the index names them, without those that lie below another one."""
    told = set(paths)
    return sorted(one for one in told if not any(_is_below(one, other) for other in told))


def _is_below(path: str, folder: str) -> bool:
    return path != folder and ((folder == "." and not path.startswith("/")) or path.startswith(f"{folder}/"))
