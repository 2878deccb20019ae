"""Claim and citations → verdict: do the cited words bear the claim out? Rules first, then a model where there is one.

The rules decide only what words can show. A claim that a cited sentence makes word for word is supported. A number, name
or negation of the claim that is not where the quote stands, nor follows from what is, makes it unsupported; one that is
turned round makes it contradicted. Everything else is for the model, a negation that the quote says in other words, too.
Where there is no model, or it is not sure, the claim stays as the rules leave it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from index.sentences import sentence_spans
from qa.derived import in_full, without_derived
from qa.evidence import Evidence
from qa.facts import Token, is_year, month_number, opposites_of, tokens_of
from qa.names import core_of, is_surely_name, name_forms, parts_of, stands_in
from qa.records import Verdict
from qa.rounding import may_be_counted, unrounded
from qa.statements import says, stands_apart

_SAME_SUBJECT = 0.6  # of a claim's words in a sentence: from here on a difference is a contradiction
_SAME_POINT = 0.4  # of a sentence's words in another, for the two to be about one point
_SAME_STATEMENT = 0.75
_WORD = re.compile(r"[^\W_]+")
# Words that deny by themselves: who was "unhurt" was not injured.
_DENIES = re.compile(
    r"un(?:hurt|harmed|injured|affected|changed|damaged|scathed|paid|drawn|aware|able|known|proven|answered)|escape[sd]?|avoid\w*"
    r"|fail\w*|refus\w*|den(?:y|ied|ies)|declin\w*|lack\w*|omit\w*|waive\w*|exempt\w*|exclud\w*|zero|prevent\w*|missed|missing",
    re.I,
)
# Said near a sentence, these make it one that the document may only report: "Three myths: …"
_DISOWNED = frozenset(
    "myth myths misconception misconceptions hoax hoaxes debunked untrue satire fallacy fallacies "
    "false rumour rumours rumor rumors conspiracy".split()
)
_NOT_TOLD = "no cited sentence says it word for word, and there is no judge that could tell"
_UNREAD = "no cited sentence says it word for word, and the judge cannot read it: it is too long, or in another language"
# The least chance of a verdict. What the embedded reader makes of it: qa/model/README.md.
SURE = 0.7
_OPINIONS: Mapping[Verdict, str] = {
    "supported": "",
    "contradicted": "the judge finds the opposite in the cited words",
    "unsupported": "the judge does not find it in the cited words",
}
_NOT_SURE: Mapping[Verdict, str] = {
    "supported": "the judge finds nothing against it, which it may overlook",
    "contradicted": "the judge inclines to the opposite, without being sure",
    "unsupported": "the judge hardly finds it in the cited words, without being sure",
}
_IN_OTHER_WORDS = "; the judge holds it for said in other words, which it may mistake"


@dataclass(frozen=True, slots=True)
class Judgement:
    """score: how sure, 0 to 1; reason: for people, "" of what is supported.

    opinion: the verdict that a model finds likeliest, shown or not; None where none was asked, or could read. missed: a rule
    misses a negation of the claim, which may be said in other words.
    """

    verdict: Verdict
    score: float
    reason: str = ""
    opinion: Verdict | None = None
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Entailment:
    """A model's chances that evidence bears a claim out or contradicts it; the rest of 1 is neither.

    vouches: whether the model's word is enough to show a claim as supported, or it may only doubt.
    """

    supported: float
    contradicted: float
    vouches: bool = True

    @property
    def likeliest(self) -> tuple[Verdict, float]:
        """The likeliest verdict and its chance."""
        silent = 1.0 - self.supported - self.contradicted
        chances: dict[Verdict, float] = {
            "supported": self.supported,
            "contradicted": self.contradicted,
            "unsupported": silent,
        }
        return max(chances.items(), key=lambda pair: pair[1])

    @property
    def is_sure(self) -> bool:
        """Whether it is sure of that."""
        return self.likeliest[1] >= SURE


Entails = Callable[[str, str], Entailment | None]  # (claim, evidence); None of what the model cannot read


def judge(claim: str, evidence: Sequence[Evidence], entails: Entails | None = None) -> Judgement:
    """Judge a claim by the places of its citations. entails: the model's opinion on (claim, evidence), if there is one."""
    if not evidence:
        return Judgement("unsupported", 0.0, "nothing is cited for it")
    near = [token for one in evidence for text in (one.sentences, one.beside) for token in tokens_of(text)]
    scales = " ".join(dict.fromkeys(one.setting for one in evidence))
    cited = [token for one in evidence for token in tokens_of(one.sentences)]
    near += [token for tokens in in_full(near, scales) for token in tokens]
    words = unrounded(tokens_of(claim), near)
    for source in (cited, *in_full(cited, scales)):
        words = without_derived(words, near, source)
    views = sorted((_View(words, one) for one in evidence), key=lambda view: -view.covered)
    found = _said(claim, evidence) or _absent(claim, words, views, near) or _turned(views)
    opinion = _asked(claim, evidence, entails) if entails and (found is None or found.missed) else None
    if opinion is None:
        return found or Judgement("unchecked", views[0].covered, _UNREAD if entails else _NOT_TOLD)
    return _weighed(found, opinion) if found else _by_model(opinion, views[0].covered)


