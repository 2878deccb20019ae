"""`qa watch`: keep the index in line with folders while they change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from index.errors import CitableError, IndexLocked
from qa.cli.frame import framed, print_json, printable, report_error, say
from qa.cli.index import print_unread, report_to_json, summary_of
from qa.config import Settings
from qa.errors import ConfigError
from qa.indexing import index_paths
from qa.workspace import Workspace

_RETRY_MS = 2_000  # after which a run that found the index locked is tried again
_LONGEST_MS = 5_000  # that changes are gathered for when there is no pause


@click.command("watch")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--collection", help="Collection to index into.")
@click.option("--no-delete", is_flag=True, help="Keep documents whose files are gone.")
@click.option(
    "--quiet-ms", type=click.IntRange(50, 60_000), default=500, show_default=True, help="Wait for so long a pause."
)
@framed
def command(settings: Settings, as_json: bool, paths: Sequence[Path], no_delete: bool, quiet_ms: int, **_: Any) -> None:
    """Index PATHS now, and again whenever something in them changes, until it is interrupted.

    `qa serve` may answer meanwhile: it goes on with the old index until the new one is complete.
    """
    # on first use: a compiled library that only this command needs
    from watchfiles import watch

    workspace = Workspace(settings)
    data = settings.data.resolve()
    if any(data == path.resolve() for path in paths):
        raise ConfigError(f"{data}: the data directory cannot be watched", "name the folder of the documents")
    _index_once(workspace, paths, no_delete=no_delete, as_json=as_json)
    pending = True  # what changes before the system begins to tell is seen by one more look
    say(f"watching {', '.join(map(str, paths))}; stop with Ctrl-C")
    for changes in watch(
        *paths,
        debounce=_LONGEST_MS,
        step=quiet_ms,
        rust_timeout=_RETRY_MS,
        yield_on_timeout=True,
        raise_interrupt=True,
    ):
        ours = any(not Path(path).is_relative_to(data) for _, path in changes)
        if ours or pending:
            pending = not _index_once(workspace, paths, no_delete=no_delete, as_json=as_json)


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
