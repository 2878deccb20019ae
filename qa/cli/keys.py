"""`qa keys`: make, list and revoke the keys that open the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import click

from qa.cli.frame import framed, print_json, printable, say
from qa.config import Settings
from qa.errors import NotFound
from qa.keeping import open_keys
from qa.keys import SCOPES, Key, Scope
from qa.profiles import DEFAULT, PROFILES


@click.group("keys")
def command() -> None:
    """Make, list and revoke the keys that open the server.

    As soon as there is one, every request needs a key.
    """


@command.command("new")
@click.option(
    "--scope", required=True, type=click.Choice(SCOPES), help="What the key may do; each holds all that stand before it."
)
@click.option("--collection", "collections", multiple=True, metavar="NAME", help="Only this collection; may be repeated.")
@click.option("--name", default="", metavar="TEXT", help="Whom or what it is for, for the list.")
@click.option(
    "--profile",
    type=click.Choice([name for name in PROFILES if name != DEFAULT.name]),
    help="How chat tools with this key get citations at /v1; a path such as /links/v1 wins over it.",
)
@framed
def new(
    settings: Settings, as_json: bool, scope: str, collections: Sequence[str], name: str, profile: str | None, **_: Any
) -> None:
    """Make a key and print it: this once, for it is not kept."""
    if any(not one.strip() for one in collections):
        raise click.UsageError("--collection: the name is empty")
    ring = open_keys(settings)
    first = not ring.has_keys
    key, text = ring.make(cast(Scope, scope), collections, name, profile or "")
    if as_json:
        print_json({"key": text, **key.to_json()})
    else:
        click.echo(text)
        say(f"{key.id}: {_allowed(key)}. Keep the key: it is not shown again.")
    if first:
        say("From now on the server answers nobody without a key, on this machine neither.")


@command.command("list")
@framed
def list_keys(settings: Settings, as_json: bool, **_: Any) -> None:
    """List the keys: id, what it may do, when it was last used, and its name."""
    keys = open_keys(settings).all()
    if as_json:
        print_json({"keys": [key.to_json() for key in keys]})
        return
    for key in keys:
        state = f"revoked {key.revoked_at}" if key.revoked_at else f"last used {key.last_used_at or 'never'}"
        click.echo(f"{key.id}  {_allowed(key)}  {state}  {printable(key.name)}".rstrip())


@command.command("revoke")
@click.argument("key_id", metavar="ID")
@framed
def revoke(settings: Settings, as_json: bool, key_id: str, **_: Any) -> None:
    """End a key for good, in a running server too."""
    if not open_keys(settings).revoke(key_id):
        raise NotFound(f"{printable(key_id)}: no key in force has this id", "see: qa keys list")
    if as_json:
        print_json({"revoked": key_id})
    else:
        click.echo(f"revoked {key_id}")


def _allowed(key: Key) -> str:
    profile = f", profile {printable(key.profile)}" if key.profile else ""
    return f"{key.scope} in {', '.join(map(printable, key.collections)) or 'every collection'}{profile}"
