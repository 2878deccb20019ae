"""Files of public evaluation sets → records. What a file is, its contents tell."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qa.errors import BadDataset

Label = Literal["supported", "contradicted", "unsupported"]
_LABELS: Mapping[str, Label] = {
    **dict.fromkeys(("supports", "support", "supported"), "supported"),
    **dict.fromkeys(("refutes", "contradict", "contradicts", "contradicted", "refuted"), "contradicted"),
    **dict.fromkeys(("neutral", "not_enough_info", "nei", "unsupported", "neither"), "unsupported"),
}


@dataclass(frozen=True, slots=True)
class Text:
    """A document of a retrieval set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class RetrievalSet:
    """Which documents answer which questions. relevant: question id → document id → grade, above 0."""

    name: str
    documents: Sequence[Text]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class ReadingItem:
    """A question and one passage. gold: sets of spans of the text, each set an answer; none where it holds no answer."""

    question: str
    title: str
    text: str
    gold: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True)
class ReadingSet:
    """Questions with the passage that answers them, or does not."""

    name: str
    items: Sequence[ReadingItem]


@dataclass(frozen=True, slots=True)
class ClaimItem:
    """A claim and evidence; label: what people say that the evidence does."""

    claim: str
    evidence: str
    label: Label


@dataclass(frozen=True)
class ClaimSet:
    """Claims with evidence that bears them out, contradicts them, or does neither."""

    name: str
    items: Sequence[ClaimItem]


@dataclass(frozen=True, slots=True)
class AskItem:
    """A question to be asked from end to end. expect: (file name, quote) of passages that answer; none: unanswerable."""

    question: str
    expect: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AskSet:
    """Questions over the documents in the folder of their file, which is none of them."""

    name: str
    file: Path
    items: Sequence[AskItem]


Dataset = RetrievalSet | ReadingSet | ClaimSet | AskSet


def open_dataset(path: Path) -> Dataset:
    """Read a data set of a known form.

    A BEIR folder, SQuAD-style JSON, CLAPNQ (a file or its folder), claims with evidence, or questions with expected quotes.

    Raises BadDataset for anything else, and for one with nothing in it, naming the forms that are known.
    """
    try:
        found = _read(path)
    except (OSError, ValueError) as error:
        raise _unknown(path, str(error)) from error
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _unknown(path, f"{type(error).__name__}: {error}") from error
    if not (found.questions if isinstance(found, RetrievalSet) else found.items):
        raise _unknown(path, "it is empty")
    return found


def _unknown(path: Path, reason: str) -> BadDataset:
    forms = "BEIR folders, SQuAD-style JSON, CLAPNQ, claims with evidence and label, questions.jsonl"
    return BadDataset(f"{path}: not a data set that is known ({reason})", f"known are: {forms}")


def _read(path: Path) -> Dataset:
    if path.is_dir():
        parts = sorted(path.glob("clapnq*.jsonl*"))
        return _read_parts(path, parts) if parts else _read_beir(path)
    if path.suffix == ".csv":
        return ClaimSet(path.stem, [_labelled(row["claim"], row["evidence"], row["label"]) for row in _csv_rows(path)])
    if ".jsonl" in path.suffixes:
        return _read_rows(path, list(_json_rows(path)))
    return ReadingSet(path.name.split(".")[0], _squad_items(json.loads(_text_of(path))))


def _text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in _text_of(path).split("\n"):
        if line.strip():
            yield json.loads(line)


def _csv_rows(path: Path) -> Iterator[dict[str, str]]:
    return csv.DictReader(_text_of(path).splitlines(keepends=True))


def _read_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Dataset:
    if not rows:
        raise ValueError("it is empty")
    name, first = path.name.split(".")[0], rows[0]
    if "passages" in first and "input" in first:
        return ReadingSet(name, [_clapnq_item(row) for row in rows])
    if "evidences" in first:
        pairs = ((row["claim"], one["evidence"], one["evidence_label"]) for row in rows for one in row["evidences"])
        return ClaimSet(name, [_labelled(*pair) for pair in pairs])
    if "evidence_doc_id" in first:
        return ClaimSet(name, _scifact_items(rows, path.with_name("scifact_abstract_sentences.jsonl.gz")))
    if "claim" in first:
        return ClaimSet(name, [_labelled(row["claim"], row["evidence"], row["label"]) for row in rows])
    return AskSet(name, path, list(_ask_items(path, rows)))


