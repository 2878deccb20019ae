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
from qa.records import Turn
from qa.reply import clean_claim, has_link
from qa.upstream import Upstream

_SHARE = 1 / 3  # of the time that is left, for the rewriting
_TURNS = 3  # earlier questions that the model is shown
_ANSWER_SHOWN = 600  # characters of each answer
_GOING_ON = re.compile(
    r"^\W*(?:(?:and|but|or|so|also|then|what about|how about|why not|how so|since when)\b(?! far\b)|really\W*$)",
    re.IGNORECASE,
)
_PERSONAL = r"it|its|they|them|their|theirs|he|him|his|she|her|hers"
_IDLE_IT = r"it\s+(?:takes?|took|taken|possible|mean(?:s|t)? to|called|known|that)"  # stands for nothing
_FUNCTION = r"is|are|was|were|be|been|has|have|had|did|do|does|will|would|can|could|in|on|at|for|to|by|with|from|of"
# What stands for something said before. "that" only where it is no conjunction, "there" where it is a place.
_POINTING = re.compile(
    rf"\b(?!{_IDLE_IT}\b)(?:{_PERSONAL})\b"
    rf"|\b(?:this|these|those)\b(?=\W*$|\s+(?:{_FUNCTION})\b)(?!\s+of\b)"
    r"|\bthat(?=\W*$)|(?<=^why )is that\b|\b(?:does|did) this\b"
    r"|\b(?:does|did|about|after|before|since|like) that\b(?!\s+(?:of|which)\b)"
    r"|[它他她]",
    re.IGNORECASE,
)
# The same in words that are more often something else: they count in a question without a name.
_POINTING_OFTEN = re.compile(
    r"\b(?:this|these)\s+\w|\b(?:is|are|was|were|do|in|of) those\s+(?!who|which|that)\w|\bthe latter\b|^\W*which ones?\b"
    r"|\b(?:ones?|others?|else|instead|too|same|former|then|next|(?<!is )(?<!are )(?<!was )(?<!were )there)\W*$",
    re.IGNORECASE,
)
# At a question's end a pronoun stands for something said before, whatever is named: "What did Bor say about it?"
_AT_END = re.compile(
    r"(?<!\bdo )(?<!\bdid )(?<!\bdoes )\b(?:it|them|him|her|this|that|these|those)\W*$"
    r"|\bthe (?:first|second|third|fourth|last|other|next|previous) ones?\b"
    r"|^\W*(?:(?:please )?(?:tell me|say|explain|give me) (?:more|further|details)|more details|go on|continue|elaborate"
    r"|(?:can|could) you (?:explain|elaborate)|explain|(?:what|who|where|anything|anyone) else|for example|such as)\b"
    r"[^?.]{0,20}\W*$",
    re.IGNORECASE,
)
_OF_ITS_OWN = re.compile(
    r"\b(?:the|an?)\s+(?!others?\b|latter\b|former\b|ones?\b|same\b)\w", re.IGNORECASE
)  # a thing that the question itself brings up
_HOW = re.compile(r"^\W*how (?:many|much|long|often|far|old|tall|high|big|large|wide|deep|fast)\b", re.IGNORECASE)
_WHAT_IS = re.compile(r"^\W*what(?: is|['’]s| are)\b(?! the\b)", re.IGNORECASE)
_ENOUGH = 2  # content words of a question that can be searched for as it is
_SORRY = re.compile(r"^\W*(?:sorry\b|i (?:can|am|cannot|will|do)\b|i['’]m\b|as an ai\b|unfortunately\b)", re.IGNORECASE)
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"  # scripts without spaces


def is_follow_up(question: str) -> bool:
    """Say whether a question leans on what came before: it goes on, points at what it does not name, or names too little."""
    if _GOING_ON.search(question) or _AT_END.search(question):
        return True
    pointing = _POINTING.search(question)
    if pointing and not _names_something(question[: pointing.start()]):
        return True
    if _has_name(question):
        return False
    often = _POINTING_OFTEN.search(question)
    return bool(often and not _names_something(question[: often.start()])) or _names_too_little(question)


