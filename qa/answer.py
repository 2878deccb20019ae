"""The ask flow, written out once: (rewrite follow-up) → search → [LLM: write, check, repair] or [reader: pick] → Answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from index.clock import Clock
from index.records import Document, Hit
from index.store import View
from qa.answer_json import answer_to_json, hit_to_json
from qa.claims import Checker
from qa.conversation import stand_alone, turns_of
from qa.draft import Draft, unplaced
from qa.errors import BadQuestion, NotFound
from qa.forgetting import forget_gone
from qa.history import new_answer_id, new_conversation_id
from qa.injection import find_orders
from qa.outcome import Outcome, told
from qa.prompts import label_passages
from qa.quoting import prefer_newer, quote, show_conflicts
from qa.reader import Reading
from qa.reading.named import beside_the_point
from qa.reading.questions import analyse
from qa.records import Answer, AskRequest, Event
from qa.reply import clean_claim
from qa.retrieval import find
from qa.upstream import Budget, Upstream
from qa.workspace import Workspace
from qa.write import Written, write

_LOG = logging.getLogger("qa.answer")

NO_EVIDENCE = "The documents that are indexed here do not answer this question."
NOTHING_SUPPORTED = "Nothing that the model wrote is fully borne out by the documents that are indexed here."
DOUBTFUL = "The passages that were found may not answer this question: look at the quotes before you rely on it."
NEAREST = " The nearest passages are listed below."


def answer_question(
    workspace: Workspace, request: AskRequest, is_gone: Callable[[], bool] = lambda: False
) -> dict[str, object]:
    """Answer a question and return the answer object (DESIGN section 6)."""
    *_, done = answer_events(workspace, request, is_gone)
    return dict(done.data)


def answer_events(
    workspace: Workspace, request: AskRequest, is_gone: Callable[[], bool] = lambda: False
) -> Generator[Event, None, None]:
    """Answer a question step by step: meta, passages, then text, citation and claim events, and done with the whole.

    The texts of the text events add up to the answer's text, unless claims were repaired at the end: done holds what
    counts. Closing the iterator ends the call to the LLM, and so does `is_gone`, which is asked several times a second.
    Raises BadQuestion, the errors of the index, and LLMError when mode "llm" was asked for and nothing was written.
    """
    request = check_request(workspace, request)
    asked = _begin(workspace, request, is_gone)
    clock, outcome = asked.outcome.clock, asked.outcome
    turns = _earlier_turns(workspace, request)
    workspace.store.check_embedder(workspace.embedder)
    with told(workspace.listeners, outcome), workspace.store.view() as view:
        draft = Draft(workspace.settings.base_url)
        answer = _empty_answer(workspace, view, asked, turns)
        yield Event("meta", _meta(answer))
        hits = find(view, workspace, replace(request, question=answer.searched_for), clock=clock)
        clock.note("search")
        yield Event(
            "passages", {"passages": [hit_to_json(hit, cited=False, base_url=workspace.settings.base_url) for hit in hits]}
        )
        documents = _documents(view, hits)
        with workspace.processors:
            beside = beside_the_point(answer.searched_for, hits, documents)
            reading = workspace.reader.read(answer.searched_for, hits, beside)
        clock.note("read")
        answer = replace(answer, hits=tuple(hits), notes=_warnings(hits), score=reading.score)
        if answer.mode == "llm":
            answer = yield from _write(workspace, view, documents, answer, asked, draft, reading)
        if answer.mode == "extractive":
            answer = yield from _quote(workspace, documents, answer, draft, reading)
        if draft.citations:
            cited = {citation.document_id for citation in draft.citations}
            rivals = [hit for hit in hits if hit.document.id not in beside or hit.document.id in cited]
            answer = yield from show_conflicts(documents, answer, rivals, workspace.sentence_vectors, draft)
        answer = replace(answer, text=draft.text, claims=draft.claims, citations=draft.citations)
        answer = outcome.answer = replace(answer, timings_ms=clock.total_ms())
    done = answer_to_json(answer, workspace.settings.base_url)
    _keep(workspace, done, {hit.document.id: hit.document.sha256 for hit in hits}, request.collection)
    yield Event("done", done)


def _keep(workspace: Workspace, done: dict[str, Any], versions: Mapping[str, str], collection: str) -> None:
    """Store the answer, unless what it shows was deleted while it was made. A full disk costs no answer.

    versions: id → sha256 of the documents that it shows.
    """
    try:
        workspace.history.save(done, versions, collection)
        forget_gone(workspace, versions)
    except Exception as error:
        _LOG.error("answer %s could not be stored (%s)", done["id"], type(error).__name__)


def check_request(workspace: Workspace, request: AskRequest) -> AskRequest:
    """Fill in what the request leaves to the settings. Raises BadQuestion for what cannot be answered."""
    settings = workspace.settings
    question = " ".join(request.question.encode("utf-8", "replace").decode().split())
    if not any(character.isalnum() for character in question):
        raise BadQuestion("the question is empty", "ask something in words")
    if len(question) > settings.max_question:
        raise BadQuestion(f"the question is longer than {settings.max_question} characters", "shorten it")
    if request.model and request.model not in settings.all_models:
        raise BadQuestion(f"{request.model}: not a configured model", "name one of the settings `model` and `models`")
    model = request.model or settings.model
    if request.mode == "llm" and not model:
        raise BadQuestion("no LLM is configured", "set `model`, or ask with mode extractive")
    return replace(
        request,
        question=question,
        collection=request.collection or settings.collection,
        k=request.k or settings.k,
        model="" if request.mode == "extractive" else model,
        only_supported=settings.only_supported if request.only_supported is None else request.only_supported,
    )


def _earlier_turns(workspace: Workspace, request: AskRequest) -> Sequence[Mapping[str, Any]]:
    """Return the conversation so far, as far as it was about the collection that is asked now.

    What was said of another one would go into the question that is searched for, and be kept where it may not be seen.
    Raises NotFound for a conversation that is not known.
    """
    if not request.conversation_id:
        return turns_of(request.earlier, workspace.settings.max_question)
    if not workspace.history.conversation(request.conversation_id):
        hint = "begin a new one: leave it out; answers go when a document that they quote is deleted"
        raise NotFound("no conversation has this id", hint)
    return workspace.history.narrowed([request.collection]).conversation(request.conversation_id)


def _begin(workspace: Workspace, request: AskRequest, is_gone: Callable[[], bool]) -> _Asked:
    """Start the clock, and bring the means to ask the LLM, if it is to be asked."""
    clock, settings = Clock(), workspace.settings
    if not request.model:
        return _Asked(request, Outcome("question", clock), None)
    budget = Budget(settings.llm_timeout, settings.llm_calls, is_gone)
    upstream = Upstream(settings, workspace.breaker, workspace.slots, budget, request.model, clock)
    return _Asked(request, Outcome("question", clock, "llm", calls=upstream.calls), upstream)


def _warnings(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Name the documents among the hits whose text gives orders to a language model."""
    found = {
        hit.document.title: orders for hit in hits if (orders := find_orders(f"{hit.document.title}\n{hit.passage.text}"))
    }
    return tuple(
        f"“{clean_claim(title)}” holds text that {' and '.join(orders)}: read it with care."
        for title, orders in found.items()
    )


