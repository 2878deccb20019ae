"""`qa status`: what is indexed, and which files failed. Imports no model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from qa.cli.frame import framed, print_json, printable
from qa.config import Settings
from qa.stores import describe_store, look_at_store


@click.command("status")
@framed
def command(settings: Settings, as_json: bool, **_: Any) -> None:
    """Say what is indexed, and which files are not, with the reason."""
    stats, capabilities = look_at_store(settings)
    if as_json:
        print_json({"data": str(settings.data), "store": settings.store, **asdict(capabilities), **asdict(stats)})
        return
    click.echo(f"data        {settings.data}, generation {stats.generation}, last change {stats.committed_at or 'never'}")
    if settings.store != "local":
        click.echo(f"store       {describe_store(settings)}")
    if not capabilities.lexical:
        click.echo(
            "words       not searched: this Milvus has no BM25, as those from 2.5 on have; passages are found by meaning"
        )
    model = f"{stats.embedder}, {stats.dimension} dimensions" if stats.generation else "none: nothing is indexed yet"
    click.echo(f"embedder    {model}")
    for name, counted in stats.collections.items():
        click.echo(f"collection  {printable(name)}: {counted.documents} documents, {counted.passages} passages")
    click.echo("formats     " + (", ".join(f"{name} {count}" for name, count in stats.media_types.items()) or "none"))
    click.echo("languages   " + (", ".join(f"{name or 'unknown'} {n}" for name, n in stats.languages.items()) or "none"))
    click.echo("on disk     " + ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in stats.sizes.items()))
    if stats.failures:
        failed = sum(record.status == "failed" for record in stats.failures)
        click.echo(f"not indexed {failed} failed, {len(stats.failures) - failed} skipped")
    for record in stats.failures:
        click.echo(f"{record.status:11} {printable(record.path)}: {printable(record.reason)}")
