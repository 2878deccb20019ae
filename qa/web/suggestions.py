"""Questions to begin with, from the documents' own headings: those that are questions first. No model is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from index.errors import CitableError
from index.records import Document, DocumentInfo, Equals
from qa.conversation import is_follow_up
from qa.injection import find_orders
from qa.web.strings import LANGUAGES, translate
from qa.workspace import Workspace

_MOST = 4  # suggestions on a page
_LOOKED_AT = 40  # documents
_LONGEST_TEXT = 200_000  # characters: to read a longer document would be felt
_QUESTION = re.compile(r".*[?؟？]\s*", re.DOTALL)
_LENGTHS = range(15, 111)  # characters of a question that is easily read
_FEWEST_WORDS = 4  # of a question
_WORDS = range(2, 8)  # of a heading that names a subject
_SUBTITLE = re.compile(r"\s*(?::| - | – | — |\().*", re.DOTALL)
_SAYS_NOTHING = frozenset(
    "introduction background conclusion conclusions summary contents references appendix abstract overview method methods "
    "results discussion notes acknowledgements changelog licence license".split()
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that the documents may answer. lang: of the document it comes from, "" where that is not known."""

    question: str
    lang: str


class Suggestions:
    """The suggestions of a workspace, made once for each generation of the index. Safe to share between threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._made: dict[tuple[str, str], tuple[int, list[Suggestion]]] = {}  # by language and collection

    def at(self, generation: int, language: str, collection: str = "") -> list[Suggestion]:
        """Return the suggestions for readers of a language; none where the index cannot be read.

        collection: whose documents they are about; the default one if it is empty.
        """
        wanted = (language, collection or self._workspace.settings.collection)
        known = self._made.get(wanted)
        if known is None or known[0] != generation:
            known = self._made[wanted] = (generation, self._make(*wanted))
        return known[1]

    def _make(self, language: str, collection: str) -> list[Suggestion]:
        store = self._workspace.store
        try:
            listed = store.documents(Equals("collection", collection))
            chosen = [one.id for one in _spread(listed) if one.length <= _LONGEST_TEXT]
            return suggest(store.documents_with_ids(chosen), language)
        except CitableError:
            return []


def suggest(documents: Iterable[Document], language: str, most: int = _MOST) -> list[Suggestion]:
    """Return questions of several documents in turn, those in `language` first."""
    ordered = sorted(documents, key=lambda document: document.lang != language)
    asked = _in_turn([[Suggestion(one, document.lang) for one in _asked(document)] for document in ordered])
    about = _in_turn([[Suggestion(one, document.lang) for one in _about(document)] for document in ordered])
    unlike = {one.question.casefold(): one for one in reversed((*asked, *about))}  # of two alike the first
    return list(islice((one for one in (*asked, *about) if unlike[one.question.casefold()] is one), most))


def _asked(document: Document) -> Iterator[str]:
    """Yield the headings that are questions and need nothing said before them."""
    for heading in _headings(document):
        is_question = _QUESTION.fullmatch(heading) and len(heading) in _LENGTHS and len(heading.split()) >= _FEWEST_WORDS
        if is_question and not is_follow_up(heading):
            yield heading


def _about(document: Document) -> Iterator[str]:
    """Yield questions for what a document says under its headings, in the document's language if it is one of ours."""
    title = _SUBTITLE.sub("", document.title).strip()
    if document.lang not in LANGUAGES or not title:
        return
    for heading in _headings(document):
        if _is_subject(heading) and not document.title.startswith(heading):
            question = translate(document.lang, "suggest.about", title=title, heading=heading).unescape()
            if len(question) in _LENGTHS:
                yield question


def _is_subject(heading: str) -> bool:
    words = heading.split()
    says_something = words[0].lower() not in _SAYS_NOTHING and not heading[0].isdigit() and ":" not in heading
    return len(words) in _WORDS and says_something and not _QUESTION.fullmatch(heading)


def _headings(document: Document) -> Iterator[str]:
    """Yield the headings on one line each, but for those that give orders to a language model."""
    for section in document.sections:
        heading = " ".join(section.locator.heading[-1].split()) if section.locator.heading else ""
        if heading and not find_orders(heading):
            yield heading


def _spread(listed: list[DocumentInfo]) -> list[DocumentInfo]:
    """Return at most so many documents as are looked at, from all over the list."""
    return listed[:: max(1, -(-len(listed) // _LOOKED_AT))]


def _in_turn(lists: list[list[Suggestion]]) -> list[Suggestion]:
    """Return the first of each list, then the second of each."""
    longest = max(map(len, lists), default=0)
    return [one[i] for i in range(longest) for one in lists if i < len(one)]
