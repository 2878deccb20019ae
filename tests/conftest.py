"""Fixtures: the real model, real indexes in temporary folders, a real LLM server on loopback. No mocks."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import launched
from chat_server import ChatServer
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from llm_server import LLMServer
from playwright.sync_api import Browser
from postgres_server import PostgresServer, postgres_server
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW
from store_forms import forms_for, places_of
from stores import Place
from visitor import Visitor

from index.embedder import Embedder, open_embedder
from index.postgres_pool import Postgres
from index.sandbox import Limits, Sandbox
from index.store import Store
from qa.cli import main
from qa.config import Settings
from qa.indexing import index_paths
from qa.postgres_tables import PostgresTables
from qa.reading.reader_model import ReaderModel
from qa.tables import Schema, Tables, TablesFile
from qa.web import create_app
from qa.workspace import Workspace

# The same cases in every run, however slow the machine; `make fuzz` is where new ones are looked for.
hypothesis_settings.register_profile("same", derandomize=True, deadline=None)
hypothesis_settings.load_profile("same")

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "corpus"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def forms_carry_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test's client send its forms as a browser does; tests/test_csrf.py sends them otherwise."""
    monkeypatch.setattr(Flask, "test_client_class", Visitor)


Children = list[tuple[Limits, subprocess.Popen[bytes]]]
_TAKING = threading.Lock()


@pytest.fixture(scope="session")
def idle_children() -> Iterator[Children]:
    """Processes that have read files for a test and are idle."""
    idle: Children = []
    yield idle
    for _, child in idle:
        child.kill()
        child.communicate()


@pytest.fixture(autouse=True)
def kept_children(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, idle_children: Children) -> None:
    """Keep the processes that read files for the next test: each takes half a second of a core to start.

    Those that are stopped, killed or left by an error are not kept; tests/test_sandbox.py starts and stops its own.
    """
    start, leave = Sandbox._start, Sandbox.__exit__

    def start_or_take(sandbox: Sandbox) -> subprocess.Popen[bytes]:
        with _TAKING:
            found = next((one for one in idle_children if one[0] == sandbox._limits), None)
            if found is not None:
                idle_children.remove(found)
        if found is None or found[1].poll() is not None:
            return start(sandbox)
        sandbox._child, sandbox._served = found[1], 0
        return found[1]

    def leave_or_keep(sandbox: Sandbox, kind: type[BaseException] | None, *others: Any) -> None:
        child = sandbox._child
        if kind is None and child is not None and child.poll() is None:
            idle_children.append((sandbox._limits, child))
            sandbox._child = None
        leave(sandbox, kind, *others)

    if request.module.__name__ != "test_sandbox":
        monkeypatch.setattr(Sandbox, "_start", start_or_take)
        monkeypatch.setattr(Sandbox, "__exit__", leave_or_keep)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The bundled model, loaded once for all tests."""
    return open_embedder()


@pytest.fixture(scope="session")
def reader_model() -> ReaderModel:
    """The embedded reader's model, loaded once for all tests."""
    return ReaderModel()


@pytest.fixture
def make_workspace(tmp_path: Path, embedder: Embedder, reader_model: ReaderModel):
    """Make a workspace with its data in the test's folder and the loaded model; settings by keyword."""

    def make(folder: Path | None = None, **settings: object) -> Workspace:
        workspace = Workspace(Settings.model_validate({"data": folder or tmp_path / ".qa", **settings}))
        workspace.__dict__["embedder"] = embedder  # what the cached property would load again
        workspace.__dict__["reader_model"] = reader_model
        return workspace

    return make


@pytest.fixture
def run_qa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: Embedder, reader_model: ReaderModel):
    """Run `qa ARGUMENTS` in an empty folder; the loaded model stands in for loading it again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Workspace, "embedder", embedder)
    monkeypatch.setattr(Workspace, "reader_model", reader_model)

    def run(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin, prog_name="qa")

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for documents, beside the data directory."""
    place = tmp_path / "docs"
    place.mkdir()
    return place


@pytest.fixture(scope="session")
def indexed_corpus(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """The data directory of the indexed sample corpus, made once, to be copied: even a question writes to its history."""
    data = tmp_path_factory.mktemp("corpus") / ".qa"
    workspace = Workspace(Settings(data=data))
    workspace.__dict__["embedder"] = embedder
    index_paths(workspace, [CORPUS], root=ROOT)
    return data


@pytest.fixture
def corpus_data(indexed_corpus: Path, tmp_path: Path) -> Path:
    """A copy of the data directory of the indexed sample corpus, of this test alone."""
    return Path(shutil.copytree(indexed_corpus, tmp_path / "corpus-data"))


@pytest.fixture
def corpus(corpus_data: Path, make_workspace) -> Workspace:
    """A workspace over a copy of the indexed sample corpus."""
    return make_workspace(corpus_data)


@pytest.fixture
def client(corpus: Workspace) -> FlaskClient:
    """An HTTP client of the application over the sample corpus."""
    return create_app(corpus).test_client()


@pytest.fixture
def other_model(tmp_path: Path) -> str:
    """A real model of another kind: counts words, 5 dimensions."""
    place = tmp_path / "bag-of-words"
    SentenceTransformer(modules=[BoW(vocab=["bridge", "stone", "steel", "war", "river"])], device="cpu").save(str(place))
    return str(place)


@pytest.fixture
def llm() -> Iterator[LLMServer]:
    """A server on loopback that speaks OpenAI's protocol; tell it what to reply."""
    with LLMServer() as server:
        yield server


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """A server on loopback that stands where Slack's and Mattermost's stand: it keeps what it is sent."""
    with ChatServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; ask it for a database of your own."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.slow)])
def tables_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Schema], Tables]:
    """Open the tables of a schema, in a file or in PostgreSQL; again: the same ones, as another process would see them."""
    if request.param == "file":
        return lambda schema: TablesFile(tmp_path / "data" / f"{schema.name}.db", schema)
    url = request.getfixturevalue("postgres").new_database()
    return lambda schema: PostgresTables(Postgres(url), schema)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "new_place" in metafunc.fixturenames:
        metafunc.parametrize("new_place", forms_for(metafunc.definition), indirect=True, scope="module")


@pytest.fixture(scope="module")
def new_place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Callable[[], Place]]:
    """Make places for a store of one form, each of them empty; a test that asks for it is tried with every form."""
    postgres = None if request.param == "local" else request.getfixturevalue("postgres")
    with places_of(request.param, tmp_path_factory.mktemp, postgres) as make:
        yield make


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    return new_place()


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium. Of a module, not of the session: while it runs, the thread has an event loop of its own."""
    with launched() as found:
        yield found


@pytest.fixture(scope="session")
def nli_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real cross-encoder of random weights that tells entailment, neutral and contradiction."""
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    place = tmp_path_factory.mktemp("nli")
    (place / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"the of a stone river they".split()])
    )
    labels = {0: "contradiction", 1: "entailment", 2: "neutral"}
    config = BertConfig(vocab_size=11, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    config.id2label, config.label2id = labels, {label: number for number, label in labels.items()}
    BertForSequenceClassification(config).save_pretrained(place)
    BertTokenizerFast(str(place / "vocab.txt")).save_pretrained(place)
    CrossEncoder(str(place), device="cpu").save_pretrained(str(place))
    return place
