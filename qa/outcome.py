"""What came of a question, for whoever counts: metrics and traces. It is told once, when the question is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from index.clock import Clock
from qa.errors import LLMError
from qa.records import Answer, Status

_LOG = logging.getLogger("qa.outcome")


@dataclass(frozen=True, slots=True)
class Call:
    """A call to an LLM that is over. result: "ok", "closed" where we ended it, or the reason of its LLMError.

    tokens and cost are 0 where the provider does not say.
    """

    model: str
    result: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclass
class Outcome:
    """What came of a question or a search. answer: None where there was none; `ended` then says why.

    calls: to LLMs, in order. unknown_ids: quotes of the LLM's that name a passage it was not shown.
    """

    kind: Literal["question", "search"]
    clock: Clock
    wanted: Literal["llm", "extractive"] = "extractive"
    answer: Answer | None = None
    ended: Status | Literal["gone", "llm_failed", "failed", ""] = ""
    calls: Sequence[Call] = field(default_factory=list)
    unknown_ids: int = 0


Listener = Callable[[Outcome], None]


@contextmanager
def told(listeners: Sequence[Listener], outcome: Outcome) -> Iterator[Outcome]:
    """Tell the listeners what came of what is done within, whether it ends, fails, or nobody waits for it any more."""
    try:
        yield outcome
        outcome.ended = outcome.answer.status if outcome.answer else ""
    except GeneratorExit:
        outcome.ended = "gone"
        raise
    except LLMError as error:
        outcome.ended = "gone" if error.reason == "gone" else "llm_failed"
        raise
    except BaseException:
        outcome.ended = "failed"
        raise
    finally:
        for listener in listeners:
            _tell(listener, outcome)


def _tell(listener: Listener, outcome: Outcome) -> None:
    try:
        listener(outcome)
    except Exception as error:  # what counts answers must cost none
        _LOG.error("an answer could not be counted (%s)", type(error).__name__)
