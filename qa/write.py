"""The written answer: prompt → stream → claims → citations → verdicts → repair."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from index.records import Hit
from qa.claims import Checked, Checker
from qa.config import Settings
from qa.draft import Draft
from qa.errors import LLMError
from qa.injection import find_orders
from qa.llm import context_window
from qa.prompts import Prompt, as_data, build_messages, estimate_tokens, load_prompt
from qa.records import Event, Repair
from qa.reply import ClaimDone, ClaimText, End, NoEvidence, Piece, ReplyParser, mailboxes
from qa.support import Judgement
from qa.upstream import Messages, Upstream

_MAX_CLAIMS = 60
_LEAK_WORDS = 5  # of the prompt's own in a row; 1 in 100,000 sentences of an encyclopedia has that many by chance
_DEFAULT_WINDOW = 8192  # tokens, of a model that litellm does not know
_VERDICTS = {"SUPPORTED": "supported", "CONTRADICTED": "contradicted", "UNSUPPORTED": "unsupported"}


@dataclass
class Written:
    """What came of the writing. ended: "answered", "no_evidence", or "" of a reply that broke off (`failure` says why).

    wishes: of the asker, for how it should sound.
    """

    prompt: Prompt
    claims: list[Checked]
    ended: str
    failure: LLMError
    notes: list[str]
    wishes: str = ""


def write(
    question: str, checker: Checker, upstream: Upstream, settings: Settings, draft: Draft, wishes: str = ""
) -> Generator[Event, None, Written]:
    """Let the model write the answer and check every claim as it comes; then see to those that nothing bears out.

    wishes: of the asker, for how it should sound; they change nothing about what is checked.
    The draft holds the claims as they were first written; the ones returned may have been repaired.
    Raises LLMError "gone" when the asker has left; other failures are in what is returned.
    """
    prompt = load_prompt("answer", settings.prompts)
    dropped = _fit(prompt, question, wishes, checker, upstream.model, settings)
    broken = LLMError("bad_reply", f"{upstream.model}: the reply broke off or is not in the form asked for")
    written = Written(prompt, [], "", broken, [], wishes)
    try:
        yield from _take_reply(question, checker, upstream, draft, written)
        while _is_useless(written, draft) and upstream.pass_over():
            yield from _take_reply(question, checker, upstream, draft, written)
    except LLMError as error:
        if error.reason == "context" and not written.claims and len(checker.passages) > 1:
            dropped += _keep(checker, len(checker.passages) // 2)
            yield from _take_reply_again(question, checker, upstream, draft, written)
        else:
            written.failure = error
    if written.failure.reason == "gone":
        raise written.failure
    if dropped:
        written.notes.append(
            f"{dropped} of {dropped + len(checker.passages)} passages were left out: the model cannot read more at once."
        )
    if written.claims:
        _settle(question, checker, upstream, settings, written)
    return written


def _is_useless(written: Written, draft: Draft) -> bool:
    """Say whether the reply was in none of the forms that we read, and nothing of it has been shown."""
    return not written.claims and written.ended != "no_evidence" and not draft.text


def _take_reply_again(
    question: str, checker: Checker, upstream: Upstream, draft: Draft, written: Written
) -> Generator[Event, None, None]:
    try:
        yield from _take_reply(question, checker, upstream, draft, written)
    except LLMError as error:
        written.failure = error


def _take_reply(
    question: str, checker: Checker, upstream: Upstream, draft: Draft, written: Written
) -> Generator[Event, None, None]:
    """Turn the reply into checked claims as it comes."""
    messages = build_messages(written.prompt, checker.passages, question=question, wishes=written.wishes)
    upstream.said_all = False
    with closing(upstream.stream(messages)) as chunks:
        for piece in _pieces(chunks, checker, written.prompt):
            if isinstance(piece, ClaimText | ClaimDone) and len(written.claims) == _MAX_CLAIMS:
                raise LLMError("too_long", f"{upstream.model}: the answer has more than {_MAX_CLAIMS} claims")
            if isinstance(piece, ClaimText):
                yield from draft.write(piece.text)
            elif isinstance(piece, ClaimDone):
                written.claims.append(checker.check(piece))
                yield from draft.end_claim(written.claims[-1])
            elif isinstance(piece, NoEvidence):
                written.ended = "no_evidence"
            elif isinstance(piece, End):
                written.ended = written.ended or "answered"
                upstream.said_all = True
                return


def _pieces(chunks: Iterator[str], checker: Checker, prompt: Prompt) -> Iterator[Piece]:
    said = _runs(prompt.system)
    texts = [hit.passage.text for hit in checker.passages.values() if not find_orders(hit.passage.text)]
    parser = ReplyParser(
        frozenset(checker.passages), lambda text: not said.isdisjoint(_runs(text)), mailboxes("\n".join(texts))
    )
    try:
        for chunk in chunks:
            yield from parser.feed(chunk)
    except LLMError:
        yield from parser.finish()  # what was said before the fault is still worth checking
        raise
    yield from parser.finish()


def _runs(text: str) -> set[tuple[str, ...]]:
    """Return every run of words that is long enough to be told as the prompt's own."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + _LEAK_WORDS]) for i in range(len(words) - _LEAK_WORDS + 1)}