def _names_something(before: str) -> bool:
    """Say whether a pronoun behind these words may stand for something in them: "Which city is" has nothing, "the" has."""
    return _has_name(before) or _OF_ITS_OWN.search(before) is not None


def _has_name(text: str) -> bool:
    return any(token.kind in ("name", "number") for token in tokens_of(text))


def _names_too_little(question: str) -> bool:
    words = [token for token in tokens_of(_HOW.sub("", question)) if token.key and token.kind != "negation"]
    return len(words) < (1 if _WHAT_IS.search(question) else _ENOUGH) and not re.search(_UNSPACED + "{5}", question)


def join_rule(question: str, earlier: str) -> str:
    """Return the question with the words of the earlier one that it lacks, in brackets behind it."""
    own = set(question_words(question))
    lacking = [word for word in re.findall(r"[^\W_]+(?:[-'’.][^\W_]+)*", earlier) if not set(question_words(word)) & own]
    said = [word for word in lacking if len(word) > 1 and tokens_of(word)[0].key]
    return f"{question} ({' '.join(dict.fromkeys(said))})" if said else question


def turns_of(earlier: Sequence[Turn], longest: int) -> list[dict[str, str]]:
    """Return turns that the asker keeps as if they were stored answers: each question stands alone, by the rule.

    longest: characters of a question.
    """
    turns: list[dict[str, str]] = []
    for turn in earlier:
        question = " ".join(turn.question.split())[:longest]
        turns.append({"searched_for": stand_alone(question, turns, None, None, longest), "text": turn.answer})
    return turns


def stand_alone(
    question: str, turns: Sequence[Mapping[str, Any]], upstream: Upstream | None, prompts: Path | None, longest: int
) -> str:
    """Return the question as it is to be searched for.

    turns: earlier answers of the conversation, oldest first. Without `upstream`, or when it fails, the rule decides.
    Raises LLMError "gone" when the asker has left.
    """
    if not turns or not is_follow_up(question):
        return question
    if upstream is not None and upstream.budget.can_spare(_SHARE):
        rewritten = _ask(question, turns[-_TURNS:], upstream, prompts)
        if rewritten and len(rewritten) <= longest:
            return rewritten
    return join_rule(question, str(turns[-1]["searched_for"]))[:longest]


def _ask(question: str, turns: Sequence[Mapping[str, Any]], upstream: Upstream, prompts: Path | None) -> str:
    """Return the model's rewriting; "" when there is none, or it is something else than a question of this conversation."""
    shown = [{"question": as_data(turn["searched_for"]), "answer": as_data(turn["text"][:_ANSWER_SHOWN])} for turn in turns]
    messages = build_messages(load_prompt("rewrite", prompts), {}, question=question, turns=shown)
    try:
        reply = upstream.aside(messages, _SHARE)
    except LLMError as error:
        if error.reason == "gone":
            raise
        return ""
    said = " ".join([question, *(f"{turn['searched_for']} {turn['text'][:_ANSWER_SHOWN]}" for turn in turns)])
    return _question_in(reply, question, said)


def _question_in(reply: str, question: str, said: str) -> str:
    """Return the question that a reply consists of; "" for a refusal, for more than a question, for words of elsewhere."""
    lines = [line.strip().strip('"“”') for line in reply.splitlines() if line.strip()]
    if len(lines) != 1 or has_link(lines[0]):
        return ""
    found = clean_claim(lines[0].removeprefix("Last question:").replace("*", "").replace("`", ""))
    words, own, known = (_content(text) for text in (found, question, said))
    # Of what was said it takes at least half its words, and what the question itself was about it keeps.
    of_here = bool(words) and 2 * len(words & known) >= len(words) and (not own or bool(words & own))
    return found if of_here and not _SORRY.search(found) else ""


def _content(text: str) -> set[str]:
    return {
        token.key for token in tokens_of(re.sub(f"({_UNSPACED})", r" \1 ", text)) if token.key and token.kind != "negation"
    }
