"""What must always hold: DESIGN section 3, each invariant by its number (14 also in test_import_rules.py)."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import CORPUS, ROOT
from llm_server import LLMServer

from index.embedder import SentenceTransformerEmbedder
from index.errors import IndexIncompatible
from index.passages import split_document
from index.records import AllOf, Document, Equals, Hit, Scores
from index.search import search
from qa.answer import answer_question
from qa.citations import find_citation
from qa.indexing import index_paths, rebuild_index, remove_documents
from qa.records import AskRequest, Citation, Quote, Rejected
from qa.workspace import Workspace

QUESTIONS = [
    "What reasons does Pakistan give for rejecting the sanctions?",
    "When was BECA signed?",
    "Which companies in Karachi were listed?",
    "Who spoke of an emerging threat?",
    "What is the MTCR?",
    "پاکستان نے پابندیوں پر کیا کہا؟",
]


def test_invariant_1_every_passage_is_a_span_of_its_document(corpus: Workspace):
    with corpus.store.view() as view:
        for info in view.documents():
            document = view.document(info.id)
            assert document is not None
            passages = split_document(document, corpus.embedder.count_tokens, corpus.embedder.window)
            assert passages
            for passage in passages:
                stored = view.passage(passage.id)
                assert stored is not None
                assert stored[0] == passage
                assert passage.text == document.text[passage.start : passage.end]


@pytest.mark.parametrize("question", QUESTIONS)
def test_invariants_2_and_3_every_citation_is_a_span_and_every_marker_has_one(corpus: Workspace, question: str):
    answer = answer_question(corpus, AskRequest(question))
    numbers = {citation["n"] for citation in answer["citations"]}
    assert answer["citations"]
    assert {int(n) for n in re.findall(r"\[(\d+)\]", answer["text"])} == numbers
    assert {n for claim in answer["claims"] for n in claim["citations"]} == numbers
    with corpus.store.view() as view:
        for citation in answer["citations"]:
            document = view.document(citation["document_id"])
            assert document is not None
            assert document.sha256 == citation["sha256"]
            assert document.text[citation["start"] : citation["end"]] == citation["quote"]
    for claim in answer["claims"]:
        assert answer["text"][claim["start"] : claim["end"]] == claim["text"]


@pytest.mark.parametrize(
    ("source", "quote"),
    [
        ("Growth was 5 % in the last year, they said.", "Growth was 6 % in the last year"),
        ("Growth was 1.5 % in the last year.", "5 % in the last year"),
        ("It said that no patients were harmed by it.", "many patients were harmed by it"),
        ("The treaty was not signed by either side.", "The treaty was signed by either side"),
        ("The treaty was signed by either side.", "The treaty was not signed by either side"),
        ("Islamabad rejected the new measures.", "Washington rejected the new measures"),
        ("A range of 300 kilometres was agreed.", "A range of 300 miles was agreed"),
    ],
)
def test_invariant_4_a_changed_number_negation_name_or_unit_is_never_found(source: str, quote: str):
    document = Document(
        id="d1",
        collection="c",
        path="a.txt",
        title="A",
        sha256="0",
        length=len(source),
        media_type="text/plain",
        text=source,
    )
    passage = split_document(document, lambda texts: [len(text.split()) for text in texts], 256)[0]
    found = find_citation(Quote(quote), [Hit(passage, document, Scores())], {"d1": document})
    assert isinstance(found, Rejected)
    assert isinstance(find_citation(Quote(source), [Hit(passage, document, Scores())], {"d1": document}), Citation)


def test_invariant_5_a_rejected_quote_stays_visible_with_its_reason(corpus_data: Path, make_workspace, llm: LLMServer):
    llm.reply_with('CLAIM: The sanctions were lifted.\nQUOTE p0000: "all the sanctions were lifted in May"\nEND\n')
    workspace = make_workspace(corpus_data, model="openai/test", api_base=llm.url, api_key="sk-test")
    answer = answer_question(workspace, AskRequest("Were the sanctions lifted?"))
    (claim,) = answer["claims"]
    assert claim["verdict"] == "unsupported"
    assert claim["rejected"] == [{"quote": "all the sanctions were lifted in May", "reason": "not in any of the passages"}]
    assert "[" not in answer["text"]


def test_invariant_6_a_run_that_dies_before_its_commit_changes_nothing(folder: Path, make_workspace):
    (folder / "a.txt").write_text("Apricots grow in Gilgit and Hunza.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    (folder / "a.txt").write_text("Cherries grow in Gilgit and Hunza now.")
    for number in range(30):
        (folder / f"b{number}.txt").write_text(f"Text number {number} about bridges.")

    def die(done: int, total: int, path: str) -> None:
        if done == 20:
            raise KeyboardInterrupt

    before = workspace.store.stats()
    with pytest.raises(KeyboardInterrupt):
        index_paths(workspace, [folder], progress=die)
    after = workspace.store.stats()
    assert (after.generation, after.collections, after.failures) == (before.generation, before.collections, before.failures)
    with workspace.store.view() as view:
        assert [hit.passage.text for hit in search(view, workspace.embedder, "bridges cherries")] == [
            "Apricots grow in Gilgit and Hunza."
        ]
    report = index_paths(workspace, [folder])
    assert report is not None
    assert workspace.store.stats().collections["default"].documents == 31


def test_invariant_7_a_request_sees_one_generation_whatever_is_committed_meanwhile(folder: Path, make_workspace):
    (folder / "a.txt").write_text("The bridge has four arches of stone.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    with workspace.store.view() as old:
        (folder / "a.txt").write_text("The bridge was blown up in the war.")
        (folder / "b.txt").write_text("Another bridge is built of steel.")
        index_paths(make_workspace(), [folder])  # another process would do the same
        assert [hit.passage.text for hit in search(old, workspace.embedder, "bridge")] == [
            "The bridge has four arches of stone."
        ]
        assert old.generation == 1
    with workspace.store.view() as new:
        assert new.generation == 2
        assert len(search(new, workspace.embedder, "bridge")) == 2


def test_invariant_7_indexing_disturbs_no_reader(folder: Path, make_workspace):
    (folder / "a.txt").write_text("Stone bridges last for centuries.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    faults: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                with workspace.store.view() as view:
                    hits = search(view, workspace.embedder, "bridges")
                    seen = {hit.document.generation for hit in hits}
                    if not hits or max(seen) > view.generation:
                        faults.append(f"{len(hits)} hits of {seen} at {view.generation}")
            except Exception as error:
                faults.append(repr(error))
            time.sleep(0.01)  # or the three of them leave the writer hardly any time

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"Bridge number {number} is made of wood.")
        index_paths(workspace, [folder])
    stop.set()
    for reader in readers:
        reader.join(30)
    assert not faults


def test_invariant_8_every_file_is_indexed_skipped_or_failed_with_a_reason(folder: Path, make_workspace):
    (folder / "good.txt").write_text("A sentence that can be read.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (folder / "not-a.pdf").write_bytes(b"\x00\x01plain\x02words" * 20)
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (folder / "empty.md").write_bytes(b"")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n")
    (folder / "locked.txt").symlink_to("/etc/hostname")
    workspace = make_workspace()
    report = index_paths(workspace, [folder])
    plan = report.plan
    assert report is not None
    failed = {record.path: record.reason for record in report.failed}
    assert set(failed) == {"docs/broken.pdf", "docs/not-a.pdf", "docs/binary.txt", "docs/empty.md"}
    assert {record.path for record in plan.skipped} == {"docs/picture.png", "docs/locked.txt"}
    assert all(record.reason for record in workspace.store.stats().failures)
    assert [document.path for document in workspace.store.documents()] == ["docs/good.txt"]


def bytes_under(folder: Path) -> bytes:
    """Every byte of every file, in lower case: as somebody would see who searches the disk."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()


