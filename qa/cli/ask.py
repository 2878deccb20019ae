"""`qa ask`: answer a question, with citations."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from index.locators import describe, locator_from_json
from qa.answer import answer_events, answer_question
from qa.cli.frame import NO_EVIDENCE, filtered, framed, print_json, printable, say
from qa.config import Settings
from qa.errors import NotFound
from qa.records import AskRequest, Mode
from qa.retrieval import parse_filters
from qa.workspace import Workspace


@click.command("ask")
@click.argument("question")
@click.option("--model", help="LLM to write the answer, as litellm names it.")
@click.option("--api-base", help="Address of the LLM's API.")
@click.option(
    "--mode",
    type=click.Choice(["auto", "llm", "extractive"]),
    default="auto",
    help="auto: the LLM where one is set, else quoted sentences; llm: fail (exit 5) if it fails; extractive: no LLM.",
)
@click.option("--collection", help="Collection to search.")
@filtered
@click.option(
    "--only-supported/--all-claims",
    default=None,
    help="Leave out of a written answer what its citations do not bear out, or keep it and say so (default).",
)
@click.option("-c", "--continue", "goes_on", is_flag=True, help="The question follows on from the last one.")
@click.option("--conversation", "conversation_id", default="", help="The question belongs to this conversation (its id).")
@click.option("--k", type=click.IntRange(1, 50), help="Passages to answer from.")
@framed
def command(
    settings: Settings,
    as_json: bool,
    question: str,
    mode: Mode,
    filters: Sequence[str],
    goes_on: bool,
    conversation_id: str,
    **_: Any,
) -> int:
    """Answer QUESTION from the indexed documents ("-" reads it from stdin).

    Every [n] is a citation: words of a source, copied character by character. Exit code 3: nothing in the
    documents answers.
    """
    text = sys.stdin.read() if question == "-" else question
    workspace = Workspace(settings)
    if goes_on and not conversation_id:
        conversation_id = workspace.history.last_conversation()
        if not conversation_id:
            raise NotFound("there is no conversation to go on with", "ask a first question without -c")
    request = AskRequest(text, mode=mode, filters=parse_filters(filters), conversation_id=conversation_id)
    if as_json:
        answer = answer_question(workspace, request)
        print_json(answer)
    else:
        answer = print_answer(workspace, request)
    return NO_EVIDENCE if answer["status"] == "no_evidence" else 0


def print_answer(workspace: Workspace, request: AskRequest) -> dict[str, Any]:
    """Write the answer as it arrives, then its citations. Returns the answer object."""
    answer: dict[str, Any] = {}
    told = ""
    for event in answer_events(workspace, request):
        if event.name == "meta" and event.data["searched_for"] != event.data["question"]:
            say(f"searched for: {printable(event.data['searched_for'])}")
        if event.name == "text":
            told += event.data["text"]
            click.echo(_printable_lines(event.data["text"]), nl=False)
        if event.name == "done":
            answer = dict(event.data)
    click.echo()
    if answer["text"] != told:
        click.echo(f"\nAfter checking:\n\n{_printable_lines(answer['text'])}")
    _print_citations(answer)
    if answer["status"] == "no_evidence":
        _print_nearest(answer)
    for note in answer["notes"]:
        say(f"note: {printable(note)}")
    if answer["degraded"]:
        say(f"note: {printable(answer['degraded']['reason'])}")
    return answer


_DOUBTS = {"unsupported": "Not borne out", "contradicted": "Contradicted by its source", "unchecked": "Not checked"}


def _print_citations(answer: dict[str, Any]) -> None:
    for citation in answer["citations"]:
        place = describe(locator_from_json(citation["locator"]))
        name = citation["title"] + (f", {place}" if place else "")
        click.echo(f"\n[{citation['n']}] {printable(name)}")
        click.echo(f"    {printable(citation['path'])}")
        click.echo(f'    "{printable(" ".join(citation["quote"].split()))}"')
    for claim in answer["claims"]:
        if claim["verdict"] in _DOUBTS:
            click.echo(f"\n{_DOUBTS[claim['verdict']]}: {printable(claim['text'])}\n    ({printable(claim['reason'])})")


def _print_nearest(answer: dict[str, Any]) -> None:
    for passage in answer["passages"][:3]:
        click.echo(f"\n  {printable(passage['title'])} ({printable(passage['path'])}), {passage['id']}")
        click.echo(f"    {printable(' '.join(passage['text'].split())[:160])}…")


def _printable_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
