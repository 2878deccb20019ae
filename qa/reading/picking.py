"""Rated sentences → those that make the answer: as many as pay, without repeats, in an order that reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.lexical import question_words
from index.records import CELLS
from index.table_rows import header_of
from qa.reading.pick import Pick
from qa.reading.questions import FACTS, Question, ends_with_mark
from qa.reading.rows import has_label_of
from qa.reading.telling import of_the_kind

_COUNTED = 0.05  # sentences below this chance do not count as answers that might be missed
# What a further sentence needs, times what `worth_taking` says: less where several are asked for, which the sets that the
# chances are fitted on hardly do; more for a question with its mark, whose asker wants that and nothing else. With .5 and 1
# of the sample questions' citations .402 were right (`make eval`), with these .478 and as many answers held what is right.
# Who types words without a mark is told more: of CLAPNQ's questions that the chances are fitted on sentence F1 (by hand) is
# .677 with 1 and .715 with .7, of the documents written for the fit .667 and .668.
_KEEN, _EXACT, _LOOSE = 0.7, 1.3, 0.7
_NEARLY = 0.6  # one sentence says a fact: another must be nearly as likely, as must what stands in for one too long
_OF_ONE_LIST = 0.5  # of the best item's chance
# With so many sentences of the one whose view is asked for, or items of the list that is, all others are left out.
_ENOUGH = 2
_COMPARES = re.compile(
    r"\b(?:more|less|fewer|most|least|others?|besides|than|which|highest|lowest|largest|smallest|all|each|every|compar\w*|both"
    r"|between|differ\w*|rest|except)\b",
    re.I,
)
_DEFINITION = re.compile(
    r"[\"“‘']([^\"”]{2,60})[\"”’'],? (?:shall )?(?:means?|has the meaning|have the meaning|is defined|refers? to)\b"
)
_ASKS_MEANING = re.compile(r"\b(?:mean|means|meaning|meant|definition|define[ds]?)\b|^what (?:is|are) an? ", re.I)
# What a sentence of the paragraph beneath a question has of the question's chance, where not a fact is asked for: the first
# has all, and tells the fact.
_BENEATH = 0.7
_GIVES_CAUSE = re.compile(r"(?:this|that|it) (?:is|was) (?:because|due to|owing to|the (?:result|effect) of)\b", re.I)
_MOST_PICKS, _MOST_OF_LISTS, _MOST_ITEMS = 4, 8, 20
MOST_WORDS = 120  # of an answer


def choose(asked: Question, rated: Sequence[Pick]) -> list[Pick]:
    """Take the best sentence, and others that are worth it; several where several are asked for."""
    answering = _answering(asked, _with_openings(rated))
    ranked = of_the_kind(asked, sorted(answering, key=lambda pick: -pick.score))
    least = worth_taking([pick.score for pick in ranked])
    least *= (_KEEN if asked.several else 1) * (_EXACT if asked.marked else _LOOSE)
    ranked = _like_the_best(asked, ranked, least)
    if asked.kind in FACTS and asked.marked:
        least = max(least, _NEARLY * ranked[0].score)
    most = _MOST_ITEMS if ranked[0].is_listed else _MOST_OF_LISTS if asked.several else _MOST_PICKS
    chosen: list[Pick] = []
    words = 0
    for pick in ranked:
        length = len(pick.text.split())
        if len(chosen) == most or (chosen and pick.score < least and not pick.is_listed):
            break
        if not pick.is_listed and any(_repeats(pick, other) for other in chosen):
            if not asked.several:
                least = max(least, _NEARLY * pick.score)  # as for one that is too long
            continue
        if chosen and words + length > MOST_WORDS:
            if pick.is_listed:
                break
            least = max(least, _NEARLY * pick.score)  # a short one in its place is to be nearly as likely
            continue
        chosen.append(pick)
        words += length
    return in_reading_order([*chosen, *_beside(asked, chosen, ranked, MOST_WORDS - words)])


def _beside(asked: Question, chosen: Sequence[Pick], ranked: Sequence[Pick], room: int) -> list[Pick]:
    """Return what else stands in the list that names who is asked for: five sit on a council, though four picks are enough.

    room: words.
    """
    items = [pick for pick in chosen if pick.item and pick.heading]  # without one nobody knows where a list ends
    if asked.kind != "who" or len(items) < 2 or len({_list_of(pick) for pick in items}) > 1:
        return []
    least = _OF_ONE_LIST * max(pick.score for pick in items)
    found: list[Pick] = []
    for pick in ranked:
        if pick.item and pick not in chosen and _list_of(pick) == _list_of(items[0]) and pick.score >= least:
            room -= len(pick.text.split())
            if room < 0 or len(chosen) + len(found) == _MOST_ITEMS:
                break
            found.append(pick)
    return found


def _list_of(pick: Pick) -> tuple[str, str]:
    return pick.hit.document.id, pick.heading


def _like_the_best(asked: Question, ranked: Sequence[Pick], least: float) -> Sequence[Pick]:
    """Leave out what others say than the one whose view is asked for, and what lacks what the best has.

    That is the question's numbers, and a heading that says what is asked for; of a list under that its items are the answer.
    A row that says all of it tells the figure that is asked for, unless others say more of the same.
    """
    ranked = _without_other_rows(asked, ranked)
    defining = [pick for pick in ranked if _defines(asked, pick)]
    if ranked[0] in defining:  # not where else the term is used
        return defining
    if sum(pick.own and pick.score >= least for pick in ranked) >= _ENOUGH:
        ranked = [pick for pick in ranked if pick.own]
    if ranked[0].numbered:  # "kind 77" is told of in one row, and rows about other kinds read just like it
        one_thing = asked.has_number and not asked.several  # "parcel 7", not "the 3 reasons" or what was in 1921
        near = 1.0 if one_thing else _NEARLY * ranked[0].score
        ranked = [pick for pick in ranked if pick.numbered or pick.score >= near]
    if ranked[0].labelled and asked.for_a_figure:
        return [pick for pick in ranked if pick.labelled or has_label_of(ranked[0].text, pick.text)]
    listed = [pick for pick in ranked if pick.is_listed]
    if sum(pick.score >= least for pick in listed) >= _ENOUGH:
        return _as_they_stand(listed)
    return [pick for pick in ranked if pick.fits] if ranked[0].fits else ranked


def _defines(asked: Question, pick: Pick) -> bool:
    """Say whether it defines the term whose meaning is asked for: "Business Day" means …"""
    found = _DEFINITION.match(pick.text)
    return found is not None and _ASKS_MEANING.search(asked.text) is not None and found[1].lower() in asked.text.lower()


def _without_other_rows(asked: Question, ranked: Sequence[Pick]) -> Sequence[Pick]:
    """Leave out rows of a table where the first cell of a likelier one is in the question: "Associate | £245".

    All are kept where rows are compared, or others may belong to it: those with an empty first cell, or with a longer one.
    """
    if asked.several or _COMPARES.search(asked.text):
        return ranked
    words = set(asked.words)
    labels = {
        id(pick): frozenset(question_words(pick.text.partition(CELLS.strip())[0])) for pick in ranked if CELLS in pick.text
    }
    best: dict[tuple[str, str], frozenset[str]] = {}
    for pick in ranked:
        label = labels.get(id(pick), frozenset())
        if label and label <= words and pick.score >= _NEARLY * ranked[0].score:
            best.setdefault(_table_of(pick), label)
    return [
        pick
        for pick in ranked
        if not labels.get(id(pick))
        or best.get(_table_of(pick), frozenset()) <= labels[id(pick)]
        or labels[id(pick)] <= words
    ]


def _table_of(pick: Pick) -> tuple[str, str]:
    return pick.hit.document.id, header_of(pick.hit.passage.text, pick.start - pick.hit.passage.start)


def _as_they_stand(listed: Sequence[Pick]) -> list[Pick]:
    """Sort items as they stand, those of the document with the best first: a long list ends early, but has no gaps."""
    places = {key: place for place, key in enumerate(dict.fromkeys(pick.hit.document.id for pick in listed))}
    return sorted(listed, key=lambda pick: (places[pick.hit.document.id], pick.start))


def _with_openings(rated: Sequence[Pick]) -> list[Pick]:
    """Pass the chance of "Documents to bring:" on to the items of the list that it opens."""
    openings = {(pick.hit.passage.id, pick.text): pick.score for pick in rated if pick.text.endswith(":")}
    return [
        replace(pick, score=max(pick.score, _BENEATH * openings.get((pick.hit.passage.id, pick.heading), 0.0)))
        if pick.is_listed
        else pick
        for pick in rated
    ]


def _answering(asked: Question, rated: Sequence[Pick]) -> list[Pick]:
    """Leave out sentences that ask, and pass their chances on to what answers them: the paragraph beneath.

    Of a why-question, "This was because …" has the chance of the sentence whose cause it tells. All are kept where
    nothing but questions was found, or questions are asked for.
    """
    if "question" in asked.words:
        return list(rated)
    found: list[Pick] = []
    before: Pick | None = None
    passed_on = 0.0
    for pick in rated:
        gap = _gap(before, pick) if before else None
        if gap is None or ("\n\n" in gap and not ends_with_mark(before.text if before else "")):
            passed_on = 0.0
        if ends_with_mark(pick.text):
            passed_on = pick.score
        else:
            is_first = before is not None and ends_with_mark(before.text)
            cause = before.score if before and gap is not None and _tells_cause(asked, pick) else 0.0
            beneath = 0.0 if asked.kind in FACTS else _BENEATH
            inherited = passed_on * (1.0 if is_first else beneath)
            found.append(replace(pick, score=max(pick.score, inherited, cause)))
        before = pick
    return found or list(rated)


def _tells_cause(asked: Question, pick: Pick) -> bool:
    return asked.kind == "why" and _GIVES_CAUSE.match(pick.text) is not None


def _gap(before: Pick, pick: Pick) -> str | None:
    """Return what stands between two sentences of a passage; None where they are not of the same, in this order."""
    if before.hit is not pick.hit or before.end > pick.start:
        return None
    low = pick.hit.passage.start
    return pick.hit.passage.text[before.end - low : pick.start - low]


def worth_taking(chances: Sequence[float]) -> float:
    """Return from which chance on a sentence is worth taking: half of the F1 that the best choice is expected to have.

    chances: falling. With independent chances the best set for F1 holds those above half of its F1 (Lipton et al. 2014,
    arXiv:1402.1892): one sentence where one stands out, many where many may be right.
    """
    counted = [one for one in chances if one >= _COUNTED]
    total, found, best = sum(counted), 0.0, 0.0
    for number, one in enumerate(counted, start=1):
        found += one
        best = max(best, 2 * found / (number + total))
    return best / 2


def _repeats(one: Pick, other: Pick) -> bool:
    mine, yours = set(question_words(one.text)), set(question_words(other.text))
    if any(any(map(str.isdigit, word)) for word in mine ^ yours):
        return False  # they disagree on a number: both are to be seen
    share = 0.6 if one.hit.document.id == other.hit.document.id else 0.9
    return len(mine & yours) > share * min(len(mine), len(yours))


def in_reading_order(picks: Sequence[Pick]) -> list[Pick]:
    """Group by document, the one that says most first; within a document as they stand there."""
    weight: dict[str, float] = {}
    for pick in picks:
        weight[pick.hit.document.id] = weight.get(pick.hit.document.id, 0.0) + pick.score
    return sorted(picks, key=lambda pick: (-weight[pick.hit.document.id], pick.hit.document.id, pick.start))
