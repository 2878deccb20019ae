"""The extractive answer: picked sentences as cited claims, and what other documents say against any cited sentence."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from textwrap import shorten
from typing import Any

from index.records import CELLS, Document, DocumentInfo, Hit
from index.sentences import sentence_spans
from index.table_rows import group_of, header_of
from qa.citations import cite_span
from qa.claims import Checked
from qa.conflicts import Conflict, find_conflicts
from qa.documents import date_of, files_apart
from qa.draft import Draft
from qa.reading.hit_sentences import Sentence, sentences_of
from qa.reading.pick import Pick
from qa.reading.picking import MOST_WORDS
from qa.reading.sentence_vectors import Embeds
from qa.records import Answer, Event
from qa.reply import without_links
from qa.support import Judgement

_NOTE_NUMBER = re.compile(r"(?<=[.,;:!?”\"])\[\d{1,3}\]")  # of the source's own notes: no number of ours
_GOES_ON = "The list goes on there."
_JOINED = re.compile(r"[\s-]+")  # "GPT4" is GPT-4
_PARAGRAPH, _ITEM = "\n\n", "\n- "
# Of what a sentence points back to, or somebody said in the next one too, beyond what an answer has at the most.
_MORE_WORDS = 30
_OPENS_SPEECH = re.compile(r'(?:^|[\s(\[])"[^"]*$')  # the last straight mark stands before a word
_CLOSES_SPEECH = re.compile(r"”|(?<=\S)\"")
_LONGEST_NAME = 90  # characters of a title
# "2. The buyer shall:" is no further item of what the seller shall do.
_LIST_LINE = re.compile(r"\s*(?:[-*•–·▪]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)])\s+\S[^\n]*(?<![:：\s])(?=\s*(?:\n|$))")
_POINTS_BACK = re.compile(
    r"(?:he|she|it|they|his|her|its|their|this|these|those|such|both|the (?:former|latter|same)"
    r"|(?:all|most|many|some|few|none|each|neither|either|half|one|two|three) of (?:them|these|those))\b",
    re.I,
)


def quote(
    documents: Mapping[str, Document], picks: Sequence[Pick], draft: Draft, *, listed: bool, names: Set[str] = frozenset()
) -> Generator[Event, None, None]:
    """Write picked sentences, each with its citation, under the names of their documents; `listed` as list items.

    Items of a list that is asked for are given as such, and items of any list under its heading. names: those in the
    question, in lower case; where no sentence has one the title is shown above those of one document, too.
    """
    listed = listed or (len(picks) > 1 and all(pick.is_listed for pick in picks))
    several = len(picks) > 1 and (listed or len({pick.hit.document.id for pick in picks}) > 1)
    named = several or any(_heading_of(documents[pick.hit.document.id], pick) for pick in picks) or _lack(picks, names)
    titles = _names_of(documents.values())
    before: tuple[str, str] | None = None
    spans = _with_what_they_point_to(documents, picks)
    for pick in spans:
        document = documents[pick.hit.document.id]
        heading = _heading_of(document, pick)
        if named and (document.id, heading) != before:
            yield from draft.lead_in(f"{', '.join(filter(None, (titles[document.id], heading)))}:")
        yield from draft.write(_shown(pick.text), before=_ITEM if several and listed else " ")
        before = document.id, heading
        citation = cite_span(document, pick.hit, pick.start, pick.end)
        yield from draft.end_claim(Checked(pick.text, (citation,), (), Judgement("supported", pick.score)))
    for last in spans[-1:]:
        if last.is_listed and _LIST_LINE.match(documents[last.hit.document.id].text, last.end):
            yield from draft.lead_in(_GOES_ON)


def _lack(picks: Sequence[Pick], names: Set[str]) -> bool:
    """Say whether there are names, and no sentence has one of them: then the title tells whom or what it is about."""
    told = _JOINED.sub("", " ".join(pick.text for pick in picks).lower())
    return bool(names) and not any(_JOINED.sub("", name) in told for name in names)


def _heading_of(document: Document, pick: Pick) -> str:
    """Return the heading without which a pick cannot be understood: "Smoking" may be what is forbidden.

    Of a table's row that is the label of its group, and what its cells are called.
    """
    if CELLS in pick.text:
        group = group_of(document.text, pick.start).rstrip(":：")
        return ", ".join(filter(None, (group, header_of(document.text, pick.start))))
    return _shown(pick.heading.rstrip(":：")) if pick.item or pick.fits else ""


def _shown(text: str) -> str:
    return without_links(_NOTE_NUMBER.sub("", text))


def _with_what_they_point_to(documents: Mapping[str, Document], picks: Sequence[Pick]) -> list[Pick]:
    """Let a sentence that opens with a pronoun go on from the one before it, and one that opens a list go on into it.

    Both where there is room for that; and one that opens a quotation go on until it closes.
    """
    words = sum(len(pick.text.split()) for pick in picks)
    longer: list[Pick] = []
    for pick in picks:
        text = documents[pick.hit.document.id].text
        start = _start_of_sentence_before(text, pick)
        last = longer[-1] if longer and longer[-1].hit.document.id == pick.hit.document.id else None
        if last and last.start <= start < last.end:
            longer[-1] = _lengthened(last, text, last.start, max(last.end, pick.end))
            continue
        added = len(text[start : pick.start].split())
        if words + added > MOST_WORDS + _MORE_WORDS:
            start, added = pick.start, 0
        words += added
        end = _end_of_list(text, pick, MOST_WORDS - words)
        end = _end_of_speech(text, pick) if end == pick.end else end
        words += len(text[pick.end : end].split())
        longer.append(_lengthened(pick, text, start, end))
    return longer


def _lengthened(pick: Pick, text: str, start: int, end: int) -> Pick:
    return replace(pick, start=start, end=end, text=" ".join(text[start:end].split()))


def _end_of_list(text: str, pick: Pick, room: int) -> int:
    """Return where the list ends that a pick opens with a colon: in its passage, and whole items in `room` words."""
    end = pick.end
    if not pick.text.endswith((":", "：")):
        return end
    while item := _LIST_LINE.match(text, end, pick.hit.passage.end):
        room -= len(item.group().split())
        if room < 0:
            break
        end = item.end()
    return end


def _end_of_speech(text: str, pick: Pick) -> int:
    """Return where the sentence ends in which the quotation closes that a pick opens: soon, and in its passage."""
    said = text[pick.start : pick.end]
    is_open = said.count("“") > said.count("”") or (said.count('"') % 2 == 1 and _OPENS_SPEECH.search(said) is not None)
    if not is_open:
        return pick.end
    following = text[pick.end : pick.hit.passage.end]
    for start, end in sentence_spans(following):
        is_new = following[start] in '“"' or "\n\n" in following[:start]  # each paragraph of a speech opens anew
        if is_new or len(following[:end].split()) > _MORE_WORDS:
            break
        if _CLOSES_SPEECH.search(following, start, end):
            return pick.end + end
    return pick.end


def _start_of_sentence_before(text: str, pick: Pick) -> int:
    """Return where the sentence before a pick begins if the pick points back to it: in the same passage and paragraph."""
    if not _POINTS_BACK.match(pick.text):
        return pick.start
    low = pick.hit.passage.start
    before = [(low + start, low + end) for start, end in sentence_spans(text[low : pick.start])]
    if (
        not before
        or "\n\n" in text[before[-1][1] : pick.start]
        or not text[low : before[-1][1]].endswith((".", "!", "?", "”", '"'))
    ):
        return pick.start
    return before[-1][0]


def prefer_newer(picks: Sequence[Pick], hits: Sequence[Hit], embedder: Embeds) -> list[Pick]:
    """Put in the place of a picked sentence the one that contradicts it in a document that supersedes its own."""
    ones = [Sentence(pick.hit, pick.start, pick.end, pick.text) for pick in picks]
    found = find_conflicts(ones, sentences_of(hits), embedder)
    instead = {
        (one.one.hit.document.id, one.one.start): one.other for one in found if one.superseded and one.newer == "other"
    }
    chosen: dict[tuple[str, int], Pick] = {}
    for pick in picks:
        newer = instead.get((pick.hit.document.id, pick.start))
        better = Pick(newer.hit, newer.start, newer.end, newer.text, pick.score) if newer else pick
        chosen.setdefault((better.hit.document.id, better.start), better)
    return list(chosen.values())


def show_conflicts(
    documents: Mapping[str, Document], answer: Answer, rivals: Sequence[Hit], embedder: Embeds, draft: Draft
) -> Generator[Event, None, Answer]:
    """Quote, behind the answer, what other documents say against the sentences that it cites, with the dates.

    rivals: the hits that may deny each other.
    """
    sentences = sentences_of(rivals)
    spans = {(citation.document_id, citation.start, citation.end): citation.n for citation in draft.citations}
    cited = [one for one in sentences if _number_of(one, spans)]
    conflicts = _among_claims(find_conflicts(cited, cited, embedder), spans, draft)
    names = _names_of(hit.document for hit in rivals)
    written: dict[tuple[str, int], int] = {}  # what denies two sentences is quoted once
    for conflict in find_conflicts(cited, [one for one in sentences if one not in cited], embedder):
        number, other = _number_of(conflict.one, spans), conflict.other
        claim = _claim_of(number, draft)
        if claim is None:
            continue
        key = other.hit.document.id, other.start
        if key not in written:
            yield from draft.write(
                f"{_lead_in(conflict, names[other.hit.document.id])} {_shown(other.text)}", before=_PARAGRAPH
            )
            citation = cite_span(documents[other.hit.document.id], other.hit, other.start, other.end)
            yield from draft.end_claim(Checked(other.text, (citation,), (), Judgement("supported", 1.0)))
            written[key] = len(draft.claims) - 1
        newer = {"one": claim, "other": written[key]}.get(conflict.newer)
        conflicts.append({"claim": claim, "other": written[key], "reason": conflict.reason, "newer": newer})
    return replace(answer, conflicts=tuple(conflicts))


def _among_claims(
    found: Sequence[Conflict], spans: Mapping[tuple[str, int, int], int], draft: Draft
) -> list[dict[str, Any]]:
    """Return the conflicts between claims that the answer makes itself, each once."""
    known: dict[tuple[int, int], dict[str, Any]] = {}
    for conflict in found:
        one, other = (_claim_of(_number_of(side, spans), draft) for side in (conflict.one, conflict.other))
        if one is not None and other is not None and one < other:
            newer = {"one": one, "other": other}.get(conflict.newer)
            known[one, other] = {"claim": one, "other": other, "reason": conflict.reason, "newer": newer}
    return list(known.values())


def _claim_of(number: int, draft: Draft) -> int | None:
    return next((i for i, one in enumerate(draft.claims) if number in one.citations), None)


def _number_of(sentence: Sentence, spans: Mapping[tuple[str, int, int], int]) -> int:
    """Return the number of a citation that lies in a sentence, 0 when there is none."""
    for (document_id, start, end), number in spans.items():
        if document_id == sentence.hit.document.id and start < sentence.end and end > sentence.start:
            return number
    return 0


def _lead_in(conflict: Conflict, name: str) -> str:
    """Say whose the other side is, from when, and which is the newer."""
    if conflict.superseded:
        return f"{name}, {'superseded since, said' if conflict.newer == 'one' else 'which supersedes it, says'}:"
    age = {"one": "the older", "other": "the newer"}.get(conflict.newer, "")
    return f"{name}, {age}, says otherwise:" if age else f"{name} says otherwise:"


def _names_of(documents: Iterable[DocumentInfo]) -> dict[str, str]:
    """Return id → title and date, with the file's name where another document has the same title."""
    known = {one.id: one for one in documents}
    files = files_apart(known.values())
    return {one.id: f"{_name_of(one)}{files[one.id]}" for one in known.values()}


def _name_of(document: DocumentInfo) -> str:
    date, title = date_of(document), shorten(_shown(document.title), _LONGEST_NAME, placeholder="…")
    return f"{title} ({date})" if date else title
