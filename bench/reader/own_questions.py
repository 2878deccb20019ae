"""Questions and claims written for this project about public passages → training rows.

`own_questions.txt` holds them beneath the passage that they are about; the passage itself stays in the public data:

    # 1a2b3c4d5e6f 0 843        which text (a hash of its words), and from where to where in it
    + question | 2,3 | 95-108   answered by its sentences 2 and 3; where the words that answer stand, if there are such
    - question                  which it does not answer, though it may look so
    = claim | 2                 borne out by sentence 2
    ! claim | 4                 contradicted by it
    ~ claim | 1,2               on which it is silent

`twin_questions.txt` holds questions alone, as many answered as not, most in twins: nearly the same words, one thing changed.
Words and pairs of words alone tell which are answered with an AUROC of .65, of the former with .85 (by hand).

`sibling_questions.txt` holds questions as people type them, each asked of four passages, most of one article:

    # 1a2b3c4d5e6f 2b3c4d5e6f1a …    which texts, whole
    question | 1:2,3 | 4:1           answered by sentences 2 and 3 of the first and by sentence 1 of the fourth; - by none
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.reader.rows import (
    Row,
    evaluated_titles,
    json_of,
    labelled,
    labelled_at,
    nearest,
    row_of,
    rows_of,
    wikipedia_articles,
    wikipedia_passages,
    words_of,
)

QUESTIONS = Path(__file__).with_name("own_questions.txt")
TWINS = Path(__file__).with_name("twin_questions.txt")
SIBLINGS = Path(__file__).with_name("sibling_questions.txt")
STANCES = "=!~"  # in the order of the head's logits
_COMPARED = 100  # passages, for one that is likely to answer, where a text has no article
_UNLIKELY = 0.05
_TWINS_BESIDE = 0.3
UNANSWERED = 0.5  # share that is used of the texts that do not answer a question asked of several: they are four of five
_PARTS = {"+": (1, 2), "-": (0,)}  # that follow what is asked; of a claim one


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about a passage. lines: sign, text, places of sentences from 0, span of the words that answer."""

    key: str
    start: int
    end: int | None
    lines: list[tuple[str, str, tuple[int, ...], tuple[int, int] | None]] = field(default_factory=list)


def read_questions(path: Path = QUESTIONS) -> list[Asked]:
    """Read the file. Raises ValueError with the number of a line that is malformed."""
    found: list[Asked] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        sign, text = line[:1], line[1:].strip()
        try:
            if sign == "#":
                key, start, end = text.split()
                found.append(Asked(key, int(start), int(end)))
            elif sign:
                found[-1].lines.append((sign, *_parts(sign, text)))
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
    return found


def _parts(sign: str, text: str) -> tuple[str, tuple[int, ...], tuple[int, int] | None]:
    said, *rest = (part.strip() for part in text.split("|"))
    if not said or sign not in f"+-{STANCES}" or len(rest) not in _PARTS.get(sign, (1,)):
        raise ValueError(f"{sign} {text[:40]!r} is none of the known kinds")
    places = tuple(int(place) - 1 for place in rest[0].split(",")) if rest else ()
    if any(place < 0 for place in places):
        raise ValueError("sentences are counted from 1")
    if len(rest) < 2:
        return said, places, None
    low, high = map(int, rest[1].split("-"))
    if not 0 <= low < high:
        raise ValueError(f"{rest[1]} is no span")
    return said, places, (low, high)


def read_siblings(path: Path = SIBLINGS) -> list[Asked]:
    """Read the file of questions asked of several texts, by text. Raises ValueError with the number of a malformed line.

    The end of a text, which is asked about as a whole, is None.
    """
    found: list[Asked] = []
    group: list[Asked] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        try:
            if line.startswith("#"):
                group = [Asked(key, 0, None) for key in line[1:].split()]
                found += group
            elif line:
                said, places = asked_of_texts(line, len(group))
                for i, one in enumerate(group):
                    one.lines.append(("+" if i in places else "-", said, places.get(i, ()), None))
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
    return found


def asked_of_texts(line: str, texts: int) -> tuple[str, dict[int, tuple[int, ...]]]:
    """Return the question of "question | 1:2,3", and text → its sentences that answer, both from 0. texts: how many.

    Raises ValueError for anything else.
    """
    said, *answered = (part.strip() for part in line.split("|"))
    found: dict[int, tuple[int, ...]] = {}
    for part in answered if answered != ["-"] else ():
        text, sentences = part.split(":")
        if int(text) - 1 in found:
            raise ValueError(f"text {text} is named twice")
        found[int(text) - 1] = tuple(int(place) - 1 for place in sentences.split(","))
    if not said or not answered or any(not 0 <= text < texts or min(places) < 0 for text, places in found.items()):
        raise ValueError("no question, or neither - nor texts and sentences counted from 1")
    return said, found


