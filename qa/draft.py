"""An answer's text in the making: claims, their markers and citations, always in step with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qa.answer_json import citation_to_json, claim_to_json
from qa.claims import Checked
from qa.records import Citation, Claim, Event

_BRACKETS = str.maketrans("[]", "()")


class Draft:
    """Collects text and claims. Square brackets are written here and nowhere else, so every [n] has its citation.

    Invariant 3, whoever calls: brackets in what is handed in become round ones.
    """

    def __init__(self, base_url: str = "") -> None:
        self._base_url = base_url
        self._parts: list[str] = []
        self._length = 0
        self._claim_start = 0
        self._in_claim = False
        self._claims: list[Claim] = []
        self._citations: dict[tuple[str, int, int], Citation] = {}

    @property
    def text(self) -> str:
        """All that has been written."""
        return "".join(self._parts)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims that are complete."""
        return tuple(self._claims)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations in the order of their numbers."""
        return tuple(self._citations.values())

    def lead_in(self, text: str) -> Iterator[Event]:
        """Begin a paragraph with words that claim nothing: they say where what follows is from."""
        yield self._append(("\n\n" if self._length else "") + text.translate(_BRACKETS))

    def write(self, text: str, *, before: str = " ") -> Iterator[Event]:
        """Add characters to the claim that is being written. before: what sets a new claim apart from what it follows."""
        if not self._in_claim:
            if self._length:
                yield self._append(before)
            self._claim_start, self._in_claim = self._length, True
        yield self._append(text.translate(_BRACKETS))

    def end_claim(self, checked: Checked) -> Iterator[Event]:
        """Close the claim: number its citations, write its markers."""
        new = [self._number(citation) for citation in checked.citations]
        numbers = tuple(dict.fromkeys(citation.n for citation, _ in new))
        end, self._in_claim = self._length, False
        if numbers:
            yield self._append(" " + "".join(f"[{n}]" for n in numbers))
        for citation, is_new in new:
            if is_new:
                yield Event("citation", citation_to_json(citation, self._base_url))
        claim = _claim(checked, self.text[self._claim_start : end], self._claim_start, numbers)
        self._claims.append(claim)
        yield Event("claim", claim_to_json(claim))

    def rewrite(self, claims: Sequence[Checked]) -> None:
        """Put these claims in the place of all that was written, where they differ."""
        fresh = Draft(self._base_url)
        for claim in claims:
            for _ in (*fresh.write(claim.text), *fresh.end_claim(claim)):
                pass
        if fresh.claims != self.claims:
            vars(self).update(vars(fresh))

    def _number(self, citation: Citation) -> tuple[Citation, bool]:
        """Return the citation with its number, and whether it is new: the same span is cited under one number."""
        key = (citation.document_id, citation.start, citation.end)
        if key in self._citations:
            return self._citations[key], False
        self._citations[key] = replace(citation, n=len(self._citations) + 1)
        return self._citations[key], True

    def _append(self, text: str) -> Event:
        self._parts.append(text)
        self._length += len(text)
        return Event("text", {"text": text})


def unplaced(checked: Checked) -> Claim:
    """Return a claim that is in no text."""
    return _claim(checked, checked.text, 0, ())


def _claim(checked: Checked, text: str, start: int, numbers: tuple[int, ...]) -> Claim:
    judgement = checked.judgement
    return Claim(
        text=text,
        start=start,
        end=start + len(text),
        verdict=judgement.verdict,
        score=judgement.score,
        citations=numbers,
        rejected=checked.rejected,
        reason=judgement.reason,
        repair=checked.repair,
    )
