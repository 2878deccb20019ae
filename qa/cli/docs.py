"""`qa docs`: list or remove documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from index.records import AllOf, Equals
from qa.cli.frame import framed, print_json, printable
from qa.config import Settings
from qa.documents import info_to_json
from qa.indexing import remove_documents
from qa.workspace import Workspace


@click.group("docs")
def command() -> None:
    """List or remove documents."""


@command.command("list")
@click.option("--collection", help="Only this collection (default: all).")
@framed
def list_documents(settings: Settings, as_json: bool, collection: str | None, **_: Any) -> None:
    """List the documents that are indexed: id, path, title."""
    scope = AllOf((Equals("collection", collection),)) if collection else AllOf()
    documents = Workspace(settings).store.documents(scope)
    if as_json:
        print_json({"documents": [info_to_json(document) for document in documents]})
        return
    for document in documents:
        click.echo(f"{document.id}  {printable(document.path)}  {printable(document.title)}")


@command.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="ID_OR_PATH...")
@framed
def remove(settings: Settings, as_json: bool, names: Sequence[str], **_: Any) -> None:
    """Remove documents from the index, by id or path, with every stored answer that quotes them.

    The files stay where they are: indexing their folder again brings the documents back.
    """
    paths = remove_documents(Workspace(settings), names)
    if as_json:
        print_json({"removed": paths})
        return
    for path in paths:
        click.echo(f"removed {printable(path)}")
