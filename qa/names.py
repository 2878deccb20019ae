"""Names: under which other forms one may stand. Bavarian is Bavaria's, RRV is in "RRV-specific", IAEA has its words.

English rules. They only ever say that a name may be there: whether it is the one that is meant they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from index.lexical import word_stem
from qa.facts import Token, name_key
from qa.reading.actors import ALIASES

# The disease and its virus, as keys of names and words: whoever writes about one often names the other only.
_SAME_ILLNESS = frozenset({"covid", "covid19", "sarscov2", "ncov", word_stem("coronavirus")})
# Places and their people where no ending makes the one of the other.
_PEOPLES = """
alps alpine|argentina argentine|belgium belgian|catalonia catalan|congo congolese|cyprus cypriot|czechia czech|denmark danish
dane|england english|finland finnish finn|flanders flemish|france french|greece greek|iceland icelandic|ireland irish
|kurdistan kurdish kurd|lebanon lebanese|malta maltese|myanmar burma burmese|netherlands holland dutch|norway norwegian
|peru peruvian|philippines philippine filipino|poland polish pole|portugal portuguese|scotland scottish scots|serbia serb
|slovakia slovak|spain spanish|sweden swedish swede|switzerland swiss|thailand thai|turkey turkish|wales welsh
"""
_OF_PEOPLE = ("n", "an", "ian", "ean", "ish", "es")  # stems have lost the last letter of Japanese
_AT_THE_END = ("", "a", "i", "ia", "o")  # of a place whose people lose it: China, Italy, Mexico
_SHORTEST_PLACE = 4  # letters: Romans are not Rome's Romanians
_MOST_PARTS = 6
_SHOUTED = 6  # letters: from here on a word in capitals is taken for emphasis
_SHOUTED_WORDS = frozenset("yes may all only very must never stop now high low some most many more less good bad".split())
_COMMON = frozenset("some many most all every each both yes according data".split())  # capitalised in mid-sentence too
_HYPHEN = re.compile(r"[-‑]")


def _irregular() -> dict[str, frozenset[str]]:
    groups = [frozenset(map(word_stem, group.split())) for group in _PEOPLES.split("|")]
    return {stem: group for group in groups for stem in group}


_IRREGULAR = _irregular()


def name_forms(token: Token) -> frozenset[str]:
    """Return every stem under which a name may stand: Islamabad for Pakistan, Irish for Ireland, a virus for its disease."""
    return _forms(token.key, token.shown.lower())


@lru_cache(maxsize=4096)
def _forms(key: str, shown: str) -> frozenset[str]:
    aliases = ALIASES.get(shown) or ALIASES.get(key, frozenset())
    same = _SAME_ILLNESS if key in _SAME_ILLNESS else frozenset()
    peoples = _IRREGULAR.get(key) or frozenset(_derived(key))
    return frozenset({key, *same, *peoples, *(word_stem(alias) for alias in aliases)}) - {"us"}  # the pronoun's key


def _derived(key: str) -> Iterator[str]:
    """Yield what a place's people, or a people's place, would be called by the usual endings."""
    if not key.isalpha():
        return
    for place in {key, key[:-1]} if key[-1:] in ("a", "i", "o", "e") else {key}:
        if len(place) >= _SHORTEST_PLACE:
            yield from (place + ending for ending in ("", *_OF_PEOPLE))
    for ending in _OF_PEOPLE:
        place = key.removesuffix(ending)
        if place != key and len(place) >= _SHORTEST_PLACE:
            yield from (place + last for last in _AT_THE_END)


def parts_of(tokens: Iterable[Token]) -> Iterator[str]:
    """Yield the keys of names in hyphenated words: of HIV-1 and HIV in "HIV-1-positive"."""
    for token in tokens:
        parts = _HYPHEN.split(token.shown)
        if 1 < len(parts) <= _MOST_PARTS:
            spans = ((low, high) for low in range(len(parts)) for high in range(low + 1, len(parts) + 1))
            yield from (_key(parts[low:high]) for low, high in spans)


def core_of(token: Token) -> str:
    """Return the key of what is a name in a hyphenated one: of PCR in "PCR-based". "" where it is one as a whole."""
    parts = _HYPHEN.split(token.shown)
    named = [part for part in parts if not (part.islower() and len(part) > 1)]
    return _key(named) if len(named) < len(parts) else ""


def _key(parts: list[str]) -> str:
    name = "-".join(parts)
    return name_key(name.lower()) if any(map(str.isdigit, name)) else word_stem(name)


def is_surely_name(token: Token, text: str) -> bool:
    """Say whether a capitalised word of a text is a name: not in a headline, no word in emphatic capitals."""
    if any(map(str.isdigit, token.shown)):
        return True
    if token.shown.isupper() and (len(token.shown) >= _SHOUTED or token.shown.lower() in _SHOUTED_WORDS):
        return False
    words = [word for word in re.findall(r"[^\W\d_]{4,}", text)[1:] if word.lower() != token.shown.lower()]
    capitals = sum(word[0].isupper() for word in words)
    return token.shown.lower() not in _COMMON and (len(words) < 3 or capitals <= len(words) * 2 // 3)


def is_spelled_out(acronym: str, text: str) -> bool:
    """Say whether words in the text have the letters of a short name as their initials: MTCR, IAEA."""
    if not 3 <= len(acronym) <= 8 or not acronym.isalpha():
        return False
    return (
        re.search(r"\b" + r"\w*[\s-]+(?:(?:of|and|for|the|on)\s+)*".join(acronym) + r"\w", text, re.IGNORECASE) is not None
    )
