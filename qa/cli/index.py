"""`qa index`: bring the index in line with files and folders."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from index.records import FileRecord
from index.sync import Plan, Report
from qa.cli.frame import SOME_FAILED, framed, print_json, printable, say
from qa.config import Settings
from qa.indexing import index_paths
from qa.workspace import Workspace

_NAMES_SHOWN = 20


@click.command("index")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), required=True)
@click.option("--collection", help="Collection to index into.")
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--no-delete", is_flag=True, help="Keep documents whose files are gone.")
@click.option("--yes", is_flag=True, help="Delete even more than half of a collection.")
@framed
def command(
    settings: Settings, as_json: bool, paths: Sequence[Path], dry_run: bool, no_delete: bool, yes: bool, **_: Any
) -> int:
    """Bring the index in line with PATHS: new and changed files are read, documents of deleted files removed.

    Unchanged files cost nothing. Files that cannot be read are listed with the reason, and the exit code is 6.
    """
    plan, report = index_with_progress(
        Workspace(settings), paths, dry_run=dry_run, no_delete=no_delete, yes=yes, on_plan=None if as_json else print_plan
    )
    if as_json:
        print_json(_to_json(plan, report))
    elif report:
        print_report(report)
    return SOME_FAILED if report and report.failed else 0


def index_with_progress(workspace: Workspace, paths: Sequence[Path], **options: Any) -> tuple[Plan, Report | None]:
    """Run `index_paths` with a progress bar on stderr."""
    with _progress_bar() as bar:
        task = bar.add_task("Planning", total=None)

        def show(done: int, total: int, path: str) -> None:
            bar.update(task, completed=done, total=total, description=printable(Path(path).name)[:40])

        return index_paths(workspace, paths, progress=show, **options)


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description:40}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


def print_plan(plan: Plan) -> None:
    """Write what is about to be done."""
    say(
        f"Plan: {len(plan.added)} to add, {len(plan.changed)} to change, {len(plan.deleted)} to delete, "
        f"{len(plan.unchanged)} unchanged, {len(plan.skipped)} skipped"
    )
    for sign, names in (
        ("+", [record.path for record in plan.added]),
        ("~", [record.path for record in plan.changed]),
        ("-", list(plan.deleted)),
    ):
        for name in names[:_NAMES_SHOWN]:
            say(f"  {sign} {printable(name)}")
        if len(names) > _NAMES_SHOWN:
            say(f"  {sign} … and {len(names) - _NAMES_SHOWN} more")


def print_report(report: Report) -> None:
    """Write what was done, and why files are missing from the index."""
    plan = report.plan
    failed = {record.path for record in report.failed}
    added = sum(record.path not in failed for record in plan.added)
    changed = sum(record.path not in failed for record in plan.changed)
    unchanged = sum(record.path not in failed for record in plan.unchanged)
    click.echo(
        f"added {added}, changed {changed}, deleted {len(plan.deleted)}, unchanged {unchanged}, "
        f"skipped {len(plan.skipped)}, failed {len(report.failed)} "
        f"({report.passages} passages, {report.embedded} embedded, generation {report.generation}, {report.seconds:.1f} s)"
    )
    for record in _first((*report.failed, *plan.skipped)):
        say(f"  {record.status}: {printable(record.path)}: {printable(record.reason)}")


def _first(records: Sequence[FileRecord]) -> Sequence[FileRecord]:
    if len(records) > _NAMES_SHOWN:
        say(f"  the first {_NAMES_SHOWN} of {len(records)} files that are not indexed (all: qa status --json):")
    return records[:_NAMES_SHOWN]


def _to_json(plan: Plan, report: Report | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "added": [record.path for record in plan.added],
        "changed": [record.path for record in plan.changed],
        "deleted": list(plan.deleted),
        "unchanged": len(plan.unchanged),
        "skipped": [{"path": record.path, "reason": record.reason} for record in plan.skipped],
        "dry_run": report is None,
    }
    if report:
        fields |= {
            "failed": [{"path": record.path, "reason": record.reason} for record in report.failed],
            "passages": report.passages,
            "embedded": report.embedded,
            "generation": report.generation,
            "seconds": round(report.seconds, 3),
        }
    return fields
