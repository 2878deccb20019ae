"""Claim and sentence → do they say the same, word for word? Pure functions of texts; no model.

All of a claim's words, stop words, signs and negations must be those of the sentence, in order, and all of the sentence's
those of the claim: a single word more ("only", "if", "critics deny that") can turn a statement round, and no rule knows
which words cannot. What may differ is listed here and nothing else: typography, the case of the first word, a word in
emphatic capitals, numbers and dates in another form, list and footnote marks, a leading connective, and who is quoted
where that is the document itself.
"""

from __future__ import annotations

import re

from qa.facts import month_number, spelled_number
from qa.folding import BREAK, fold, without_emphasis

_MONTH = r"(?P<month>[A-Z][a-z]{2,8})\.?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH},? (?P<year>\d{{4}})\b"),
    re.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b"),
)
_PART = re.compile(r"@\d+-\d+-\d+|\d+(?:[.,]\d+)*|[^\W\d_]\w*(?:['-]\w+)*|\S")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?")
_LIST_MARK = re.compile(r"^(?:[-*•·▪]|\d{1,3}\)|#{1,6}) +(?=\D)")  # not "5. Juli", not "- 5 degrees"
_NOTE_MARK = re.compile(r"(?<=[\w.,;:!?)\"])\[\d{1,3}(?:, ?\d{1,3})*\]")  # [3] glued to what it belongs to
_PERCENT = re.compile(r"\bper cent\b|\bpct\b|%")
_ENDS = frozenset(".!;:,")
_LEAST_WORDS = 3  # fewer are a part of a statement
_SHOUTED = 6  # letters: from here on a word in capitals is emphasis; shorter ones may be names (US, WHO, AIDS)
# What joins a sentence to the one before and adds nothing to what it says.
_JOINING = ("in addition", "for example", "for instance", "also", "additionally", "moreover", "furthermore", "however")
_CONCLUDING = ("as a result", "therefore", "thus", "hence", "consequently", "nevertheless", "nonetheless", "meanwhile")
_LEADS_ON = re.compile(r"[,;:：–—-]\s*$")
_TAKES_UP = re.compile(
    r"[(\[]|(?-i:[a-z])|(?:this|that|it|these|those|which|the (?:claim|statement|report|rumou?r|idea))\b[^.!?\n]{0,80}"
    r"(?:\b(?:not|never|false|untrue|wrong|incorrect|denied|disputed|myth|lie)\b|n['’]t\b)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:[-*•·▪]|\d{1,3}[.)])\s")
_STOP = re.compile(r"[.!?…。！？][\"'”’»)\]*_]*$")
_ABBREVIATED = re.compile(r"\b[A-Z]\w{0,4}\.$|\b[A-Z]\w*[!?]$")  # Mt. Pvt. Yahoo!: the sentence may have begun before
# "According to the report": the document that is cited.
_THE_DOCUMENT = frozenset("the this that cited document report article text passage source page paper".split())


def says(sentence: str, claim: str) -> bool:
    """Say whether a sentence makes just this claim."""
    mine = _parts(_without_source(claim), _JOINING)
    if sum(part[0].isalnum() for part in mine) < _LEAST_WORDS:
        return False
    return any(mine == _parts(_NOTE_MARK.sub("", form), _JOINING + _CONCLUDING) for form in _unbroken(sentence))


def _unbroken(sentence: str) -> tuple[str, ...]:
    """Return a text with each word that a line's end breaks in one, and with its hyphen: which is right nobody knows."""
    folded = fold(sentence)[0]
    return (folded.replace(BREAK, ""), folded.replace(BREAK, "-")) if BREAK in folded else (folded,)


def _parts(text: str, connectives: tuple[str, ...]) -> list[str]:
    """Return the words, numbers and signs of a text in the form in which they are compared."""
    text = without_emphasis(_LIST_MARK.sub("", fold(text)[0].replace(BREAK, "")))
    for date in _DATES:
        text = date.sub(_one_date, text)
    parts = [_one_form(part) for part in _PART.findall(_PERCENT.sub(" percent", text))]
    while parts and parts[-1] in _ENDS:
        parts.pop()
    for connective in connectives:
        words = [*connective.split(), ","]
        if [part.lower() for part in parts[: len(words)]] == words:
            parts = parts[len(words) :]
    if parts[:1] in (["And"], ["But"]) and parts[1:2] != ["for"]:
        parts = parts[1:]
    if parts[:1] in (["The"], ["the"]) and parts[1:] and parts[1][0].isupper():
        parts = parts[1:]
    return [part.lower() if not i else part for i, part in enumerate(parts)]


def _one_form(part: str) -> str:
    if _GROUPED.fullmatch(part):  # with one comma alone it may be a decimal number of another language
        return part.replace(",", "")
    number = spelled_number(part)
    if number:
        return str(number)
    return part.lower() if part.isupper() and len(part) >= _SHOUTED else part


def _one_date(match: re.Match[str]) -> str:
    named = match.groupdict()
    month = int(named["number"]) if named.get("number") else month_number(named["month"])
    return f"@{named['year']}-{month}-{int(named['day'])}" if month else match[0]


def _without_source(claim: str) -> str:
    """Drop "According to the report," and the like: that is the document that is cited."""
    match = re.match(r"According to ([^,]{1,80}), ", claim)
    return claim[match.end() :] if match and set(re.findall(r"\w+", match[1].lower())) <= _THE_DOCUMENT else claim


def stands_apart(before: str, sentence: str, after: str) -> bool:
    """Say whether a sentence is all of its statement: nothing before leads into it, nothing behind takes it up again.

    before, after: the text around it. A line that breaks a sentence ("found no evidence that" / "Aspirin prevents …"), the
    head of a list ("Patients must not:"), an open quotation and "(except …)" behind are what this is about.
    """
    paragraph = re.split(r"\n\s{0,80}\n", before)[-1]
    if paragraph.count("“") + paragraph.count("„") > paragraph.count("”") or paragraph.count('"') % 2:
        return False
    if _LEADS_ON.search(sentence) or _TAKES_UP.match(after.lstrip()):
        return False
    lines = [line.strip() for line in before.splitlines() if line.strip() and not _ITEM.match(line)]
    if lines and lines[-1].endswith((":", "：", ",", ";")):
        return False
    rest = before.rstrip()
    is_block = not rest or "\n\n" in before[len(rest) :] or _ITEM.match(sentence) is not None
    return is_block or (_STOP.search(rest) is not None and not _ABBREVIATED.search(rest))