def _meta(answer: Answer) -> dict[str, Any]:
    """Return what is known before anything is searched."""
    return {
        "id": answer.id,
        "question": answer.question,
        "searched_for": answer.searched_for,
        "conversation_id": answer.conversation_id,
        "mode": answer.mode,
        "model": answer.model or None,
    }


def _empty_answer(workspace: Workspace, view: View, asked: _Asked, turns: Sequence[Mapping[str, Any]]) -> Answer:
    request, settings = asked.request, workspace.settings
    searched_for = stand_alone(request.question, turns, asked.upstream, settings.prompts, settings.max_question)
    asked.outcome.clock.note("rewrite")
    return Answer(
        id=new_answer_id(),
        question=request.question,
        searched_for=searched_for,
        conversation_id=request.conversation_id or new_conversation_id(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        status="answered",
        mode="llm" if request.model else "extractive",
        degraded="",
        text="",
        claims=(),
        citations=(),
        hits=(),
        model=request.model,
        prompt_name="",
        prompt_sha256="",
        generation=view.generation,
        embedder=workspace.embedder.name,
        usage={},
        timings_ms={},
    )


def _quote(
    workspace: Workspace, documents: Mapping[str, Document], answer: Answer, draft: Draft, reading: Reading
) -> Generator[Event, None, Answer]:
    """Answer by quoting the sentences that answer, each with its citation."""
    if not reading.picks:
        return (yield from _refuse(answer, draft))
    picks = prefer_newer(reading.picks, answer.hits, workspace.sentence_vectors)
    asked = analyse(answer.searched_for)
    yield from quote(documents, picks, draft, listed=asked.several, names=asked.names)
    return answer


def _refuse(answer: Answer, draft: Draft, reason: str = NO_EVIDENCE) -> Generator[Event, None, Answer]:
    yield from draft.write(reason + (NEAREST if answer.hits else ""))
    return replace(answer, status="no_evidence")


def _write(
    workspace: Workspace,
    view: View,
    documents: dict[str, Document],
    answer: Answer,
    asked: _Asked,
    draft: Draft,
    reading: Reading,
) -> Generator[Event, None, Answer]:
    """Let the LLM write the answer; every claim is checked.

    Without an answer, hand over to the reader and say why; or, in mode "llm", raise the LLMError. Passages that hold no
    answer, as far as the reader can tell, are not sent to it; where they hold hardly any, the answer says so.
    """
    settings, request, upstream = workspace.settings, asked.request, asked.upstream
    if not answer.hits or upstream is None or reading.is_hopeless:
        return (yield from _refuse(answer, draft))
    if not reading.picks:
        answer = replace(answer, notes=(*answer.notes, DOUBTFUL))
    checker = Checker(
        passages=label_passages(answer.hits),
        documents=documents,
        find=lambda text: find(view, workspace, replace(request, question=text), read=False),
        load=view.document,
        entails=workspace.entails,
        about_orders=bool(find_orders(answer.question)),
        clock=asked.outcome.clock,
    )
    shown = Draft() if request.only_supported else draft  # what is not borne out must not be seen even for a moment
    events = write(answer.searched_for, checker, upstream, settings, shown, request.wishes)
    written = yield from (_silently(events) if request.only_supported else events)
    asked.outcome.clock.note("write")
    asked.outcome.unknown_ids = checker.unknown_ids
    answer = replace(
        answer,
        usage=upstream.usage,
        model=upstream.model,
        prompt_name=written.prompt.name,
        prompt_sha256=written.prompt.sha256,
        notes=(*answer.notes, *written.notes),
    )
    return (yield from _take_over(answer, asked, draft, written))


def _take_over(answer: Answer, asked: _Asked, draft: Draft, written: Written) -> Generator[Event, None, Answer]:
    """Make the written claims the answer's, or say why there are none."""
    failure = written.failure
    reason = f"{failure.reason}: {failure.message}"
    if written.claims:
        kept = [one for one in written.claims if not asked.request.only_supported or one.judgement.verdict == "supported"]
        draft.rewrite(kept)
        answer = replace(answer, left_out=tuple(unplaced(one) for one in written.claims if one not in kept))
        if not kept:
            return (yield from _refuse(answer, draft, NOTHING_SUPPORTED))
        return answer if written.ended else replace(answer, status="partial", degraded=reason)
    if written.ended == "no_evidence":
        return (yield from _refuse(answer, draft))
    if asked.request.mode == "llm":
        raise failure
    return replace(answer, mode="extractive", degraded=reason)


def _silently(events: Generator[Event, None, Written]) -> Generator[Event, None, Written]:
    """Run to the end and pass nothing on."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            written: Written = end.value
            return written
    yield  # a generator that yields nothing


def _documents(view: View, hits: Sequence[Hit]) -> dict[str, Document]:
    """Return the hits' documents with their texts, of the same generation as the hits."""
    found = (view.document(document_id) for document_id in dict.fromkeys(hit.document.id for hit in hits))
    return {document.id: document for document in found if document is not None}


@dataclass(frozen=True)
class _Asked:
    """The checked request, what is told of it in the end, and the LLM if it is to be asked."""

    request: AskRequest
    outcome: Outcome
    upstream: Upstream | None
