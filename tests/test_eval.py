"""`qa eval`: data sets of every known form, measured from end to end, compared, and held to a minimum."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qa.errors import BadDataset
from qa.evaluation.datasets import AskSet, ClaimSet, ReadingSet, RetrievalSet, open_dataset

CORPUS = Path(__file__).parent.parent / "corpus"
TEXTS = {
    "d1": ("Bridge", "The stone bridge over the Ava was opened in 1907 by the mayor."),
    "d2": ("Tower", "The tower of Bor is 91 metres high. It was built by masons from Lom."),
    "d3": ("Bees", "Bees dance to tell where the flowers are."),
}


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    write_rows(folder / "corpus.jsonl.gz", [{"_id": k, "title": t, "text": text} for k, (t, text) in TEXTS.items()])
    questions = {"q1": "When was the bridge opened?", "q2": "How high is the tower?", "q3": "What do bees do?", "q4": "?"}
    write_rows(folder / "queries.jsonl", [{"_id": k, "text": text} for k, text in questions.items()])
    judged = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq2\td3\t0\nq3\td3\t1\n"
    (folder / "qrels" / "dev.tsv").write_text(judged)
    return folder


def squad(path: Path) -> Path:
    text = "The stone bridge was opened in 1907. It crosses the Ava. The mayor cut the ribbon."
    answers = [{"text": "1907", "answer_start": text.index("1907")}]
    asked = [
        {"question": "When was the stone bridge opened?", "answers": answers},
        {"question": "Who paid for the zoo of Lom?", "is_impossible": True, "answers": []},
    ]
    data = {"data": [{"title": "Stone_bridge", "paragraphs": [{"context": text, "qas": asked}]}]}
    path.write_text(json.dumps(data))
    return path


def test_a_beir_folder_is_measured_as_retrieval(beir: Path, run_qa):
    result = run_qa("eval", beir, "--json")
    assert result.exit_code == 0, result.output
    fields = json.loads(result.stdout)
    assert fields["kind"] == "retrieval"
    assert fields["metrics"]["nDCG@10"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 3}
    assert fields["latency_ms"]["search"]["p50"] > 0
    dataset = open_dataset(beir)
    assert isinstance(dataset, RetrievalSet)
    assert dataset.relevant["q2"] == {"d2": 2}  # what is judged 0 is not relevant


def test_squad_json_is_measured_as_reading(tmp_path: Path, run_qa):
    fields = json.loads(run_qa("eval", squad(tmp_path / "squad.json"), "--json").stdout)
    assert fields["metrics"]["top sentence"]["value"] == 1.0
    assert fields["metrics"]["answerable AUROC"]["value"] == 1.0


def test_which_sentences_are_taken_is_measured_of_refused_questions_too(tmp_path: Path, run_qa, monkeypatch):
    monkeypatch.setenv("QA_ANSWER_RISK", "0.0001")
    path = squad(tmp_path / "squad.json")
    path.write_text(path.read_text().replace("When was the stone bridge opened?", "Was 1907 a year of bridges?"))
    found = json.loads(run_qa("eval", path, "--json").stdout)["metrics"]
    assert found["refused, answerable"]["value"] == 1.0
    assert found["sentence F1"]["value"] == found["evidence word-F1"]["value"] == 1.0


def test_clapnq_rows_keep_their_own_sentences(tmp_path: Path):
    sentences = ["Bees dance .", "They show where flowers are .", "Honey is sweet ."]
    passage = {"title": "Bees", "text": "", "sentences": sentences}
    output = [{"answer": "They dance.", "selected_sentences": sentences[:2]}, {"answer": "", "selected_sentences": []}]
    dataset = open_dataset(write_rows(tmp_path / "c.jsonl", [{"input": "why", "passages": [passage], "output": output}]))
    assert isinstance(dataset, ReadingSet)
    item = dataset.items[0]
    assert [[item.text[start:end] for start, end in gold] for gold in item.gold] == [sentences[:2]]


def test_clapnqs_folder_is_one_set_of_answerable_and_unanswerable_questions(tmp_path: Path):
    passage = {"title": "Bees", "text": "", "sentences": ["Bees dance ."]}
    answers = {"answerable": {"answer": "x", "selected_sentences": ["Bees dance ."]}, "unanswerable": {"answer": ""}}
    for name, output in answers.items():
        output = {"selected_sentences": [], **output}
        write_rows(tmp_path / f"clapnq_dev_{name}.jsonl", [{"input": "why", "passages": [passage], "output": [output]}])
    dataset = open_dataset(tmp_path)
    assert isinstance(dataset, ReadingSet)
    assert [bool(item.gold) for item in dataset.items] == [True, False]


def test_claims_are_judged_and_what_is_wrongly_shown_as_supported_is_counted(tmp_path: Path, run_qa):
    source = "The stone bridge over the Ava was opened in 1907."
    rows = [
        {"claim": source, "evidence": source, "label": "SUPPORTS"},
        {"claim": source.replace("1907", "1908"), "evidence": source, "label": "REFUTES"},
        {"claim": "Bees dance in Lom.", "evidence": source, "label": "NOT_ENOUGH_INFO"},
    ]
    fields = json.loads(run_qa("eval", write_rows(tmp_path / "claims.jsonl.gz", rows), "--json").stdout)
    assert fields["metrics"]["balanced accuracy"]["value"] == 1.0
    assert fields["metrics"]["of these not borne out"]["value"] == 0.0
    for name in ("of the judge alone", "of the judge, two thresholds", "of cosines, two thresholds"):
        assert 0.0 <= fields["metrics"][name]["value"] <= 1.0
    csv = tmp_path / "claims.csv"
    csv.write_text('id,evidence,claim,label\n1,"It rained, then stopped.",It rained.,Supports\n2,x y z,q,Neutral\n')
    dataset = open_dataset(csv)
    assert isinstance(dataset, ClaimSet)
    assert [item.label for item in dataset.items] == ["supported", "unsupported"]


def test_questions_with_expected_quotes_are_asked_from_end_to_end(tmp_path: Path, run_qa):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "bridge.md").write_text(f"# Bridge\n\n{TEXTS['d1'][1]}\n")
    rows = [
        {"question": "When was the stone bridge opened?", "expect": [{"document": "bridge.md", "quote": "opened in 1907"}]},
        {"question": "Who won the chess olympiad in Lom?", "answerable": False},
    ]
    path = write_rows(folder / "questions.jsonl", rows)
    assert isinstance(open_dataset(path), AskSet)
    fields = json.loads(run_qa("eval", path, "--json").stdout)
    values = {name: one["value"] for name, one in fields["metrics"].items()}
    assert values == {
        "answer holds an expected quote": 1.0,
        "citation recall": 1.0,
        "citation precision": 1.0,
        "quotes exact": 1.0,
        "answerable AUROC": 1.0,
        "refused, unanswerable": 1.0,
        "refused, answerable": 0.0,
        "refusal F1": 1.0,
        "wrong, of those answered": 0.0,
        "area under risk": 0.25,
        "calibration error": values["calibration error"],
    }
    assert [count for *_, count in fields["reliability"]] == [1, 1]
    assert fields["risk_by_coverage"] == [[0.5, 0.0], [1.0, 0.5]]
    assert not (Path.cwd() / ".qa").exists()  # the user's own index is left alone


def test_a_result_below_the_minimum_has_an_exit_code_of_its_own(beir: Path, run_qa):
    assert run_qa("eval", beir, "--min", "nDCG@10=0.9").exit_code == 0
    result = run_qa("eval", beir, "--min", "recall@10=1.1")
    assert result.exit_code == 8
    assert "recall@10 is 1.000, below 1.1" in result.stderr
    assert run_qa("eval", beir, "--min", "recall@10").exit_code == 2
    unknown = run_qa("eval", beir, "--min", "beauty=1")
    assert unknown.exit_code == 2
    assert "there are: nDCG@10" in unknown.stderr


def test_a_report_is_one_page_that_loads_nothing_and_shows_the_change(beir: Path, run_qa, tmp_path: Path):
    earlier = tmp_path / "earlier.json"
    fields = json.loads(run_qa("eval", beir, "--json").stdout)
    fields["metrics"]["nDCG@10"]["value"] = 0.25
    earlier.write_text(json.dumps(fields))
    result = run_qa("eval", beir, "--compare", earlier, "--report", tmp_path / "report.html")
    assert "+0.750" in result.stdout
    page = (tmp_path / "report.html").read_text()
    assert "<svg" in page
    assert "0.250" in page
    assert "http" not in page
    assert "<script" not in page
    assert run_qa("eval", beir, "--compare", beir / "queries.jsonl").exit_code == 2


@pytest.mark.parametrize("content", ["", "{}", '{"data": 1}', "[1, 2]", "not json at all", '{"claim": "x"}'])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv"])
def test_anything_else_is_refused_with_the_forms_that_are_known(tmp_path: Path, content: str, name: str):
    (tmp_path / name).write_text(content)
    with pytest.raises(BadDataset) as caught:
        open_dataset(tmp_path / name)
    assert "BEIR" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, 'question 1 needs "expect"'),
        ({"answerable": True}, 'question 1 needs "expect"'),
        ({"answerable": True, "expect": []}, 'question 1 needs "expect"'),
        ({"answerable": False, "expect": [{"document": "a.txt", "quote": "Lom"}]}, 'question 1 needs "expect"'),
        ({"expect": [{"document": "b.txt", "quote": "Lom"}]}, "question 1 expects b.txt, which is not in the folder"),
    ],
)
def test_a_question_of_which_it_is_not_clear_what_is_expected_is_refused_at_once(folder: Path, row: Any, said: str):
    (folder / "a.txt").write_text("Bees dance in Lom.")
    with pytest.raises(BadDataset) as caught:
        open_dataset(write_rows(folder / "questions.jsonl", [{"question": "Where do bees dance?", **row}]))
    assert said in caught.value.message


def test_what_no_question_tells_anything_of_is_left_out(folder: Path, run_qa):
    (folder / "a.txt").write_text("Bees dance in Lom.")
    path = write_rows(folder / "questions.jsonl", [{"question": "Who won the chess olympiad?", "answerable": False}])
    assert json.loads(run_qa("eval", path, "--json").stdout)["metrics"].keys() == {"refused, unanswerable"}


def test_a_folder_without_judgements_is_refused(beir: Path, run_qa):
    shutil.rmtree(beir / "qrels")
    result = run_qa("eval", beir)
    assert result.exit_code == 2
    assert "qrels" in result.stderr
