"""An LLM that fails, lies or dawdles: the calls that an answer takes, how long it takes, and what becomes of its claims."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from llm_server import (
    Body,
    Drip,
    Finished,
    Hang,
    LLMServer,
    Raw,
    Reset,
    StatusError,
    Text,
    Turns,
    passages_of,
    quoting,
)
from test_written_answers import (
    ASYMMETRY,
    KEY,
    LISTINGS,
    MODEL,
    REASONS,
    RESPONSIBLE,
    TOTAL,
    Writer,
    ask,
    holder,
    one_claim,
    two_claims,
    writer,
)

from qa.answer import answer_question
from qa.cli.serve import open_server
from qa.errors import LLMError
from qa.records import AskRequest
from qa.upstream import Breaker
from qa.web.app import create_app
from qa.workspace import Workspace

__all__ = ["writer"]  # the fixture, as pytest finds it


@pytest.fixture
def workspace(writer: Writer) -> Workspace:
    return writer()


# Calls


@pytest.mark.parametrize(
    "fault", [StatusError(500), StatusError(503), StatusError(429), StatusError(429, {"Retry-After": "1"})]
)
def test_what_fails_in_passing_is_tried_once_more(workspace: Workspace, llm: LLMServer, fault: StatusError) -> None:
    llm.behaviour = Turns(fault, two_claims)
    answer = ask(workspace)
    assert (answer["mode"], answer["degraded"], len(llm.requests), answer["usage"]["calls"]) == ("llm", None, 2, 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_would_fail_again_is_not_tried_again(workspace: Workspace, llm: LLMServer, status: int) -> None:
    llm.behaviour = Turns(StatusError(status), two_claims)
    assert ask(workspace)["mode"] == "extractive"
    assert len(llm.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "120"},
        {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"},
        {"retry-after-ms": "90000"},
        {"Retry-After": "1" * 400},
    ],
    ids=["seconds", "date", "milliseconds", "for ever"],
)
def test_a_wait_that_is_too_long_is_not_waited(workspace: Workspace, llm: LLMServer, headers: dict[str, str]) -> None:
    llm.behaviour = Turns(StatusError(429, headers), two_claims)
    began = time.monotonic()
    answer = ask(workspace)
    assert time.monotonic() - began < 5
    assert (answer["degraded"]["reason"].split(":")[0], len(llm.requests)) == ("rate_limited", 1)


def test_a_wait_that_fits_is_kept(workspace: Workspace, llm: LLMServer) -> None:
    llm.behaviour = Turns(StatusError(429, {"Retry-After": "2"}), two_claims)
    answer = ask(workspace)
    assert answer["mode"] == "llm"
    assert answer["timings_ms"]["write"] >= 2000


def test_no_answer_takes_more_calls_than_are_set(writer: Writer, llm: LLMServer) -> None:
    llm.behaviour = StatusError(500)
    for calls, expected in ((1, 1), (2, 2), (5, 2)):
        llm.requests.clear()
        ask(writer(llm_calls=calls))
        assert len(llm.requests) == expected


def test_another_model_takes_over(writer: Writer, llm: LLMServer) -> None:
    llm.behaviour = Turns(StatusError(401), two_claims)
    answer = ask(writer(fallbacks="openai/second"))
    assert (answer["mode"], answer["model"]) == ("llm", "openai/second")
    assert [request.body["model"] for request in llm.requests] == ["test", "second"]


@pytest.mark.parametrize("reply", ["I think that they widen it.", "END", "", '{"answer": 42}'])
def test_another_model_takes_over_from_one_that_does_not_keep_to_the_form(
    writer: Writer, llm: LLMServer, reply: str
) -> None:
    llm.behaviour = Turns(reply, two_claims)
    answer = ask(writer(fallbacks="openai/second"))
    assert (answer["mode"], answer["model"], answer["status"]) == ("llm", "openai/second", "answered")
    assert [request.body["model"] for request in llm.requests] == ["test", "second"]


def test_no_model_is_asked_twice_for_the_form_nor_more_than_calls_allow(writer: Writer, llm: LLMServer) -> None:
    llm.behaviour = Turns("I think that they widen it.")
    for calls, asked in ((1, ["test"]), (9, ["test", "second"])):
        llm.requests.clear()
        answer = ask(writer(fallbacks="openai/second", llm_calls=calls))
        assert answer["degraded"]["reason"].startswith("bad_reply")
        assert [request.body["model"] for request in llm.requests] == asked


def test_a_reply_that_has_begun_is_not_asked_for_again(workspace: Workspace, llm: LLMServer) -> None:
    llm.behaviour = Reset(lambda body: two_claims(body).removesuffix("END"))
    answer = ask(workspace)
    assert answer["status"] == "partial"
    assert len(answer["claims"]) == 2
    assert len(llm.requests) == 1


def test_a_model_that_keeps_failing_is_left_alone_for_a_while(writer: Writer, llm: LLMServer) -> None:
    workspace = writer(llm_calls=1, k=1)
    workspace.breaker = Breaker(limit=2, rest=1.0)
    llm.behaviour = StatusError(500)
    for _ in range(2):
        ask(workspace, LISTINGS)
    answer = ask(workspace, LISTINGS)
    assert (answer["degraded"]["reason"].split(":")[0], len(llm.requests)) == ("resting", 2)
    assert answer["timings_ms"]["write"] < 300
    time.sleep(1.0)
    llm.reply_with(one_claim(f"There are {TOTAL}.", TOTAL, TOTAL))
    assert ask(workspace, LISTINGS)["mode"] == "llm"


def test_who_leaves_ends_the_call_within_two_seconds(workspace: Workspace, llm: LLMServer) -> None:
    llm.reply_with(one_claim(f"There are {TOTAL}.", TOTAL, TOTAL))
    ask(workspace, LISTINGS)  # all is loaded then
    llm.behaviour = Hang()
    left = threading.Event()
    threading.Timer(1.0, left.set).start()
    began = time.monotonic()
    with pytest.raises(LLMError, match="left"):
        answer_question(workspace, AskRequest(REASONS), left.is_set)
    assert time.monotonic() - began < 4
    assert llm.closed_early.wait(20)  # the server notices late on a machine that is busy


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_client_that_closes_its_connection_ends_the_call(workspace: Workspace, llm: LLMServer, accept: str) -> None:
    llm.behaviour = Hang()
    server = open_server(create_app(workspace), "127.0.0.1", 0)
    threading.Thread(target=server.run, daemon=True).start()
    body = json.dumps({"question": REASONS}).encode()
    head = f"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(server.socket.getsockname()) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until = time.monotonic() + 20
        while not llm.requests and time.monotonic() < until:
            time.sleep(0.05)
        assert llm.requests
        assert not llm.closed_early.is_set()
    assert llm.closed_early.wait(3)  # seen by the fake server up to a second later
    server.close()


def test_a_silent_server_is_left_at_the_deadline_and_the_connection_is_closed(writer: Writer, llm: LLMServer) -> None:
    llm.behaviour = Hang()
    assert ask(writer(llm_timeout=1))["degraded"]["reason"].startswith("timeout")
    assert llm.closed_early.wait(2)


# Replies that are none


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        pytest.param(StatusError(400, code="content_filter"), "refused", id="refused by a filter"),
        pytest.param(Finished(lambda body: "", "content_filter"), "refused", id="stopped by a filter"),
        pytest.param(Finished(lambda body: "", "length"), "length", id="nothing but length"),
        pytest.param(Raw(b'{"choices": [{"mess'), None, id="half JSON"),
        pytest.param(Raw(b"<html><h1>Bad gateway</h1>", "text/html"), None, id="HTML"),
        pytest.param(Raw(b""), None, id="nothing at all"),
        pytest.param(Text("I'm sorry, but I cannot help with that."), "bad_reply", id="a refusal"),
        pytest.param(Text("QUOTE p1: never a claim\n" * 50), "bad_reply", id="quotes without claims"),
        pytest.param(Text('{"claims": [{"text": "half'), "bad_reply", id="JSON instead of the form"),
        pytest.param(Drip(b": keep-alive\n\n", 0.1), "timeout", id="keep-alive only"),
    ],
)
def test_a_reply_that_is_none_is_replaced_by_quotes_in_time(
    writer: Writer, llm: LLMServer, behaviour: Any, reason: str | None
) -> None:
    llm.behaviour = behaviour
    answer = ask(writer(llm_timeout=2, k=2), LISTINGS)
    assert (answer["mode"], answer["status"]) == ("extractive", "answered")
    assert reason is None or answer["degraded"]["reason"].split(":")[0] == reason
    assert len(llm.requests) <= 2
    assert answer["timings_ms"]["write"] < 3000
    assert KEY not in json.dumps(answer)


def test_a_reply_cut_off_at_its_longest_is_partial(workspace: Workspace, llm: LLMServer) -> None:
    llm.behaviour = Finished(lambda body: two_claims(body).removesuffix("END"), "length")
    answer = ask(workspace)
    assert (answer["status"], answer["degraded"]["reason"].split(":")[0]) == ("partial", "length")
    assert len(answer["citations"]) == 2


def test_ten_thousand_claims_are_cut_and_partial(workspace: Workspace, llm: LLMServer) -> None:
    llm.behaviour = Text("".join(f"CLAIM: Number {n} is so.\n" for n in range(10_000)) + "END", cut=4000)
    began = time.monotonic()
    answer = ask(workspace)
    assert time.monotonic() - began < 20
    assert (answer["status"], answer["degraded"]["reason"].split(":")[0]) == ("partial", "too_long")
    assert len(answer["claims"]) == 60


def test_an_answer_of_as_many_claims_as_may_be_is_whole(workspace: Workspace, llm: LLMServer) -> None:
    llm.behaviour = Text("".join(f"CLAIM: Number {n} is so.\n" for n in range(60)) + "END", cut=4000)
    answer = ask(workspace)
    assert len(answer["claims"]) == 60
    assert answer["degraded"] is None, "nothing was cut off"


# Context


def test_passages_that_do_not_fit_are_dropped_from_the_end_and_it_is_said(writer: Writer, llm: LLMServer) -> None:
    llm.reply_with(two_claims)
    whole = ask(writer())
    llm.requests.clear()
    answer = ask(writer(context_tokens=2600, max_tokens=300))
    shown = list(passages_of(llm.requests[0].body).values())
    assert 0 < len(shown) < len(whole["passages"])
    assert shown == [passage["text"] for passage in answer["passages"]][: len(shown)]
    assert any("left out" in note for note in answer["notes"])


def test_a_context_that_is_too_long_all_the_same_is_halved_once(workspace: Workspace, llm: LLMServer) -> None:
    llm.behaviour = Turns(StatusError(400, code="context_length_exceeded"), "CLAIM: It is so.\nEND")
    answer = ask(workspace)
    first, second = (passages_of(request.body) for request in llm.requests)
    assert len(second) == len(first) // 2
    assert answer["mode"] == "llm"
    assert any("left out" in note for note in answer["notes"])


# Verdicts and repair


def test_a_claim_with_another_number_than_its_quote_is_contradicted(workspace: Workspace, llm: LLMServer) -> None:
    llm.reply_with(one_claim(f"There are {TOTAL.replace('17', '18')}.", TOTAL, TOTAL))
    claim = ask(workspace, LISTINGS)["claims"][0]
    assert (claim["verdict"], claim["citations"]) == ("contradicted", [1])
    assert "18" in claim["reason"]


def test_a_claim_in_the_words_of_its_source_is_supported(workspace: Workspace, llm: LLMServer) -> None:
    llm.reply_with(one_claim(RESPONSIBLE.replace("Officials further maintain that ", "") + ".", RESPONSIBLE, RESPONSIBLE))
    [claim] = ask(workspace)["claims"]
    assert claim["verdict"] == "unchecked"  # what officials maintain is not what is
    llm.reply_with(one_claim(RESPONSIBLE + ".", RESPONSIBLE, RESPONSIBLE))
    [claim] = ask(workspace)["claims"]
    assert (claim["verdict"], claim["repair"]) == ("supported", None)


def test_a_claim_whose_quote_is_wrong_gets_the_sentence_that_says_it(workspace: Workspace, llm: LLMServer) -> None:
    llm.reply_with(one_claim(RESPONSIBLE + ".", "conducts its programme with great responsibility", RESPONSIBLE))
    answer = ask(workspace)
    [claim] = answer["claims"]
    assert (claim["verdict"], claim["citations"], len(llm.requests)) == ("supported", [1], 1)
    assert claim["repair"] == {"tried": ["search"], "by": "search", "before": RESPONSIBLE + "."}
    assert claim["rejected"][0]["reason"]
    assert RESPONSIBLE.split()[-1] in answer["citations"][0]["quote"]


def mends(quote: str, claim: str = "They widen the asymmetry.") -> Any:
    """Answer a request for repair, for claim 1."""

    def reply(body: Body) -> str:
        return f'CLAIM 1: {claim}\nQUOTE {holder(body, ASYMMETRY)}: "{quote}"\nEND'

    return reply


def test_the_model_is_asked_once_more_with_the_failures_named(workspace: Workspace, llm: LLMServer) -> None:
    wrong = one_claim("They widen the gap.", ASYMMETRY.replace("widen", "broaden"))
    llm.behaviour = Turns(wrong, mends(ASYMMETRY))
    answer = ask(workspace)
    [claim] = answer["claims"]
    assert (answer["text"], claim["citations"]) == ("They widen the asymmetry. [1]", [1])
    assert claim["repair"] == {"tried": ["search", "model"], "by": "model", "before": "They widen the gap."}
    assert len(claim["rejected"]) == 1
    named = llm.requests[1].body["messages"][-1]["content"]
    assert "They widen the gap." in named
    assert "broaden" in named
    assert answer["usage"]["calls"] == 2


@pytest.mark.parametrize(
    "again", [mends("the sanctions broaden the asymmetry"), "END", "NO EVIDENCE\nEND", "Sorry!", StatusError(500)]
)
def test_what_stays_unproven_is_marked_and_says_what_was_tried(workspace: Workspace, llm: LLMServer, again: Any) -> None:
    llm.behaviour = Turns(one_claim("They widen the gap.", "the sanctions broaden the asymmetry"), again)
    answer = ask(workspace)
    [claim] = answer["claims"]
    assert (claim["text"], claim["verdict"], claim["repair"]["by"]) == ("They widen the gap.", "unsupported", None)
    assert claim["repair"]["tried"] == ["search", "model"]
    assert len(llm.requests) == 2


def test_with_one_call_the_model_is_not_asked_again(writer: Writer, llm: LLMServer) -> None:
    llm.reply_with("CLAIM: They widen the gap.\nEND")
    [claim] = ask(writer(llm_calls=1))["claims"]
    assert (claim["repair"]["tried"], len(llm.requests)) == (["search"], 1)


def test_only_what_is_supported_is_shown_when_that_is_asked_for(writer: Writer, llm: LLMServer) -> None:
    def mixed(body: Body) -> str:
        label = holder(body, RESPONSIBLE)
        return quoting([("The moon is a cheese.", []), (RESPONSIBLE + ".", [(label, RESPONSIBLE)])])

    llm.reply_with(mixed)
    answer = ask(writer(llm_calls=1), only_supported=True)
    assert answer["text"] == f"{RESPONSIBLE}. [1]"
    assert [(one["text"], one["verdict"]) for one in answer["left_out"]] == [("The moon is a cheese.", "unsupported")]
    llm.reply_with("CLAIM: The moon is a cheese.\nEND")
    answer = ask(writer(llm_calls=1), only_supported=True)
    assert (answer["status"], answer["claims"], answer["citations"]) == ("no_evidence", [], [])
    assert "cheese" not in answer["text"]


def test_the_llm_judges_when_it_is_set_to(writer: Writer, llm: LLMServer) -> None:
    for said, verdict in (("1: SUPPORTED", "supported"), ("1: **Contradicted**.", "contradicted"), ("No idea", "unchecked")):
        llm.requests.clear()
        llm.behaviour = Turns(one_claim("They make one side stronger.", ASYMMETRY), said)
        [claim] = ask(writer(judge="llm"))["claims"]
        assert (claim["verdict"], len(llm.requests)) == (verdict, 2)
        assert ASYMMETRY in " ".join(llm.requests[1].body["messages"][-1]["content"].split())


def test_an_nli_model_judges_when_one_is_set(writer: Writer, llm: LLMServer, nli_model: Path) -> None:
    llm.reply_with(one_claim("They make one side stronger.", ASYMMETRY))
    [claim] = ask(writer(judge=str(nli_model), llm_calls=1))["claims"]
    assert claim["verdict"] == "unchecked"  # its weights are random: it is sure of nothing
    assert "without being sure" in claim["reason"] or "nothing against it" in claim["reason"]
    assert 1 / 3 <= claim["score"] <= 1


def test_the_price_of_a_call_is_in_the_answer_where_it_is_known(writer: Writer, llm: LLMServer) -> None:
    llm.reply_with(two_claims)
    assert ask(writer(model="openai/gpt-4o-mini"))["usage"]["cost_usd"] > 0
    assert "cost_usd" not in ask(writer(model=MODEL))["usage"]
