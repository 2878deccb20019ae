"""`make bench`: what it counts, draws and writes, and the protocol that peers' scripts speak. No peer is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.readme import replace_part
from bench.speed import large, where
from bench.speed.corpus import holds, make_questions, shuffled, write_corpus
from bench.speed.figures import Spread, percentile, ratio, significant, spread_of
from bench.speed.growth import growth_svg
from bench.speed.record import Record
from bench.speed.session import PeerCannot, PeerFailed, Session, run
from bench.speed.synthetic import index_synthetic
from bench.speed.table import growth, tables
from bench.speed.variants import OURS, SCRIPTS, VARIANTS, chosen
from index.doctor import examine
from index.embedder import BundledEmbedder, bundled_weights
from index.local_store import LocalStore
from index.search import search
from qa.config import Settings
from qa.workspace import Workspace

ROOT = Path(__file__).parent.parent
WORDS = [f"word{number}" for number in range(400)]
DOCUMENTS = [
    [" ".join(WORDS[start + 40 * part : start + 40 * part + 30]) for part in range(3)] for start in range(0, 280, 20)
]


def peer(folder: Path, code: str) -> Session:
    script = folder / "run_peer.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(SCRIPTS)!r})\nfrom wire import serve\n{code}\nserve(Peer)\n")
    return Session(Path(sys.executable), script, {}, dict(os.environ), folder / "log.txt")


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 100)
    assert percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_rounds_become_median_and_range():
    assert spread_of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)
    assert spread_of([]) is None
    assert ratio(Spread(6, 6, 6, 1), Spread(2, 2, 2, 1)) == 3
    assert ratio(None, Spread(2, 2, 2, 1)) is None
    assert ratio(Spread(2, 2, 2, 1), Spread(0, 0, 0, 1)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234.5, "1,230"), (12.34, "12.3"), (0.001234, "0.00123"), (99.96, "100"), (-2.5, "-2.50")],
)
def test_numbers_have_three_significant_digits(value: float, text: str):
    assert significant(value) == text


def test_every_size_holds_the_first_passages_of_a_larger_one(tmp_path: Path):
    few, more = (write_corpus(DOCUMENTS, size, tmp_path / str(size), 5) for size in (7, 20))
    read = {}
    for corpus in (few, more):
        texts = [path.read_text().split("\n\n") for path in sorted(corpus.folder.rglob("*.txt"))]
        read[corpus.passages] = [passage for passages in texts for passage in passages]
        assert len(texts) == corpus.documents
    assert (len(read[7]), len(read[20])) == (7, 20)
    assert read[20][:7] == read[7]
    with pytest.raises(ValueError, match="fewer than 1,000"):
        write_corpus(DOCUMENTS, 1000, tmp_path / "large", 5)


def test_documents_are_shuffled_alike_every_time():
    assert shuffled(DOCUMENTS) == shuffled(DOCUMENTS) != DOCUMENTS


def test_a_question_is_words_that_only_its_passage_holds_together():
    passages = [" ".join(WORDS[start : start + 30]) for start in range(0, 300, 30)]
    questions = make_questions(passages, 6)
    assert len(set(questions)) == 6
    assert questions == make_questions(passages, 6)
    for question in questions:
        assert [holds(passage, question) for passage in passages].count(True) == 1
        assert len(question.split()) == 10
    assert len(set(make_questions(passages, 50))) == 50


def test_our_script_indexes_searches_and_changes_by_the_protocol(tmp_path: Path):
    corpus = write_corpus(DOCUMENTS, 20, tmp_path / "docs", 3)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "QA_RERANKER": "none"}
    script = SCRIPTS / "run_citable_qa.py"
    with Session(Path(sys.executable), script, {"variant": "search"}, environ, tmp_path / "log.txt") as session:
        place = str(tmp_path / "index")
        assert session.ask("index", folder=str(corpus.folder), place=place)["wall"] > 0
        session.ask("open", place=place)
        for question in corpus.questions:
            hits = session.ask("search", question=question, k=3)["hits"]
            assert len(hits) == 3
            assert any(holds(text, question) for _, text in hits)
        assert len(session.ask("search_many", questions=list(corpus.questions) * 4, clients=4, k=3)["seconds"]) == 12
        session.ask("add", document="added", text="The quay was dredged in 1934.")
        assert texts_of(session) == ["The quay was dredged in 1934."]
        session.ask("change", document="added", old="The quay was dredged in 1934.", text="It was dredged in 1988.")
        assert texts_of(session) == ["It was dredged in 1988."]
        session.ask("delete", document="added", old="It was dredged in 1988.")
        assert texts_of(session) == []
        session.ask("erase")
        assert b"dredged" not in b"".join(path.read_bytes() for path in Path(place).rglob("*") if path.is_file())
        assert session.memory() > 50e6


def texts_of(session: Session) -> list[str]:
    hits = session.ask("search", question="When was it dredged?", k=3)["hits"]
    return [text for passage, text in hits if passage.startswith("added#")]


def test_a_script_is_given_passages_and_their_vectors(tmp_path: Path):
    code = """
