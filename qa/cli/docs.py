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
from qa.retrieval import parse_filters
from qa.workspace import Workspace


@click.group("docs")
def command() -> None:
    """List or remove documents."""


@command.command("list")
@click.option("--collection", "only", metavar="NAME", help="Only this collection (default: all).")
@click.option(
    "--filter", "filters", multiple=True, metavar="KEY=VALUE", help="Only documents that fit; see: qa search --help."
)
@framed
def list_documents(settings: Settings, as_json: bool, only: str | None, filters: Sequence[str], **_: Any) -> None:
    """List the documents that are indexed: id, path, title."""
    collection = (Equals("collection", only),) if only else ()
    documents = Workspace(settings).store.documents(AllOf((*collection, parse_filters(filters))))
    if as_json:
        print_json({"documents": [info_to_json(document) for document in documents]})
        return
    for document in documents:
        name = document.path + (f" › {document.part}" if document.part else "")
        click.echo(f"{document.id}  {printable(name)}  {printable(document.title)}")


@command.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="ID_OR_PATH...")
@click.option("--collection", "only", metavar="NAME", help="Only in this collection (default: in all).")
@framed
def remove(settings: Settings, as_json: bool, names: Sequence[str], only: str | None, **_: Any) -> None:
    """Remove documents from the index, by id or path, with every stored answer that quotes them.

    All documents of a file go together. The files stay where they are: indexing their folder again brings them back.
    """
    paths = remove_documents(Workspace(settings), names, only)
    if as_json:
        print_json({"removed": paths})
        return
    for path in paths:
        click.echo(f"removed {printable(path)}")
