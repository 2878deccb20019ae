"""What was measured: for each variant and metric the number of every round, and why one is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.speed.figures import Spread, spread_of
from bench.speed.session import PeerCannot, PeerFailed


@dataclass
class Record:
    """Everything about one size."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # variant → metric → one number a round
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)  # variant → metric → why there is none

    def note(self, variant: str, **metrics: float) -> None:
        """Add a round's numbers."""
        for metric, value in metrics.items():
            self.values.setdefault(variant, {}).setdefault(metric, []).append(value)

    @contextmanager
    def attempt(self, variant: str, metric: str) -> Iterator[None]:
        """Note a peer's failure, or that it has no such thing, in place of a number, and go on."""
        try:
            yield
        except PeerCannot as error:
            self.explain(variant, metric, f"cannot: {error}")
        except PeerFailed as error:
            self.explain(variant, metric, f"failed: {error}")

    def explain(self, variant: str, metric: str, reason: str) -> None:
        """Note why a number is missing, and say so."""
        sys.stderr.write(f"{variant}, {metric}: {reason}\n")
        self.reasons.setdefault(variant, {})[metric] = reason

    def spread(self, variant: str, metric: str) -> Spread | None:
        """Return the median and range of a metric over the rounds; None where there are no numbers."""
        return spread_of(self.values.get(variant, {}).get(metric, []))

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept in a file."""
        return {"values": self.values, "reasons": self.reasons}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Record:
        """Read it again."""
        return Record(fields["values"], fields["reasons"])
