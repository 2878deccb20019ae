"""`qa search`: find passages, with every stage's score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from index.locators import describe
from index.records import Hit
from qa.answer import check_request
from qa.answer_json import hit_to_json
from qa.cli.frame import NO_EVIDENCE, filtered, framed, print_json, printable
from qa.config import Settings
from qa.records import AskRequest
from qa.retrieval import find, parse_filters
from qa.workspace import Workspace


@click.command("search")
@click.argument("text")
@click.option("--collection", help="Collection to search.")
@filtered
@click.option("--k", type=click.IntRange(1, 50), help="Passages to find.")
@framed
def command(settings: Settings, as_json: bool, text: str, filters: Sequence[str], **_: Any) -> int:
    """Find the passages nearest to TEXT. Scores: dense (cosine), lexical (BM25), fused (0 to 1)."""
    workspace = Workspace(settings)
    request = check_request(workspace, AskRequest(text, mode="extractive", filters=parse_filters(filters)))
    workspace.store.check_embedder(workspace.embedder)
    with workspace.store.view() as view:
        hits = find(view, workspace, request)
        generation = view.generation
    if as_json:
        print_json(
            {
                "question": request.question,
                "generation": generation,
                "passages": [hit_to_json(hit, cited=False) for hit in hits],
            }
        )
    else:
        for number, hit in enumerate(hits, start=1):
            _print_hit(number, hit)
    return 0 if hits else NO_EVIDENCE


def _print_hit(number: int, hit: Hit) -> None:
    place = describe(hit.passage.locator)
    name = hit.document.title + (f", {place}" if place else "")
    scores = hit.scores
    click.echo(f"{number}. {printable(name)}")
    click.echo(f"   {printable(hit.document.path)}  {hit.passage.id}")
    click.echo(f"   fused {scores.fused:.3f}  dense {scores.dense or 0:.3f}  lexical {scores.lexical or 0:.2f}")
    click.echo(f"   {printable(' '.join(hit.passage.text.split())[:240])}")
