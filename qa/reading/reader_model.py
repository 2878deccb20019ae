"""The reader's model: a question and a text read together → which sentences answer, and whether a claim is borne out.

The bundled MiniLM's encoder, trained further (bench/reader), with three heads. What is kept is the difference to the
bundled weights, 8 bits a number; qa/model/README.md says what it was trained on and what it can and cannot do.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.bert import Encoder
from index.embedder import BUNDLED_HEADS, bundled_tokenizer, bundled_weights

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]

WEIGHTS = Path(__file__).parent.parent / "model" / "reader.safetensors"
LONGEST = 320  # tokens that are read together
LONGEST_PART = 64  # tokens of a question, and of the context that a text stands in
_CLS, _SEP = 101, 102
_REMEMBERED = 256  # texts read: reranking and picking ask about the same ones
SHARED = 20.0  # what the product of two unit vectors is multiplied by before a head sees it: 20 * 1/384 is about 1/20
UNREAD = -9.0  # the logit of a sentence beyond what is read together


@dataclass(frozen=True, slots=True)
class Layout:
    """Tokens as the model reads them: [CLS] question [SEP] context, sentences [SEP].

    types: 0 up to the first [SEP], then 1. places: the number of a token's sentence from 1, else 0.
    """

    ids: list[int]
    types: list[int]
    places: list[int]
    sentences: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text in sentences, with the title and headings that it stands under."""

    context: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Insight:
    """What the model makes of a text. sentences, answers: logits that each sentence, and the text at all, answers.

    stance: logits that the text bears the claim out, contradicts it, does neither.
    """

    sentences: tuple[float, ...]
    answers: float
    stance: tuple[float, float, float]


def lay_out(question: Sequence[int], context: Sequence[int], sentences: Sequence[Sequence[int]]) -> Layout:
    """Put token ids together; sentences are left out, or cut, once there is no more room."""
    head = [_CLS, *question[:LONGEST_PART], _SEP]
    ids = [*head, *context[:LONGEST_PART]]
    places = [0] * len(ids)
    number = 0
    for tokens in sentences:
        room = LONGEST - 1 - len(ids)
        if room < 4 or not tokens:
            break
        number += 1
        ids += tokens[:room]
        places += [number] * len(tokens[:room])
    return Layout([*ids, _SEP], [0] * len(head) + [1] * (len(ids) + 1 - len(head)), [*places, 0], number)


