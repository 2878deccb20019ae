"""The embedded answerer: reranks passages, picks the sentences that answer a question or abstains, and judges claims."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from index.records import CELLS, Hit, Passage
from index.sentences import sentence_spans
from qa.reading.amended import with_amendments
from qa.reading.calibration import Floats, Logistic, chance, fitted
from qa.reading.codes import names_what_is_nowhere
from qa.reading.headings import headed
from qa.reading.hit_sentences import Sentence, sentences_of
from qa.reading.pick import Pick
from qa.reading.picking import choose
from qa.reading.questions import Question, analyse, asks
from qa.reading.reader_model import ReaderModel, Text
from qa.reading.rows import is_of_another_year, labelled
from qa.reading.sentence_vectors import Embeds
from qa.reading.signals import (
    acronyms_shared,
    answer_signals,
    is_english,
    is_read,
    numbers_shared,
    sentence_signals,
    texts_of,
)
from qa.reading.speakers import speakers
from qa.support import Entailment

# Added to a sentence's logit where the one speaks whose view is asked for, taken away where another does: set by hand, for
# the sets that the rest is fitted on hardly ask for views.
_SPEAKER = 2.0
# Added where all the question's numbers are: "kind 77" is no more like "kind 67" than like "kind 3", whatever vectors say.
_NUMBER = 2.0
# Added to the logits of what stands under a heading that says what is asked for, and to that of there being an answer; taken
# away for items of a list that is another's.
_HEADED, _HEADED_ANSWER = 3.0, 2.5
# Added to that of there being an answer where the best is the row of a table with all numbers of the question, one no year:
# "kind 77" picks a row, and 2023 stands in many.
_ROW = 1.5
# Added where the first cell of a row, with the names of its columns, says all that is asked for, and to that of an answer.
_LABELLED = 5.0
_ACRONYM = 2.5  # the same of acronyms, which the model's vocabulary cuts to pieces that it has no idea of
# Of the best chance: companies tell as well of themselves (.7 to .8 in four questions), a note on another thing does not.
_AS_WELL = 0.65
_NOWHERE = 2.5  # taken away from that of there being an answer where a code that the question names stands nowhere
_STILL_ANSWERS = -2.5  # the logit of a sentence at the edge of a passage that answers
# What a passage's best sentence and the passage itself add, for each unit of their logits, to what search gave it: half of
# what a conditional logit makes of the questions that the calibration is fitted on, each searched for among all passages.
# There MRR is .875 without, .917 with half, .926 with all of it (by hand), which loses what search had right of manuals.
_BEST_SENTENCE, _ANSWERS = 0.015, 0.033
_RERANKED = 8  # reading takes some 10 ms each on two cores; with 16 MRR was .003 higher


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found. picks: in the order they read best, none when nothing answers; score: the chance that one does.

    chosen: what the picks are, or would be if nothing were refused. rated: every sentence with its chance, in the order of
    the hits. is_hopeless: no use asking anybody about these hits.
    """

    picks: tuple[Pick, ...]
    score: float
    chosen: tuple[Pick, ...] = ()
    rated: tuple[Pick, ...] = ()
    is_hopeless: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What rules tell of each sentence, each of shape (sentences,).

    by: who speaks; numbers, acronyms: what it shares; under, labelled: whether its heading or, of a row, first cell fits.
    """

    by: Floats
    numbers: Floats
    acronyms: Floats
    under: Floats
    labelled: Floats


def told_by_rule(asked: Question, sentences: Sequence[Sentence]) -> Told:
    """Return what rules tell of the sentences."""
    rules = (speakers, numbers_shared, acronyms_shared, headed, labelled)
    return Told(*(np.asarray(rule(asked, sentences), np.float64) for rule in rules))


def sentence_logits(fit: Logistic, rows: Floats, told: Told) -> Floats:
    """Return for each sentence the logit that it answers: from its signals, and what rules tell."""
    logits: Floats = fit.logits(rows) + _SPEAKER * told.by + _NUMBER * told.numbers
    return logits + _ACRONYM * told.acronyms + _HEADED * told.under + _LABELLED * told.labelled


def rated_picks(sentences: Sequence[Sentence], logits: Floats, told: Told) -> tuple[Pick, ...]:
    """Return every sentence with the chance that it answers, and what rules tell of it."""
    return tuple(
        Pick(
            one.hit, one.start, one.end, one.text, chance(float(logits[i])),
            own=bool(told.by[i] > 0), numbered=bool(told.numbers[i] == 1),
            heading=one.under, fits=bool(told.under[i] > 0), item=one.item, labelled=bool(told.labelled[i]),
        )
        for i, one in enumerate(sentences)
    )  # fmt: skip


def _tell_as_well(logits: Floats, is_beside: npt.NDArray[np.bool_]) -> bool:
    """Say whether the best of the other sentences is about as likely to answer as the best of these."""
    others = logits[~is_beside]
    return others.size > 0 and chance(float(others.max())) >= _AS_WELL * chance(float(logits[is_beside].max()))


class Reader:
    """Reads with the bundled model. risk: the share of answers that may be wrong, as measured on held-out questions."""

    def __init__(self, embedder: Embeds, model: ReaderModel, risk: float) -> None:
        self._embedder = embedder
        self.model = model
        self._risk = risk

    def read(self, question: str, hits: Sequence[Hit], beside: Set[str] = frozenset()) -> Reading:
        """Pick the sentences that answer, several when the question asks for several.

        beside: ids of documents that do not name what the question names. They are left out where the others tell about as
        well what is asked for; a note on restarting a server may leave out that it is about yours.
        """
        asked = analyse(question)
        sentences = [one for one in sentences_of(hits) if not is_of_another_year(asked, one)]
        if not sentences:
            return Reading((), 0.0, is_hopeless=True)
        rows = sentence_signals(asked, sentences, self._embedder, self.model)
        told = told_by_rule(asked, sentences)
        logits = sentence_logits(fitted().sentence, rows, told)
        is_beside = np.array([one.hit.document.id in beside for one in sentences])
        if is_beside.any() and _tell_as_well(logits, is_beside):
            return self.read(question, [hit for hit in hits if hit.document.id not in beside])
        # without what rules tell, which mostly say which sentence it is and not that there is one
        signals = answer_signals(asked, rows, fitted().sentence.logits(rows), sentences)
        best = int(np.argmax(logits))
        is_row = CELLS in sentences[best].text and told.numbers[best] == 1 and asked.has_number
        told_of_it = _HEADED_ANSWER * told.under[best] + _ROW * is_row + _LABELLED * told.labelled[best]
        told_of_it -= _NOWHERE * names_what_is_nowhere(question, hits)
        score = chance(float(fitted().answer.logits(signals) + told_of_it))
        rated = rated_picks(sentences, logits, told)
        chosen = tuple(with_amendments(choose(asked, rated), rated))
        picks = chosen if score >= fitted().least_chance(self._risk) else ()
        return Reading(picks, score, chosen, rated, score < fitted().hopeless)

    def runs_on(self, question: str, hit: Hit, following: Passage) -> bool:
        """Say whether what a hit says at its end answers, and what follows goes on to answer at its beginning.

        Where a list goes on, it is enough that the hit answers: of an item by itself nobody knows.
        """
        if not is_read(question):
            return False
        before, behind = (sentences_of([one]) for one in (hit, replace(hit, passage=following)))
        texts = [text for text, _ in (*texts_of(before).values(), *texts_of(behind).values())]
        if len(texts) < 2:
            return False
        ends, begins = self.model.read(question, texts)
        if before[-1].item and before[-1].under and behind[0].item:
            return ends.answers > 0
        both_answer = min(ends.answers, begins.answers) > 0
        return both_answer and min(max(ends.sentences[-2:]), max(begins.sentences[:2])) > _STILL_ANSWERS

    def warm_up(self) -> None:
        """Load the model."""
        self.model.read("warm up", [Text("", ("warm up",))])

    def rerank(self, question: str, hits: Sequence[Hit]) -> list[float]:
        """Return scores of the first hits: what search gave them, moved by how well they answer; of none for no question."""
        hits = hits[:_RERANKED]
        if not hits or not (asks(question) and is_read(question)):
            return []
        grouped = texts_of(sentences_of(hits))
        insights = self.model.read(question, [text for text, _ in grouped.values()])
        worth = {
            key: _BEST_SENTENCE * max(insight.sentences) + _ANSWERS * insight.answers
            for key, insight in zip(grouped, insights, strict=True)
        }
        least = min(worth.values(), default=0.0)
        # never less than nothing: a share of it is taken where documents are mixed
        return [max(0.0, hit.scores.fused + worth.get(hit.passage.id, least)) for hit in hits]

    def entails(self, claim: str, evidence: str) -> Entailment | None:
        """Return the chances that evidence bears a claim out or contradicts it; None of what the model cannot read.

        It may only doubt: much that is contradicted, by a word in another place, it holds for borne out.
        """
        logits = self.stance(claim, evidence)
        if logits is None:
            return None
        supported, contradicted, _ = fitted().stance.chances(logits)
        return Entailment(float(supported), float(contradicted), vouches=False)

    def stance(self, claim: str, evidence: str) -> tuple[float, float, float] | None:
        """Return the model's logits that evidence bears a claim out, contradicts it, does neither; None as `entails`."""
        text = Text("", tuple(evidence[a:b] for a, b in sentence_spans(evidence)))
        if not is_english(claim, evidence) or not self.model.reads_whole(claim, text):
            return None
        (insight,) = self.model.read(claim, [text])
        return insight.stance
