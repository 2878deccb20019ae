"""What an index is made with, and whether it fits the model and splitter that are used now (invariant 11)."""

from __future__ import annotations

from collections.abc import Callable

from index.embedder import Embedder
from index.errors import IndexIncompatible
from index.passages import SPLITTER_VERSION
from index.readers import READERS_VERSION


def made_with(embedder: Embedder) -> dict[str, str]:
    """Return what a catalog keeps of the model and splitter that its passages and vectors come from."""
    return {
        "dimension": str(embedder.dimension),
        "embedder": embedder.name,
        "splitter": SPLITTER_VERSION,
        "fingerprint": embedder.fingerprint,
    }


def staged_for(embedder: Embedder) -> str:
    """Return what everything that an interrupted run staged must have been made with to be of use."""
    return f"{embedder.fingerprint} {SPLITTER_VERSION} {READERS_VERSION}"


def check_compatible(state: Callable[[str], str | None], embedder: Embedder, place: str, flag: str) -> None:
    """Raise IndexIncompatible for an index of another model or splitter. state: what its catalog says by name.

    place: what people call it; flag: what a command needs to work on it.
    """
    name = state("embedder")
    if not name:
        return
    dimension, splitter = state("dimension"), state("splitter")
    if (state("fingerprint"), dimension) != (embedder.fingerprint, str(embedder.dimension)):
        raise IndexIncompatible(
            f"{place}: indexed with the embedder {name} ({dimension} dimensions), "
            f"not with {embedder.name} ({embedder.dimension})",
            f"set `embedder` back to {name}, or run: qa index --rebuild{flag}",
        )
    if splitter != SPLITTER_VERSION:
        raise IndexIncompatible(
            f"{place}: split by version {splitter}, this is {SPLITTER_VERSION}", f"run: qa index --rebuild{flag}"
        )
