"""Quote → citation, or the reason why not. Pure functions of texts: no model, no score, no I/O.

A quote is found where its characters stand in the source, apart from white space, typographic variants of quotation
marks and dashes, ligatures and other compatibility forms, a word broken at a line's end, and the case of the first
letter. An ellipsis may stand for what is left out between two parts, if that holds no negation: what is cited is the
whole stretch. Nothing else may differ, and it may not begin or end inside a word or number, or right behind a negation:
a changed digit, name or negation is never found (invariant 4).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from index.locators import locate
from index.records import Document, Hit
from qa.facts import tokens_of
from qa.folding import BREAK, fold
from qa.records import Citation, Quote, Rejected

MIN_WORDS = 3
MIN_UNSPACED = 6  # characters, for scripts without spaces
_WRAPPING = " \t\n\"'“”‘’«»`"
# "[…]" and "..." between two parts of a quote
_ELLIPSIS = re.compile(r"\s*[\[(]?\s*(?:…|\.{3,}|\. \. \.)\s*[\])]?\s*")
_MOST_PARTS = 2
_MOST_LEFT_OUT = 400  # characters; what is cited is all of it, and nobody would read on
_CLOSING = re.compile(r"[\"”»][.,;]$")
_NEGATION_BEFORE = re.compile(
    r"(?:\b(?:no|not|never|without|neither|nor|cannot|hardly|barely|nobody|none|non)|n['’]t|\b(?:نہیں|नहीं))\s+$"
    r"|[不没沒未非無无]$",
    re.IGNORECASE,
)


def find_citation(quote: Quote, hits: Sequence[Hit], documents: dict[str, Document]) -> Citation | Rejected:
    """Find a quote in the documents of the hits.

    documents: the hits' documents by id. The passage that the quote names is searched first, then that passage's
    document (a quote may run over a passage's end), then the other hits: the citation says where the words really are.
    """
    text = _CLOSING.sub("", quote.text.strip(_WRAPPING)).strip(_WRAPPING)
    if _is_too_short(text):
        return Rejected(text, f"shorter than {MIN_WORDS} words")
    ranked = sorted(hits, key=lambda one: one.passage.id != quote.passage_id)
    for hit in ranked:
        document = documents[hit.document.id]
        span = find_span(text, document.text, hit.passage.start, len(hit.passage.text))
        if span is not None:
            return cite_span(document, _holder(hit, hits, *span), *span)
    parts = [part.strip(_WRAPPING) for part in _ELLIPSIS.split(text) if part.strip(_WRAPPING)]
    if parts == [text] or not parts:
        return Rejected(text, "not in any of the passages")
    return _find_parts(text, parts, ranked, documents)


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
        left_out = " ".join(document.text[a:b] for (_, a), (b, _) in pairwise(spans))
        if any(token.kind == "negation" for token in tokens_of(left_out)) or len(left_out) > _MOST_LEFT_OUT:
            reason = "its ellipsis leaves out a negation or too much"
            continue
        return cite_span(document, hit, spans[0][0], spans[-1][1])
    return Rejected(text, reason)


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
    return words < MIN_WORDS and not (_is_unspaced(text) and len(text) >= MIN_UNSPACED)


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


def _find_between(quote: str, text: str, low: int, high: int) -> tuple[int, int] | None:
    folded_quote = fold(quote)[0]
    if not any(character.isalnum() for character in folded_quote):
        return None
    folded, starts, ends = fold(text[low:high])
    for needle in (folded_quote, *_other_case(folded_quote)):
        for at, after in _occurrences(needle, folded):
            start, end = low + starts[at], low + ends[after - 1]
            # judged in the whole text: what is cut off may stand outside the part that was searched
            if _is_whole(text, start, end):
                return start, end
    return None


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


def _is_whole(text: str, start: int, end: int) -> bool:
    """Say whether a span begins and ends where words and numbers do, and drops no negation in front of it."""
    before, after = text[max(0, start - 40) : start], text[end : end + 40]
    first, last = text[start], text[end - 1]
    if after and unicodedata.category(after[0]).startswith("M"):
        return False
    if _NEGATION_BEFORE.search(before):
        return False
    return not (_cuts_front(before, first, text[start:end]) or _cuts_back(last, after, text[start:end]))


def _cuts_front(before: str, first: str, quote: str) -> bool:
    if not before or not first.isalnum():
        return False
    if before[-1].isalnum():
        return not (_is_unspaced(first) or _is_unspaced(before[-1]))
    if first.isdigit() and re.search(r"(?:^|\D)[-−.,٫]$|\d[.,:/٫٬–-]$", before):
        return True
    if first.isdigit() and re.search(r"(?:^|\D)\d{1,3}[ \u00a0\u2009\u202f]$", before) and re.match(r"\d{3}(?!\d)", quote):
        return True
    # "non-nuclear", "can't", or the second half of a word that is broken at a line's end
    return re.search(r"\w[-‐‑'’]$", before) is not None or bool(
        first.islower() and re.search(r"\w[-‐\u00ad]\s*\n\s*$", before)
    )


def _cuts_back(last: str, after: str, quote: str) -> bool:
    if not after or not last.isalnum():
        return False
    if after[0].isalnum():
        return not (_is_unspaced(last) or _is_unspaced(after[0]))
    if last.isdigit() and re.match(r"[.,:/٫٬–-]\d", after):
        return True
    if last.isdigit() and re.match(r"[ \u00a0\u2009\u202f]\d{3}(?!\d)", after) and re.search(r"(?:^|\D)\d{1,3}$", quote):
        return True
    return re.match(r"[-‐‑]\w|['’](?!s\b)\w|[-‐\u00ad]\s*\n\s*[a-z]", after) is not None


def _other_case(quote: str) -> list[str]:
    """Return the quote with its first letter in the other case: a quote put into a sentence often changes it."""
    return [quote[0].swapcase() + quote[1:]] if quote[0].isalpha() and len(quote[0].swapcase()) == 1 else []


def _is_unspaced(text: str) -> bool:
    """Tell scripts that set no spaces between words (Chinese, Japanese, Thai)."""
    return any("\u0e00" <= character <= "\u0e7f" or "\u3040" <= character <= "\u9fff" for character in text)
