"""A sentence that may be picked for an answer, with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from index.records import Hit


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence that answers: its span in the document of the hit, and the chance that it does.

    own: it is said by the one whose view is asked for; numbered: it has all numbers that the question has; heading: what it
    stands under; fits: that says what is asked for; item: it is one of a list; labelled: it is a row that says all of it.
    """

    hit: Hit
    start: int
    end: int
    text: str
    score: float
    own: bool = False
    numbered: bool = False
    heading: str = ""
    fits: bool = False
    item: bool = False
    labelled: bool = False

    @property
    def is_listed(self) -> bool:
        """Say whether it is an item of the list that is asked for."""
        return self.item and self.fits
