"""Small changes to a question or a sentence that change what it says: another name or number, the opposite word, a "not"."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_NAME_OR_NUMBER = re.compile(r"(?<=\w )(?:[A-Z][\w-]+(?: [A-Z][\w-]+)*|\d[\d,.]*\d|\d)")
_AUXILIARY = re.compile(r"\b(?:is|was|are|were|did|does|do|can|could|will|would|has|have|had|should|may|must)\b(?! not)")
_OPPOSITES = """
first last|most least|more fewer|more less|largest smallest|larger smaller|large small|biggest smallest|highest lowest
higher lower|high low|longest shortest|longer shorter|long short|oldest youngest|older newer|old new|earliest latest
earlier later|early late|before after|begin end|began ended|beginning ending|start stop|started stopped|start finish
increase decrease|increased decreased|increases decreases|increasing decreasing|rise fall|rose fell|grow shrink
gain lose|won lost|win lose|victory defeat|north south|northern southern|east west|eastern western|inside outside
internal external|above below|over under|upper lower|left right|major minor|good bad|better worse|best worst
positive negative|strong weak|stronger weaker|rich poor|public private|male female|men women|man woman|accept reject
accepted rejected|support oppose|supported opposed|supports opposes|agree disagree|agreed disagreed|allow forbid
allowed forbidden|permitted prohibited|include exclude|included excluded|include omit|open close|opened closed
build destroy|built destroyed|create abolish|created abolished|established dissolved|founded dissolved|join leave
joined left|enter leave|entered left|buy sell|bought sold|arrive depart|arrived departed|add remove|added removed
legal illegal|common rare|commonly rarely|often rarely|always never|usually rarely|hot cold|warm cool|fast slow
faster slower|easy difficult|simple complex|safe dangerous|effective ineffective|necessary unnecessary|likely unlikely
possible impossible|successful unsuccessful|similar different|same different|majority minority|ancient modern
import export|domestic foreign|urban rural|liberal conservative|friend enemy|allies enemies|birth death|born died
life death|parent child|cause prevent|caused prevented|causes prevents|help hinder|helps hinders|helped hindered
improve worsen|improved worsened|improves worsens|reduce raise|reduced raised|reduces raises|success failure
maximum minimum|advantage disadvantage|advantages disadvantages|benefits harms|benefit harm|enabled disabled
enable disable|required optional|lead follow|led followed|attack defend|attacked defended|peace war|present absent
without with
"""


def _both_ways() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in _OPPOSITES.replace("|", "\n").split("\n"):
        one, _, other = pair.partition(" ")
        if other:
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
    return found


OPPOSITE = _both_ways()
_OPPOSED = re.compile(rf"\b(?:{'|'.join(sorted(OPPOSITE, key=len, reverse=True))})\b")


def names_of(text: str) -> list[str]:
    """Return the names and numbers of a text, but for one that it begins with."""
    return _NAME_OR_NUMBER.findall(text)


def other_name(text: str, others: Sequence[str], rng: random.Random) -> str:
    """Put one of other names or numbers, of the same kind, in the place of one of the text's; "" where none fits."""
    own = names_of(text)
    if not own:
        return ""
    old = rng.choice(own)
    fitting = [name for name in others if name[0].isdigit() == old[0].isdigit() and name.lower() not in text.lower()]
    return text.replace(old, rng.choice(fitting), 1) if fitting else ""


def opposite(text: str, rng: random.Random) -> str:
    """Put the opposite in the place of one word; "" where no word has one."""
    found = list(_OPPOSED.finditer(text))
    if not found:
        return ""
    one = rng.choice(found)
    return f"{text[: one.start()]}{rng.choice(OPPOSITE[one.group()])}{text[one.end() :]}"


def negated(text: str) -> str:
    """Put "not" behind the first auxiliary, or take a "not" away; "" where there is neither."""
    if " not " in text:
        return text.replace(" not ", " ", 1)
    found = _AUXILIARY.search(text)
    return f"{text[: found.end()]} not{text[found.end() :]}" if found else ""
