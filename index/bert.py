"""A BERT encoder run by OpenVINO, its graph put together from the weights alone: no torch, nothing to convert or to keep.

The only module that knows OpenVINO. The model is that of Devlin et al. 2019 (arXiv:1810.04805) as sentence-transformers
stores it; tests compare it with sentence-transformers itself.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_Batch = tuple[list[int], list[npt.NDArray[Any]]]  # places of sequences, and what the graph is given of them
_Keep = Callable[[Floats, list[int]], None]  # is handed the states of a batch
_Run = Callable[[Iterable[_Batch], _Keep], None]

WORDS = "embeddings.word_embeddings.weight"
_EPSILON = 1e-12
_MASKED = -1e9
_PAD_TO = 16  # tokens; OpenVINO prepares its kernels anew, and keeps them, for every shape that it meets
_BATCH_TOKENS = 1024  # padding included; more is no faster on two cores, and takes more memory (measured)


class Encoder:
    """Token ids → hidden states. Threads may share it; they take turns.

    weights: by the names of transformers' BertModel. heads: of attention. threads: 0 lets OpenVINO choose. The word
    embeddings (half of a small model) are not copied, so that two models may share them.
    at_once: batches that are computed side by side and share the threads. One makes the most of little, for all threads work
    at it; one a core a fifth more of much (measured), for no thread waits for another.
    bf16 is used where the processor has it: 2 to 3 times as fast, cosine to fp32 0.9999 (measured).
    """

    def __init__(self, weights: Mapping[str, Floats], heads: int, threads: int = 0, at_once: int = 1) -> None:
        openvino = load_openvino()
        options: dict[str, Any] = {"CPU_RUNTIME_CACHE_CAPACITY": 64}
        options |= {"PERFORMANCE_HINT": "LATENCY"} if at_once == 1 else {"NUM_STREAMS": at_once}
        if threads or at_once > 1:
            # unpinned: OpenVINO would bind every process with one thread to the first processor, and leave the others idle
            options["ENABLE_CPU_PINNING"] = False
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        precise = "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        options["INFERENCE_PRECISION_HINT"] = "f32" if precise else "bf16"
        model = openvino.Model(*_Graph(weights, heads).build())
        compiled = core.compile_model(model, "CPU", options)
        self._run = _in_turn(compiled) if at_once == 1 else _side_by_side(compiled, at_once)
        self._words = weights[WORDS]

    def encode(
        self,
        ids: Sequence[Sequence[int]],
        take: Callable[[Floats], Floats],
        types: Sequence[Sequence[int]] | None = None,
    ) -> list[Floats]:
        """Return what `take` makes of the last hidden states of each sequence of token ids, shapes (len(ids[i]), width).

        take: gets them in memory that is overwritten afterwards. types: 0 or 1 for each token, for models that read pairs;
        all 0 when left out.
        """
        found: dict[int, Floats] = {}

        def keep(states: Floats, places: list[int]) -> None:
            found.update((i, take(states[row, : len(ids[i])])) for row, i in enumerate(places))

        self._run(self._laid_out(ids, types), keep)
        return [found[i] for i in range(len(ids))]

    def _laid_out(self, ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None) -> Iterator[_Batch]:
        for places in _batches([len(one) for one in ids]):
            length = _padded(max(len(ids[i]) for i in places))
            tokens, kinds, mask = (np.zeros((len(places), length), np.int64) for _ in range(3))
            for row, i in enumerate(places):
                tokens[row, : len(ids[i])], mask[row, : len(ids[i])] = ids[i], 1
                if types is not None:
                    kinds[row, : len(ids[i])] = types[i]
            yield places, [self._words[tokens], kinds, mask]


def _in_turn(compiled: Any) -> _Run:
    """Return what computes one batch after the other in the caller's thread: another one would first have to wake up.

    Callers take turns by batches: a question waits for no long list.
    """
    request, lock = compiled.create_infer_request(), threading.Lock()

    def run(batches: Iterable[_Batch], keep: _Keep) -> None:
        for places, given in batches:
            with lock:
                keep(request.infer(given)[0], places)

    return run


def _side_by_side(compiled: Any, at_once: int) -> _Run:
    """Return what computes so many batches at once, for one caller after the other."""
    queue, lock = load_openvino().AsyncInferQueue(compiled, at_once), threading.Lock()

    def run(batches: Iterable[_Batch], keep: _Keep) -> None:
        with lock:
            queue.set_callback(lambda request, places: keep(request.get_output_tensor().data, places))
            try:
                for places, given in batches:
                    queue.start_async(given, places)
            finally:  # or what still runs would be handed to who comes next
                queue.wait_all()

    return run


def load_openvino() -> Any:
    """Return the module openvino, without its telemetry; nobody is to import it otherwise."""
    # Importing openvino reports that to its makers, over the network, wherever its telemetry package can be imported
    # (seen in 2026.4: openvino/tools/ovc/__init__.py). None is Python's way to say that it cannot.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # on first use: takes a tenth of a second and 50 MB

    return openvino


def _padded(length: int) -> int:
    return -(-length // _PAD_TO) * _PAD_TO


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return the places of sequences in batches that are padded to one length, the longest first.

    What comes out for a sequence is then the same to the last bit, whatever else is in its batch. Against batches of like
    lengths, questions and sentences take a seventh less time and passages a fiftieth more (measured).
    """
    alike: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        alike.setdefault(_padded(length), []).append(place)
    return [
        places[start : start + size]
        for length, places in sorted(alike.items(), reverse=True)
        for size in [max(1, _BATCH_TOKENS // max(1, length))]
        for start in range(0, len(places), size)
    ]


class _Graph:
    """Puts the graph together; every method returns the node that it adds."""

    def __init__(self, weights: Mapping[str, Floats], heads: int) -> None:
        self._op: Any = load_openvino().opset13
        self._weights = weights
        self._heads = heads
        self._width = weights[WORDS].shape[1]

    def build(self) -> tuple[list[Any], list[Any]]:
        """Return the graph's results and parameters: words (batch, tokens, width); types and mask, each (batch, tokens)."""
        words = self._op.parameter([-1, -1, self._width], np.float32, name="words")
        types, mask = (self._op.parameter([-1, -1], np.int64, name=name) for name in ("types", "mask"))
        state = self._embed(words, types)
        bias = self._attention_bias(mask)
        layer = 0
        while f"encoder.layer.{layer}.output.dense.weight" in self._weights:
            state = self._layer(state, bias, f"encoder.layer.{layer}.")
            layer += 1
        return [state], [words, types, mask]

    def _embed(self, words: Any, types: Any) -> Any:
        op, first = self._op, self._ints(0)
        kinds = op.gather(self._weight("embeddings.token_type_embeddings.weight"), types, first)
        length = op.gather(op.shape_of(types), self._ints([1]), first)
        places = op.slice(
            self._weight("embeddings.position_embeddings.weight"), self._ints([0]), length, self._ints([1]), self._ints([0])
        )
        return self._normed(op.add(op.add(words, places), kinds), "embeddings.LayerNorm")

    def _attention_bias(self, mask: Any) -> Any:
        op = self._op
        masked = op.multiply(op.subtract(self._float(1.0), op.convert(mask, "f32")), self._float(_MASKED))
        return op.unsqueeze(masked, self._ints([1, 2]))

    def _layer(self, state: Any, bias: Any, name: str) -> Any:
        op = self._op
        attended = self._dense(self._attention(state, bias, name), f"{name}attention.output.dense")
        state = self._normed(op.add(attended, state), f"{name}attention.output.LayerNorm")
        inner = op.gelu(self._dense(state, f"{name}intermediate.dense"), "erf")
        return self._normed(op.add(self._dense(inner, f"{name}output.dense"), state), f"{name}output.LayerNorm")

    def _attention(self, state: Any, bias: Any, name: str) -> Any:
        op, swapped = self._op, self._ints([0, 2, 1, 3])
        split = self._ints([0, 0, self._heads, self._width // self._heads])
        query, key, value = (
            op.transpose(op.reshape(self._dense(state, f"{name}attention.self.{part}"), split, True), swapped)
            for part in ("query", "key", "value")
        )
        found = op.transpose(op.scaled_dot_product_attention(query, key, value, bias), swapped)
        return op.reshape(found, self._ints([0, 0, self._width]), True)

    def _dense(self, state: Any, name: str) -> Any:
        product = self._op.matmul(state, self._weight(f"{name}.weight"), False, True)
        return self._op.add(product, self._weight(f"{name}.bias"))

    def _normed(self, state: Any, name: str) -> Any:
        op = self._op
        normed = op.mvn(state, self._ints([-1]), True, _EPSILON, "inside_sqrt")
        return op.add(op.multiply(normed, self._weight(f"{name}.weight")), self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> Any:
        return self._op.constant(np.ascontiguousarray(self._weights[name], np.float32))

    def _ints(self, value: int | list[int]) -> Any:
        return self._op.constant(value, dtype=np.int64)

    def _float(self, value: float) -> Any:
        return self._op.constant(value, dtype=np.float32)
