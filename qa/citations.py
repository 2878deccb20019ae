"""Quote → citation, or the reason why not. Pure functions of texts: no model, no score, no I/O.

A quote is found where its characters stand in the source, apart from white space, typographic variants of quotation
marks and dashes, ligatures and other compatibility forms, a word broken at a line's end, and the case of the first
letter. An ellipsis may stand for what is left out between two parts, if that holds no negation: what is cited is the
whole stretch. Nothing else may differ, and it may not begin or end inside a word or number, or right behind a negation:
a changed digit, name or negation is never found (invariant 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from index.locators import locate
from index.records import Document, Hit
from index.sentences import sentence_spans
from qa.edges import is_unspaced, is_whole
from qa.facts import opposites_of, tokens_of
from qa.folding import BREAK, fold, without_emphasis
from qa.records import Citation, Quote, Rejected

MIN_WORDS = 3
MIN_UNSPACED = 6  # characters, for scripts without spaces
_WRAPPING = " \t\n\"'“”„‟‘’‚‛«»‹›「」『』`"
_EDGES = f"{_WRAPPING}*_()…\\"
_STOPS = ".,;:!?…。、"
# "[…]" and "..." between two parts of a quote
_ELLIPSIS = re.compile(r"\s*[\[(]?\s*(?:…|\.{3,}|\. \. \.)\s*[\])]?\s*")
_MOST_PARTS = 2
_MOST_SENTENCES = 2  # from one into the next
_MOST_LEFT_OUT = 400  # characters; what is cited is all of it, and nobody would read on
_CLOSING = re.compile(r"[\"”»][.,;]$")


def find_citation(quote: Quote, hits: Sequence[Hit], documents: dict[str, Document]) -> Citation | Rejected:
    """Find a quote in the documents of the hits.

    documents: the hits' documents by id. The passage that the quote names is searched first, then that passage's
    document (a quote may run over a passage's end), then the other hits: the citation says where the words really are.
    """
    folded = " ".join(quote.text.split())  # a model that loops can write thousands of line breaks
    text = _CLOSING.sub("", folded.strip(_WRAPPING)).strip(_WRAPPING)
    if _is_too_short(text):
        return Rejected(text, f"shorter than {MIN_WORDS} words")
    ranked = sorted(hits, key=lambda one: one.passage.id != quote.passage_id)
    for form in _bare_forms(text):
        for hit in ranked:
            document = documents[hit.document.id]
            span = find_span(form, document.text, hit.passage.start, len(hit.passage.text))
            if span is not None:
                return cite_span(document, _holder(hit, hits, *span), *span)
    parts = [part.strip(_WRAPPING) for part in _ELLIPSIS.split(text) if part.strip(_WRAPPING)]
    if parts == [text] or not parts:
        return Rejected(text, "not in any of the passages")
    return _find_parts(text, parts, ranked, documents)


def _bare_forms(text: str) -> list[str]:
    """Return a quote as it is, without markup and brackets around it, and without its last stop: never a word less."""
    bare = without_emphasis(re.sub(r"\\([\"'*_])", r"\1", text))
    bare = re.sub(r"^[\[(]?(?:\.{3,}|…)[\])]?|[\[(]?(?:\.{3,}|…)[\])]?$", "", bare.strip(_EDGES)).strip(_EDGES)
    forms = dict.fromkeys((text, bare, bare.rstrip(_STOPS + _EDGES)))
    return [form for form in forms if not _is_too_short(form)]


def _find_parts(text: str, parts: Sequence[str], hits: Sequence[Hit], documents: dict[str, Document]) -> Citation | Rejected:
    """Find a quote that leaves something out: its parts in order in one passage. What is cited is the whole stretch."""
    if len(parts) > _MOST_PARTS or any(map(_is_too_short, parts)):
        return Rejected(text, f"an ellipsis is for up to {_MOST_PARTS} parts of {MIN_WORDS} words or more")
    reason = "not in any of the passages"
    for hit in hits:
        document = documents[hit.document.id]
        spans = _in_order(parts, document.text, hit.passage.start, hit.passage.end)
        if spans is None:
            continue
        if _turns_round(document.text, spans):
            reason = "its ellipsis leaves out a negation, a reservation, an opposite, sentences or too much"
            continue
        return cite_span(document, hit, spans[0][0], spans[-1][1])
    return Rejected(text, reason)


def _turns_round(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Say whether what an ellipsis leaves out could turn round what is left, or is too long."""
    left_out = " ".join(text[a:b] for (_, a), (b, _) in pairwise(spans))
    sentences = sentence_spans(text[spans[0][0] : spans[-1][1]])
    if len(left_out) > _MOST_LEFT_OUT or len(sentences) > _MOST_SENTENCES:
        return True
    tokens = tokens_of(left_out)
    kept = {token.key for start, end in spans for token in tokens_of(text[start:end])}
    return any(token.kind in ("negation", "hedge") or opposites_of(token.key) & kept for token in tokens)


def _in_order(parts: Sequence[str], text: str, low: int, high: int) -> list[tuple[int, int]] | None:
    spans: list[tuple[int, int]] = []
    for part in parts:
        span = _find_between(part, text, spans[-1][1] if spans else low, high)
        if span is None:
            return None
        spans.append(span)
    return spans


def _is_too_short(text: str) -> bool:
    words = sum(any(character.isalnum() for character in word) for word in text.split())
    return words < MIN_WORDS and not (is_unspaced(text) and len(text) >= MIN_UNSPACED)


def _holder(found_by: Hit, hits: Sequence[Hit], start: int, end: int) -> Hit:
    """Return the hit whose passage holds the span; the one that led to it when none does."""
    for hit in hits:
        same = hit.document.id == found_by.document.id
        if same and hit.passage.start <= start and end <= hit.passage.end:
            return hit
    return found_by


def cite_span(document: Document, hit: Hit, start: int, end: int) -> Citation:
    """Cite a span of a document; the quote is the source's own characters (invariant 2)."""
    return Citation(
        document_id=document.id,
        title=document.title,
        path=document.path,
        sha256=document.sha256,
        start=start,
        end=end,
        quote=document.text[start:end],
        locator=locate(document.sections, start, end),
        passage_id=hit.passage.id,
        score=hit.scores.fused,
    )


def find_span(quote: str, text: str, near: int = 0, reach: int = 0) -> tuple[int, int] | None:
    """Return where a quote stands in a text, as (start, end), or None.

    The surroundings of `near` are searched first, as far as `reach` and the quote's own length; then all of the text.
    """
    margin = 2 * len(quote) + 50
    low, high = max(0, near - margin), near + reach + margin
    return _find_between(quote, text, low, high) or _find_between(quote, text, 0, len(text))


def find_spans(quote: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield every place where a quote stands in a text, from the first to the last."""
    low = 0
    while (span := _find_between(quote, text, low, len(text))) is not None:
        yield span
        low = span[1]


def _find_between(quote: str, text: str, low: int, high: int) -> tuple[int, int] | None:
    folded_quote = fold(quote)[0]
    if not any(character.isalnum() for character in folded_quote):
        return None
    folded, starts, ends = fold(text[low:high])
    for needle in (folded_quote, *_other_case(folded_quote)):
        for at, after in _occurrences(needle, folded):
            if _splits_cluster(at, after, starts, ends):
                continue
            start, end = low + starts[at], low + ends[after - 1]
            # judged in the whole text: what is cut off may stand outside the part that was searched
            if is_whole(text, start, end):
                return start, end
    return None


def _splits_cluster(at: int, after: int, starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Say whether a place begins or ends within what is one character with its marks: कि is no क."""
    return (at > 0 and starts[at - 1] == starts[at]) or (after < len(ends) and ends[after] == ends[after - 1])


def _occurrences(needle: str, folded: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of every place of the needle; a broken word matches with its hyphen and without."""
    if BREAK not in folded and BREAK not in needle:
        pattern = re.escape(needle)
    else:
        pattern = "".join(_either(before, character) for before, character in zip(f" {needle}", needle, strict=False))
    # the look-ahead finds places that overlap; each is judged on its own
    for match in re.finditer(f"(?=({pattern}))", folded):
        yield match.span(1)


def _either(before: str, character: str) -> str:
    if character == BREAK:
        return f"[-{BREAK}]?"
    if character == "-":
        return f"[-{BREAK}]"
    inside_word = before.isalpha() and character.isalpha()
    return f"{BREAK}?{re.escape(character)}" if inside_word else re.escape(character)


def _other_case(quote: str) -> list[str]:
    """Return the quote with its first letter in the other case: a quote put into a sentence often changes it."""
    return [quote[0].swapcase() + quote[1:]] if quote[0].isalpha() and len(quote[0].swapcase()) == 1 else []
