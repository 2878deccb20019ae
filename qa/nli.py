"""A cross-encoder of sentence-transformers as the judge of claims (natural language inference)."""

from __future__ import annotations

import threading
from typing import Any

from qa.errors import ConfigError
from qa.support import Entailment

_KINDS = {"entail": "supported", "support": "supported", "contradict": "contradicted", "refute": "contradicted"}


class CrossEncoderJudge:
    """Loads itself when it is first asked. name: a folder, or a name on the hub, of an NLI model."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._model: Any = None
        self._columns: dict[str, int] = {}

    def __call__(self, claim: str, evidence: str) -> Entailment:
        """Return the model's opinion on whether evidence bears a claim out. Raises ConfigError when it cannot be loaded."""
        with self._lock:
            if self._model is None:
                self._load()
        chances = self._model.predict([(evidence, claim)], apply_softmax=True, show_progress_bar=False)[0]
        return Entailment(**{kind: float(chances[column]) for kind, column in self._columns.items()})

    def _load(self) -> None:
        from sentence_transformers import CrossEncoder  # on first use: the import takes seconds

        try:
            model = CrossEncoder(self._name, device="cpu", trust_remote_code=False)
            labels = {int(number): str(label).lower() for number, label in model.config.id2label.items()}
        except Exception as error:  # whatever transformers and the hub may raise
            raise ConfigError(
                f"judge: {self._name} cannot be loaded ({type(error).__name__})", "see: qa config show"
            ) from error
        self._columns = {kind: number for number, label in labels.items() for word, kind in _KINDS.items() if word in label}
        if set(self._columns) != {"supported", "contradicted"}:
            raise ConfigError(f"judge: {self._name} has no labels for entailment and contradiction", "name an NLI model")
        self._model = model
