"""Cross-encoders of sentence-transformers in the reader's places: as the judge of claims (NLI), and to order passages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from index.passages import embedded_text
from index.records import Hit
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
        supported, contradicted = (float(chances[self._columns[kind]]) for kind in ("supported", "contradicted"))
        return Entailment(supported, contradicted)

    def _load(self) -> None:
        model, labels = _load("judge", self._name)
        self._columns = {kind: number for number, label in labels.items() for word, kind in _KINDS.items() if word in label}
        if set(self._columns) != {"supported", "contradicted"}:
            raise ConfigError(f"judge: {self._name} has no labels for entailment and contradiction", "name an NLI model")
        self._model = model


class CrossEncoderReranker:
    """Loads itself when it is first asked. name: a folder, or a name on the hub, of a model with one score a pair."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._model: Any = None

    def __call__(self, question: str, hits: Sequence[Hit]) -> list[float]:
        """Return a score from 0 to 1 for each hit. Raises ConfigError when the model cannot be loaded or is no reranker."""
        if not hits:
            return []
        with self._lock:
            if self._model is None:
                self._load()
        pairs = [(question, embedded_text(hit.passage)) for hit in hits]
        return list(map(float, self._model.predict(pairs, activation_fn=_sigmoid(), show_progress_bar=False)))

    def _load(self) -> None:
        model, labels = _load("reranker", self._name)
        if len(labels) != 1:
            raise ConfigError(f"reranker: {self._name} has {len(labels)} scores a pair, not one", "name a reranker")
        self._model = model


def _sigmoid() -> Any:
    from torch.nn import Sigmoid  # on first use, as below

    return Sigmoid()


def _load(setting: str, name: str) -> tuple[Any, dict[int, str]]:
    """Return a model with its labels. Raises ConfigError."""
    from sentence_transformers import CrossEncoder  # on first use: the import takes seconds

    try:
        model = CrossEncoder(name, device="cpu", trust_remote_code=False)
        labels = {int(number): str(label).lower() for number, label in model.config.id2label.items()}
    except Exception as error:  # whatever transformers and the hub may raise
        raise ConfigError(f"{setting}: {name} cannot be loaded ({type(error).__name__})", "see: qa config show") from error
    return model, labels