def own_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of what was written; a question also of a passage beside its own that does not answer it.

    How a question is put must not tell whether it is answered: "how many" is asked of what is not there far more often.
    So an unanswered one is left out the likelier the more it reads like one, and an answered one is asked of another
    passage the likelier the more it reads like an answered one.
    """
    asked = read_questions()
    chances = _chances_by_wording(asked)
    shares = {said: (chance / (1 - chance), 2 * chance - 1) for said, chance in chances.items()}
    return _rows(asked, data, rng, lambda said: shares[said])


def twin_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of the pairs of questions, whose wording tells little; some also of a passage beside their own."""
    return _rows(read_questions(TWINS), data, rng, lambda _: (1.0, _TWINS_BESIDE))


def sibling_rows(data: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of questions asked of several passages: the same one is answered by some and not by their siblings."""
    return _rows(read_siblings(SIBLINGS), data, rng, lambda _: (UNANSWERED, 0.0))


def _rows(
    asked: Sequence[Asked], data: Path, rng: random.Random, shares: Callable[[str], tuple[float, float]]
) -> Iterator[Row]:
    """shares: question → how likely it is kept if it has no answer, and asked of a passage beside if it has one."""
    texts = texts_by_key(data)
    articles = wikipedia_articles(data)
    everywhere = [text for found in articles.values() for text in found]
    for one in asked:
        if one.key not in texts:
            raise ValueError(f"{data}: lacks a text that questions were written about, or it is evaluated on ({one.key})")
        title, text = texts[one.key]
        passage = text[one.start : one.end]
        beside = articles[title] if len(articles[title]) > 1 else rng.sample(everywhere, _COMPARED)
        for sign, said, places, span in one.lines:
            answer = passage[slice(*span)] if span else ""
            if sign in STANCES:
                continue  # own_claims.py reads them
            kept, asked_beside = shares(said)
            if sign == "+" or rng.random() < kept:
                yield from row_of(said, title, labelled_at(passage, places), rng, answer)
            if answer and rng.random() < asked_beside:
                other = nearest(said, text, beside)
                if answer.lower() not in other.lower():
                    yield from row_of(said, title if beside is articles[title] else "", labelled(other, []), rng)


def _chances_by_wording(passages: Sequence[Asked]) -> dict[str, float]:
    """Return for each question the chance that it is answered, told by its words and pairs of words alone."""
    # on first use: reading the file does not need it; sentence-transformers brings it along
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    asked = [(said, sign == "+") for one in passages for sign, said, *_ in one.lines if sign in "+-"]
    questions, answered = [said for said, _ in asked], [found for _, found in asked]
    counts = CountVectorizer(ngram_range=(1, 2), min_df=3)
    model = LogisticRegression(C=0.1, max_iter=500).fit(counts.fit_transform(questions), answered)
    found = model.predict_proba(counts.transform(questions))[:, 1].clip(_UNLIKELY, 1 - _UNLIKELY)
    return dict(zip(questions, found.round(3).tolist(), strict=True))  # rounded: the same on every machine


def texts_by_key(data: Path) -> Mapping[str, tuple[str, str]]:
    """Return title and text, white space as single spaces, of every text that may be trained on, by its key."""
    held_out = evaluated_titles(data)
    return {
        _key_of(text): (title, " ".join(text.split()))
        for title, text in (*wikipedia_passages(data), *_texts(data))
        if words_of(title) not in held_out
    }


def _key_of(text: str) -> str:
    """Return what names a text: a hash of its words."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]


def _texts(data: Path) -> Iterator[tuple[str, str]]:
    for one in rows_of(data / "reading/nq_oracle/nq-open-oracle.jsonl.gz"):
        yield one["ctxs"][0]["title"], one["ctxs"][0]["text"]
    for one in rows_of(data / "reading/medquad.jsonl.gz"):
        yield one["focus"], one["answer"] or ""
    for name in ("policyqa/dev", "policyqa/test", "covidqa/200423_covidQA"):
        for page in json_of(data / f"reading/{name}.json.gz")["data"]:
            for paragraph in page["paragraphs"]:
                yield page.get("title", ""), paragraph["context"]
