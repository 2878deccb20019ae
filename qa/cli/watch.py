"""`qa watch`: keep the index in line with folders while they change."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from index.errors import CitableError, IndexLocked
from index.scan import IGNORE_FILE
from qa.cli.frame import framed, print_json, printable, report_error, say
from qa.cli.index import print_unread, report_to_json, summary_of
from qa.config import Settings
from qa.errors import ConfigError
from qa.indexing import index_paths
from qa.workspace import Workspace

_TICK_MS = 2_000  # after which a run that found the index locked is tried again, and replaced folders are noticed
_LONGEST_MS = 5_000  # that changes are gathered for when there is no pause


@click.command("watch")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--collection", help="Collection to index into.")
@click.option("--no-delete", is_flag=True, help="Keep documents whose files are gone, excluded or damaged now.")
@click.option(
    "--quiet-ms", type=click.IntRange(50, 60_000), default=500, show_default=True, help="Wait for so long a pause."
)
@click.option(
    "--rescan-seconds",
    type=click.IntRange(1, 86_400),
    default=300,
    show_default=True,
    help="Look at all files anew after so long, for changes that the system did not tell of.",
)
@framed
def command(
    settings: Settings,
    as_json: bool,
    paths: Sequence[Path],
    no_delete: bool,
    quiet_ms: int,
    rescan_seconds: int,
    **_: Any,
) -> None:
    """Index PATHS now, and again whenever something in them changes, until it is interrupted.

    `qa serve` may answer meanwhile: it goes on with the old index until the new one is complete. Files and folders that
    are replaced, as most editors do when they save, go on being watched. Every five minutes all files are looked at, for
    changes that the system does not tell of, on network drives for one (--rescan-seconds).
    """
    workspace = Workspace(settings)
    data = settings.data.resolve()
    if any(data == path.resolve() for path in paths):
        raise ConfigError(f"{data}: the data directory cannot be watched", "name the folder of the documents")
    _index_once(workspace, paths, no_delete=no_delete, as_json=as_json)
    pending = True  # what changes before the system begins to tell is seen by one more look
    looked = time.monotonic()
    say(f"watching {', '.join(map(str, paths))}; stop with Ctrl-C")
    for changed in _told_changes(paths, data, quiet_ms):
        if changed or pending or time.monotonic() - looked > rescan_seconds:
            pending = not _index_once(workspace, paths, no_delete=no_delete, as_json=as_json)
            looked = time.monotonic()


def _told_changes(paths: Sequence[Path], data: Path, quiet_ms: int) -> Iterator[bool]:
    """Say every two seconds, and whenever the system tells of a change, whether something that is indexed has changed.

    The system tells of the very file or folder that it was asked about, wherever that goes. So when another stands in its
    place, as after most editors save, it is asked anew.
    """
    anew = False
    while True:
        standing = [_identity(path) for path in paths]
        there = [path.resolve() for path, identity in zip(paths, standing, strict=True) if identity]
        for changes in _system_changes(there, quiet_ms):
            replaced = [_identity(path) for path in paths] != standing
            # anew: it may have changed before the system began to tell of it
            yield anew or replaced or any(_matters(Path(change), there, data) for change in changes)
            anew = replaced
            if replaced:
                break


def _system_changes(paths: Sequence[Path], quiet_ms: int) -> Iterator[set[str]]:
    """Yield the paths that the system says have changed, an empty set when it has said nothing for two seconds."""
    # on first use: a compiled library that only this command needs
    from watchfiles import watch

    try:
        for changes in watch(
            *paths,
            watch_filter=None,
            debounce=_LONGEST_MS,
            step=quiet_ms,
            rust_timeout=_TICK_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            ignore_permission_denied=True,
        ):
            yield {path for _, path in changes}
    except FileNotFoundError:
        yield set()  # gone since it was looked at
    except OSError as error:  # the system's limit of watched folders, for one
        say(f"warning: the system does not tell of changes ({error}); looking from time to time")
        while True:
            time.sleep(_TICK_MS / 1000)
            yield set()


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file or folder at a path from another that takes its place; None where there is none."""
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _matters(changed: Path, roots: Sequence[Path], data: Path) -> bool:
    """Say whether indexing looks at a path: not at the data directory, nor at what is hidden below a root."""
    if changed.is_relative_to(data):
        return False
    if changed.name == IGNORE_FILE:
        return True
    below = [changed.relative_to(root).parts for root in roots if changed.is_relative_to(root)]
    return any(not any(part.startswith(".") for part in parts) for parts in below)


def _index_once(workspace: Workspace, paths: Sequence[Path], *, no_delete: bool, as_json: bool) -> bool:
    """Index and say what was done; False when it has to be tried again."""
    try:
        report = index_paths(workspace, paths, no_delete=no_delete)
    except IndexLocked:
        return False
    except CitableError as error:  # a deletion guard, a full disk: the next change may put it right
        report_error(error, as_json=as_json)
        return True
    if as_json:
        print_json(report_to_json(report))
    elif report.plan.to_read or report.deleted or report.plan.renamed:
        click.echo(f"{datetime.now():%H:%M:%S} {printable(summary_of(report))}")
        print_unread(report)
    return True
