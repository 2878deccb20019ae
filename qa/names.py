"""Names: under which other forms one may stand. Bavarian is Bavaria's, RRV is in "RRV-specific", IAEA has its words.

English rules. They only ever say that a name may be there: whether it is the one that is meant they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from index.lexical import word_stem
from qa.facts import Token, name_key
from qa.reading.actors import ALIASES

# The disease and its virus, as keys of names and words: whoever writes about one often names the other only.
_SAME_ILLNESS = frozenset({"covid", "covid19", "sarscov2", "ncov", word_stem("coronavirus")})
# Places and their people, where `ALIASES` has none. A rule on endings would make Julia of Julian, and Niger of Nigerian.
_PEOPLES = """
africa african|albania albanian|algeria algerian|alps alpine|angola angolan|argentina argentine argentinian|armenia armenian
|asia asian|austria austrian|azerbaijan azerbaijani|bavaria bavarian|belgium belgian|bolivia bolivian|bosnia bosnian
|bulgaria bulgarian|california californian|cambodia cambodian|cameroon cameroonian|catalonia catalan|chile chilean
|colombia colombian|congo congolese|croatia croatian|cuba cuban|cyprus cypriot|czechia czech|denmark danish dane
|ecuador ecuadorian|england english|estonia estonian|ethiopia ethiopian|europe european|finland finnish finn
|flanders flemish|florida floridian|galicia galician|georgia georgian|ghana ghanaian|greece greek|haiti haitian
|hungary hungarian|iceland icelandic|ireland irish|jamaica jamaican|jordan jordanian|kashmir kashmiri|kazakhstan kazakh
|kenya kenyan|korea korean|kosovo kosovar|kurdistan kurdish kurd|kuwait kuwaiti|latvia latvian|lebanon lebanese|libya libyan
|lithuania lithuanian|malaysia malaysian|malta maltese|mexico mexican|moldova moldovan|mongolia mongolian|morocco moroccan
|mozambique mozambican|myanmar burma burmese|namibia namibian|netherlands holland dutch|nigeria nigerian|norway norwegian
|palestine palestinian|paraguay paraguayan|persia persian|peru peruvian|philippines philippine filipino|portugal portuguese
|prussia prussian|romania romanian|rwanda rwandan|saxony saxon|scandinavia scandinavian|scotland scottish scots
|senegal senegalese|serbia serbian serb|siberia siberian|sicily sicilian|singapore singaporean|slovakia slovak
|slovenia slovenian slovene|somalia somali|sudan sudanese|sweden swedish swede|switzerland swiss|tanzania tanzanian
|thailand thai|tibet tibetan|tunisia tunisian|tuscany tuscan|uganda ugandan|uruguay uruguayan|venezuela venezuelan
|wales welsh|yemen yemeni|zambia zambian|zimbabwe zimbabwean|eu union|uk kingdom|uae emirates
"""
# As addresses and forms have them: "Elyria, OH".
_STATE_CODES = (
    "alabama AL alaska AK arizona AZ arkansas AR colorado CO connecticut CT delaware DE hawaii HI idaho ID illinois IL "
    "indiana IN iowa IA kansas KS kentucky KY louisiana LA maine ME maryland MD massachusetts MA michigan MI minnesota MN "
    "mississippi MS missouri MO montana MT nebraska NE nevada NV ohio OH oklahoma OK oregon OR pennsylvania PA tennessee TN "
    "texas TX utah UT vermont VT wisconsin WI wyoming WY california CA florida FL georgia GA"
).split()
_STATES = dict(zip(_STATE_CODES[::2], _STATE_CODES[1::2], strict=True))
_MOST_PARTS = 6
# "DNA-packing" is about DNA; "GPT-4-mini" is another than GPT-4.
_TOLD_OF_IT = re.compile(r"[a-z]{2,}(?:ed|ing|ive|ic|al|ent|ant|[ai]ble|free|like|wide|led|language|born|made|style)")
# What turns a name round: "non-EU" is not of the EU, and "HIV-negative" not of HIV.
_TURNED = frozenset("non anti ex un pre post counter negative positive free approved rejected resistant".split())
_SHOUTED = 6  # letters: from here on a word in capitals is taken for emphasis
_SHOUTED_WORDS = frozenset("yes may all only very must never stop now high low some most many more less good bad".split())
_COMMON = frozenset("some many most all every each both yes according data".split())  # capitalised in mid-sentence too
_HYPHEN = re.compile(r"[-‑]")


def _of_one_place() -> dict[str, frozenset[str]]:
    groups = [frozenset(map(word_stem, group.split())) for group in _PEOPLES.split("|")]
    return {stem: group for group in groups for stem in group}


_OF_ONE_PLACE = _of_one_place()


def name_forms(token: Token) -> frozenset[str]:
    """Return every stem under which a name may stand: Islamabad for Pakistan, Irish for Ireland, a virus for its disease."""
    aliases = ALIASES.get(token.shown.lower()) or ALIASES.get(token.key, frozenset())
    same = _SAME_ILLNESS if token.key in _SAME_ILLNESS else frozenset()
    stems = {token.key, *same, *_OF_ONE_PLACE.get(token.key, ()), *(word_stem(alias) for alias in aliases)}
    return frozenset(stems - {"us"})  # the pronoun's key


def parts_of(tokens: Iterable[Token]) -> Iterator[str]:
    """Yield the keys of names in hyphenated words: of HIV-1 in "HIV-1-positive"."""
    for token in tokens:
        parts = _HYPHEN.split(token.shown)
        while 1 < len(parts) <= _MOST_PARTS and _TOLD_OF_IT.fullmatch(parts[-1]):
            parts = parts[:-1]
            if not any(part.lower() in _TURNED for part in parts):
                yield _key(parts)


def core_of(token: Token) -> str:
    """Return the key of what is a name in a hyphenated one: of PCR in "PCR-based". "" where it is one as a whole."""
    parts = _HYPHEN.split(token.shown)
    named = [part for part in parts if not _TOLD_OF_IT.fullmatch(part)]
    is_turned = any(part.lower() in _TURNED for part in parts)
    return _key(named) if 0 < len(named) < len(parts) and not is_turned else ""


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


def stands_in(name: str, text: str) -> bool:
    """Say whether a text has a name in other writing: its initials' words, "under 17" for "under-17", OH for Ohio."""
    parts = [part for part in re.split(r"[-‑]", re.sub(r"(?<=\d)s$", "", name)) if part]
    if len(parts) > 1 and any(map(str.isdigit, name)):
        pattern = r"\W{0,5}".join(map(re.escape, parts))
        if re.search(rf"(?<![\w-]){pattern}s?(?![\w-])", text, re.IGNORECASE):
            return True
    code = _STATES.get(name.lower())
    if code and re.search(rf", {code}(?!\w)", text):
        return True
    return is_spelled_out(name, text)


def is_spelled_out(acronym: str, text: str) -> bool:
    """Say whether words in the text have the letters of a short name as their initials: MTCR, IAEA."""
    if not 3 <= len(acronym) <= 8 or not acronym.isalpha():
        return False
    return (
        re.search(r"\b" + r"\w*[\s-]+(?:(?:of|and|for|the|on)\s+)*".join(acronym) + r"\w", text, re.IGNORECASE) is not None
    )