@pytest.mark.parametrize("way", ["delete", "remove", "replace"])
def test_invariant_10_after_a_deletion_no_file_of_the_data_directory_holds_the_text(folder: Path, make_workspace, way: str):
    for number in range(60):
        (folder / f"{number}.txt").write_text(
            f"Note {number}: the quay of harbour {number} is {number * 7} metres long. " * 20
        )
    secret = folder / "secret.txt"
    secret.write_text("The zanzibarquux signal opens the qwertzoid vault in Hunza at midnight. " * 30)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    answer = answer_question(workspace, AskRequest("When does the zanzibarquux signal open the vault in Hunza?"))
    assert answer["status"] == "answered"
    assert b"zanzibarquux" in bytes_under(workspace.settings.data)
    if way == "remove":
        remove_documents(workspace, ["docs/secret.txt"])
    else:
        secret.write_text("Nothing to see here any more.") if way == "replace" else secret.unlink()
        index_paths(workspace, [folder])
    assert workspace.history.get(answer["id"]) is None
    assert b"zanzibarquux" not in bytes_under(workspace.settings.data)
    assert b"qwertzoid" not in bytes_under(workspace.settings.data)
    with workspace.store.view() as view:
        assert len(view.search_lexical("zanzibarquux", 10)) == 0
        assert len(view.search_lexical("harbour", 100)) == len(view.search_dense(workspace.embedder.embed(["x"])[0], 100))