def _ask_items(path: Path, rows: Sequence[dict[str, Any]]) -> Iterator[AskItem]:
    """Read questions. Raises ValueError for one of which it is not clear what is expected, before anything is indexed."""
    there = {one.name for one in path.parent.rglob("*")}
    for number, row in enumerate(rows, start=1):
        expect = tuple((one["document"], one["quote"]) for one in row.get("expect", ()))
        if bool(expect) != row.get("answerable", bool(expect)) or ("expect" not in row and "answerable" not in row):
            raise ValueError(f'question {number} needs "expect" with documents and quotes, or "answerable": false')
        for document, _ in expect:
            if Path(document).name not in there:
                raise ValueError(f"question {number} expects {document}, which is not in the folder of the questions")
        yield AskItem(row["question"], expect)


def _read_parts(folder: Path, parts: Sequence[Path]) -> ReadingSet:
    """Read CLAPNQ's folder, which has the answerable and the unanswerable questions in files of their own."""
    return ReadingSet(folder.name, [_clapnq_item(row) for part in parts for row in _json_rows(part)])


def _labelled(claim: str, evidence: str, label: str) -> ClaimItem:
    return ClaimItem(claim, evidence, _LABELS[label.strip().lower()])


def _read_beir(folder: Path) -> RetrievalSet:
    """Read a folder as BEIR lays it out; of several judgements "test" before "dev" before "train"."""
    corpus, questions = (_one_of(folder, f"{name}.jsonl", f"{name}.jsonl.gz") for name in ("corpus", "queries"))
    judged = _one_of(folder / "qrels", "test.tsv", "dev.tsv", "train.tsv")
    relevant: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(_text_of(judged).splitlines(), delimiter="\t"):
        if int(row["score"]) > 0:
            relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    texts = [Text(str(row["_id"]), row.get("title") or "", row["text"]) for row in _json_rows(corpus)]
    asked = {str(row["_id"]): row["text"] for row in _json_rows(questions)}
    return RetrievalSet(folder.name, texts, {key: asked[key] for key in relevant}, relevant)


def _one_of(folder: Path, *names: str) -> Path:
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise FileNotFoundError(f"{folder} has none of {', '.join(names)}")
    return found


def _squad_items(data: dict[str, Any]) -> list[ReadingItem]:
    items = []
    for article in data["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                answers = [] if asked.get("is_impossible") else asked["answers"]
                gold = {((one["answer_start"], one["answer_start"] + len(one["text"])),) for one in answers}
                title = article.get("title", "").replace("_", " ")
                items.append(ReadingItem(asked["question"], title, paragraph["context"], tuple(sorted(gold))))
    return items


def _clapnq_item(row: Mapping[str, Any]) -> ReadingItem:
    """Make a text of the sentences, for theirs are cut at other places than ours would be."""
    passage = row["passages"][0]
    spans: list[tuple[int, int]] = []
    text = ""
    for sentence in passage["sentences"]:
        spans.append((len(text), len(text) + len(sentence)))
        text += f"{sentence} "
    chosen = [
        tuple(spans[passage["sentences"].index(one)] for one in output["selected_sentences"] if one in passage["sentences"])
        for output in row["output"]
        if output.get("answer")
    ]
    return ReadingItem(row["input"], passage["title"], text, tuple(one for one in chosen if one))


def _scifact_items(rows: Sequence[dict[str, Any]], abstracts: Path) -> list[ClaimItem]:
    """Pair each claim with the sentences that people chose; without a verdict, with the abstract's first two."""
    texts = {row["doc_id"]: row["abstract"] for row in _json_rows(abstracts)}
    items = []
    for row in rows:
        document = row["evidence_doc_id"] or next(iter(row["cited_doc_ids"]), "")
        sentences = texts.get(document, [])
        chosen = [sentences[i] for i in row["sentences"] if i < len(sentences)] or sentences[:2]
        if chosen:
            items.append(_labelled(row["claim"], " ".join(chosen), row["label"]))
    return items