def _asked(claim: str, evidence: Sequence[Evidence], entails: Entails) -> Entailment | None:
    """Ask the model about each citation and about all together; None where it cannot read.

    It is believed where it sees most for the claim: the more it reads the likelier it overlooks what bears a claim out.
    """
    each = list(dict.fromkeys(" ".join(one.sentences.split()) for one in evidence))
    texts = dict.fromkeys([*each, " ".join(each)])
    opinions = [opinion for text in texts if (opinion := entails(claim, text))]
    return max(opinions, key=lambda opinion: opinion.supported, default=None)


def _by_model(opinion: Entailment, covered: float) -> Judgement:
    """Return the likeliest verdict; unchecked where the model is not sure of it, or may not vouch for it."""
    likeliest, score = opinion.likeliest
    if opinion.is_sure and (likeliest != "supported" or opinion.vouches):
        return Judgement(likeliest, score, _OPINIONS[likeliest], likeliest)
    return Judgement("unchecked", covered, _NOT_SURE[likeliest], likeliest)


def _weighed(doubt: Judgement, opinion: Entailment) -> Judgement:
    """Weigh a negation that a rule misses against a model that is sure: the rule has the last word on support.

    Of such claims that its chances are fitted on (bench/reader/own_claims.py) 55 of 69 are borne out where it is sure
    of that, and 121 of 130 contradicted where it is sure of that (by hand). Of a name or number that is missing it knows
    little: it mostly says the same of claims with any other in its place.
    """
    likeliest, score = opinion.likeliest
    weighed = replace(doubt, opinion=likeliest)
    if opinion.is_sure and likeliest == "supported":
        return replace(weighed, verdict="unchecked", reason=doubt.reason + _IN_OTHER_WORDS)
    if opinion.is_sure and likeliest == "contradicted":
        reason = f"{doubt.reason}; {_OPINIONS['contradicted']}"
        return replace(weighed, verdict="contradicted", score=score, reason=reason)
    return weighed