class ReaderModel:
    """Loads itself when it is first used. Threads may share it. threads: 0 lets the runtime choose."""

    def __init__(self, threads: int = 0, weights: Path = WEIGHTS) -> None:
        self._threads = threads
        self._path = weights
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, Text], Insight] = OrderedDict()

    def read(self, question: str, texts: Sequence[Text]) -> list[Insight]:
        """Read each text with the question, or the claim, in view."""
        with self._lock:
            known = {text: found for text in texts if (found := self._known.get((question, text))) is not None}
            unread = [text for text in dict.fromkeys(texts) if text not in known]
            known.update(zip(unread, self._read(question, unread), strict=True))
            for text in unread:
                self._known[question, text] = known[text]
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return [known[text] for text in texts]

    def reads_whole(self, claim: str, text: Text) -> bool:
        """Say whether a claim and a text without context fit into what is read together, so that no word of them is cut."""
        asked, *sentences = map(len, self._ids([claim, *text.sentences]))
        return asked <= LONGEST_PART and asked + sum(sentences) <= LONGEST - len((_CLS, _SEP, _SEP))

    def _read(self, question: str, texts: Sequence[Text]) -> list[Insight]:
        if not texts:
            return []
        asked = self._ids([question])[0]
        layouts = []
        for text in texts:
            context, *sentences = self._ids([text.context, *text.sentences])
            layouts.append(lay_out(asked, context, sentences))
        states = self._parts.encoder.encode([one.ids for one in layouts], np.array, [one.types for one in layouts])
        return [self._weigh(*each) for each in zip(texts, layouts, states, strict=True)]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return [one.ids for one in self._parts.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def _weigh(self, text: Text, layout: Layout, states: Floats) -> Insight:
        heads, first = self._parts.heads, states[0]
        types, places = np.asarray(layout.types), np.asarray(layout.places)
        asked = _unit(states[types == 0].mean(axis=0))
        logits = [
            _likened(heads, "sentence", (mean, first), mean, asked, heads["scale"][0])
            for mean in (states[places == number].mean(axis=0) for number in range(1, layout.sentences + 1))
        ]
        whole = states[places > 0].mean(axis=0) if logits else np.zeros_like(first)
        answers = _likened(heads, "answerable", (first, whole), whole, asked, heads["scale"][1])
        borne_out, opposed, neither = map(float, _head(heads, "stance", np.concatenate([first, whole])))
        unread = [UNREAD] * (len(text.sentences) - len(logits))
        return Insight((*logits, *unread), answers, (borne_out, opposed, neither))

    @cached_property
    def _parts(self) -> _Parts:
        changes, heads = unpack(self._path)
        base = bundled_weights()
        weights = {name: base[name] + changes[name] if name in changes else array for name, array in base.items()}
        return _Parts(Encoder(weights, BUNDLED_HEADS, self._threads), bundled_tokenizer(), heads)


@dataclass(frozen=True, slots=True)
class _Parts:
    encoder: Encoder
    tokenizer: Tokenizer
    heads: Mapping[str, Floats]


def _unit(state: Floats) -> Floats:
    found: Floats = state / max(float(np.linalg.norm(state)), 1e-12)
    return found


def _likened(
    heads: Mapping[str, Floats], name: str, states: Sequence[Floats], state: Floats, asked: Floats, scale: np.float32
) -> float:
    """Return a head's logit: of states, and of what one of them shares with the question, whose cosine is added."""
    shared = _unit(state) * asked
    return float(_head(heads, name, np.concatenate([*states, SHARED * shared]))[0] + scale * shared.sum())


def _head(heads: Mapping[str, Floats], name: str, state: Floats) -> Floats:
    """Apply a head: linear, ReLU, linear."""
    inner = np.maximum(heads[f"{name}.0.weight"] @ state + heads[f"{name}.0.bias"], 0)
    logits: Floats = heads[f"{name}.2.weight"] @ inner + heads[f"{name}.2.bias"]
    return logits


# ---------------------------------------------------------------------- the file


def pack(trained: Mapping[str, Floats], path: Path) -> None:
    """Write trained weights: of the encoder the difference to the bundled ones. Matrices take 8 bits a number."""
    from safetensors.numpy import save_file  # on first use, as where it is read

    base = bundled_weights()
    tensors: dict[str, npt.NDArray[np.generic]] = {}
    for name, array in trained.items():
        known = name.removeprefix("encoder.")
        difference = array - base[known] if name != known else array
        if array.ndim < 2:
            tensors[name] = difference.astype(np.float32)
            continue
        scales = np.maximum(np.abs(difference).max(axis=1), 1e-12) / 127
        tensors[name] = np.round(difference / scales[:, None]).astype(np.int8)
        tensors[f"{name}.scales"] = scales.astype(np.float32)
    save_file(tensors, path)


def unpack(path: Path) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the differences to the bundled weights by their names, and the heads' weights."""
    from safetensors.numpy import load_file  # on first use: only reading needs it

    tensors = load_file(path)
    full = {
        name: array.astype(np.float32) * tensors[f"{name}.scales"][:, None] if f"{name}.scales" in tensors else array
        for name, array in tensors.items()
        if not name.endswith(".scales")
    }
    changes = {name.removeprefix("encoder."): array for name, array in full.items() if name.startswith("encoder.")}
    return changes, {name: array for name, array in full.items() if not name.startswith("encoder.")}
