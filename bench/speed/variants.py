"""What is measured: this project and its peers, each in the ways that its documentation names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent / "peers"
OURS = "citable-qa"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to set one peer up.

    peer: names its script, requirements and environment; base: shares the index of; most: passages it is measured with.
    """

    name: str
    peer: str
    setting: str
    base: str = ""
    most: int = 1_000_000

    @property
    def script(self) -> Path:
        """The script that its own interpreter runs."""
        return SCRIPTS / f"run_{self.peer.replace('-', '_')}.py"

    @property
    def requirements(self) -> Path:
        """What its environment holds, pinned."""
        return SCRIPTS / f"{self.peer}.txt"

    @property
    def ours(self) -> bool:
        """Whether it is this project, which has a command line and needs no environment of its own."""
        return self.peer == OURS


# The first is what all others are compared with. Each script's docstring says what its variants are, and why.
VARIANTS = (
    Variant("citable-qa, search alone", OURS, "search"),
    Variant("citable-qa, with reader", OURS, "default", base="citable-qa, search alone"),
    Variant("LangChain", "langchain", "default"),
    Variant("LangChain, bf16", "langchain", "fast"),
    Variant("LlamaIndex", "llamaindex", "default"),
    Variant("LlamaIndex, bf16, map store", "llamaindex", "fast"),
    Variant("Haystack", "haystack", "default", most=50_000),  # half a second a search there, half a minute to save
    Variant("Haystack, bf16", "haystack", "fast", most=50_000),
    Variant("txtai", "txtai", "default"),
    Variant("txtai, hybrid", "txtai", "hybrid"),
    Variant("txtai, bf16", "txtai", "fast"),
)
SERVED = "citable-qa, qa serve by HTTP"
NAMES = (*[one.name for one in VARIANTS if one.ours], SERVED, *[one.name for one in VARIANTS if not one.ours])  # in tables
PEERS = tuple(dict.fromkeys(one.peer for one in VARIANTS))


def chosen(peers: list[str]) -> list[Variant]:
    """Return the variants of these peers and of this project, which is always measured. Raises ValueError for others."""
    unknown = sorted(set(peers) - set(PEERS))
    if unknown:
        raise ValueError(f"{unknown[0]}: no such peer; there are {', '.join(PEERS)}")
    return [one for one in VARIANTS if one.ours or one.peer in peers]
