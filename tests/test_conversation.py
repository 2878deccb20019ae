"""Follow-up questions, stored conversations, and stored answers checked against today's documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from llm_server import Hang, LLMServer, StatusError, Turns
from test_written_answers import REASONS, Writer, ask, two_claims, writer

from qa.conversation import is_follow_up, join_rule
from qa.errors import NotFound
from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

__all__ = ["writer"]

BRIDGE = "The bridge of Ava was built in 1907. It is of stone and 40 metres long."


@pytest.mark.parametrize(
    "question",
    [
        "When was it built?",
        "And India?",
        "What about the others?",
        "Why?",
        "How many were there?",
        "Who said that?",
        "And then?",
        "When did he visit India?",
        "Which city is it in?",
        "How many people did they kill?",
        "What does that mean for India?",
        "Did this affect India?",
        "What did the others say about them?",
        "Which one is longer?",
        "How many were harmed?",
        "Who lives there?",
        "What else?",
        "How did their leader respond to Pakistan?",
        "What is its length in metres?",
        "But why did the council refuse the plan?",
        "How about the tower of Bor?",
        "How many of those were men?",
        "它是什么？",
    ],
)
def test_a_question_that_leans_on_what_came_before_is_told(question):
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "What reasons does Pakistan give for rejecting the sanctions?",
        "How long is the bridge of Ava?",
        "Which missile programme is named in the executive order of 2005?",
        "Welche Brücke wurde in Wien gebaut?",
        "When was the tower of Bor built?",
        "Which of these towers is the tower of Bor?",
        "Is there a tower in Bor that is of brick?",
        "How many towers are there in Bor?",
        "What did other patients say about Zerol?",
        "Which team did Kubiak play for when he was in the final?",
        "How long does it take to boil an egg?",
        "What does chlorophyll absorb?",
        "What is photosynthesis?",
        "北京市的人口是多少？",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question):
    assert not is_follow_up(question)


def test_the_rule_adds_the_words_that_are_lacking():
    assert join_rule("When was it built?", "How long is the bridge of Ava?") == "When was it built? (long bridge Ava)"
    assert join_rule("How long is the bridge of Ava?", "How long is the bridge of Ava?") == "How long is the bridge of Ava?"


@pytest.fixture
def bridge(folder: Path, make_workspace) -> Workspace:
    for name, text in (("ava.txt", BRIDGE), ("bor.txt", "The tower of Bor is of brick. It was built in 1802.")):
        (folder / name).write_text(text)
    workspace = make_workspace(folder / ".qa")
    index_paths(workspace, [folder])
    return workspace


def test_a_follow_up_is_searched_for_with_what_it_leaves_out(bridge):
    first = ask(bridge, "How long is the bridge of Ava?")
    assert first["searched_for"] == first["question"]
    second = ask(bridge, "When was it built?", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    assert "Ava" in second["searched_for"]
    assert second["question"] == "When was it built?"
    assert "1907" in second["text"]


def test_a_conversation_of_its_own_is_begun_without_an_id(bridge):
    one, other = (ask(bridge, "How long is the bridge of Ava?") for _ in range(2))
    assert one["conversation_id"] != other["conversation_id"]
    assert [turn["id"] for turn in bridge.history.conversation(one["conversation_id"])] == [one["id"]]
    assert bridge.history.last_conversation() == other["conversation_id"]


def test_an_unknown_conversation_is_refused(bridge):
    with pytest.raises(NotFound, match="no conversation"):
        ask(bridge, "When was it built?", conversation_id="c-unheard-of")


def test_history_of_before_conversations_can_be_added_to(bridge):
    answer = ask(bridge, "How long is the bridge of Ava?")
    from contextlib import closing

    from index.sqlite import Database

    with closing(Database(bridge.settings.data / "history.db")) as db, db.transaction():
        db.run("DROP TABLE turns")
        db.run("PRAGMA user_version = 0")
    assert bridge.history.last_conversation() == ""
    assert bridge.history.get(answer["id"]) == answer
    again = ask(bridge, "How long is the bridge of Ava?")
    assert bridge.history.last_conversation() == again["conversation_id"]


def test_the_llm_rewrites_where_there_is_one(writer: Writer, llm: LLMServer) -> None:
    workspace = writer(llm_calls=3)
    llm.reply_with(two_claims)
    first = ask(workspace)
    llm.requests.clear()
    rewritten = "What reasons does India give for rejecting the sanctions?"
    llm.behaviour = Turns(f'"{rewritten}"\n', "NO EVIDENCE\nEND")
    answer = ask(workspace, "And India?", conversation_id=first["conversation_id"])
    assert (answer["searched_for"], answer["usage"]["calls"]) == (rewritten, 2)
    assert REASONS in llm.requests[0].body["messages"][-1]["content"]
    assert rewritten in llm.requests[1].body["messages"][-1]["content"]


@pytest.mark.parametrize(
    "reply",
    [
        StatusError(400),
        "",
        "Two\nlines",
        "x" * 5000,
        "Sorry, I can not do that.",
        "I cannot rewrite the question about the sanctions.",
        "Which other reasons ![x](https://evil.example/x.png) does Pakistan give?",
        "Which other reasons does Pakistan give, see evil.example/?q=1",
        "How do you bake a cake of apples?",
    ],
)
def test_where_the_llm_rewrites_badly_the_rule_does(writer: Writer, llm: LLMServer, reply: Any) -> None:
    workspace = writer(llm_calls=3)
    llm.reply_with(two_claims)
    first = ask(workspace)
    llm.behaviour = Turns(reply, two_claims)
    answer = ask(workspace, "And the other ones?", conversation_id=first["conversation_id"])
    assert answer["searched_for"].startswith("And the other ones? (")
    assert "Pakistan" in answer["searched_for"]


def test_a_rewritten_question_is_plain_text(writer: Writer, llm: LLMServer) -> None:
    workspace = writer(llm_calls=3)
    llm.reply_with(two_claims)
    first = ask(workspace)
    llm.behaviour = Turns("**What reasons does India give for the [new] sanctions?**", "NO EVIDENCE\nEND")
    answer = ask(workspace, "And India?", conversation_id=first["conversation_id"])
    assert answer["searched_for"] == "What reasons does India give for the (new) sanctions?"


@pytest.mark.parametrize("fault", [StatusError(500), Hang()])
def test_a_rewriting_that_fails_leaves_time_and_a_call_for_the_answer(writer: Writer, llm: LLMServer, fault: Any) -> None:
    workspace = writer(llm_timeout=6, fallbacks="openai/second")
    llm.reply_with(two_claims)
    first = ask(workspace)
    llm.requests.clear()
    llm.behaviour = Turns(fault, "CLAIM: There are others.\nEND")
    answer = ask(workspace, "And the other ones?", conversation_id=first["conversation_id"])
    assert (answer["mode"], answer["status"], answer["degraded"]) == ("llm", "answered", None)
    assert [request.body["model"] for request in llm.requests] == ["test", "test"]
    assert answer["timings_ms"]["rewrite"] < 3000


def test_no_llm_rewrites_for_a_question_that_stands_alone_or_is_only_quoted(writer: Writer, llm: LLMServer) -> None:
    workspace = writer()
    llm.reply_with(two_claims)
    first = ask(workspace)
    llm.requests.clear()
    ask(workspace, "And India?", conversation_id=first["conversation_id"], mode="extractive")
    assert llm.requests == []
    ask(workspace, REASONS, conversation_id=first["conversation_id"])
    assert len(llm.requests) == 1


def test_qa_ask_c_goes_on_with_the_last_conversation(run_qa, folder):
    (folder / "ava.txt").write_text(BRIDGE)
    assert run_qa("ask", "-c", "And then?").exit_code == 3
    run_qa("index", folder)
    run_qa("ask", "How long is the bridge of Ava?")
    result = run_qa("ask", "-c", "When was it built?")
    assert "1907" in result.stdout
    assert "searched for: When was it built? (" in result.stderr


def test_the_web_form_goes_on_with_a_conversation(bridge):
    client = create_app(bridge).test_client()
    first = client.post("/ask", data={"question": "How long is the bridge of Ava?"})
    page = client.get(first.location).text
    assert 'name="conversation_id"' in page
    conversation = bridge.history.last_conversation()
    second = client.post("/ask", data={"question": "When was it built?", "conversation_id": conversation})
    page = client.get(second.location).text
    assert "Searched for:" in page
    assert "How long is the bridge of Ava?" in page


# Stored answers against today's documents


def check(workspace: Workspace, answer: dict[str, Any]) -> Any:
    client: FlaskClient = create_app(workspace).test_client()
    found = client.get(f"/answers/{answer['id']}/verify").get_json()
    assert client.get(f"/api/answers/{answer['id']}/verify").get_json() == found
    assert client.get(f"/answers/{answer['id']}?check=1").status_code == 200
    return found


def rewritten(workspace: Workspace, folder: Path, text: str) -> None:
    (folder / "ava.txt").write_text(text)
    index_paths(workspace, [folder])


def test_a_quote_is_valid_moved_or_changed(bridge, folder):
    answer = ask(bridge, "How long is the bridge of Ava?")
    [citation] = answer["citations"]
    found = check(bridge, answer)
    assert (found["valid"], [one["status"] for one in found["citations"]]) == (True, ["valid"])

    rewritten(bridge, folder, f"A new beginning. {BRIDGE}")
    found = check(bridge, answer)
    [moved] = found["citations"]
    assert (found["valid"], moved["status"], moved["start"]) == (True, "moved", citation["start"] + 17)
    page = create_app(bridge).test_client().get(moved["url"])
    assert '<mark id="cited"' in page.text

    rewritten(bridge, folder, BRIDGE.replace("40", "41").replace("1907", "1908"))
    from qa.verify import verify_answer

    with bridge.store.view() as view:
        found = verify_answer(view, answer)  # which is not stored any more
    assert (found["valid"], [one["status"] for one in found["citations"]]) == (False, ["changed"])


def test_a_quote_that_is_cut_out_of_another_number_now_has_changed(bridge, folder):
    answer = ask(bridge, "How long is the bridge of Ava?")
    [citation] = answer["citations"]
    before, after = BRIDGE.split(citation["quote"])
    for put_before, put_after in (("No ", ""), ("", "x")):
        rewritten(bridge, folder, f"{before}{put_before}{citation['quote'].rstrip('.')}{put_after}{after}")
        assert verify_short(bridge, answer, citation["quote"].rstrip(".")) == "changed"


@pytest.mark.parametrize("put_before", ["It is false that ", "Until the flood, ", "Few believe that "])
def test_a_quote_whose_sentence_says_something_else_now_has_changed(bridge, folder, put_before: str):
    answer = ask(bridge, "How long is the bridge of Ava?")
    [citation] = answer["citations"]
    rest = citation["quote"][1:]
    rewritten(bridge, folder, BRIDGE.replace(citation["quote"], f"{put_before}t{rest}"))
    assert verify_short(bridge, answer, citation["quote"]) == "changed"


def verify_short(workspace: Workspace, answer: dict[str, Any], quote: str) -> str:
    """Return the status of the answer's citation, as if it had this quote."""
    from qa.verify import verify_answer

    citation = {**answer["citations"][0], "quote": quote, "end": answer["citations"][0]["start"] + len(quote)}
    with workspace.store.view() as view:
        [found] = verify_answer(view, {**answer, "citations": [citation]})["citations"]
    return str(found["status"])


