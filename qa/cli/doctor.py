"""`qa doctor`: check every file of the data directory, and with --fix mend what the catalog can mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from index.doctor import Finding
from index.errors import CitableError
from qa.cli.frame import DAMAGED, framed, print_json, printable
from qa.config import Settings
from qa.keeping import open_history, open_keys
from qa.stores import examine_store


@click.command("doctor")
@click.option("--fix", "mend", is_flag=True, help="Make anew what can be made from the catalog.")
@framed
def command(settings: Settings, as_json: bool, mend: bool, **_: Any) -> int:
    """Check every file of the data directory, byte for byte.

    Exit code 0: all is well, or is again after --fix. 4: something is damaged; each line says what to do.
    """
    findings = [*examine_store(settings, mend=mend), *_check_history(settings, mend=mend)]
    findings += _check_keys(settings)
    if as_json:
        print_json({"data": str(settings.data), "findings": [asdict(finding) for finding in findings]})
    else:
        _print(settings.data, findings)
    return 0 if all(finding.mended for finding in findings) else DAMAGED


def _print(data: Path, findings: Sequence[Finding]) -> None:
    for finding in findings:
        what = "mended" if finding.mended else "damaged"
        click.echo(f"{what:8} {printable(finding.where)}: {printable(finding.problem)}")
        if finding.hint and not finding.mended:
            click.echo(f"         {finding.hint}")
    if not findings:
        click.echo(f"{data}: all files are whole")


def _check_keys(settings: Settings) -> list[Finding]:
    try:
        damage = open_keys(settings).find_damage()
    except CitableError as error:
        damage = [error.message]
    # never mended: without the file the server would answer everybody
    hint = "nobody is let in; to start anew: move keys.db away, then: qa keys new"
    return [Finding("keys.db", problem, hint=hint) for problem in damage]


def _check_history(settings: Settings, *, mend: bool) -> list[Finding]:
    data = settings.data
    try:
        damage = open_history(settings).find_damage()
    except CitableError as error:
        damage = [error.message]
    hint = "stored answers cannot be opened; to start anew and keep the damaged file: qa doctor --fix"
    findings = [Finding("history.db", problem, hint=hint) for problem in damage]
    if findings and mend:
        for name in ("history.db", "history.db-wal", "history.db-shm"):
            if (data / name).exists():
                (data / name).rename(data / f"{name}.damaged")
        findings = [replace(one, mended=True) for one in findings]
    return findings
