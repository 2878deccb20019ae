"""What chat clients ask behind their users' backs: titles, tags, follow-ups. Answered here, without a search or an LLM.

Open WebUI and LibreChat send these to the same model as the questions. As questions they would find nothing, and a chat
would be called "The documents do not answer this".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import shorten

from qa.web.openai_bodies import ChatBody

_LONGEST_TITLE = 60  # characters
_OPEN_WEBUI = re.compile(r"\s*(?:# User Request\s+)?### Task:")
_FORM = re.compile(r'\{\s*"(title|tags|follow_ups|queries|prompt|text)"\s*:')  # of the JSON that is asked for
_TOOLS = re.compile(r'\s*Available Tools:.*"tool_calls"', re.DOTALL)
_LIBRECHAT = re.compile(
    r"\s*(?:(?:please )?(?:generate|provide|write) (?:a|in) concise,? 5-word-or-less title for the conversation"
    r"|analyze this conversation and provide:\s+1\. the detected language)",
    re.IGNORECASE,
)
_SPEAKER = r"^[^\w\n]{0,9}(?:%s)\b[^\w\n]{0,3}:"  # "USER:", or "||>User:"
_QUESTION = re.compile(
    rf"{_SPEAKER % 'USER'}(.*?)(?={_SPEAKER % 'ASSISTANT|AI|RESPONSE|USER'}|</chat_history>|\Z)", re.I | re.M | re.S
)
_HISTORY = "<chat_history>"
_LOOKED_AT = 8_000  # characters of a chat


@dataclass(frozen=True, slots=True)
class Task:
    """A task. kind: the key of the JSON that is asked for, "" for plain text; questions: those shown of the chat."""

    kind: str
    questions: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The first question, "" where none is known."""
        return self.questions[0] if self.questions else ""


def task_of(body: ChatBody) -> Task | None:
    """Return the task that a request is, or None for a question."""
    texts = [message.text for message in body.messages if message.role != "assistant"]
    last = texts[-1] if texts else ""
    head, _, _ = last.partition(_HISTORY)
    form = _FORM.search(head) if _OPEN_WEBUI.match(last) else None
    if form:
        return Task(form[1], _questions(last, body))
    if any(_TOOLS.match(text) for text in texts):
        return Task("tool_calls")
    return Task("", _questions(last, body)) if _LIBRECHAT.match(last) else None


def carry_out(task: Task, title: str, suggestions: Iterable[str]) -> str:
    """Return the reply to a task. title: for a chat whose question is not known; suggestions: questions to go on with."""
    named = shorten(task.asked, _LONGEST_TITLE, placeholder="…") or title
    known = {question.casefold() for question in task.questions}
    others = [one for one in suggestions if one.casefold() not in known]
    replies = {
        "title": named,
        "tags": ["General"],
        "follow_ups": others[:3],
        "queries": [],
        "prompt": task.asked,
        "text": "",
        "tool_calls": [],
    }
    return json.dumps({task.kind: replies[task.kind]}, ensure_ascii=False) if task.kind else named


def _questions(text: str, body: ChatBody) -> tuple[str, ...]:
    """Return the questions of the chat that a task shows, or of the messages before it."""
    _, _, history = text.partition(_HISTORY)
    found = _QUESTION.findall((history or text)[:_LOOKED_AT])
    if found:
        return tuple(" ".join(one.split()).strip('"') for one in found)
    return tuple(" ".join(one.text.split()) for one in body.messages if one.role == "user" and one.text != text)
