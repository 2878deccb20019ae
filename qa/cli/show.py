"""`qa show`: a document, a passage or an answer by its id."""

from __future__ import annotations

from typing import Any

import click

from index.locators import describe, locator_to_json
from index.records import Document, DocumentInfo, Passage
from qa.cli.frame import framed, print_json, printable
from qa.config import Settings
from qa.documents import document_to_json, split_citation_id
from qa.errors import NotFound
from qa.verify import verify_answer
from qa.workspace import Workspace


@click.command("show")
@click.argument("identifier", metavar="ID")
@click.option("--verify", is_flag=True, help="Of an answer: check each quote against today's documents.")
@framed
def command(settings: Settings, as_json: bool, identifier: str, verify: bool, **_: Any) -> None:
    """Show a document (d…), a passage (p…), an answer (a…) or a citation (d…:START-END) by its id."""
    workspace = Workspace(settings)
    if identifier.startswith("a"):
        answer = workspace.history.get(identifier)
        if answer is None:
            raise NotFound(f"{identifier}: no stored answer has this id", "answers are kept by: qa ask, qa serve")
        if verify:
            with workspace.store.view() as view:
                print_json(verify_answer(view, answer, settings.base_url))
        else:
            print_json(answer)
        return
    document_id, span = split_citation_id(identifier)
    with workspace.store.view() as view:
        passage = view.passage(identifier)
        document = None if passage else view.document(document_id)
    if passage:
        _show_passage(*passage, as_json=as_json)
    elif document is None:
        raise NotFound(f"{identifier}: no document, passage or answer has this id", "see: qa docs list")
    elif span:
        _show_span(document, *span, as_json=as_json)
    else:
        _show_document(document, as_json=as_json)


def _show_passage(passage: Passage, document: DocumentInfo, *, as_json: bool) -> None:
    fields = {
        "id": passage.id,
        "document_id": document.id,
        "title": document.title,
        "path": document.path,
        "start": passage.start,
        "end": passage.end,
        "locator": locator_to_json(passage.locator),
        "text": passage.text,
    }
    if as_json:
        print_json(fields)
        return
    click.echo(f"{printable(document.title)} ({printable(document.path)}) {describe(passage.locator)}\n")
    click.echo(passage.text)


def _show_span(document: Document, start: int, end: int, *, as_json: bool) -> None:
    quote = document.text[start:end]
    if not quote:
        raise NotFound(f"{document.id}: has no characters {start} to {end}", f"it has {document.length}")
    if as_json:
        print_json({"document_id": document.id, "sha256": document.sha256, "start": start, "end": end, "quote": quote})
        return
    before, after = document.text[max(0, start - 300) : start], document.text[end : end + 300]
    click.echo(f"{printable(document.title)} ({printable(document.path)})\n")
    click.echo(f"…{before}>>>{quote}<<<{after}…")


def _show_document(document: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(document_to_json(document))
        return
    click.echo(
        f"{printable(document.title)} ({printable(document.path)}, {document.media_type}, {document.length} characters)\n"
    )
    click.echo(document.text)
