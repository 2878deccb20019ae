"""`qa config`: the settings and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from qa.cli.frame import framed, print_json
from qa.config import Settings, shown_value
from qa.prompts import prompt_names, prompt_path


@click.group("config")
def command() -> None:
    """Show the settings."""


@command.command("show")
@framed
def show(settings: Settings, origins: Mapping[str, str], as_json: bool, **_: Any) -> None:
    """Show every setting with its value and where it comes from; secrets are masked."""
    rows = [(name, shown_value(settings, name), origins[name]) for name in Settings.model_fields]
    if as_json:
        print_json({name: {"value": value, "from": origin} for name, value, origin in rows})
        return
    for name, value, origin in rows:
        click.echo(f"{name:14} {value or '(none)':28} {origin}")
    click.echo("\nprompts in use:")
    for name in prompt_names():
        click.echo(f"  {prompt_path(name, settings.prompts)}")
