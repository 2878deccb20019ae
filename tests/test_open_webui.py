"""What Open WebUI 0.12.4 sends, as it was recorded, and what its page makes of the reply (Citations.svelte, CitationModal.svelte)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import serving
from test_openai_chat import marked_words, squeeze

from qa.config import Settings
from qa.workspace import Workspace

Json = dict[str, Any]
HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer any",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br",
    "User-Agent": "Python/3.11 aiohttp/3.14.5",
}
REASONS = "What reasons does Pakistan give for rejecting the sanctions?"
# two of the thirty that it offers to every model
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_current_timestamp",
            "description": "Get the current Unix timestamp in seconds.",
            "parameters": {"properties": {}, "type": "object"},
        },
    },
    {
        "type": "function",
        "function": {
            "name": "search_knowledge_bases",
            "description": "Search the user's accessible knowledge bases by name and description.",
            "parameters": {
                "properties": {"query": {"description": "The search query", "type": "string"}},
                "required": ["query"],
                "type": "object",
            },
        },
    },
]
TASKS = {
    "title": (
        "### Task:\nGenerate a concise title summarizing the chat history.\n### Guidelines:\n- Keep it short: 2-4 words is "
        'best.\n### Output:\nJSON format: { "title": "your concise title here" }\n### Examples:\n- { "title": "Stock Trends" },\n'
        f"### Chat History:\n<chat_history>\nUSER: {REASONS}\nASSISTANT: \n</chat_history>"
    ),
    "follow_ups": (
        "### Task:\nPredict 3-5 useful messages this user might naturally send next to advance their current objective.\n"
        "### Guidelines:\n- Write from the user's point of view, directed to the assistant.\n### Output:\nJSON format: "
        '{ "follow_ups": ["Suggested next message 1", "Suggested next message 2", "Suggested next message 3"] }\n'
        f"### Chat History:\n<chat_history>\nUSER: {REASONS}\nASSISTANT: So [1].\n</chat_history>"
    ),
    "tags": (
        "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history, along with 1-3 more specific "
        'subtopic tags.\n\n### Output:\nJSON format: { "tags": ["tag1", "tag2", "tag3"] }\n\n'
        f"### Chat History:\n<chat_history>\nUSER: {REASONS}\nASSISTANT: So [1].\n</chat_history>"
    ),
}


@pytest.fixture(scope="module")
def address(indexed_corpus: Path, tmp_path_factory: Any, embedder: Any, reader_model: Any) -> Iterator[str]:
    """The address of a server over the sample corpus."""
    workspace = Workspace(Settings(data=shutil.copytree(indexed_corpus, tmp_path_factory.mktemp("served") / ".qa"), k=3))
    workspace.__dict__.update(embedder=embedder, reader_model=reader_model)
    with serving(workspace) as found:
        yield found


def send(address: str, body: Json) -> str:
    response = httpx.post(f"{address}/openwebui/v1/chat/completions", headers=HEADERS, json=body, timeout=120)
    assert response.status_code == 200, response.text
    return response.text


def shown_sources(chunks: list[Json]) -> list[Json]:
    """Return what its page lists: sources with the same `metadata.source` are one, and one that is an address is named by it."""
    found: dict[str, Json] = {}
    for data in (chunk["event"]["data"] for chunk in chunks if "event" in chunk):
        for i, document in enumerate(data["document"]):
            metadata, source = data["metadata"][i], data["source"]
            where = metadata["source"]
            is_address = where.startswith(("http://", "https://"))
            name = where if is_address else metadata["name"]
            one = found.setdefault(where, {"name": name, "url": where if is_address else source["url"], "documents": []})
            one["documents"].append(document)
            one["relevance"] = data.get("distances")
    return list(found.values())


def test_its_page_lists_each_citation_by_title_with_its_quote_and_the_link_that_opens_it(address: str) -> None:
    body = {"stream": True, "model": "citable-qa", "messages": [{"role": "user", "content": REASONS}], "tools": TOOLS}
    *events, done, _ = send(address, body).split("\n\n")
    assert done == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events if event.startswith("data: ")]
    citations, sources = chunks[-1]["citable_qa"]["citations"], shown_sources(chunks)
    assert len(citations) > len({citation["document_id"] for citation in citations})  # two passages of one document
    assert len(sources) == len(citations)
    for source, citation in zip(sources, citations, strict=True):
        assert source["name"].startswith(citation["title"])
        assert [squeeze(document) for document in source["documents"]] == [squeeze(citation["quote"])]
        assert squeeze(marked_words(source["url"])) == squeeze(citation["quote"])


def test_its_page_has_nothing_to_ask_others_for_and_no_relevance_to_show(address: str) -> None:
    body = {"stream": True, "model": "citable-qa", "messages": [{"role": "user", "content": REASONS}], "tools": TOOLS}
    chunks = [json.loads(event[6:]) for event in send(address, body).split("\n\n") if event.startswith("data: {")]
    sources = shown_sources(chunks)
    assert sources
    assert not [source for source in sources if source["name"].startswith("http")]  # Google would be asked for its icon
    assert [source["relevance"] for source in sources] == [None] * len(sources)


@pytest.mark.parametrize("kind", TASKS)
def test_its_tasks_are_carried_out_without_a_search(address: str, kind: str) -> None:
    limit = {"max_tokens": 1000} if kind == "title" else {}
    body = {"model": "citable-qa", "messages": [{"role": "user", "content": TASKS[kind]}], "stream": False, **limit}
    completion = json.loads(send(address, body))
    assert "citable_qa" not in completion
    assert list(json.loads(completion["choices"][0]["message"]["content"])) == [kind]