def test_invariant_11_an_index_of_another_model_is_refused_with_the_command_that_mends_it(
    folder: Path, make_workspace, other_model: str
):
    (folder / "a.txt").write_text("The bridge is of stone.")
    index_paths(make_workspace(), [folder])
    workspace = make_workspace(embedder=other_model)
    workspace.__dict__["embedder"] = SentenceTransformerEmbedder(other_model)
    for action in (
        lambda: answer_question(workspace, AskRequest("stone bridge?")),
        lambda: index_paths(workspace, [folder]),
    ):
        with pytest.raises(IndexIncompatible, match="all-MiniLM-L6-v2") as caught:
            action()
        assert "qa index --rebuild" in caught.value.hint
    with make_workspace().store.view() as old:  # which serves until the new one is complete
        report = rebuild_index(workspace)
        assert (report.files, report.passages) == (1, 1)
        assert len(old.search_dense(make_workspace().embedder.embed(["bridge"])[0], 5)) == 1
    assert answer_question(workspace, AskRequest("stone bridge?"))["index"]["embedder"] == other_model
    assert len(index_paths(workspace, [folder]).plan.unchanged) == 1
    with pytest.raises(IndexIncompatible, match=re.escape(other_model)):
        answer_question(make_workspace(), AskRequest("stone bridge?"))


@pytest.mark.slow
def test_invariant_12_nothing_leaves_the_machine_but_requests_to_the_llm(tmp_path: Path):
    """Index, ask and import litellm with an audit hook that ends the process at any look-up or connection."""
    code = f"""
import os, sys
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        print(event, args, file=sys.stderr, flush=True)
        os._exit(9)
sys.addaudithook(watch)
from pathlib import Path
from qa.config import Settings
from qa.workspace import Workspace
from qa.indexing import index_paths, rebuild_index, remove_documents
from qa.answer import answer_question
from qa.records import AskRequest
import qa.llm
workspace = Workspace(Settings(data=Path({str(tmp_path / "data")!r})))
index_paths(workspace, [Path({str(CORPUS / "glossary.txt")!r})])
answer_question(workspace, AskRequest("What is the MTCR?"))
qa.llm._litellm()
"""
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert not (tmp_path / "intel").exists()  # where OpenVINO's telemetry would keep who this is


