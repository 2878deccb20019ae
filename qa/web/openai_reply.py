"""An answer as OpenAI's chat completion: its own fields, those of other vendors that clients read, and our answer object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qa.profiles import Profile
from qa.web.openai_bodies import ChatBody
from qa.web.openai_text import Content, Json, Said, absolute, cut_to, escape_quote, title_of, whole_content

EXTENSION = "citable_qa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a chat completion says. created: seconds since 1970; further: top-level fields that are not OpenAI's.

    cited: the citations whose markers are in the content.
    """

    id: str
    created: int
    model: str
    content: str
    finish_reason: str = "stop"
    annotations: Sequence[Json] = ()
    cited: Sequence[Json] = ()
    usage: Mapping[str, int] = field(default_factory=lambda: _usage({}))
    further: Mapping[str, Any] = field(default_factory=dict)


def reply_of(answer: Json, body: ChatBody, profile: Profile, base: str) -> Reply:
    """Return an answer as a profile puts it. base: the address that links begin with."""
    said = cut_to(Said(answer["text"], answer["claims"]), body.most_tokens)
    content = whole_content(answer, said, profile, base)
    cited = cited_in(content, answer["citations"])
    return Reply(
        id=completion_id(answer["id"]),
        created=seconds_of(answer["created_at"]),
        model=body.model,
        content=content.text,
        finish_reason="length" if said.is_cut or answer["status"] == "partial" else "stop",
        annotations=annotations_of(content, cited, base) if profile.annotations else (),
        cited=cited,
        usage=_usage(answer["usage"]),
        further=_further(answer, cited, profile, base),
    )


def completion_of(reply: Reply) -> dict[str, Any]:
    """Return the body of a completion that is not streamed."""
    message = {"role": "assistant", "content": reply.content, "refusal": None, "annotations": list(reply.annotations)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    head = {"id": reply.id, "object": "chat.completion", "created": reply.created, "model": reply.model}
    return {**head, "choices": [choice], "usage": dict(reply.usage), **reply.further}


def annotations_of(content: Content, citations: Sequence[Json], base: str) -> list[dict[str, Any]]:
    """Return an annotation for each marker: start_index and end_index, in code points, are the marker's own."""
    by_number = {citation["n"]: citation for citation in citations}
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": marker.start,
                "end_index": marker.end,
                "url": absolute(by_number[marker.n]["url"], base),
                "title": title_of(by_number[marker.n]),
            },
        }
        for marker in content.markers
    ]


def cited_in(content: Content, citations: Sequence[Json]) -> list[Json]:
    """Return the citations whose markers are in a text."""
    shown = {marker.n for marker in content.markers}
    return [citation for citation in citations if citation["n"] in shown]


def source_of(citation: Json, base: str) -> dict[str, Any]:
    """Return a citation as Open WebUI's source.

    Its chips are numbered by distinct `metadata.source`: the place is one per quote, the document's name would not be. A
    link there would be shown instead of the title, and the reader's browser would ask Google for an icon of it. Nor are
    there `distances`: their "relevance" in red or green would be taken for a verdict.
    """
    url, title = absolute(citation["url"], base), title_of(citation)
    where = f"{citation['document_id']}:{citation['start']}-{citation['end']}"  # as `qa show` takes it
    return {
        "source": {"id": where, "name": title, "url": url},
        "document": [escape_quote(citation["quote"])],
        "metadata": [{"source": where, "name": title, "url": url}],
    }


def completion_id(name: str) -> str:
    """Return the id of a completion."""
    return f"chatcmpl-{name}"


def seconds_of(moment: str) -> int:
    """Return an ISO 8601 time as seconds since 1970."""
    return int(datetime.fromisoformat(moment).timestamp())


def _further(answer: Json, cited: Sequence[Json], profile: Profile, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if profile.annotations:
        found["citations"] = [absolute(one["url"], base) for one in cited]
        found["search_results"] = [
            {"title": title_of(one), "url": absolute(one["url"], base), "snippet": one["quote"]} for one in cited
        ]
    if profile.sources:
        found["sources"] = [source_of(one, base) for one in cited]
    linked = {
        kind: [{**one, "url": absolute(one["url"], base)} for one in answer[kind]] for kind in ("citations", "passages")
    }
    return {**found, EXTENSION: {**answer, **linked}}


def _usage(usage: Mapping[str, float]) -> dict[str, int]:
    """Return the tokens that the LLM took; none where none was asked."""
    prompt, completion = (int(usage.get(name, 0)) for name in ("prompt_tokens", "completion_tokens"))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
