"""What one process keeps open: the settings, the store, the embedder and the history."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

from index.embedder import Embedder, open_embedder
from index.narrow import NarrowStore
from index.search import Reranker
from index.store import Store
from qa.config import Settings
from qa.cross_encoders import CrossEncoderJudge, CrossEncoderReranker
from qa.history import History
from qa.keeping import check_shared, open_history
from qa.outcome import Listener
from qa.processors import Processors
from qa.reader import Reader
from qa.reading.reader_model import ReaderModel
from qa.reading.sentence_vectors import SentenceVectors
from qa.remembered import RememberedHits
from qa.slots import Slots
from qa.stores import open_store
from qa.support import Entails
from qa.upstream import Breaker


def _turns(workers: int) -> int:
    """Return how many threads of one of so many processes compute at once: more than there are cores gain nothing."""
    return max(1, (os.cpu_count() or 1) // workers)


class Workspace:
    """Opens each part when it is first needed, once. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store: Store = open_store(settings)
        self.history: History = open_history(settings)
        self.breaker = Breaker()
        self.slots = Slots(settings.llm_concurrency)
        self.processors = Processors(_turns(settings.workers))  # to search and read
        self.remembered = RememberedHits()
        self._has_embedded = False
        self.listeners: list[Listener] = []  # that are told what came of each question

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model of the settings; opening it is cheap, it loads itself when it is first used."""
        return open_embedder(self.settings.embedder, self.settings.threads)

    @cached_property
    def sentence_vectors(self) -> SentenceVectors:
        """The embedding model, for sentences."""
        return SentenceVectors(self.embedder)

    @cached_property
    def reader(self) -> Reader:
        """The embedded answerer."""
        return Reader(self.sentence_vectors, self.reader_model, self.settings.answer_risk)

    @cached_property
    def reader_model(self) -> ReaderModel:
        """The embedded answerer's model; it loads itself when it is first used."""
        return ReaderModel(self.settings.threads)

    @cached_property
    def rerank(self) -> Reranker | None:
        """What orders the best passages: the reader, a cross-encoder that is set, or None."""
        name = self.settings.reranker
        if name == "none":
            return None
        return self.reader.rerank if name == "reader" else CrossEncoderReranker(name)

    @cached_property
    def entails(self) -> Entails | None:
        """The model that judges claims beyond the rules; None where there is to be none, or the LLM is to do it."""
        name = self.settings.judge
        if name in ("", "none", "llm"):
            return None
        return self.reader.entails if name == "reader" else CrossEncoderJudge(name)

    def of_collection(self, name: str) -> Workspace:
        """Return a workspace that indexes into another collection, with the model that this one has loaded."""
        other = Workspace(self.settings.model_copy(update={"collection": name}))
        other.__dict__["embedder"] = self.embedder
        return other

    def narrowed(self, collections: Sequence[str]) -> Workspace:
        """Return this workspace as somebody sees it who may see some collections only, with the models of this one.

        What names no collection concerns the default one, or the first of theirs where that is not among them.
        """
        default = self.settings.collection
        chosen = default if default in collections else collections[0]
        other = Workspace(self.settings.model_copy(update={"collection": chosen}))
        other.store = NarrowStore(self.store, collections)
        other.history = self.history.narrowed(collections)
        other.breaker, other.slots, other.processors = self.breaker, self.slots, self.processors
        other.listeners, other.remembered = self.listeners, self.remembered
        for name in ("embedder", "sentence_vectors", "reader_model", "reader", "rerank", "entails"):
            other.__dict__[name] = getattr(self, name)
        return other

    def check_ready(self) -> None:
        """Raise what a question would raise for an index or a model that is missing, damaged or does not fit.

        And what servers share: without that no request is answered.
        """
        check_shared(self.settings)
        self.store.check_embedder(self.embedder)
        self.store.check_searchable()
        if not self._has_embedded:
            self.embedder.embed(["ready"])
            self._has_embedded = True

    def warm_up(self) -> None:
        """Load what the first question would otherwise wait for. Raises what that question would raise."""
        self.check_ready()
        self.reader.warm_up()
        with self.store.view():
            pass
