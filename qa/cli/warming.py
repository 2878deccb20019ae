"""Loading the models of a server while nobody waits for them."""

from __future__ import annotations

import threading

from index.errors import CitableError
from qa.cli.frame import say
from qa.workspace import Workspace


def warm_up_aside(workspace: Workspace) -> None:
    """Load in a thread what the first question would wait for; /readyz and that question show what is wrong, too."""
    threading.Thread(target=_warm_up, args=(workspace,), daemon=True).start()


def _warm_up(workspace: Workspace) -> None:
    try:
        workspace.warm_up()
    except CitableError as error:
        say(f"not ready: {error}")