@pytest.mark.parametrize(("kind", "flat", "int8"), [("flat", 1000, 1000), ("int8", 10, 1000), ("ivf", 10, 20)])
@pytest.mark.parametrize("exact_up_to", [0, 2000])
def test_invariant_13_holds_for_every_kind_of_index(
    folder: Path, make_workspace, monkeypatch: pytest.MonkeyPatch, kind: str, flat: int, int8: int, exact_up_to: int
):
    for name, value in {"FLAT_UP_TO": flat, "INT8_UP_TO": int8, "_EXACT_UP_TO": exact_up_to}.items():
        monkeypatch.setattr(f"index.dense.{name}", value)
    for number in range(0, 400):
        tag = "rare" if number % 100 == 0 else "some" if number % 9 == 0 else "common"
        (folder / f"{number}.md").write_text(
            f"---\ntag: {tag}\n---\nNote {number}: ship {number % 13} lies at pier {number % 7}."
        )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    for number in range(0, 400, 10):
        (folder / f"{number + 3}.md").unlink()
    index_paths(make_workspace(), [folder])
    vector = workspace.embedder.embed(["a ship at the pier"])[0]
    with make_workspace().store.view() as view:
        assert view.derived.dense.kind == kind
        nums = sorted(num for num, _ in view.search_lexical("note", 1000))
        cosines = dict(zip(nums, view.vectors(nums) @ vector, strict=True))
        tags = {num: document.metadata["tag"] for num, (_, document) in view.passages(nums).items()}
        assert len(nums) == 360
        for tag in ("rare", "some", "common"):
            for k in (3, 10, 50):
                best = sorted((cosines[num] for num in nums if tags[num] == tag), reverse=True)[:k]
                found = view.search_dense(vector, k, AllOf((Equals("tag", tag),)))
                assert np.allclose([score for _, score in found], best, atol=1e-6)
                assert {tags[num] for num, _ in found} == {tag}


@pytest.mark.parametrize("k", [1, 5, 50])
def test_invariant_13_a_filtered_search_finds_as_many_as_there_are_and_the_same_as_brute_force(
    folder: Path, make_workspace, k: int
):
    for number in range(300):
        tag = "rare" if number % 25 == 0 else "common"
        (folder / f"{number}.md").write_text(f"---\ntag: {tag}\n---\nNote {number} about the harbour, pier {number % 7}.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    vector = workspace.embedder.embed(["pier in the harbour"])[0]
    with workspace.store.view() as view:
        everything = dict(view.search_dense(vector, 1000))
        for tag, matching in (("rare", 12), ("common", 288), ("missing", 0)):
            scope = AllOf((Equals("tag", tag),))
            found = view.search_dense(vector, k, scope)
            assert len(found) == min(k, matching)
            admitted = [
                num for num, (_, document) in view.passages(list(everything)).items() if document.metadata["tag"] == tag
            ]
            best = sorted((everything[num] for num in admitted), reverse=True)[:k]
            assert np.allclose([score for _, score in found], best, atol=1e-6)
            assert {num for num, _ in found} <= set(admitted)
            assert len(view.search_lexical("harbour", k, scope)) == min(k, matching)


def test_invariant_14_text_of_documents_and_questions_is_never_rendered_as_a_template(
    folder: Path, make_workspace, llm: LLMServer
):
    (folder / "a.md").write_text(
        "---\ntitle: '{{ 7*7 }}'\n---\nThe bridge {{ 7*7 }} {% raw %} ${{x}} has four arches of stone."
    )
    llm.reply_with("NO EVIDENCE\nEND\n")
    workspace = make_workspace(model="openai/test", api_base=llm.url, api_key="sk-test")
    index_paths(workspace, [folder])
    answer_question(workspace, AskRequest("How many arches does the bridge {{ 3*3 }} have?"))
    sent = llm.requests[0].body["messages"][1]["content"]
    assert "bridge {{ 3*3 }} have" in sent
    assert "The bridge {{ 7*7 }} {% raw %} ${{x}} has four arches" in sent
    assert not re.search(r"\b49\b", sent)
