"""Public data → sets that `qa eval` reads: those in forms of their own, and the parts that nothing was fitted on."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.reader.split import is_for_fitting
from index.readers.code import title_of_code
from index.sentences import sentence_spans

_RAG = "documents/anthropic_rag"
_AROUND = 5  # sentences that stand before and behind an excerpt in what is read
_FAR = 1500  # characters: excerpts further from a question's first are left out


def make_sets(data: Path, place: Path) -> None:
    """Write every set whose data is there into a folder."""
    for name, make in (
        ("squad", _squad),
        ("clapnq", _clapnq),
        ("excerpts", _excerpts),
        ("anthropic-docs", _anthropic_docs),
        ("anthropic-code", _code),
    ):
        try:
            make(data, place / name)
        except FileNotFoundError:
            continue  # said when the set is to be measured


def _json_of(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def _lines_of(path: Path) -> list[dict[str, Any]]:
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _squad(data: Path, place: Path) -> None:
    articles = _json_of(data / "squad/dev-v2.0.split_A.json.gz")["data"]
    kept = [one for one in articles if not is_for_fitting(one["title"].replace("_", " "))]
    place.mkdir(parents=True, exist_ok=True)
    (place / "squad.json").write_text(json.dumps({"data": kept}), encoding="utf-8")


def _clapnq(data: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted((data / "reading/clapnq/dev").glob("clapnq*.jsonl*")):
        kept = [one for one in _lines_of(path) if not is_for_fitting(one["passages"][0]["title"])]
        _write_lines(place / path.name.removesuffix(".gz"), kept)


def _excerpts(data: Path, place: Path) -> None:
    """472 questions about papers, reports, a speech, articles and chats, with their excerpts: Chroma's, in CLAPNQ's form."""
    folder = data / "chunking"
    texts = {path.name.split(".")[0]: gzip.decompress(path.read_bytes()).decode() for path in folder.glob("corpora/*.md.gz")}
    places = {name: sentence_spans(text) for name, text in texts.items()}
    rows = []
    for asked in csv.DictReader((folder / "questions_df.csv").read_text(encoding="utf-8").splitlines(keepends=True)):
        name = asked["corpus_id"]
        spans = sorted((one["start_index"], one["end_index"]) for one in json.loads(asked["references"]))
        near = [span for span in spans if span[1] - spans[0][0] <= _FAR]
        gold = [i for i, (low, high) in enumerate(places[name]) if any(low < end and high > start for start, end in near)]
        if gold:
            sentences = [texts[name][low:high] for low, high in places[name]]
            passage = {"title": "", "sentences": sentences[max(0, gold[0] - _AROUND) : gold[-1] + 1 + _AROUND]}
            output = {"answer": "excerpts", "selected_sentences": [sentences[number] for number in gold]}
            rows.append({"input": asked["question"], "passages": [passage], "output": [output]})
    place.mkdir(parents=True, exist_ok=True)
    _write_lines(place / "excerpts.jsonl", rows)


def _anthropic_docs(data: Path, place: Path) -> None:
    """232 chunks of a manual, 100 questions: github.com/anthropics/claude-cookbooks, its measure of basic retrieval."""
    folder = data / _RAG / "retrieval_augmented_generation"
    documents = {
        one["chunk_link"]: (one["chunk_heading"], one["text"]) for one in _json_of(folder / "anthropic_docs.json.gz")
    }
    asked = _json_of(folder / "docs_evaluation_dataset.json.gz")
    _write_beir(place, documents, {one["id"]: (one["question"], one["correct_chunks"]) for one in asked})


def _code(data: Path, place: Path) -> None:
    """737 chunks of program code, 248 questions, each with its chunks: from the same collection.

    Each is under the title that its whole file has where it is indexed as one.
    """
    folder = data / _RAG / "contextual-embeddings"
    documents = {
        f"{one['original_uuid']}/{chunk['original_index']}": (title_of_code(one["content"]), chunk["content"])
        for one in _json_of(folder / "codebase_chunks.json.gz")
        for chunk in one["chunks"]
    }
    asked = _lines_of(folder / "evaluation_set.jsonl.gz")
    questions = {
        str(i): (one["query"], [f"{uuid}/{index}" for uuid, index in one["golden_chunk_uuids"]])
        for i, one in enumerate(asked)
    }
    _write_beir(place, documents, questions)


def _write_beir(
    place: Path, documents: Mapping[str, tuple[str, str]], questions: Mapping[str, tuple[str, Iterable[str]]]
) -> None:
    (place / "qrels").mkdir(parents=True, exist_ok=True)
    _write_lines(
        place / "corpus.jsonl", [{"_id": key, "title": title, "text": text} for key, (title, text) in documents.items()]
    )
    _write_lines(place / "queries.jsonl", [{"_id": key, "text": text} for key, (text, _) in questions.items()])
    with (place / "qrels" / "test.tsv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(("query-id", "corpus-id", "score"))
        table.writerows((key, found, 1) for key, (_, wanted) in questions.items() for found in wanted)


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