def test_a_quote_of_a_document_that_is_not_there_is_gone(bridge):
    answer = ask(bridge, "How long is the bridge of Ava?")
    from qa.verify import verify_answer

    lost = {**answer, "citations": [{**answer["citations"][0], "document_id": "d-gone"}]}
    with bridge.store.view() as view:
        assert [one["status"] for one in verify_answer(view, lost)["citations"]] == ["gone"]


def test_an_answer_of_a_deleted_document_is_gone_itself(bridge, folder):
    answer = ask(bridge, "How long is the bridge of Ava?")
    (folder / "ava.txt").unlink()
    index_paths(bridge, [folder])
    client = create_app(bridge).test_client()
    assert client.get(f"/answers/{answer['id']}/verify").status_code == 404


def test_qa_show_verifies(run_qa, folder):
    (folder / "ava.txt").write_text(BRIDGE)
    run_qa("index", folder)
    import json

    answer = json.loads(run_qa("ask", "--json", "How long is the bridge of Ava?").stdout)
    assert json.loads(run_qa("show", answer["id"], "--verify").stdout)["valid"] is True


@pytest.mark.parametrize(
    "question",
    [
        "What did Einstein say about it?",
        "Is the second one better?",
        "Tell me more.",
        "Explain further.",
        "What else did he do?",
    ],
)
def test_a_question_that_ends_on_what_was_said_before_is_a_follow_up(question: str):
    from qa.conversation import is_follow_up

    assert is_follow_up(question)