class Peer:
    def __init__(self, options): pass
    def index(self, ids, texts, vectors): self.found = [[ids[0], texts[0]], [ids[-1], texts[-1]], [vectors is None, ""]]
    def save(self, place): print("not an answer")
    def search(self, question, k): return self.found
    def delete(self, document, passages): raise NotImplementedError(f"{passages} at once")
    def add(self, document, texts): self.found = [(document, text) for text in texts]
"""
    corpus = write_corpus(DOCUMENTS, 4, tmp_path / "docs", 1)
    with peer(tmp_path, code) as session:
        assert session.ask("index", folder=str(corpus.folder), place="")["passages"] == 4
        first, last, none = session.ask("search", question="", k=1)["hits"]
        assert (first[0], last[0], none[0]) == ("000000#0", "000001#0", True)
        assert (first[1], last[1]) == (DOCUMENTS[0][0], DOCUMENTS[1][0])
        with pytest.raises(PeerCannot, match="2 at once"):
            session.ask("change", document="a", old="one\n\ntwo", text="three")
        session.ask("add", document="a", text="one\n\ntwo")
        assert session.ask("search", question="", k=1)["hits"] == [["a", "one"], ["a", "two"]]


def test_what_a_peer_raises_is_its_failure_not_ours(tmp_path: Path):
    code = """
class Peer:
    def __init__(self, options): pass
    def open(self, place): raise ValueError("no such place")
    def search(self, question, k): import os; os._exit(3)
