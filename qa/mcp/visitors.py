"""Who calls a tool or reads a document: what they may do, and the workspace as far as they may see it."""

from __future__ import annotations

from dataclasses import dataclass

from qa.config import Settings
from qa.gate import Gate
from qa.keys import Key, Scope
from qa.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Visitor:
    """An assistant. workspace: what it may see; key: the one that it has shown, None where none is needed."""

    workspace: Workspace
    key: Key | None = None

    def may(self, scope: Scope) -> bool:
        """Say whether it may do what needs this scope."""
        return self.key is None or self.key.allows(scope)


class Door:
    """Lets in who shows a key, where one is needed."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace = workspace
        self._gate = Gate(settings, settings.mcp_host)

    def admit(self, shown: str | None) -> Visitor | None:
        """Return the visitor who shows a key, or none; None for one who is not let in.

        Raises IndexDamaged or IndexUnavailable where the keys cannot be read: then nobody is let in.
        """
        if not self._gate.needs_key:
            return Visitor(self._workspace)
        key = self._gate.find(shown)
        if key is None:
            return None
        return Visitor(self._workspace.narrowed(key.collections) if key.collections else self._workspace, key)