class _View:
    """A claim laid over the sentences of one citation: which of its words stand there in the same order."""

    def __init__(self, claim: Sequence[Token], evidence: Evidence, source: Sequence[Token] | None = None) -> None:
        """source: the tokens of the citation's sentences, where they are not as they stand there."""
        self.claim = [one for one in claim if one.key and one.kind != "negation"]
        self.source = [one for one in source or tokens_of(evidence.sentences) if one.key]
        self.negations = sum(one.kind == "negation" for one in claim)
        self.evidence = evidence
        self.pairs = _common(self.claim, self.source)
        self.covered = len(self.pairs) / len(self.claim) if self.claim else 0.0
        self.unmatched = [one for i, one in enumerate(self.claim) if i not in {mine for mine, _ in self.pairs}]

    @property
    def window(self) -> list[Token]:
        """The source from two words before the first word in common to the last, and one more."""
        places = [place for _, place in self.pairs]
        return self.source[max(0, places[0] - 2) : places[-1] + 2] if places else []

    @property
    def between(self) -> list[Token]:
        """The source's words between the first and the last word in common that the claim does not have."""
        places = {place for _, place in self.pairs}
        return [self.source[i] for i in range(min(places), max(places)) if i not in places] if places else []


def _same(one: Token, other: Token) -> bool:
    if one.kind == "number" or other.kind == "number":
        return one.kind == other.kind and one.key == other.key
    return one.key == other.key or (one.kind == "name" and other.key in name_forms(one))