"""
    record = Record()
    with peer(tmp_path, code) as session:
        with record.attempt("A", "open"):
            session.ask("open", place="")
        with pytest.raises(PeerFailed, match="without an answer"):
            session.ask("search", question="", k=1)
        session.close()
    assert record.reasons == {"A": {"open": "failed: ValueError: no such place"}}


def test_a_command_costs_its_children_too():
    child = "import time; bytes(60_000_000); x = bytearray(60_000_000); time.sleep(.3)"
    code = f"import subprocess, sys\nprint('first', flush=True)\nsubprocess.run([sys.executable, '-c', {child!r}])"
    cost = run([sys.executable, "-c", code], dict(os.environ))
    assert 0 < cost.first < cost.wall
    assert cost.wall > 0.3
    assert cost.memory > 60e6
    with pytest.raises(PeerFailed, match="broken"):
        run([sys.executable, "-c", "raise SystemExit('broken')"], dict(os.environ))


def a_record() -> Record:
    record = Record()
    for rate in (10.0, 12.0, 11.0):
        record.note("ours", index_rate=rate * 4, add=0.2, save=0.0)
        record.note("theirs", index_rate=rate, add=0.01, save=0.5)
    record.note("ours", made=312)
    record.reasons["theirs"] = {"delete": "cannot: no such thing"}
    return record


def test_the_table_holds_ratios_ranges_and_what_is_missing():
    text = "".join(tables({2000: a_record()}, ["ours", "theirs"]))
    assert "### 2,000 passages" in text
    assert "| theirs | 11.0 (10 to 12) ×0.25 | - |" in text
    assert "| ours | 44.0 (40 to 48) | 312 |" in text
    assert "| theirs | 10.0 (10 to 10) ×0.050 | 500 (500 to 500) | 510 (510 to 510) ×2.5 |" in text
    assert "theirs, delete: cannot: no such thing" in text


def test_a_record_is_the_same_after_it_was_kept():
    record = a_record()
    assert Record.from_json(record.to_json()) == record


def test_the_plot_has_a_line_for_each_that_was_measured():
    records = {1000: a_record(), 10_000: a_record()}
    lines = growth(records, "durable", ["ours", "theirs", "others"])
    assert list(lines) == ["ours", "theirs"]
    assert lines["theirs"] == [(1000, 0.51), (10_000, 0.51)]
    root = ElementTree.fromstring(growth_svg({"added, s": lines, "nothing": {}}))
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert len(root.findall(".//svg:circle", space)) == 4
    words = [text.text for text in root.findall(".//svg:text", space)]
    assert {"added, s", "1k", "10k", "ours", "theirs"} <= set(words)


def test_this_project_is_always_measured_and_first():
    assert [one.peer for one in chosen([])] == [OURS, OURS]
    assert chosen(["txtai"])[0] == VARIANTS[0]
    assert {one.peer for one in chosen(["txtai"])} == {OURS, "txtai"}
    with pytest.raises(ValueError, match="nothing: no such peer"):
        chosen(["nothing"])


def test_every_peer_has_a_script_and_pinned_requirements():
    for one in VARIANTS:
        assert one.script.is_file()
        if not one.ours:
            assert all("==" in line for line in one.requirements.read_text().splitlines())


def test_a_synthetic_index_is_one_like_any_other(tmp_path: Path, embedder: BundledEmbedder):
    texts = [f"The lighthouse number {number} stands at cape {WORDS[number]}." for number in range(20)]
    index_synthetic(LocalStore(tmp_path / ".qa"), embedder, texts, embedder.embed(texts), 53)
    assert examine(tmp_path / ".qa") == []
    with LocalStore(tmp_path / ".qa").view() as view:
        hits = search(view, embedder, f"Which lighthouse stands at cape {WORDS[7]}?", k=3)
        all_of = [passage for passage, _ in view.passages(view.numbers()).values()]
        vectors = view.vectors(view.numbers())
    assert len(all_of) == 53
    assert len({passage.text for passage in all_of}) == 53
    assert hits[0].passage.text == texts[7]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_recall_is_against_comparing_all(tmp_path: Path, embedder: BundledEmbedder):
    texts = [f"The lighthouse number {number} stands at cape {WORDS[number]}." for number in range(20)]
    index_synthetic(LocalStore(tmp_path / ".qa"), embedder, texts, embedder.embed(texts), 40)
    assert large.recall(Workspace(Settings(data=tmp_path / ".qa")), ["Which lighthouse stands at the cape?"]) == 1.0


def test_a_part_of_the_readme_is_replaced_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- one -->\nold\n<!-- end of one -->\nafter <!-- two -->\n")
    monkeypatch.setattr("bench.readme.README", readme)
    replace_part("one", "new\n")
    assert readme.read_text() == "before\n<!-- one -->\nnew\n<!-- end of one -->\nafter <!-- two -->\n"
    with pytest.raises(ValueError, match="unpack"):
        replace_part("three", "new\n")


def test_multiplications_are_counted_as_the_weights_say():
    products = sum(
        array.size for name, array in bundled_weights().items() if name.startswith("encoder.") and array.ndim == 2
    )
    assert where.flops(1) == 2 * products + 6 * 4 * 384
    assert 21e6 < where.flops(200) / 200 < 24e6  # DESIGN: about 23 million a token
