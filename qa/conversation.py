"""Follow-up questions → questions that stand alone: by the LLM when there is one, else by a simple rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from index.lexical import question_words
from qa.errors import LLMError
from qa.facts import tokens_of
from qa.prompts import as_data, build_messages, load_prompt
from qa.upstream import Upstream

_TURNS = 3  # earlier questions that the model is shown
_ANSWER_SHOWN = 600  # characters of each answer
_POINTING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|hers?|this|that|these|those|there|then|one|ones|former|latter|"
    r"same|such|else|other|others|instead|too|also)\b",
    re.IGNORECASE,
)
_GOING_ON = re.compile(
    r"^(?:and|but|or|so|also|what about|how about|why|why not|how so|when|where|who|since when|how many|how much|really)\b"
    r"(?=[^\w]|$|(?:\W+\w+){0,3}\W*$)",
    re.IGNORECASE,
)
_FEW = 2  # content words; a question of so few that names nobody leans on what came before


def is_follow_up(question: str) -> bool:
    """Say whether a question leans on what came before: it points back, goes on, or names too little to search for."""
    words = [token for token in tokens_of(question) if token.key and token.kind != "negation"]
    bare = len(words) <= _FEW and not any(token.kind in ("name", "number") for token in words)
    return bare or _POINTING.search(question) is not None or _GOING_ON.search(question) is not None


def join_rule(question: str, earlier: str) -> str:
    """Return the question with the words of the earlier one that it lacks, in brackets behind it."""
    own = set(question_words(question))
    lacking = [word for word in re.findall(r"[^\W_]+(?:[-'’.][^\W_]+)*", earlier) if not set(question_words(word)) & own]
    said = [word for word in lacking if len(word) > 1 and tokens_of(word)[0].key]
    return f"{question} ({' '.join(dict.fromkeys(said))})" if said else question


def stand_alone(
    question: str, turns: Sequence[Mapping[str, Any]], upstream: Upstream | None, prompts: Path | None, longest: int
) -> str:
    """Return the question as it is to be searched for.

    turns: earlier answers of the conversation, oldest first. Without `upstream`, or when it fails, the rule decides.
    Raises LLMError "gone" when the asker has left.
    """
    if not turns or not is_follow_up(question):
        return question
    if upstream is not None and upstream.budget.calls_left > 1:  # one is needed for the answer
        rewritten = _ask(question, turns[-_TURNS:], upstream, prompts)
        if rewritten and len(rewritten) <= longest:
            return rewritten
    return join_rule(question, str(turns[-1]["searched_for"]))[:longest]


def _ask(question: str, turns: Sequence[Mapping[str, Any]], upstream: Upstream, prompts: Path | None) -> str:
    shown = [{"question": as_data(turn["searched_for"]), "answer": as_data(turn["text"][:_ANSWER_SHOWN])} for turn in turns]
    try:
        reply = upstream.text(build_messages(load_prompt("rewrite", prompts), {}, question=question, turns=shown))
    except LLMError as error:
        if error.reason == "gone":
            raise
        return ""
    lines = [line.strip().strip('"“”') for line in reply.splitlines() if line.strip()]
    # several lines are something else than a question
    return " ".join(lines[0].removeprefix("Last question:").split()) if len(lines) == 1 else ""