def _common(claim: Sequence[Token], source: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the longest run of pairs (place in claim, place in source) in the same order (longest common subsequence)."""
    best = [[0] * (len(source) + 1) for _ in range(len(claim) + 1)]
    for i in range(len(claim) - 1, -1, -1):
        for j in range(len(source) - 1, -1, -1):
            taken = 1 + best[i + 1][j + 1] if _same(claim[i], source[j]) else 0
            best[i][j] = max(taken, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(claim) and j < len(source):
        if _same(claim[i], source[j]) and best[i][j] == 1 + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def differs(claim: Sequence[Token], evidence: Evidence) -> str:
    """Return in what evidence says something else of the same than a claim: a number, a negation, an opposite, or ""."""
    source = tokens_of(evidence.sentences)
    view = _View(unrounded(claim, source), evidence, unrounded(source, claim))
    if view.covered < _SAME_POINT:
        return ""
    counted = _miscounted(view)
    if counted:
        return f"{counted} in one, another number in the other"
    turned = _turned([view])
    return turned.reason if turned and turned.verdict == "contradicted" else ""


def _absent(text: str, claim: Sequence[Token], views: Sequence[_View], near: Sequence[Token]) -> Judgement | None:
    """Find a number or name of the claim that stands nowhere near its quotes. near: what stands in and beside them."""
    best = views[0]
    numbers = {token.key for token in near if token.kind == "number"}
    dates = {token.shown for token in claim if "/" in token.shown and len(token.key) < 3 and token.key in numbers}
    for i, number in enumerate(claim):
        if number.kind != "number" or number.key in numbers or _is_in_name(number, text, views):
            continue
        if number.shown in dates:  # which of 12/11 is the month nobody knows
            continue
        if best.covered >= _SAME_SUBJECT and any(token.kind == "number" for token in best.window):
            return Judgement("contradicted", best.covered, f"{number.shown} is not the number in the cited words")
        if not may_be_counted(claim, i, [view.evidence.sentences for view in views]):
            return Judgement("unsupported", 0.0, f"{number.shown} is not in the cited words or beside them")
    around = [*near, *(token for view in views for token in tokens_of(view.evidence.setting))]
    keys = {*(token.key for token in around), *parts_of(around)} - {""}
    spelled = " ".join(f"{view.evidence.sentences} {view.evidence.beside} {view.evidence.setting}" for view in views)
    if not _names_others(claim, views) or all(view.evidence.is_first_person for view in views):
        named = " ".join(view.evidence.named for view in views)
        keys |= {token.key for token in tokens_of(named)}
        spelled = f"{spelled} {named}"
    for name in (token for token in claim if token.kind == "name" and is_surely_name(token, text)):
        if not ({*name_forms(name), core_of(name)} & keys or stands_in(name.shown, spelled)):
            return Judgement("unsupported", 0.0, f"{name.shown} is not in the cited words or beside them")
    return None


def _is_in_name(number: Token, text: str, views: Sequence[_View]) -> bool:
    """Say whether a number belongs to a name in the claim's text that the cited documents have: "Global 5000", "170B"."""
    shown = re.escape(number.shown)
    found = re.search(rf"(?<!^)(?<![.!?:] )\b[^\W\d_a-z][\w-]+ {shown}\b|(?<![\w.]){shown}[A-Z]+\b", text)
    if found is None or month_number(found[0].split()[0]):
        return False
    name = re.compile(rf"(?<!\w){re.escape(found[0])}(?!\w)")
    return any(name.search(f"{view.evidence.named} {view.evidence.setting}") for view in views)


def _names_others(claim: Sequence[Token], views: Sequence[_View]) -> bool:
    """Say whether the cited sentences name somebody whom the claim does not, so that another may stand in his place."""
    own = {key for token in claim for key in (token.key, core_of(token), *name_forms(token))}
    cited = " ".join(view.evidence.sentences for view in views)
    return any(token.kind == "name" and token.key not in own and is_surely_name(token, cited) for token in tokens_of(cited))


def _turned(views: Sequence[_View]) -> Judgement | None:
    """Find a negation more or less, a number of something else, or a word's opposite in the same statement.

    views: the best first. It is held against that; a negation of the claim may stand in any.
    """
    view = views[0]
    same = view.covered >= _SAME_SUBJECT
    counted = _miscounted(view)
    if counted and same:
        return Judgement("contradicted", view.covered, f"{counted} is not the number in the cited words")
    negated = sum(token.kind == "negation" for token in view.window) % 2 != view.negations % 2
    # what says little of the claim's words may have its negation where none says more: "Injuries: 2 None"
    beside = [one for one in views if one.covered >= _SAME_POINT or view.covered < _SAME_POINT]
    if view.negations and not any(token.kind in ("negation", "hedge") for one in beside for token in one.source):
        is_same = view.covered >= _SAME_STATEMENT
        verdict: Verdict = "contradicted" if is_same else "unsupported"
        return Judgement(verdict, view.covered, "the claim's negation is not in the cited words", missed=not is_same)
    denied = any(_DENIES.fullmatch(token.shown) for token in view.unmatched)
    if negated and same and not (view.negations or denied) and len(view.window) <= 1.5 * len(view.claim) + 3:
        return Judgement("contradicted", view.covered, "the cited words have a negation that the claim leaves out")
    others = {token.key for token in view.between} | {token.key for token in view.window}
    for token in view.unmatched:
        if same and opposites_of(token.key) & others and not negated:
            return Judgement("contradicted", view.covered, f"the cited words say the opposite of “{token.shown}”")
    return None


def _miscounted(view: _View) -> str:
    """Return a number of the claim that counts what other numbers count in the source; "" when there is none."""
    counts: dict[str, set[str]] = {}
    for number, thing in zip(view.source, view.source[1:], strict=False):
        if number.kind == "number" and thing.kind != "number" and not is_year(number):
            counts.setdefault(thing.key, set()).add(number.key)
    own = {token.key for token in view.claim if token.kind == "number"}
    for number, thing in zip(view.claim, view.claim[1:], strict=False):
        known = counts.get(thing.key, set())
        # a number that the claim has too, for something else, may belong to another part of the sentence
        if number.kind == "number" and known and not known & {number.key, *own} and not is_year(number):
            return number.shown
    return ""


def _said(claim: str, evidence: Sequence[Evidence]) -> Judgement | None:
    """Find a cited sentence that makes the claim word for word, in a place that does not call such things wrong."""
    for one in evidence:
        if _DISOWNED & set(_WORD.findall(f"{one.beside} {one.setting}".lower())):
            continue
        text = one.sentences
        for start, end in sentence_spans(text):
            before, behind = one.before + text[:start], text[end:] + one.behind
            if says(text[start:end], claim) and stands_apart(before, text[start:end], behind):
                return Judgement("supported", 1.0)
    return None
