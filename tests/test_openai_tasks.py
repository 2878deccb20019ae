"""What chat clients ask behind their users' backs is answered without a search, and no question is taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import CORPUS, ROOT
from flask.testing import FlaskClient
from llm_server import LLMServer
from test_written_answers import Writer, writer

from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

__all__ = ["writer"]  # the fixture, as pytest finds it

QUESTION = "How many listings are there in connection with Pakistan's missile programme?"
CHAT = f"<chat_history>\nUSER: {QUESTION}\nASSISTANT: Seventeen [1].\nUSER: And in 2023?\nASSISTANT: None.\n</chat_history>"
# Open WebUI's own, shortened where they go on
TASKS = {
    "title": 'Generate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Output:\nJSON format: { "title": "your concise title here" }',
    "tags": 'Generate 1-3 broad tags categorizing the main themes of the chat history.\n### Output:\nJSON format: { "tags": ["tag1", "tag2"] }',
    "follow_ups": 'Suggest 3-5 relevant follow-up questions or prompts.\n### Output:\nJSON format: { "follow_ups": ["Question 1?", "Question 2?"] }',
    "queries": 'Analyze the chat history to determine the necessity of generating search queries.\n### Output:\n{\n  "queries": ["query1"]\n}',
    "prompt": 'Generate a detailed prompt for an image generation task.\n### Output:\n{ "prompt": "Your detailed description here." }',
    "text": 'You are an autocompletion system.\n### **Output Rules**:\n- Respond only in JSON format: `{ "text": "<your_completion>" }`.\n### Context:',
}
LIBRECHAT = (
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions. Only return the title "
    f"itself.\n\nConversation:\nUser: {QUESTION}\nAI: Seventeen."
)


def send(client: FlaskClient, *messages: str, path: str = "/v1/chat/completions", **fields: Any) -> dict[str, Any]:
    """Send messages of the user's, and return the completion."""
    said = [{"role": "user", "content": message} for message in messages]
    response = client.post(path, json={"model": "citable-qa", "messages": said, **fields})
    assert response.status_code == 200, response.get_data(as_text=True)
    return dict(response.get_json())


def reply(client: FlaskClient, *messages: str, **fields: Any) -> str:
    return str(send(client, *messages, **fields)["choices"][0]["message"]["content"])


@pytest.fixture
def asked(writer: Writer, llm: LLMServer) -> Any:
    """A client of a server whose LLM must not be asked."""
    yield create_app(writer()).test_client()
    assert llm.requests == []


@pytest.mark.parametrize("opening", ["### Task:\n", "# User Request\n\n### Task:\n"])
@pytest.mark.parametrize("kind", TASKS)
def test_a_task_of_open_webui_gets_the_json_that_it_asks_for(asked: FlaskClient, kind: str, opening: str) -> None:
    completion = send(asked, f"{opening}{TASKS[kind]}\n{CHAT}", path="/openwebui/v1/chat/completions")
    assert "citable_qa" not in completion
    found = json.loads(completion["choices"][0]["message"]["content"])
    assert list(found) == [kind]
    if kind == "title":
        assert found["title"] == "How many listings are there in connection with Pakistan's…"
    if kind == "follow_ups":
        assert found["follow_ups"]
        assert QUESTION not in found["follow_ups"]


def test_follow_ups_repeat_no_question_of_the_chat_and_speak_its_language(asked: FlaskClient) -> None:
    def follow_ups(*questions: str) -> list[str]:
        chat = "\n".join(f"USER: {question}\nASSISTANT: So." for question in questions)
        task = f"### Task:\n{TASKS['follow_ups']}\n### Chat History:\n<chat_history>\n{chat}\n</chat_history>"
        return list(json.loads(reply(asked, task))["follow_ups"])

    first = follow_ups("What is the MTCR?")
    assert first
    assert all(question.isascii() for question in first)
    assert first[0] not in follow_ups("What is the MTCR?", first[0], "And then?")
    urdu = follow_ups("پاکستان پابندیوں کو کیوں مسترد کرتا ہے؟")
    assert urdu
    assert not any(question.isascii() for question in urdu)


def test_follow_ups_are_of_the_collection_that_is_asked(corpus: Workspace) -> None:
    index_paths(corpus.of_collection("fruit"), [CORPUS / "apricots-of-gilgit.md"], root=ROOT)
    client, task = create_app(corpus).test_client(), f"### Task:\n{TASKS['follow_ups']}\n{CHAT}"
    assert json.loads(reply(client, task, model="default"))["follow_ups"]
    assert json.loads(reply(client, task, model="fruit"))["follow_ups"] == []


@pytest.mark.parametrize(
    "task",
    [
        LIBRECHAT,
        "Please generate a concise, 5-word-or-less title for the conversation, using its same language.\n\n"
        f'||>User:\n"{QUESTION}"\n||>Response:\n"Seventeen."',
        f"Analyze this conversation and provide:\n1. The detected language of the conversation\n\nUser: {QUESTION}\nAI: x",
    ],
)
def test_a_chat_of_librechat_is_named_after_its_first_question(asked: FlaskClient, task: str) -> None:
    assert reply(asked, task) == "How many listings are there in connection with Pakistan's…"


def test_a_title_is_made_of_the_messages_where_the_task_does_not_show_them(asked: FlaskClient) -> None:
    assert reply(asked, "Why so?", LIBRECHAT.partition("\n\n")[0]) == "Why so?"
    assert reply(asked, LIBRECHAT.partition("\n\n")[0]) == "New chat"


def test_a_question_which_tool_to_call_gets_none(asked: FlaskClient) -> None:
    tools = 'Available Tools: [{"name": "f"}]\nReturn only the JSON object: { "tool_calls": [] }'
    messages = [{"role": "system", "content": tools}, {"role": "user", "content": f"Query: {QUESTION}"}]
    response = asked.post("/v1/chat/completions", json={"model": "citable-qa", "messages": messages})
    assert json.loads(response.get_json()["choices"][0]["message"]["content"]) == {"tool_calls": []}


def test_a_task_is_streamed_where_that_is_asked_for(asked: FlaskClient) -> None:
    body = {"model": "citable-qa", "stream": True, "messages": [{"role": "user", "content": LIBRECHAT}]}
    events = asked.post("/v1/chat/completions", json=body).get_data(as_text=True).split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    said = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert said.startswith("How many listings")
    assert events[-2:] == ["data: [DONE]", ""]


def test_a_task_is_not_kept_among_the_answers(asked: FlaskClient) -> None:
    reply(asked, LIBRECHAT)
    assert "5-word-or-less" not in asked.get("/history").get_data(as_text=True)


@pytest.mark.parametrize(
    "question",
    [
        "What title does the briefing have?",
        "### Task:\nRespond to the user query using the provided context, incorporating inline citations in the format [id].\n"
        "### Output:\nProvide a clear and direct response to the user's query.\n<context></context>\nHow many listings?",
        "Which tags categorize the main themes of the chat history?",
        "Was a concise title for the conversation of 2023 agreed on?",
    ],
)
def test_a_question_that_only_looks_like_a_task_is_answered(client: FlaskClient, question: str) -> None:
    assert send(client, question)["citable_qa"]["question"] == " ".join(question.split())


@pytest.mark.timeout(20)
def test_a_long_task_is_read_in_no_time(asked: FlaskClient) -> None:
    for filler in ("\n" * 200_000, "USER:\n" * 50_000, "{ " * 200_000, " " * 400_000):
        reply(asked, f"### Task:\n{filler}{TASKS['title']}\n<chat_history>{filler}")
