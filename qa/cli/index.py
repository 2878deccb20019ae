"""`qa index`: bring the index in line with files and folders."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from index.errors import CitableError
from index.plan import Plan, check_deletions
from index.records import FileRecord
from index.sync import Report
from qa.cli.frame import SOME_FAILED, framed, print_json, printable, report_error, say
from qa.config import Settings
from qa.indexing import check_index, index_paths, plan_paths, plan_rebuild, rebuild_index
from qa.workspace import Workspace

_NAMES_SHOWN = 20


@click.command("index")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--collection", help="Collection to index into.")
@click.option("--dry-run", is_flag=True, help="Print the plan, and what would be refused; change nothing.")
@click.option("--no-delete", is_flag=True, help="Keep documents whose files are gone, excluded or damaged now.")
@click.option("--yes", is_flag=True, help="Delete even more than half of a collection.")
@click.option("--rebuild", is_flag=True, help="First make all passages and vectors anew, for another embedder.")
@click.option("--engine", type=click.Choice(["local", "ray"]), help="Read and embed here (default) or on a Ray cluster.")
@click.option("--address", "ray_address", help="host:port of the Ray cluster (default: one on this machine, for the run).")
@framed
def command(
    settings: Settings,
    as_json: bool,
    paths: Sequence[Path],
    dry_run: bool,
    no_delete: bool,
    yes: bool,
    rebuild: bool,
    ray_address: str | None,
    **_: Any,
) -> int:
    """Bring the index in line with PATHS: new and changed files are read, documents of deleted files removed.

    Unchanged files cost nothing. Files that cannot be read are listed with the reason, and the exit code is 6.
    --rebuild works from the texts in the index, reads no file, and the old index serves until it is complete.
    """
    if not paths and not rebuild:
        raise click.UsageError("Name the files or folders to index.")
    if ray_address and settings.engine != "ray":
        raise click.UsageError("--address is of a Ray cluster: give --engine ray, too.")
    workspace = Workspace(settings)
    if dry_run:
        return _preview(workspace, paths, as_json=as_json, no_delete=no_delete, yes=yes, rebuild=rebuild)
    done: dict[str, Any] = {"dry_run": False}
    if rebuild:
        done["rebuilt"] = _rebuild(workspace, as_json=as_json)
    if not paths:
        print_json(done) if as_json else None
        return 0
    with progress_bar() as progress:
        report = index_paths(
            workspace, paths, no_delete=no_delete, yes=yes, on_plan=None if as_json else print_plan, progress=progress
        )
    print_json(done | report_to_json(report)) if as_json else print_report(report)
    return SOME_FAILED if report.failed else 0


def _preview(
    workspace: Workspace, paths: Sequence[Path], *, as_json: bool, no_delete: bool, yes: bool, rebuild: bool
) -> int:
    """Print what the same command would do without --dry-run; returns the exit code of what it would refuse to do."""
    told: dict[str, Any] = {"dry_run": True}
    if rebuild:
        planned = plan_rebuild(workspace)
        told["rebuild"] = asdict(planned)
        if not as_json:
            say(
                f"Rebuild: {planned.documents} documents of {planned.passages} passages to make anew, "
                f"about {planned.embedded} to embed"
            )
    plan = plan_paths(workspace, paths, no_delete=no_delete)
    if paths:
        told |= _plan_to_json(plan)
        if not as_json:
            print_plan(plan)
    try:
        if not yes:
            check_deletions(plan)
        if not rebuild and workspace.settings.data.exists():
            check_index(workspace)
    except CitableError as error:
        return report_error(error, as_json=as_json, beside=told)
    if as_json:
        print_json(told)
    return 0


def _rebuild(workspace: Workspace, *, as_json: bool) -> dict[str, Any]:
    with progress_bar() as progress:
        report = rebuild_index(workspace, progress=progress)
    if not as_json:
        click.echo(
            f"rebuilt {report.files} files ({report.passages} passages, {report.embedded} embedded, "
            f"generation {report.generation}, {report.seconds:.1f} s)"
        )
    return {"files": report.files, "passages": report.passages, "embedded": report.embedded, "generation": report.generation}


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar on stderr where that is a terminal; yields what tells it how far the work is."""
    bar = Progress(
        TextColumn("{task.description:40}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task("Planning", total=None)

        def show(done: int, total: int, path: str) -> None:
            bar.update(task, completed=done, total=total, description=printable(Path(path).name)[:40])

        yield show


def print_plan(plan: Plan) -> None:
    """Write what is about to be done."""
    say(
        f"Plan: {len(plan.added)} to add, {len(plan.changed)} to change, {len(plan.renamed)} to rename, "
        f"{len(plan.deleted)} to delete, {len(plan.unchanged)} unchanged, {len(plan.skipped)} skipped"
    )
    for sign, names in (
        ("+", [record.path for record in plan.added]),
        ("~", [record.path for record in plan.changed]),
        ("→", [f"{old} → {record.path}" for record, old in plan.renamed]),
        ("-", list(plan.deleted)),
    ):
        for name in names[:_NAMES_SHOWN]:
            say(f"  {sign} {printable(name)}")
        if len(names) > _NAMES_SHOWN:
            say(f"  {sign} … and {len(names) - _NAMES_SHOWN} more")


def print_report(report: Report) -> None:
    """Write what was done, and why files are missing from the index."""
    click.echo(summary_of(report))
    print_unread(report)


def summary_of(report: Report) -> str:
    """Say in one line what was done."""
    plan = report.plan
    unread = {record.path for record in (*report.failed, *report.skipped)}
    added, changed, unchanged = (
        sum(record.path not in unread for record in records) for records in (plan.added, plan.changed, plan.unchanged)
    )
    return (
        f"added {added}, changed {changed}, renamed {len(plan.renamed)}, deleted {len(report.deleted)}, "
        f"unchanged {unchanged}, skipped {len(report.skipped)}, failed {len(report.failed)} "
        f"({report.passages} passages, {report.embedded} embedded, generation {report.generation}, {report.seconds:.1f} s)"
    )


def print_unread(report: Report) -> None:
    """Write to stderr which files are not in the index, failed ones first."""
    records: Sequence[FileRecord] = (*report.failed, *report.skipped)
    if len(records) > _NAMES_SHOWN:
        say(f"  the first {_NAMES_SHOWN} of {len(records)} files that are not indexed (all: qa status --json):")
    for record in records[:_NAMES_SHOWN]:
        say(f"  {record.status}: {printable(record.path)}: {printable(record.reason)}")


def report_to_json(report: Report) -> dict[str, Any]:
    """Return what was planned and done, for --json."""
    return {
        **_plan_to_json(report.plan),
        "deleted": list(report.deleted),
        "skipped": [{"path": record.path, "reason": record.reason} for record in report.skipped],
        "failed": [{"path": record.path, "reason": record.reason} for record in report.failed],
        "passages": report.passages,
        "embedded": report.embedded,
        "generation": report.generation,
        "seconds": round(report.seconds, 3),
    }


def _plan_to_json(plan: Plan) -> dict[str, Any]:
    return {
        "added": [record.path for record in plan.added],
        "changed": [record.path for record in plan.changed],
        "renamed": [{"from": old, "to": record.path} for record, old in plan.renamed],
        "deleted": list(plan.deleted),
        "unchanged": len(plan.unchanged),
        "skipped": [{"path": record.path, "reason": record.reason} for record in plan.skipped],
    }
