"""The ask flow, written out once: search → [LLM: prompt → stream → claims → citations] or [reader: pick] → Answer."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from index.records import Document, Hit
from index.store import View
from qa.answer_json import answer_to_json, hit_to_json
from qa.citations import cite_span, find_citation
from qa.draft import Draft
from qa.errors import BadQuestion, LLMError
from qa.history import new_answer_id
from qa.llm import stream_reply
from qa.prompts import build_messages, label_passages, load_prompt
from qa.reader import read
from qa.records import Answer, AskRequest, Citation, Event, Status, Verdict
from qa.reply import ClaimDone, ClaimText, End, NoEvidence, ReplyParser
from qa.retrieval import find
from qa.workspace import Workspace

_LOG = logging.getLogger("qa.answer")
_NOTE_NUMBER = re.compile(r"(?<=[.,;:!?”\"])\[\d{1,3}\]")  # of the source's own notes: no number of ours

NO_EVIDENCE = "The documents that are indexed here do not answer this question."
NEAREST = " The nearest passages are listed below."


def answer_question(workspace: Workspace, request: AskRequest) -> dict[str, object]:
    """Answer a question and return the answer object (DESIGN section 6)."""
    *_, done = answer_events(workspace, request)
    return dict(done.data)


def answer_events(workspace: Workspace, request: AskRequest) -> Generator[Event, None, None]:
    """Answer a question step by step: meta, passages, then text, citation and claim events, and done with the whole.

    The texts of the text events add up to the answer's text. Closing the iterator ends the call to the LLM.
    Raises BadQuestion, the errors of the index, and LLMError when mode "llm" was asked for and nothing was written.
    """
    request = check_request(workspace, request)
    timings = Timings()
    workspace.store.check_embedder(workspace.embedder)
    with workspace.store.view() as view:
        draft = Draft(workspace.settings.base_url)
        answer = _empty_answer(workspace, view, request)
        yield Event(
            "meta", {"id": answer.id, "question": answer.question, "mode": answer.mode, "model": answer.model or None}
        )
        hits = find(view, workspace.embedder, request)
        timings.note("search")
        yield Event(
            "passages", {"passages": [hit_to_json(hit, cited=False, base_url=workspace.settings.base_url) for hit in hits]}
        )
        answer = replace(answer, hits=tuple(hits))
        if answer.mode == "llm":
            answer = yield from _write(workspace, view, answer, draft, timings, strict=request.mode == "llm")
        if answer.mode == "extractive":
            answer = yield from _quote(workspace, view, answer, draft, timings)
    answer = replace(answer, text=draft.text, claims=draft.claims, citations=draft.citations, timings_ms=timings.total_ms())
    done = answer_to_json(answer, workspace.settings.base_url)
    _keep(workspace, done)
    yield Event("done", done)


def _keep(workspace: Workspace, done: dict[str, Any]) -> None:
    """Store the answer, unless a document that it shows was deleted while it was made. A full disk costs no answer."""
    shown = {passage["document_id"] for passage in done["passages"]}
    try:
        workspace.history.save(done)
        workspace.history.forget_documents(workspace.store.missing(shown))
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
    )


def _empty_answer(workspace: Workspace, view: View, request: AskRequest) -> Answer:
    return Answer(
        id=new_answer_id(),
        question=request.question,
        searched_for=request.question,
        conversation_id=request.conversation_id,
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
    workspace: Workspace, view: View, answer: Answer, draft: Draft, timings: Timings
) -> Generator[Event, None, Answer]:
    """Answer by quoting the sentences that answer, each with its citation."""
    reading = read(answer.question, answer.hits, workspace.embedder)
    timings.note("read")
    if not reading.picks:
        return (yield from _refuse(answer, draft))
    documents = _documents(view, answer.hits)
    before = ""
    for pick in reading.picks:
        document = documents[pick.hit.document.id]
        yield from draft.write(_NOTE_NUMBER.sub("", pick.text), paragraph=document.id != before)
        before = document.id
        citation = cite_span(document, pick.hit, pick.start, pick.end)
        yield from draft.end_claim([citation], [], "supported", pick.score)
    return answer


def _refuse(answer: Answer, draft: Draft) -> Generator[Event, None, Answer]:
    yield from draft.write(NO_EVIDENCE + (NEAREST if answer.hits else ""))
    return replace(answer, status="no_evidence")


def _write(
    workspace: Workspace, view: View, answer: Answer, draft: Draft, timings: Timings, *, strict: bool
) -> Generator[Event, None, Answer]:
    """Let the LLM write the answer; check every quote.

    Without an answer, hand over to the reader and say why; or, when `strict`, raise the LLMError.
    """
    if not answer.hits:
        return (yield from _refuse(answer, draft))
    prompt = load_prompt("answer", workspace.settings.prompts)
    answer = replace(answer, prompt_name=prompt.name, prompt_sha256=prompt.sha256)
    passages = label_passages(answer.hits)
    reply = stream_reply(build_messages(prompt, answer.question, passages), answer.model, workspace.settings)
    outcome: Status | None = None
    failure = LLMError("bad_reply", f"{answer.model}: the reply broke off or is not in the form asked for")
    try:
        outcome = yield from _take_reply(reply.chunks, passages, _documents(view, answer.hits), draft)
        reply.await_usage()
    except LLMError as error:
        failure = error
    finally:
        reply.chunks.close()
    timings.note("write")
    answer = replace(answer, usage=reply.usage)
    reason = f"{failure.reason}: {failure.message}"
    if draft.claims:
        return answer if outcome else replace(answer, status="partial", degraded=reason)
    if outcome == "no_evidence":
        return (yield from _refuse(answer, draft))
    if strict:
        raise failure
    return replace(answer, mode="extractive", degraded=reason)


def _take_reply(
    chunks: Iterator[str], passages: dict[str, Hit], documents: dict[str, Document], draft: Draft
) -> Generator[Event, None, Status | None]:
    """Turn the reply into claims as it comes. Returns how it ended; None when it was cut off."""
    parser = ReplyParser()
    outcome: Status | None = None
    for piece in _pieces(parser, chunks):
        if isinstance(piece, ClaimText):
            yield from draft.write(piece.text)
        elif isinstance(piece, ClaimDone):
            yield from _check_claim(piece, passages, documents, draft)
        elif isinstance(piece, NoEvidence):
            outcome = "no_evidence"
        elif isinstance(piece, End):
            return outcome or "answered"
    return outcome


def _pieces(parser: ReplyParser, chunks: Iterator[str]) -> Iterator[ClaimText | ClaimDone | NoEvidence | End]:
    try:
        for chunk in chunks:
            yield from parser.feed(chunk)
    except LLMError:
        yield from parser.finish()  # what was said before the fault is still worth checking
        raise
    yield from parser.finish()


def _check_claim(
    claim: ClaimDone, passages: dict[str, Hit], documents: dict[str, Document], draft: Draft
) -> Iterator[Event]:
    """Make citations of the quotes that are found; keep the others with the reason."""
    citations, rejected = [], []
    hits = list(passages.values())
    for quote in claim.quotes:
        named = passages.get(quote.passage_id)
        found = find_citation(replace(quote, passage_id=named.passage.id if named else ""), hits, documents)
        if isinstance(found, Citation):
            citations.append(found)
        else:
            rejected.append(found)
    verdict: Verdict = "unchecked" if citations else "unsupported"
    yield from draft.end_claim(citations, rejected, verdict, max((one.score for one in citations), default=0.0))


def _documents(view: View, hits: tuple[Hit, ...]) -> dict[str, Document]:
    """Return the hits' documents with their texts, of the same generation as the hits."""
    found = (view.document(document_id) for document_id in dict.fromkeys(hit.document.id for hit in hits))
    return {document.id: document for document in found if document is not None}


class Timings:
    """How long each step took, in whole milliseconds."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._steps: dict[str, int] = {}

    def note(self, step: str) -> None:
        """Set down the time since the last note as this step's."""
        now = time.monotonic()
        self._steps[step], self._last = round((now - self._last) * 1000), now

    def total_ms(self) -> dict[str, int]:
        """Return every step's time and the time of all."""
        return {**self._steps, "total": round((time.monotonic() - self._began) * 1000)}
