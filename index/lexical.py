"""Passages by their words: BM25 in Tantivy, derived from the catalog. The only module that knows tantivy.

`lexical/manifest.json` is written after Tantivy's own commit and names the generation and the checksum of every
file. Where it does not fit the files, the index is stale or damaged: the writer builds it anew from the catalog.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from index.catalog import Catalog
from index.files import sha256_of, sync_folder, write_durably
from index.identifiers import identifier_words

Found = list[tuple[int, float]]

_SEGMENTS = "meta.json"
_HEAP_BYTES = 64_000_000
_WORDS_VERSION = 2  # of what becomes of a text: files of another one are built anew
_TERM_SET_LIMIT = 20_000  # admitted passages that are named one by one in the query; more are sifted afterwards
# Letters with their marks: the usual tokenizers cut Urdu and Hindi words at vowel marks.
_WORDS = r"[\p{L}\p{M}\p{N}]+"
_STOP_WORDS = frozenset(
    (
        "a an and are as at be been but by can could did do does for from had has have he her his how i if in into "
        "is it its me my no not of on or our she should so such than that the their them then there these they "
        "this to was we were what when where which who whom whose why will with would you your about any all also "
        "may must s t u "
    ).split()
)


@dataclass(frozen=True)
class LexicalIndex:
    """One generation of the index, held by a searcher that later commits do not change."""

    generation: int
    token: str
    schema: Any
    searcher: Any

    def search(self, text: str, k: int, admitted: np.ndarray | None = None) -> Found:
        """Return up to k (passage number, BM25 score), best first, of passages that share a word with the text."""
        words = question_words(_with_identifiers(text))
        if not words or k <= 0 or (admitted is not None and not len(admitted)):
            return []
        query = self._any_of(words)
        if admitted is None:
            return self._run(query, k)
        if len(admitted) <= _TERM_SET_LIMIT:
            chosen = tantivy.Query.term_set_query(self.schema, "num", [int(num) for num in admitted])
            only = tantivy.Query.const_score_query(chosen, 0.0)
            return self._run(tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, only)]), k)
        return self._sift(query, k, {int(num) for num in admitted})

    def _any_of(self, words: Sequence[str]) -> Any:
        terms = [(tantivy.Occur.Should, tantivy.Query.term_query(self.schema, "text", word)) for word in words]
        return tantivy.Query.boolean_query(terms)

    def _run(self, query: Any, limit: int) -> Found:
        hits = self.searcher.search(query, limit, count=False).hits
        nums = self.searcher.fast_field_values("num", [address for _, address in hits]) if hits else []
        found = [(int(num), float(score)) for (score, _), num in zip(hits, nums, strict=True)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _sift(self, query: Any, k: int, admitted: set[int]) -> Found:
        """Ask for more and more until k admitted ones are among them, or there are no more."""
        limit = 4 * k
        while True:
            found = self._run(query, limit)
            kept = [pair for pair in found if pair[0] in admitted]
            if len(kept) >= k or len(found) < limit:
                return kept[:k]
            limit *= 4


def question_words(text: str) -> list[str]:
    """Return the distinct stems to search for; stop words are left out unless there is nothing else."""
    raw = _PLAIN.analyze(text)
    content = [word for word in raw if word not in _STOP_WORDS] or raw
    return list(dict.fromkeys(stem for word in content for stem in _STEMS.analyze(word)))


def stems(text: str) -> list[str]:
    """Return the words of a text as they are searched, in their order."""
    found: list[str] = _STEMS.analyze(text)
    return found


@lru_cache(maxsize=16384)
def word_stem(word: str) -> str:
    """Return what a single word is searched as: its stem, or "" of a stop word."""
    raw = _PLAIN.analyze(word)
    return "".join(stem for one in raw if one not in _STOP_WORDS for stem in _STEMS.analyze(one))


def open_lexical(folder: Path, catalog: Catalog) -> LexicalIndex | None:
    """Open the index if it is sound and of the catalog's generation; None otherwise."""
    generation, token = catalog.generation(), catalog.token()
    manifest = _sound_manifest(folder)
    if manifest is None or (manifest["generation"], manifest["token"]) != (generation, token):
        return None
    try:
        reader = _reader(generation, token, _open_index(folder))
        # Tantivy's list of its segments once more: had a writer committed in between, it would not be the one proven
        return reader if sha256_of(folder / _SEGMENTS) == manifest["files"].get(_SEGMENTS) else None
    except Exception:  # whatever Tantivy says of files that it cannot open
        return None


