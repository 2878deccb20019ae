"""The words that tell who speaks: names of states, their offices, verbs of saying. General knowledge, kept short."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Each line is one actor: every name stands for all the others.
_ACTORS = """
pakistan pakistani islamabad rawalpindi
us u.s usa america american americans washington
india indian delhi
china chinese beijing
russia russian moscow kremlin
britain british uk london
france french paris
germany german berlin
iran iranian tehran
israel israeli jerusalem
ukraine ukrainian kyiv kiev
japan japanese tokyo
turkey turkish türkiye ankara
eu european brussels
afghanistan afghan kabul
bangladesh bangladeshi dhaka
nepal nepali kathmandu
australia australian canberra
canada canadian ottawa
brazil brazilian brasilia brasília
egypt egyptian cairo
syria syrian damascus
iraq iraqi baghdad
belarus belarusian minsk
poland polish warsaw
italy italian rome
spain spanish madrid
taiwan taiwanese taipei
vietnam vietnamese hanoi
indonesia indonesian jakarta
"""

ALIASES: dict[str, frozenset[str]] = {
    name: frozenset(line.split()) for line in _ACTORS.strip().splitlines() for name in line.split()
}

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")


# Whoever these are "in" or "to" does not speak.
_ABROAD = frozenset("embassy embassies ambassador ambassadors envoy envoys consulate mission delegation".split())

PRONOUNS = frozenset("it he she they".split())
# Those who speak for whoever is spoken of.
OFFICES = frozenset(
    (
        "spokesperson spokesman spokeswoman ministry ministers minister office fo official officials government statement "
    ).split()
)
# A subject that carries on whoever spoke in the sentence before.
CARRIES_ON = PRONOUNS | OFFICES | frozenset("its his her their".split())

# Subjects that speak for themselves, whoever is named before them.
OTHERS = frozenset(
    "some many others most several few critics analysts observers experts commentators opponents people".split()
)

# "In Ankara's view", "by Moscow's account".
VIEW_NOUNS = frozenset("view views reading eyes opinion judgement judgment account telling words".split())

# What stands before a noun or a participle, "the claims" or "a perceived decline", and hardly before a verb.
DETERMINERS = frozenset("a an the its their his other".split())
# What stands before "states" where those are countries.
STATES_AFTER = frozenset("united member other all these both many some most several gulf arab baltic".split())

# Forms of verbs of saying, the plain one first.
_FORMS = """
say said says saying|answer answered answers|tell told tells|write wrote writes|state stated states|claim claimed claims
argue argued argues arguing|maintain maintained maintains
contend contended contends|assert asserted asserts|insist insisted insists|reject rejected rejects rejecting
object objected objects|oppose opposed opposes|call called calls|describe described describes|consider considered considers
regard regarded regards|view viewed views|see saw sees|believe believed believes|think thought thinks|fear feared fears
warn warned warns|respond responded responds|react reacted reacts|reply replied replies|criticise criticised criticises
criticize criticized criticizes|condemn condemned condemns|complain complained complains|justify justified justifies
explain explained explains|defend defended defends|deny denied denies|accuse accused accuses|express expressed expresses
allege alleged alleges|perceive perceived perceives|note noted notes|stress stressed stresses|emphasise emphasised emphasises
emphasize emphasized emphasizes|declare declared declares|announce announced announces|affirm affirmed affirms
dismiss dismissed dismisses|denounce denounced denounces|point pointed points|add added adds|cite cited cites
term termed terms|label labelled labels|deem deemed deems|hold held holds|suggest suggested suggests
protest protested protests
"""

_VERBS = [forms.split() for forms in re.split(r"[|\n]", _FORMS.strip())]
SAYING = frozenset(form for forms in _VERBS for form in forms)

# Those by which somebody refuses something, and gives no reason yet.
_REFUSE = frozenset("reject object oppose dismiss deny condemn denounce protest criticise criticize".split())
REFUSING = frozenset(form for forms in _VERBS if forms[0] in _REFUSE for form in forms)


def plain_words(text: str) -> list[str]:
    """Return the words of a text in lower case without possessive endings; the pronoun "us" is no name of a state."""
    words = (re.sub(r"['’]s$", "", word) for word in _WORD.findall(text))
    return ["me" if word == "us" else word.lower() for word in words]


def actors_among(words: Sequence[str]) -> list[str]:
    """Return the names of actors among the words of a text, but for "Washington" in "its embassy in Washington"."""
    return [word for i, word in enumerate(words) if word in ALIASES and not _is_where(words[max(0, i - 3) : i])]


def _is_where(before: Sequence[str]) -> bool:
    *_, post, preposition = ["", "", *(word for word in before if word != "the")]
    return preposition in ("in", "to") and post in _ABROAD
