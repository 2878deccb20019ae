"""`qa demo`: index the sample documents in a place of their own and ask the sample question."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from index.catalog import FORMAT
from index.passages import SPLITTER_VERSION
from index.readers import READERS_VERSION
from qa.answer import answer_question
from qa.cli.ask import print_answer
from qa.cli.frame import framed, print_json, say
from qa.cli.index import print_report, progress_bar
from qa.config import Settings
from qa.errors import ConfigError
from qa.indexing import index_paths
from qa.records import AskRequest
from qa.workspace import Workspace

CORPUS = Path(__file__).resolve().parent.parent.parent / "corpus"
QUESTION = "What reasons does Pakistan give for rejecting the sanctions?"


@click.command("demo")
@framed
def command(settings: Settings, origins: Mapping[str, str], as_json: bool, **_: Any) -> None:
    """Index the sample documents into a temporary place and ask the sample question.

    The place is kept, so that the second run takes seconds and `qa serve` can open it.
    """
    place = _temporary_place() if origins["data"] == "default" else settings.data
    workspace = Workspace(settings.model_copy(update={"data": place, "store": "local"}))  # never among others' documents
    if not as_json:
        say(f"Indexing the sample documents in {CORPUS.name}/ …")
    with progress_bar() as progress:
        report = index_paths(workspace, [CORPUS], root=CORPUS.parent, progress=progress)
    if as_json:
        print_json(answer_question(workspace, AskRequest(QUESTION)))
        return
    print_report(report)
    click.echo(f"\nQuestion: {QUESTION}\n")
    print_answer(workspace, AskRequest(QUESTION))
    name = _own_name()
    click.echo(f"""
Every [n] is copied character by character from a source. To see it highlighted there, open the web form:
    {name} serve --data {place}
Your own documents:
    {name} index PATH && {name} ask "…"
With an LLM that writes the answer (any that litellm can reach; every quote is still checked):
    {name} ask "…" --model ollama/llama3.2
    OPENAI_API_KEY=… {name} ask "…" --model openai/gpt-4o-mini""")


def _own_name() -> str:
    """Return what to type to run this program again: `qa`, or its path where `qa` alone would not find it."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if found and Path(found).resolve() == program.resolve():
        return program.name
    return os.path.relpath(program) if program.resolve().is_relative_to(Path.cwd()) else str(program)


def _temporary_place() -> Path:
    """Return a folder in the system's temporary place that belongs to this user and that nobody else can read.

    That of an older program, whose index is of no use any more, is left alone.
    """
    versions = f"{FORMAT}.{SPLITTER_VERSION}.{READERS_VERSION}"
    place = Path(tempfile.gettempdir()) / f"citable-qa-demo-{os.getuid()}-{versions}"
    place.mkdir(mode=0o700, exist_ok=True)
    info = place.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
        raise ConfigError(f"{place}: belongs to somebody else or is open to others", "run: qa demo --data SOME_FOLDER")
    return place