def build_in_memory(catalog: Catalog) -> LexicalIndex:
    """Build the index of the catalog's generation without writing a file: for readers that waited for a writer in vain."""
    index = tantivy.Index(_schema())
    index.register_tokenizer("stems", _STEMS)
    _apply(index, catalog, *catalog.changes_since(0))
    return _reader(catalog.generation(), catalog.token(), index)


def refresh_lexical(folder: Path, catalog: Catalog, *, rewrite: bool = False) -> None:
    """Bring the files to the catalog's generation: catch up when they are sound, else build them anew. Writer only.

    rewrite: build anew in any case. Tantivy marks what is deleted and keeps its words until segments are merged.
    """
    for leftover in _beside(folder):  # of a run that died
        shutil.rmtree(leftover, ignore_errors=True)
    manifest = _sound_manifest(folder)
    if rewrite or manifest is None or not catalog.can_catch_up(manifest["generation"], manifest["token"]):
        _build(folder, catalog)
        return
    if manifest["generation"] != catalog.generation():
        _apply(_open_index(folder), catalog, *catalog.changes_since(manifest["generation"]))
        _write_manifest(folder, catalog)


def check_lexical(folder: Path, catalog: Catalog) -> str:
    """Say what is wrong with the files, or "" when readers can use them."""
    if not folder.is_dir():
        return "lexical/ is missing"
    manifest = _sound_manifest(folder)
    if manifest is None:
        return "a file in lexical/ is damaged"
    current = (manifest["generation"], manifest["token"]) == (catalog.generation(), catalog.token())
    return "" if current else "lexical/ is behind the catalog"


def _build(folder: Path, catalog: Catalog) -> None:
    """Build the index beside the old one, which serves meanwhile, then put it in its place."""
    fresh, old = _beside(folder)
    fresh.mkdir(parents=True)
    index = tantivy.Index(_schema(), path=str(fresh))
    index.register_tokenizer("stems", _STEMS)
    _apply(index, catalog, catalog.changes_since(0)[0], [])
    _write_manifest(fresh, catalog)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")


def _analyzer(*, stems: bool) -> Any:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORDS)).filter(tantivy.Filter.lowercase())
    builder = builder.filter(tantivy.Filter.ascii_fold()).filter(tantivy.Filter.remove_long(100))
    return (builder.filter(tantivy.Filter.stemmer("english")) if stems else builder).build()


_PLAIN = _analyzer(stems=False)
_STEMS = _analyzer(stems=True)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    # signed, because Tantivy's Python layer deletes by signed terms only
    builder.add_integer_field("num", stored=False, indexed=True, fast=True)
    builder.add_text_field("text", stored=False, tokenizer_name="stems", index_option="freq")
    return builder.build()


def _open_index(folder: Path) -> Any:
    index = tantivy.Index.open(str(folder))
    index.register_tokenizer("stems", _STEMS)
    return index


def _reader(generation: int, token: str, index: Any) -> LexicalIndex:
    index.reload()
    return LexicalIndex(generation, token, index.schema, index.searcher())


def _apply(index: Any, catalog: Catalog, added: Sequence[int], removed: Sequence[int]) -> None:
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    for num in removed:
        writer.delete_documents_by_term("num", num)
    for num, text in catalog.searched_texts(added):
        writer.add_document(tantivy.Document(num=num, text=_with_identifiers(text)))
    writer.commit()
    writer.wait_merging_threads()


def _with_identifiers(text: str) -> str:
    return "\n".join([text, *identifier_words(text)])


def _data_files(folder: Path) -> list[Path]:
    """Return Tantivy's files without its locks."""
    return sorted(path for path in folder.iterdir() if path.name != "manifest.json" and path.suffix != ".lock")


def _write_manifest(folder: Path, catalog: Catalog) -> None:
    files = {path.name: sha256_of(path) for path in _data_files(folder)}
    manifest = {"generation": catalog.generation(), "token": catalog.token(), "words": _WORDS_VERSION, "files": files}
    write_durably(folder / "manifest.json", json.dumps(manifest).encode())


def _sound_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest if every file is as it says and has the words that are searched today, None otherwise."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        sound = all(sha256_of(folder / name) == digest for name, digest in manifest["files"].items())
        typed = isinstance(manifest["generation"], int) and isinstance(manifest["token"], str)
        return manifest if sound and typed and manifest["words"] == _WORDS_VERSION else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
