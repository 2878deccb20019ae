"""A claim of the model's, checked: its quotes made citations, its verdict found, support looked for where it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from index.clock import Clock
from index.records import Document, Hit
from index.sentences import sentence_spans
from qa.citations import cite_span, find_citation
from qa.evidence import Evidence, evidence_of
from qa.injection import find_orders
from qa.records import Citation, Rejected, Repair, Verdict
from qa.reply import ClaimDone
from qa.support import Entails, Judgement, judge

_MAX_SEARCHES = 8  # claims of one answer for which other passages are looked for; each costs tens of milliseconds
WEAK: frozenset[Verdict] = frozenset(("unsupported", "contradicted"))


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim with all that was found out about it."""

    text: str
    citations: tuple[Citation, ...]
    rejected: tuple[Rejected, ...]
    judgement: Judgement
    repair: Repair | None = None

    @property
    def is_weak(self) -> bool:
        """Whether its citations do not bear it out."""
        return self.judgement.verdict in WEAK


@dataclass
class Checker:
    """Checks the claims of one answer.

    passages: the hits by the ids that the model knows them by. documents: with their texts, by their own ids.
    find: searches for a text. load: returns a document by its id. entails: the model's opinion, where there is one.
    about_orders: the question itself is about text that gives orders, which may then be cited. clock: times the step
    verify, once a claim. unknown_ids: how many quotes named a passage that is none of these.
    """

    passages: Mapping[str, Hit]
    documents: dict[str, Document]
    find: Callable[[str], Sequence[Hit]]
    load: Callable[[str], Document | None]
    entails: Entails | None = None
    about_orders: bool = False
    clock: Clock = field(default_factory=Clock)
    unknown_ids: int = 0
    _searches: int = 0

    def check(self, claim: ClaimDone) -> Checked:
        """Make citations of the quotes that are found, keep the others with the reason, and judge."""
        with self.clock.step("verify"):
            citations, rejected = self._cite(claim)
            judgement = self._judge(claim.text, citations)
            checked = Checked(claim.text, tuple(citations), tuple(rejected), judgement)
            # a model's doubt is of words that are there: another sentence that says the same word for word is unlikely
            is_refused = judgement.verdict == "unsupported" and judgement.opinion is None
            return self._search_support(checked) if is_refused or judgement.missed else checked

    def _judge(self, claim: str, citations: Sequence[Citation]) -> Judgement:
        evidence = [self._evidence(one) for one in citations]
        if not self.about_orders and any(find_orders(one.sentences) for one in evidence):
            return Judgement("unsupported", 0.0, "the cited words give orders to a language model: they state nothing")
        return judge(claim, evidence, self.entails)

    def evidence(self, checked: Checked) -> list[Evidence]:
        """Return the places of a claim's citations."""
        return [self._evidence(one) for one in checked.citations]

    def _cite(self, claim: ClaimDone) -> tuple[list[Citation], list[Rejected]]:
        citations, rejected = [], []
        hits = list(self.passages.values())
        for quote in claim.quotes:
            named = self.passages.get(quote.passage_id)
            self.unknown_ids += bool(quote.passage_id and named is None)
            found = find_citation(replace(quote, passage_id=named.passage.id if named else ""), hits, self.documents)
            if isinstance(found, Citation):
                citations.append(found)
            else:
                rejected.append(found)
        return citations, rejected

    def _evidence(self, citation: Citation) -> Evidence:
        passage = next((hit.passage for hit in self.passages.values() if hit.passage.id == citation.passage_id), None)
        setting = f"{passage.context} {passage.text}" if passage else ""
        return evidence_of(self.documents[citation.document_id], citation, setting)

    def _search_support(self, checked: Checked) -> Checked:
        """Look for a sentence that does bear the claim out: among the passages shown, then with a search by the claim."""
        self._searches += 1
        if self._searches > _MAX_SEARCHES:
            return checked
        for hits in (list(self.passages.values()), self.find(checked.text)):
            for hit in hits:
                found = self._borne_out(checked.text, hit)
                if found is not None:
                    citation, judgement = found
                    repair = Repair(("search",), "search", checked.text)
                    return replace(checked, citations=(citation,), judgement=judgement, repair=repair)
        return replace(checked, repair=Repair(("search",), "", checked.text))

    def _borne_out(self, claim: str, hit: Hit) -> tuple[Citation, Judgement] | None:
        document = self.documents.get(hit.document.id) or self.load(hit.document.id)
        if document is None:
            return None
        for start, end in sentence_spans(hit.passage.text):
            # by the rules alone: they know a sentence that says the same, and a model would be asked about each
            if judge(claim, [Evidence(hit.passage.text[start:end], "", hit.passage.context)]).verdict == "supported":
                self.documents.setdefault(document.id, document)
                citation = cite_span(document, hit, hit.passage.start + start, hit.passage.start + end)
                judgement = self._judge(claim, [citation])
                return (citation, judgement) if judgement.verdict == "supported" else None
        return None