def _fit(prompt: Prompt, question: str, wishes: str, checker: Checker, model: str, settings: Settings) -> int:
    """Drop passages from the end until prompt and reply fit into the model's context; return how many."""
    window = settings.context_tokens or context_window(model) or _DEFAULT_WINDOW
    room = window - settings.max_tokens
    kept = len(checker.passages)
    values = {"question": question, "wishes": wishes}
    while kept > 1 and _tokens(build_messages(prompt, _first(checker.passages, kept), **values)) > room:
        kept -= 1
    return _keep(checker, kept)


def _tokens(messages: Messages) -> int:
    return sum(estimate_tokens(message["content"]) for message in messages)


def _first(passages: Mapping[str, Hit], count: int) -> dict[str, Hit]:
    return dict(list(passages.items())[:count])


def _keep(checker: Checker, count: int) -> int:
    dropped = len(checker.passages) - count
    checker.passages = _first(checker.passages, count)
    return dropped


def _settle(question: str, checker: Checker, upstream: Upstream, settings: Settings, written: Written) -> None:
    """Let the model judge what is unchecked, where it is set to, and ask it once more for what nothing bears out."""
    steps = [_ask_again] if settings.judge != "llm" else [_ask_judge, _ask_again, _ask_judge]
    for step in steps:
        if not upstream.budget.has_call:
            return
        try:
            step(question, checker, upstream, settings, written)
        except LLMError as error:
            if error.reason == "gone":
                raise
            written.notes.append(f"The claims could not be looked at again ({error.reason}).")
            return


def _ask_again(question: str, checker: Checker, upstream: Upstream, settings: Settings, written: Written) -> None:
    """Name to the model the claims that nothing bears out; take over those that it mends."""
    weak = [i for i, claim in enumerate(written.claims) if claim.is_weak]
    if not weak:
        return
    failures = [{"number": i + 1, "claim": as_data(written.claims[i].text), "reason": _why(written.claims[i])} for i in weak]
    prompt = load_prompt("repair", settings.prompts)
    messages = build_messages(prompt, checker.passages, question=question, failures=failures)
    tried = {i: _tried(written.claims[i]) for i in weak}
    for i in weak:
        written.claims[i] = replace(written.claims[i], repair=tried[i])
    for piece in _pieces(iter([upstream.text(messages)]), checker, prompt):
        i = piece.number - 1 if isinstance(piece, ClaimDone) else -1
        if isinstance(piece, ClaimDone) and i in tried:
            mended = checker.check(piece)
            if not mended.is_weak:
                before = written.claims[i]
                repair = replace(tried[i], by="model", before=before.text)
                written.claims[i] = replace(mended, rejected=before.rejected + mended.rejected, repair=repair)


def _tried(claim: Checked) -> Repair:
    tried = claim.repair.tried if claim.repair else ()
    return Repair((*tried, "model"), "", claim.text)


def _why(claim: Checked) -> str:
    rejected = "; ".join(f'"{one.quote[:200]}" is {one.reason}' for one in claim.rejected)
    return as_data(" ".join((rejected or claim.judgement.reason).split()))


def _ask_judge(question: str, checker: Checker, upstream: Upstream, settings: Settings, written: Written) -> None:
    """Let the model say of each unchecked claim whether its own cited sentences bear it out."""
    open_claims = [i for i, claim in enumerate(written.claims) if claim.judgement.verdict == "unchecked"]
    if not open_claims:
        return
    pairs = [
        {"number": i + 1, "claim": as_data(written.claims[i].text), "evidence": _sentences(checker, written.claims[i])}
        for i in open_claims
    ]
    prompt = load_prompt("judge", settings.prompts)
    reply = upstream.text(build_messages(prompt, {}, question=question, pairs=pairs))
    for i, judgement in _judgements(reply).items():
        if i in open_claims:
            written.claims[i] = replace(written.claims[i], judgement=judgement)


def _sentences(checker: Checker, claim: Checked) -> str:
    return as_data(" / ".join(" ".join(one.sentences.split()) for one in checker.evidence(claim)))


def _judgements(reply: str) -> dict[int, Judgement]:
    """Read lines such as "3: SUPPORTED"; anything else is no judgement."""
    found: dict[int, Judgement] = {}
    for line in reply.splitlines():
        number, colon, word = line.strip().strip("*-• ").partition(":")
        verdict = _VERDICTS.get(word.strip().strip("*.").upper())
        if colon and verdict and number.strip().isdecimal() and len(number) < 6:
            reason = "" if verdict == "supported" else "the judging model says so"
            found.setdefault(int(number) - 1, Judgement(verdict, 1.0, reason))  # type: ignore[arg-type]
    return found
