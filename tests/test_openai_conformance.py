"""200 requests of many kinds: each is answered as OpenAI's own types have it, or refused in OpenAI's words."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.completion_usage import CompletionUsage
from serving import serving

from qa.config import Settings
from qa.workspace import Workspace

QUESTIONS = [
    "How many listings are there?",
    "Who won in 1970?",
    "پابندیاں کیا ہیں؟",
    "Why?",
    "x",
    "<b>*Why* [1]</b> was 🙂 it?",
]
# field → values that are served, values that are refused; None leaves the field out
FIELDS: dict[str, tuple[list[Any], list[Any]]] = {
    "n": ([None, 1], [0, 2, "1", 1.5]),
    "temperature": ([None, 0, 0.7, 2], [-1, 2.1, "hot"]),
    "top_p": ([None, 0, 1], [1.1, []]),
    "max_tokens": ([None, 1, 40, 4000], [0, -5, "9"]),
    "max_completion_tokens": ([None, 7, 100], [0, True]),
    "stop": ([None, "x", ["a", "b"]], [3, [4]]),
    "tools": ([None, [], [{"type": "function", "function": {"name": "f"}}]], ["f", [7]]),
    "tool_choice": ([None, "auto", "none"], ["required", {"type": "function", "function": {"name": "f"}}]),
    "response_format": ([None, {"type": "text"}], [{"type": "json_object"}, "text", {}]),
    "logprobs": ([None, False], [True, 1]),
    "modalities": ([None, ["text"]], [["audio"], "text"]),
    "user": ([None, "ada"], []),
    "seed": ([None, 7], []),
    "metadata": ([None, {"a": "b"}], []),
    "reasoning_effort": ([None, "low"], []),
    "store": ([None, True], []),
}
PREFIXES = ["", "/openwebui", "/links"]


def bodies() -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield 200 bodies, always the same, each with whether it is to be served."""
    rng = random.Random(7)
    refusals = [(name, value) for name, (_, wrong) in FIELDS.items() for value in wrong]
    for i in range(200):
        body: dict[str, Any] = {"model": rng.choice(["citable-qa", "default"]), "messages": conversation(rng)}
        for name, (right, _) in FIELDS.items():
            if rng.random() < 0.4 and (value := rng.choice(right)) is not None:
                body[name] = value
        if rng.random() < 0.5:
            body["stream"] = rng.random() < 0.8
        if body.get("stream") and rng.random() < 0.5:
            body["stream_options"] = {"include_usage": rng.random() < 0.7}
        if i % 5 == 4:
            name, value = refusals[(i // 5) % len(refusals)]
            body[name] = value
        yield body, i % 5 != 4


def conversation(rng: random.Random) -> list[dict[str, Any]]:
    """Make a conversation that ends with a question."""
    said: list[dict[str, Any]] = [{"role": rng.choice(["system", "developer"]), "content": "Be brief."}] * rng.randint(0, 1)
    for _ in range(rng.randint(0, 2)):
        said += [
            {"role": "user", "content": rng.choice(QUESTIONS)},
            {"role": "assistant", "content": rng.choice(["", "So.", None])},
        ]
    question: Any = rng.choice(QUESTIONS)
    return [*said, {"role": "user", "content": [{"type": "text", "text": question}] if rng.random() < 0.3 else question}]


@pytest.fixture(scope="module")
def address(indexed_corpus: Path, tmp_path_factory: Any, embedder: Any, reader_model: Any) -> Iterator[str]:
    """The address of a server over the sample corpus."""
    workspace = Workspace(Settings(data=shutil.copytree(indexed_corpus, tmp_path_factory.mktemp("served") / ".qa"), k=1))
    workspace.__dict__.update(embedder=embedder, reader_model=reader_model)
    with serving(workspace) as found:
        yield found


def check_stream(body: dict[str, Any], text: str) -> None:
    *events, done, end = text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    chunks = [ChatCompletionChunk.model_validate_json(event.removeprefix("data: "), strict=True) for event in events]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert reasons in (["stop"], ["length"])
    wants_usage = (body.get("stream_options") or {}).get("include_usage", False)
    assert [bool(chunk.usage) for chunk in chunks if chunk.usage] == [True] * wants_usage
    assert all(("usage" in json.loads(event.removeprefix("data: "))) == wants_usage for event in events)


def check_completion(body: dict[str, Any], found: dict[str, Any]) -> None:
    completion = ChatCompletion.model_validate(found, strict=True)
    (choice,) = completion.choices
    assert (choice.index, choice.message.role, completion.model) == (0, "assistant", body["model"])
    assert isinstance(completion.usage, CompletionUsage)
    for annotation in choice.message.annotations or []:
        cited = annotation.url_citation
        assert choice.message.content is not None
        assert choice.message.content[cited.start_index : cited.end_index].startswith("[")


def check_refusal(response: httpx.Response) -> None:
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"].split(".")[0].split("[")[0] in FIELDS


@pytest.mark.parametrize("part", range(10))
def test_requests_are_answered_as_openais_types_have_it_or_refused(address: str, part: int) -> None:
    with httpx.Client(timeout=120) as client:
        for i, (body, is_served) in itertools.islice(enumerate(bodies()), part * 20, part * 20 + 20):
            response = client.post(f"{address}{PREFIXES[i % 3]}/v1/chat/completions", json=body)
            if not is_served:
                check_refusal(response)
            elif body.get("stream"):
                assert response.status_code == 200, response.text
                check_stream(body, response.text)
            else:
                assert response.status_code == 200, response.text
                check_completion(body, response.json())
