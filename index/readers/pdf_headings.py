"""The headings of a PDF without bookmarks: lines set larger than its text, or bold where its text is not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile

from index.readers.pdf_outline import Bookmark
from index.readers.pdf_title import reads_like_title
from index.readers.pdf_typeset import HYPHENS, Look, TypesetLine, look_of_text, stands_out, weights_of
from index.readers.pdf_words import CAPTION

_NUMBER = re.compile(r"((?:\d{1,3}|[A-Z](?=\.\d))(?:\.\d{1,3})*)(?:[.)]\s*|\s+|-)(?=[^\W\d_])")
# A caption, a line of contents, an answer to choose.
_CAPTION = re.compile(rf"{CAPTION.pattern}|.*\.{{4}}|\([A-Z]\)")
_ENDS = ".,;。；，、！۔؛،…"  # of sentences, not of headings
_LINES = 3  # of a heading
_REPEATED, _AT_EDGES = 3, 2  # times: labels of forms, and heads of pages
_MOST = 1 / 3  # of all lines: more of them are no headings
_SHORT = 25  # characters: no column is narrower
_FULL = 60  # characters of a line of text
_FEWEST_WORDS = 3  # of a title
_LABEL = re.compile(r":\s*\S|@|\d{4}")  # "Principal investigator: …"
_LITTLE = 120  # characters below a name, of where somebody works
_SOME = 0.08  # of all characters: text too, as the small print of a form
_FEWEST_LETTERS = 3
_FEWEST_WITHOUT_CASE = 2
_OPENS = "\"'“‘«(¿¡§"
_ABSTRACT = "abstract"  # what stands out above it on the first page are names of authors


def typeset_headings(lines: Sequence[TypesetLine]) -> list[Bookmark]:
    """Return the lines that look like headings, in their order, as bookmarks; none where too many lines do."""
    text = look_of_text(lines)
    if text is None:
        return []
    apart = [stands_out(line, text) for line in lines]
    if sum(apart) > _MOST * len(lines):
        return []
    return _with_paths(_joined(lines, _above_text(lines, apart)))


def _above_text(lines: Sequence[TypesetLine], apart: Sequence[bool]) -> list[bool]:
    """Leave out what stands above something else than text: words in figures, and the heads of small tables."""
    weights = weights_of(lines)
    heights = {look.height for look, weight in weights.items() if weight >= _SOME * weights.total()}
    kept, is_above = list(apart), False
    for at in range(len(lines) - 1, -1, -1):
        if not apart[at]:
            is_above = any(abs(lines[at].first.height - height) <= 1 for height in heights)
        kept[at] = apart[at] and (is_above or lines[at].run_in)
    return kept


def typeset_title(lines: Sequence[TypesetLine]) -> str:
    """Return the largest words above all text on the first page, larger than that of the document; "" where none are."""
    text = look_of_text(lines)
    if text is None:
        return ""
    above = list(takewhile(lambda line: line.page == 1 and not (line.look == text and len(line.text) > _FULL), lines))
    looks = [line.look for line in above if stands_out(line, text) and _reads_like_one(line.text)]
    most = max(filter(None, looks), default=None)
    first = next((at for at, line in enumerate(above) if line.look == most), 0)
    found = above[first : first + 1] + list(takewhile(_goes_on_title(most), above[first + 1 :]))
    may_be_above = any(line.look is None and len(line.text.split()) >= _FEWEST_WORDS for line in above[:first])
    title = _as_one([line.text for line in found])
    is_title = len(title.split()) >= _FEWEST_WORDS and len(found) <= _LINES and reads_like_title(title)
    return title if most and is_title and not may_be_above else ""


def _goes_on_title(look: Look | None) -> Callable[[TypesetLine], bool]:
    return lambda line: line.look == look and not _LABEL.search(line.text)


def _reads_like_one(text: str) -> bool:
    words = text.lstrip("0123456789. ")
    letters = sum(map(str.isalpha, words))
    fewest = _FEWEST_LETTERS if words.lower() != words.upper() else _FEWEST_WITHOUT_CASE
    begins_well = (text[0].isalnum() and not text[0].islower()) or text[0] in _OPENS
    return begins_well and letters >= max(fewest, len(words) / 2) and "=" not in text and not _CAPTION.match(text)


def _joined(lines: Sequence[TypesetLine], apart: Sequence[bool]) -> list[TypesetLine]:
    """Join the lines of headings that go over several; leave out what ends as a sentence, comes again or looks like none."""
    runs = [run for run in _runs(lines, apart) if len(run) <= _LINES]
    joined = [replace(lines[run[0]], text=_as_one([lines[at].text for at in run])) for run in runs]
    times, edges = Counter(_folded(line.text) for line in joined), _at_edges(lines)
    repeated = {text for text, count in times.items() if count >= (_AT_EDGES if edges[text] >= _AT_EDGES else _REPEATED)}
    authors = _authors(lines, runs)
    kept = [
        line
        for line, run in zip(joined, runs, strict=True)
        if not (_ends_as_sentence(line.text) or _folded(line.text) in repeated or run[0] in authors)
    ]
    looks = Counter(line.look for line in kept)
    return [line for line in kept if looks[line.look] > 1 or _NUMBER.match(line.text)]


def _ends_as_sentence(text: str) -> bool:
    return text[-1] in _ENDS and not (_NUMBER.match(text) and text.isupper())


def _runs(lines: Sequence[TypesetLine], apart: Sequence[bool]) -> list[list[int]]:
    """Return the numbers of the lines of each heading."""
    found: list[list[int]] = []
    previous: TypesetLine | None = None
    for number, (line, is_apart) in enumerate(zip(lines, apart, strict=True)):
        if not is_apart:
            if previous and line.first == previous.look and len(previous.text) > _FULL and line.first.is_bold:
                found.pop()  # a sentence in bold, that goes on in this line
            previous = None
            continue
        goes_on = (
            previous is not None and (previous.look, previous.page) == (line.look, line.page) and not _is_whole(previous)
        )
        if goes_on and not (_NUMBER.match(line.text) or _CAPTION.match(line.text)):
            found[-1].append(number)
        elif _reads_like_one(line.text):
            found.append([number])
        else:
            continue
        previous = None if line.run_in else line
    return found


def _is_whole(line: TypesetLine) -> bool:
    """Say whether a heading ends with a line: "2. Pakistan" had room for more, and what follows is another."""
    return _NUMBER.match(line.text) is not None and len(line.text) < _SHORT


def _as_one(texts: Sequence[str]) -> str:
    return " ".join(texts).replace(f"{HYPHENS[1]} ", "").rstrip(HYPHENS)


def _authors(lines: Sequence[TypesetLine], runs: Sequence[Sequence[int]]) -> set[int]:
    """Return the first lines of what are names of authors: what stands above the abstract on the first page.

    Without one, what has next to nothing below it, with others of its look there.
    """
    first = [run for run in runs if lines[run[0]].page == 1]
    abstract = [run[0] for run in first if lines[run[0]].text.casefold().strip(" :") == _ABSTRACT]
    if abstract:
        return {run[0] for run in first if run[0] < abstract[0]}
    below = [sum(len(line.text) for line in lines[run[-1] + 1 : after[0]]) for run, after in pairwise(first)]
    empty = Counter(lines[run[0]].look for run, length in zip(first, below, strict=False) if length < _LITTLE)
    looks = Counter(lines[run[0]].look for run in first)
    names = {look for look, times in empty.items() if times > 1 and 2 * times >= looks[look]}
    return {run[0] for run in first if lines[run[0]].look in names}


def _at_edges(lines: Sequence[TypesetLine]) -> Counter[str]:
    """Count how often a line is the first or the last of a page."""
    pages: dict[int, list[str]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(_folded(line.text))
    return Counter(edge for page in pages.values() for edge in {page[0], page[-1]})


def _folded(text: str) -> str:
    return re.sub(r"\d+", "#", text.casefold())


def _with_paths(headings: Sequence[TypesetLine]) -> list[Bookmark]:
    """Put each heading under what is set larger before it, or has the number that its own begins with."""
    found: list[Bookmark] = []
    path: list[tuple[tuple[int, bool], str, bool]] = []  # look and name of those above, and whether they have a number
    numbered: dict[str, tuple[str, ...]] = {}  # number → the path of the last heading with it
    for line in headings:
        name = line.text.rstrip(": ")
        if line.look is None or not name:
            continue
        look = -line.look.height, not line.look.is_bold
        if path and path[0][0] > look:
            numbered = {}  # a new part: its numbers begin anew
        path = [above for above in path if above[0] < look]
        number = _NUMBER.match(name)
        above = numbered.get(number[1].rpartition(".")[0]) if number else None
        names = (*(above or [text for _, text, has_number in path if not (number and has_number)]), name)
        if number:
            numbered[number[1]] = names
        path.append((look, name, number is not None))
        found.append(Bookmark(names, line.page, is_line=True))
    return found
