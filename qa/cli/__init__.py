"""The command line `qa`: a thin skin over the library. Commands are imported when they are called, so help is instant."""

from __future__ import annotations

import importlib

import click

from qa import __version__

# name → (module, one line of help). The module holds a click command of the same name.
_COMMANDS = {
    "index": ("qa.cli.index", "Bring the index in line with files and folders."),
    "watch": ("qa.cli.watch", "Index folders again whenever they change."),
    "ask": ("qa.cli.ask", "Answer a question, with citations."),
    "search": ("qa.cli.search", "Find passages, with every stage's score."),
    "show": ("qa.cli.show", "Show a document, a passage or an answer by its id."),
    "docs": ("qa.cli.docs", "List or remove documents."),
    "status": ("qa.cli.status", "Say what is indexed, and which files failed."),
    "doctor": ("qa.cli.doctor", "Check the data directory for damage, and mend it."),
    "serve": ("qa.cli.serve", "Open the web form and the API on this machine."),
    "keys": ("qa.cli.keys", "Make, list and revoke the keys that open the server."),
    "mcp": ("qa.cli.mcp", "Serve assistants by MCP, or set one up to use it."),
    "demo": ("qa.cli.demo", "Index the sample documents and ask the sample question."),
    "eval": ("qa.cli.eval", "Measure search, reading, refusal and verdicts on a data set."),
    "config": ("qa.cli.config", "Show the settings and where each comes from."),
}


class _LazyGroup(click.Group):
    """Knows the commands' names and one-line help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order above."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command's module."""
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), "command")  # noqa: B009
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qa")
def main() -> None:
    """Ask your own documents; check every answer.

    \b
    qa index ~/papers             read, split and embed a folder
    qa ask "What was decided?"    an answer with citations
    qa serve                      the same in the browser

    Exit codes: 0 done, 1 unexpected, 2 usage, 3 nothing found or no evidence, 4 index missing or incompatible,
    5 LLM failed, 6 done but some files failed, 7 another writer holds the index, 8 below --min of
    `qa eval`, 130 interrupted.
    """  # noqa: D301 - the \\b is click's mark for lines to be kept as they are
