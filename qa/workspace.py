"""What one process keeps open: the settings, the store, the embedder and the history."""

from __future__ import annotations

from functools import cached_property

from index.embedder import Embedder, open_embedder
from index.local_store import LocalStore
from qa.config import Settings
from qa.history import History
from qa.nli import CrossEncoderJudge
from qa.support import Entails
from qa.upstream import Breaker


class Workspace:
    """Opens each part when it is first needed, once. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = LocalStore(settings.data)
        self.history = History(settings.data / "history.db")
        self.breaker = Breaker()

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model of the settings; opening it is cheap, it loads itself when it is first used."""
        return open_embedder(self.settings.embedder, self.settings.threads)

    @cached_property
    def entails(self) -> Entails | None:
        """The model that judges claims beyond the rules; None where none is set, or the LLM is to do it."""
        name = self.settings.judge
        return CrossEncoderJudge(name) if name and name != "llm" else None

    def warm_up(self) -> None:
        """Load what the first question would otherwise wait for. Raises what that question would raise."""
        self.store.check_embedder(self.embedder)
        self.embedder.embed(["warm up"])
        with self.store.view():
            pass
