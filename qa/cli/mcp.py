"""`qa mcp`: serve assistants by the Model Context Protocol, or set one up to start this server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from index.errors import CitableError
from qa.cli.frame import framed, print_json, report_error, say
from qa.config import PREFIX, Settings, host_in_url, is_secret, shown_value
from qa.errors import ConfigError
from qa.mcp.clients import CLIENTS, ClientName, Launch, config_entry, install
from qa.workspace import Workspace

_FOLDER = click.Option(
    ["--in", "folder"],
    type=click.Path(path_type=Path, file_okay=False),
    help="Work in this folder, with its qa.toml and .qa: assistants start servers wherever they are.",
)
_COLLECTION = click.option("--collection", help="Collection to serve.")


@click.command("mcp")
@click.option("--http", "over_http", is_flag=True, help="Listen for Streamable HTTP instead, at /mcp.")
@click.option("--host", "mcp_host", help="With --http: address to listen on (default: 127.0.0.1).")
@click.option("--port", "mcp_port", type=click.IntRange(0, 65535), help="With --http: port (default: 8766; 0: a free one).")
@click.option(
    "--open-access", is_flag=True, default=None, help="With --http: answer without keys although others reach --host."
)
@click.option("--model", help="LLM to write answers, as litellm names it.")
@_COLLECTION
@framed
def _serve(settings: Settings, over_http: bool, **_: Any) -> None:
    """Serve one assistant on stdin and stdout; with --http, any number at http://127.0.0.1:8766/mcp.

    Tools: ask, search, fetch, status. Resources: the documents. `qa mcp install CLIENT` makes a client start this.
    Over HTTP the keys of `qa keys` are asked for, as by `qa serve`.
    """
    workspace = Workspace(settings)
    try:
        if over_http:
            _serve_http(workspace)
        else:
            _serve_stdio(workspace)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("mcp", "mcp_types", "starlette", "uvicorn", "anyio"):
            raise
        raise ConfigError("qa mcp needs a package that is not installed", 'pip install "citable-qa[mcp]"') from error


def _serve_stdio(workspace: Workspace) -> None:
    with redirect_stdout(sys.stderr):  # stdout is the protocol's from the start
        from qa.mcp.stdio import serve_stdio  # the SDK takes a second to import, and is an extra
    if sys.stdin.isatty():
        say("speaks MCP on stdin and stdout: assistants start this (see: qa mcp install --help). Ctrl-D ends it")
    serve_stdio(workspace)


def _serve_http(workspace: Workspace) -> None:
    from qa.mcp.http import PATH, listen, make_http_server  # see above

    with listen(workspace.settings) as listening:
        host, port = listening.getsockname()[:2]
        say(f"MCP is at http://{host_in_url(host)}:{port}{PATH}  (Ctrl-C ends it)")
        make_http_server(workspace).run(sockets=[listening])


@click.command("install")
@click.argument("client", type=click.Choice(CLIENTS))
@click.option("--name", default="citable-qa", show_default=True, help="What the client calls the server.")
@click.option("--print", "only_print", is_flag=True, help="Only print what the client's file must hold.")
@_COLLECTION
@framed
def _install(
    settings: Settings, origins: Mapping[str, str], as_json: bool, client: ClientName, name: str, only_print: bool, **_: Any
) -> None:
    """Make CLIENT start this server for the documents of this folder.

    Its configuration file keeps what is in it, and a copy of it as it was. Claude Code's is .mcp.json in this folder;
    the others' are for all that you do there.
    """
    launch = _launch(settings, origins)
    if only_print:
        print_json(config_entry(client, name, launch))
        return
    done = install(client, name, launch)
    if as_json:
        print_json({"path": str(done.path), "changed": done.changed, "backup": str(done.backup) if done.backup else None})
        return
    click.echo(f"{done.path}: {'written; start the client anew' if done.changed else 'is up to date'}")
    if done.backup:
        say(f"as it was: {done.backup}")


def _launch(settings: Settings, origins: Mapping[str, str]) -> Launch:
    """Return how to start the server from anywhere, with the settings that hold here; secrets are not written down."""
    args = ["-m", "qa.cli", "mcp", "--in", str(Path.cwd())]
    if origins["data"] == "flag":
        args += ["--data", str(settings.data.absolute())]
    if origins["collection"] == "flag":
        args += ["--collection", settings.collection]
    from_environment = [name for name, origin in origins.items() if origin == "environment"]
    for name in from_environment:
        if is_secret(settings, name):
            say(f"note: {PREFIX}{name.upper()} is not written down; add it to the entry's “env” yourself")
    env = {
        f"{PREFIX}{name.upper()}": shown_value(settings, name) for name in from_environment if not is_secret(settings, name)
    }
    return Launch(sys.executable, tuple(args), env)


def _in_folder(folder: Path | None) -> None:
    """Go to the folder before its settings are read."""
    if folder is None:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise ConfigError(f"--in {folder}: no folder that could be entered ({error.strerror})", "name another") from error


@click.pass_context
def _serve_unless_told_else(context: click.Context, /, folder: Path | None, **options: Any) -> None:
    if context.invoked_subcommand is None:
        try:
            _in_folder(folder)
        except CitableError as error:
            sys.exit(report_error(error, as_json=False))
        context.invoke(_serve, **options)


command = click.Group(
    "mcp",
    callback=_serve_unless_told_else,
    params=[_FOLDER, *_serve.params],
    help=_serve.help,
    invoke_without_command=True,
)
command.add_command(_install)
