"""Every error that `index` raises on purpose, as one tree.

    CitableError              says what is wrong and, as `hint`, the command or step that mends it
    ├── IndexMissing          nothing has been indexed at this place
    ├── IndexIncompatible     the index was made with another model, dimension, splitter or format
    ├── IndexDamaged          the catalog itself cannot be read
    ├── IndexUnavailable      the catalog cannot be used now: busy, no disk, no permission
    ├── IndexLocked           another process is writing
    ├── TooManyDeletions      a sync would delete most of a collection
    ├── BadPath               a path that was named does not exist
    ├── MissingExtra          what was asked for needs packages that are not installed
    ├── EmbedderFailed        the embedding model cannot be loaded or is not the one expected
    ├── EngineFailed          the cluster that was to read files is not there, or gave up
    └── UnreadableFile        one file could not be read; the run goes on without it
        ├── Unsupported       nothing is wrong with it, it is just no format that is read
        ├── NeedsPassword     it is encrypted, and no password that is set opens it
        ├── Unsettled         it changes, has just vanished, or the system does not let it be read
        └── LimitReached      reading it takes too long or too much memory, or the reader dies on it

`qa/errors.py` adds the errors of answering to the same tree.
"""

from __future__ import annotations

import shlex
from pathlib import Path


class CitableError(Exception):
    """Base of all errors meant for people. `message` is one line; `hint` says what to do, or is empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class IndexMissing(CitableError):
    """Nothing has been indexed at this place yet."""


class IndexIncompatible(CitableError):
    """The index was made with another embedding model, dimension, splitter or format (invariant 11)."""


class IndexDamaged(CitableError):
    """The catalog, which is the one truth, cannot be read."""


class IndexUnavailable(CitableError):
    """The catalog cannot be used at the moment, though it may be whole."""


def data_flag(folder: Path) -> str:
    """Return what a command needs to work on this data directory."""
    return "" if folder == Path(".qa") else f" --data {shlex.quote(str(folder))}"


def move_away(folder: Path, end: str) -> str:
    """Return the command that puts a data directory aside and makes a new one."""
    return f"mv {shlex.quote(str(folder))} {shlex.quote(f'{folder}{end}')} && qa index PATH{data_flag(folder)}"


def unavailable(path: Path, error: OSError) -> IndexUnavailable:
    """Say for people that the system refuses to read or write at a place."""
    return IndexUnavailable(
        f"{path}: cannot be used now ({error.strerror or error})",
        "make room on the disk or mend its permissions, then try again",
    )


class IndexLocked(CitableError):
    """Another process holds the writer's lock; the message names it."""


class TooManyDeletions(CitableError):
    """A sync would take their documents from more than half of a collection of more than ten files."""


class BadPath(CitableError):
    """A path given by the user does not exist or cannot be indexed."""


class MissingExtra(CitableError):
    """What was asked for needs packages of an extra that are not installed."""


class EmbedderFailed(CitableError):
    """The embedding model is missing, is not the expected one, or cannot be loaded."""


class EngineFailed(CitableError):
    """The engine that reads, splits and embeds on other machines cannot be used, or gave up; what was done is kept."""


class UnreadableFile(CitableError):
    """One file cannot be read as what it seems to be; it is listed as failed with this reason.

    may_pass: the next time may be otherwise without a change of the file, so what was indexed of it is kept.
    try_again: so it is read again each time, even where nothing is kept that could be out of date.
    """

    may_pass = False
    try_again = False


class Unsupported(UnreadableFile):
    """The file is of a format that is not read; it is listed as skipped with this reason."""


class NeedsPassword(UnreadableFile):
    """The file is encrypted and none of the passwords that are set opens it; it is tried again each time."""

    may_pass = try_again = True


class Unsettled(UnreadableFile):
    """The file changes while it is read, has just vanished, or the system does not let it be read."""

    may_pass = try_again = True


class LimitReached(UnreadableFile):
    """Reading the file takes more time or memory than it may, or kills the reader: too dear to be tried each time."""

    may_pass = True
