"""The command line: what goes to stdout, exit codes, errors in one line. In this process through click's runner."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import CORPUS, ROOT
from llm_server import quoting

import qa.llm
from qa.cli import demo
from qa.workspace import Workspace

SAMPLE = "What reasons does Pakistan give for rejecting the sanctions?"


@pytest.fixture
def on_corpus(run_qa, corpus_data: Path):
    """Run `qa` over a copy of the indexed sample corpus."""
    return lambda *arguments, **options: run_qa(*arguments, "--data", corpus_data, **options)


def test_index_prints_the_plan_the_result_and_returns_0(run_qa, folder: Path):
    (folder / "a.txt").write_text("The bridge is of stone.")
    result = run_qa("index", folder)
    assert result.exit_code == 0
    assert "Plan: 1 to add, 0 to change, 0 to rename, 0 to delete, 0 unchanged, 0 skipped" in result.stderr
    assert "  + docs/a.txt" in result.stderr
    assert result.stdout.startswith(
        "added 1, changed 0, renamed 0, deleted 0, unchanged 0, skipped 0, failed 0 (1 passages, 1 embedded"
    )
    again = run_qa("index", folder)
    assert again.stdout.startswith("added 0, changed 0, renamed 0, deleted 0, unchanged 1")
    assert "(0 passages, 0 embedded" in again.stdout


def test_index_lists_failed_files_with_their_reasons_and_returns_6(run_qa, folder: Path):
    (folder / "a.txt").write_text("The bridge is of stone.")
    (folder / "b.pdf").write_bytes(b"not a pdf\0")
    (folder / "c.txt").write_bytes(b"\0\1\2\3" * 100)
    (folder / "d.txt").write_text("")
    result = run_qa("index", folder, "--json")
    assert result.exit_code == 6
    told = json.loads(result.stdout)
    assert told["added"] == ["docs/a.txt", "docs/b.pdf", "docs/c.txt", "docs/d.txt"]
    assert {one["path"]: one["reason"] for one in told["failed"]} == {
        "docs/b.pdf": "not a .pdf file that can be opened: it is damaged or something else",
        "docs/c.txt": "not text: the file is binary",
        "docs/d.txt": "the file is empty",
    }
    status = run_qa("status")
    assert status.exit_code == 0
    assert "docs/b.pdf: not a .pdf file" in status.stdout
    assert "1 documents, 1 passages" in status.stdout


def test_a_dry_run_prints_the_plan_and_indexes_nothing(run_qa, folder: Path):
    (folder / "a.txt").write_text("The bridge is of stone.")
    result = run_qa("index", folder, "--dry-run", "--json")
    assert json.loads(result.stdout)["dry_run"] is True
    assert run_qa("status").exit_code == 4  # nothing is indexed: not even a data directory is made


def test_ask_prints_the_answer_with_numbered_citations(on_corpus):
    result = on_corpus("ask", SAMPLE)
    assert result.exit_code == 0
    numbers = set(re.findall(r"\[(\d+)\]", result.stdout.split("\n\n[1]")[0]))
    assert len(numbers) >= 4
    for number in numbers:
        assert f"\n[{number}] " in result.stdout
    assert "corpus/foreign-office-position.md" in result.stdout


def test_ask_reads_the_question_from_stdin(on_corpus):
    assert on_corpus("ask", "-", stdin="When was BECA\nsigned?\n").exit_code == 0


def test_ask_with_json_prints_the_stored_answer_object(on_corpus):
    answer = json.loads(on_corpus("ask", "--json", "When was BECA signed?").stdout)
    assert answer["status"] == "answered"
    shown = json.loads(on_corpus("show", answer["id"], "--json").stdout)
    assert shown == answer


def test_ask_returns_3_and_plain_words_when_nothing_answers(on_corpus):
    result = on_corpus("ask", "Who is the king of Norway?")
    assert result.exit_code == 3
    assert result.stdout.startswith("The documents that are indexed here do not answer this question.")


def test_search_shows_each_stages_score(on_corpus):
    result = on_corpus("search", "double standards", "--k", "3")
    assert result.exit_code == 0
    assert len(re.findall(r"fused \d\.\d+  dense \d\.\d+  lexical \d+\.\d+", result.stdout)) == 3


def test_show_finds_documents_passages_and_cited_spans(on_corpus):
    answer = json.loads(on_corpus("ask", "--json", "When was BECA signed?").stdout)
    citation = answer["citations"][0]
    document = json.loads(on_corpus("show", citation["document_id"], "--json").stdout)
    assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
    span = json.loads(on_corpus("show", f"{citation['document_id']}:{citation['start']}-{citation['end']}", "--json").stdout)
    assert span["quote"] == citation["quote"]
    passage = json.loads(on_corpus("show", answer["passages"][0]["id"], "--json").stdout)
    assert passage["text"] == answer["passages"][0]["text"]


@pytest.mark.parametrize("identifier", ["d0000", "p0000", "a0000", "x", "d0:1-2", ""])
def test_show_says_that_an_id_is_unknown_and_returns_3(on_corpus, identifier: str):
    result = on_corpus("show", identifier)
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ")


def test_docs_are_listed_and_removed(on_corpus):
    listed = on_corpus("docs", "list").stdout.splitlines()
    assert len(listed) == 16
    removed = on_corpus("docs", "rm", "corpus/glossary.txt")
    assert removed.stdout == "removed corpus/glossary.txt\n"
    assert len(on_corpus("docs", "list").stdout.splitlines()) == 15
    assert on_corpus("docs", "rm", "corpus/glossary.txt").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask", "Why?"], 4, "nothing is indexed here; run: qa index PATH"),
        (["search", "why"], 4, "nothing is indexed here"),
        (["status"], 4, "nothing is indexed here"),
        (["docs", "rm", "x"], 4, "nothing is indexed here"),
        (["index", "no-such-place"], 2, "no such file or folder"),
        (["ask", "  ? "], 2, "the question is empty"),
        (["ask", "x" * 5000], 2, "longer than 4000 characters"),
        (["ask", "Why?", "--mode", "llm"], 2, "no LLM is configured"),
        (["frobnicate"], 2, "No such command"),
        (["ask"], 2, "Missing argument"),
        (["ask", "Why?", "--k", "0"], 2, "not in the range"),
    ],
)
def test_every_error_is_one_line_with_its_exit_code(run_qa, arguments: list[str], code: int, words: str):
    result = run_qa(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_an_unreachable_llm_gives_the_extractive_answer_and_says_so(on_corpus):
    qa.llm._litellm()  # or its log would be bound to the runner's stderr, which is closed after the test
    options = ["--model", "openai/test", "--api-base", "http://127.0.0.1:9/v1"]
    result = on_corpus("ask", SAMPLE, *options)
    assert result.exit_code == 0
    assert "[1]" in result.stdout
    assert "note: unreachable: openai/test" in result.stderr
    strict = on_corpus("ask", SAMPLE, *options, "--mode", "llm")
    assert strict.exit_code == 5


def test_config_show_says_where_each_value_comes_from_and_masks_secrets(
    run_qa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "qa.toml").write_text('model = "ollama/llama3.2"\nk = 5\n')
    monkeypatch.setenv("QA_K", "6")
    monkeypatch.setenv("QA_API_KEY", "sk-canary-1234")
    shown = json.loads(run_qa("config", "show", "--json").stdout)
    assert shown["model"] == {"value": "ollama/llama3.2", "from": "qa.toml"}
    assert shown["k"] == {"value": "6", "from": "environment"}
    assert shown["port"]["from"] == "default"
    text = run_qa("config", "show").stdout
    assert "sk-canary" not in text
    assert "********" in text


@pytest.mark.parametrize(
    ("toml", "environment", "words"),
    [
        ('modle = "x"', {}, 'modle (qa.toml): there is no such setting; did you mean "model"?'),
        ("", {"QA_MODLE": "x"}, 'QA_MODLE (environment): there is no such setting; did you mean "model"?'),
        ("k = 0", {}, "k (qa.toml): Input should be greater than or equal to 1"),
        ("", {"QA_PORT": "http"}, "port (environment): Input should be a valid integer"),
        ("k = = 1", {}, "qa.toml: cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_with_where_it_was_set(
    run_qa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, environment: dict[str, str], words: str
):
    (tmp_path / "qa.toml").write_text(toml)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = run_qa("status")
    assert result.exit_code == 2
    assert words in result.stderr


def test_text_of_documents_cannot_move_the_cursor(run_qa, folder: Path):
    (folder / "a\x1b[2Jb.md").write_text('---\ntitle: "T\x1b[31m"\n---\nThe bridge \u202e is of stone.')
    result = run_qa("index", folder)
    assert "\x1b" not in result.output
    listed = run_qa("docs", "list")
    asked = run_qa("ask", "Is the bridge of stone?")
    assert "stone" in asked.stdout
    assert "\x1b" not in listed.output + asked.output
    assert "\u202e" not in asked.output


@pytest.mark.parametrize("version", ["FORMAT", "SPLITTER_VERSION", "READERS_VERSION"])
def test_the_demo_of_an_older_program_is_left_alone(version: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = demo._temporary_place()
    monkeypatch.setattr(f"qa.cli.demo.{version}", "another")
    assert demo._temporary_place() not in (place, tmp_path)
    assert place.exists()


def test_demo_answers_the_sample_question_and_says_what_to_do_next(run_qa, tmp_path: Path):
    result = run_qa("demo", "--data", tmp_path / "demo")
    assert result.exit_code == 0
    assert SAMPLE in result.stdout
    assert "\n[1] " in result.stdout
    assert "serve --data" in result.stdout
    assert "--model ollama/" in result.stdout


@pytest.mark.slow
def test_serve_answers_on_loopback_until_it_is_told_to_stop(corpus: Workspace):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = "from qa.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", str(port), "--data", str(corpus.settings.data)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        try_serving(process, command, env, port)


def try_serving(process: subprocess.Popen[str], command: list[str], env: dict[str, str], port: int) -> None:
    """Ask the server once, start a second one on the same port, then interrupt the first."""
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}/" in process.stderr.readline()
        body = json.dumps({"question": "When was BECA signed?"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/ask", body, {"Content-Type": "application/json"}, method="POST"
        )
        answer = json.loads(urllib.request.urlopen(request, timeout=120).read())
        assert answer["citations"]
        taken = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert taken.returncode == 2
        assert "cannot listen on" in taken.stderr
    finally:
        process.send_signal(2)
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        alive = process.poll() is None
        process.kill()
    assert not alive


@pytest.mark.slow
def test_help_and_version_are_instant():
    """Start-up is held by what is imported (test_import_rules); this only catches the absurd."""
    began = time.monotonic()
    command = [sys.executable, "-c", "from qa.cli import main; main()", "--help"]
    text = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True).stdout
    assert time.monotonic() - began < 5
    for name in ("index", "ask", "search", "show", "serve", "status", "docs", "demo", "config"):
        assert f"\n  {name} " in text


def test_every_command_has_help_that_names_its_options(run_qa):
    for name in ("index", "ask", "search", "show", "serve", "status", "demo"):
        text = run_qa(name, "--help").stdout
        assert "--json" in text
        assert "--data" in text


def test_the_sample_corpus_is_what_the_readme_says():
    assert len([path for path in CORPUS.iterdir() if path.suffix != ".jsonl" and path.name != ".qaignore"]) == 16


def test_with_json_every_error_is_one_object_on_stdout_and_one_line_on_stderr(run_qa, folder: Path, tmp_path: Path):
    missing = "nothing is indexed here"
    expected = (
        (("index", tmp_path / "nowhere"), 2, "bad_path", "no such file or folder"),
        (("index",), 2, "usage", "Name the files"),
        (("ask", "Why?"), 4, "index_missing", missing),
        (("search", "bridge"), 4, "index_missing", missing),
        (("docs", "list"), 4, "index_missing", missing),
        (("status",), 4, "index_missing", missing),
        (("show", "d1"), 4, "index_missing", missing),
    )
    for arguments, exit_code, code, words in expected:
        result = run_qa(*arguments, "--json")
        told = json.loads(result.stdout)["error"]
        assert (result.exit_code, told["code"], set(told)) == (exit_code, code, {"code", "message", "hint"}), arguments
        assert words in told["message"]
        assert words in result.stderr
        assert run_qa(*arguments).stdout == ""


def test_status_says_that_nothing_is_indexed_yet_when_the_first_run_was_killed(run_qa, tmp_path: Path, make_workspace):
    workspace = make_workspace()
    with workspace.store.writing():
        workspace.store.adopt(workspace.embedder)
    result = run_qa("status")
    assert result.exit_code == 0
    assert "nothing is indexed yet" in result.stdout
    assert "0 dimensions" not in result.stdout


def test_an_unchecked_claim_is_marked_as_such(run_qa, tmp_path, llm):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "ava.txt").write_text("The old bridge of Ava is 40 metres long and made of stone.")
    run_qa("index", folder)
    llm.reply_with(quoting([("Ava has a bridge of stone.", [("p0", "bridge of Ava is 40 metres long")])]))
    told = run_qa("ask", "How long is the bridge of Ava?", "--model", "openai/test", "--api-base", llm.url).stdout
    assert "Not checked: Ava has a bridge of stone." in told
    assert "the judge finds nothing against it" in told
