"""An answer as OpenAI's chunks: each claim is sent when it is checked, and nothing that is sent is taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from flask import json

from qa.profiles import Profile
from qa.web.openai_bodies import ChatBody
from qa.web.openai_reply import Reply, cited_in, completion_id, reply_of, source_of
from qa.web.openai_text import Json, Said, body_of, cut_to, end_of
from qa.web.problems import problem

_DONE = "data: [DONE]\n\n"


class ChunkWriter:
    """Writes the chunks of one completion."""

    def __init__(self, identifier: str, created: int, body: ChatBody) -> None:
        self._head = {"id": identifier, "object": "chat.completion.chunk", "created": created, "model": body.model}
        self._wants_usage = body.wants_usage

    def opening(self) -> str:
        """Write the chunk that comes first."""
        return self._delta({"role": "assistant", "content": "", "refusal": None})

    def text(self, text: str) -> str:
        """Write a piece of the content; nothing for no text."""
        return self._delta({"content": text}) if text else ""

    def event(self, event: Json) -> str:
        """Write an event of Open WebUI's."""
        return self._chunk([], {"event": event})

    def closing(self, reply: Reply) -> str:
        """Write all that follows the content."""
        annotations = self._delta({"annotations": list(reply.annotations)}) if reply.annotations else ""
        ended = self._delta({}, reply.finish_reason, reply.further)
        usage = _data({**self._head, "choices": [], "usage": dict(reply.usage)}) if self._wants_usage else ""
        return annotations + ended + usage + _DONE

    def _delta(self, delta: Json, finish_reason: str | None = None, further: Mapping[str, Any] | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk([choice], further or {})

    def _chunk(self, choices: list[Json], further: Mapping[str, Any]) -> str:
        usage = {"usage": None} if self._wants_usage else {}  # as OpenAI has it, in all chunks but the last
        return _data({**self._head, "choices": choices, **usage, **further})


class ChatStream:
    """Turns the events of an answer into chunks (a qa.web.stream.Encode).

    Claims that nothing bears out may still be mended or marked at the end, and numbers of citations may change with them.
    So from the first claim with a verdict in `held` on, everything waits for the whole answer.
    """

    def __init__(self, body: ChatBody, profile: Profile, base: str, created: int, held: Collection[str]) -> None:
        self._body, self._profile, self._base, self._created, self._held = body, profile, base, created, held
        self._writer = ChunkWriter("", created, body)
        self._text = ""
        self._claims: list[Json] = []
        self._citations: list[Json] = []
        self._waits = False
        self._sent = ""
        self._sources_sent = 0

    def __call__(self, name: str, data: Any) -> str:
        """Return the chunks that an event gives rise to, "" for none."""
        if name == "meta":
            self._writer = ChunkWriter(completion_id(data["id"]), self._created, self._body)
            return self._writer.opening()
        if name == "text":
            self._text += data["text"]
        elif name == "citation":
            self._citations.append(data)
        elif name == "claim":
            return self._on_claim(data)
        elif name == "done":
            return self._on_done(data)
        elif name == "error":
            return error_events(data)
        return ""

    def _on_claim(self, claim: Json) -> str:
        self._waits = self._waits or claim["verdict"] in self._held
        if self._waits:
            return ""
        self._claims.append(claim)
        said = cut_to(Said(self._text[: end_of(claim, self._text)], self._claims), self._body.most_tokens)
        content = body_of(said, self._citations, self._profile, self._base)
        return self._send(content.text, cited_in(content, self._citations))

    def _on_done(self, answer: Json) -> str:
        reply = reply_of(answer, self._body, self._profile, self._base)
        if not reply.content.startswith(self._sent):
            return error_events(problem(500, "unexpected", "The answer changed while it was sent.", "ask again"))
        return self._send(reply.content, reply.cited) + self._writer.closing(reply)

    def _send(self, content: str, cited: Sequence[Json]) -> str:
        """Write what is new of the content, the sources of its markers before it."""
        events = [
            self._writer.event({"type": "source", "data": source_of(one, self._base)}) for one in cited[self._sources_sent :]
        ]
        self._sources_sent = len(cited)
        fresh, self._sent = content[len(self._sent) :], content
        return "".join(events if self._profile.sources else ()) + self._writer.text(fresh)


def at_once(reply: Reply, body: ChatBody) -> Iterator[str]:
    """Yield the chunks of a reply that is complete."""
    writer = ChunkWriter(reply.id, reply.created, body)
    yield writer.opening()
    yield writer.text(reply.content)
    yield writer.closing(reply)


def error_events(found: Json) -> str:
    """Write a fault: clients stop with the message, and know that nothing follows."""
    return _data({"error": {**found["error"], "request_id": found["request_id"]}}) + _DONE


def _data(data: Json) -> str:
    return f"data: {json.dumps(data)}\n\n"
