"""Document → passages: runs of whole sentences within the embedder's window, overlapping by one sentence."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from index.locators import locate
from index.records import CELLS, Document, Locator, Passage
from index.sentences import Span, sentence_spans

# Stored with the index: passages made by another version are never mixed with these (invariant 11).
SPLITTER_VERSION = "8"

CountTokens = Callable[[Sequence[str]], Sequence[int]]

_SPECIAL_TOKENS = 2  # [CLS] and [SEP], or what other models have in their place
_CONTEXT_SHARE = 5  # title and headings may take one fifth of the window
_WORD = re.compile(r"\S{1,400}\s*")
_PIECE = re.compile(r"\S{1,40}\s*")  # no model makes more than a few tokens of a character
_SMALL_SHARE = 4  # a new heading starts a new passage unless the one before is under a quarter of the window


def split_document(document: Document, count_tokens: CountTokens, window: int) -> list[Passage]:
    """Split a document into passages.

    count_tokens: texts → number of tokens of each, without special tokens.
    window: tokens that the embedder reads; context, passage and special tokens together fit in it.
    Every visible character of the text is in at least one passage. Only a single sentence longer than the
    window is cut, at white space.
    """
    contexts = _Contexts(document, count_tokens, window)
    room = window - _SPECIAL_TOKENS
    sentences = sentence_spans(document.text)
    counts = count_tokens([document.text[start:end] for start, end in sentences])
    sized = list(_fit(document.text, sentences, counts, room - contexts.limit, count_tokens))
    return [
        make_passage(document, start, end, contexts.of(locate(document.sections, start, end))[0])
        for start, end in _group(sized, document, room, contexts)
    ]


def embedded_text(passage: Passage) -> str:
    """Return what is embedded and searched for a passage: its context, then its text."""
    return with_context(passage.context, passage.text)


def with_context(context: str, text: str) -> str:
    """Put the context of a passage before its text."""
    return f"{context}\n{text}" if context else text


class _Contexts:
    """The title and heading path of each section, cut to a share of the window, with their token counts."""

    def __init__(self, document: Document, count_tokens: CountTokens, window: int) -> None:
        self.limit = window // _CONTEXT_SHARE
        # what is no more than the file's name is left out, so that a renamed file needs no new vectors
        self._title = "" if document.title == PurePath(document.path).stem else document.title
        self._count = count_tokens
        self._known: dict[tuple[str, tuple[str, ...]], tuple[str, int]] = {}

    def of(self, locator: Locator) -> tuple[str, int]:
        """Return (context, its tokens) for a place."""
        place = locator.sheet, locator.heading
        if place not in self._known:
            names = (self._title, locator.sheet, *locator.heading)
            self._known[place] = self._cut(" | ".join(name for name in names if name))
        return self._known[place]

    def _cut(self, text: str) -> tuple[str, int]:
        words = text.split()
        counts = self._count(words) if words else []
        kept, total = [], 0
        for word, tokens in zip(words, counts, strict=True):
            if total + tokens > self.limit:
                break
            kept.append(word)
            total += tokens
        return " ".join(kept), total


def _fit(
    text: str, sentences: Sequence[Span], counts: Sequence[int], room: int, count_tokens: CountTokens
) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, tokens), with sentences longer than `room` cut at white space."""
    for (start, end), tokens in zip(sentences, counts, strict=True):
        if tokens <= room:
            yield start, end, tokens
        else:
            yield from _cut_sentence(text, start, end, room, count_tokens)


def _cut_sentence(text: str, start: int, end: int, room: int, count_tokens: CountTokens) -> Iterator[tuple[int, int, int]]:
    piece_start, total = start, 0
    for word_start, tokens in _words(text, start, end, room, count_tokens):
        if total and total + tokens > room:
            yield piece_start, _rstrip(text, piece_start, word_start), total
            piece_start, total = word_start, 0
        total += tokens
    yield piece_start, end, total


def _words(text: str, start: int, end: int, room: int, count_tokens: CountTokens) -> Iterator[tuple[int, int]]:
    """Yield (start, tokens) of each word; what has no white space for more than the room is cut into short pieces."""
    words = list(_WORD.finditer(text, start, end))
    for word, tokens in zip(words, count_tokens([word.group() for word in words]), strict=True):
        if tokens <= room:
            yield word.start(), tokens
            continue
        pieces = list(_PIECE.finditer(text, word.start(), word.end()))
        counts = count_tokens([piece.group() for piece in pieces])
        yield from ((piece.start(), tokens) for piece, tokens in zip(pieces, counts, strict=True))


def _rstrip(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


def _group(sentences: Sequence[tuple[int, int, int]], document: Document, room: int, contexts: _Contexts) -> Iterator[Span]:
    """Join sentences greedily; begin anew at headings and the like, otherwise with the last sentence once more.

    A block of a table's rows that does not fit is begun anew, too: its first row names the cells of the others.
    """
    places = _place_numbers(document, [start for start, _, _ in sentences])
    tables = _table_tokens(document.text, sentences)
    limits = [room - contexts.of(locate(document.sections, start, end))[1] for start, end, _ in sentences]
    group: list[int] = []
    used = 0
    for number, (_, _, tokens) in enumerate(sentences):
        limit = limits[group[0] if group else number]
        is_enough = used * _SMALL_SHARE >= room
        new_section = bool(group) and places[number] != places[group[-1]] and is_enough
        new_table = is_enough and used + tables.get(number, 0) > limit
        if group and (new_section or new_table or used + tokens > limit):
            yield sentences[group[0]][0], sentences[group[-1]][1]
            overlap = group[-1]
            is_row = new_table and CELLS in document.text[slice(*sentences[overlap][:2])]
            keep = not (new_section or is_row) and sentences[overlap][2] + tokens <= limits[overlap] and len(group) > 1
            group, used = ([overlap], sentences[overlap][2]) if keep else ([], 0)
        group.append(number)
        used += tokens
    if group:
        yield sentences[group[0]][0], sentences[group[-1]][1]


def _table_tokens(text: str, sentences: Sequence[tuple[int, int, int]]) -> dict[int, int]:
    """Return the tokens of each block of rows, by the number of its first sentence: that of its first row."""
    found: dict[int, int] = {}
    first, end = -1, 0
    for number, (start, stop, tokens) in enumerate(sentences):
        if number == 0 or "\n\n" in text[end:start]:
            first = number if CELLS in text[start:stop] else -1
        if first >= 0:
            found[first] = found.get(first, 0) + tokens
        end = stop
    return found


def _place_numbers(document: Document, starts: Sequence[int]) -> list[int]:
    """Return for each sentence the number of the heading, slide or rows that it stands in; a new page is no new place."""
    numbers, number, previous = [], 0, None
    for section in document.sections:
        place = replace(section.locator, page=None, last_page=None)
        if place != previous:
            number += 1
        previous = place
        numbers.append(number)
    begins = [section.start for section in document.sections]
    return [numbers[i - 1] if (i := bisect_right(begins, start)) else 0 for start in starts]


def make_passage(document: Document, start: int, end: int, context: str) -> Passage:
    """Make the passage of a span that `split_document` has found, with its context."""
    # The id names the exact span of the exact version, so equal texts in two places never collide.
    key = f"{document.id}\0{document.sha256}\0{start}\0{end}\0{SPLITTER_VERSION}"
    return Passage(
        id="p" + hashlib.sha256(key.encode()).hexdigest()[:16],
        document_id=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        locator=locate(document.sections, start, end),
        context=context,
    )
