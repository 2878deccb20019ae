"""How much pages weigh as they are sent, and how long the server works on them once it is warm.

Times are those of the processor, so that they tell of the pages and not of what else a machine is doing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from llm_server import Body, LLMServer, passages_of, quoting

from bench.scale import HashEmbedder
from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
STATIC = Path(__file__).parent.parent / "qa" / "web" / "static"
QUESTION = "What reasons does Pakistan give for rejecting the sanctions?"
MOST_BYTES = 60_000
MOST_SECONDS = 0.05


def sixty_claims(body: Body) -> str:
    """Write an answer as long as they come, each claim with a quote."""
    found = [(key, one) for key, text in passages_of(body).items() for one in re.findall(r"[A-Z][^.\n]{30,120}\.", text)]
    return quoting([(f"Claim {n}: {found[n % len(found)][1]}", [found[n % len(found)]]) for n in range(60)])


def sent_bytes(client: FlaskClient, path: str) -> int:
    with client.get(path, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.status_code == 200
        return len(response.data)


def seconds(client: FlaskClient, path: str) -> float:
    """Return the least that the server worked on a page, of several times."""
    taken = []
    for _ in range(5):
        before = time.thread_time()
        assert client.get(path).status_code == 200
        taken.append(time.thread_time() - before)
    return min(taken)


@pytest.fixture
def paths(corpus: Workspace, make_workspace: MakeWorkspace, llm: LLMServer) -> tuple[FlaskClient, dict[str, str]]:
    """A client, and the paths of its pages by name; one is an answer of sixty claims."""
    settings = {"model": "openai/test", "api_base": llm.url, "api_key": "sk-canary", "llm_calls": 1}
    client = create_app(make_workspace(corpus.settings.data, **settings)).test_client()
    llm.reply_with(sixty_claims)
    written = client.post("/api/ask", json={"question": QUESTION}).get_json()
    assert len(written["claims"]) >= 60
    pages = {name: f"/{name}" for name in ("documents", "status", "history")}
    return client, {"home": "/", "answer": f"/answers/{written['id']}", **pages}


def test_a_page_with_its_style_and_script_weighs_less_than_sixty_kilobytes(
    paths: tuple[FlaskClient, dict[str, str]],
) -> None:
    client, pages = paths
    shared = sum(sent_bytes(client, f"/static/{one.name}") for one in STATIC.iterdir() if one.is_file())
    for name, path in pages.items():
        weight = shared + sent_bytes(client, path)
        assert weight < MOST_BYTES, name


def test_a_warm_server_works_less_than_fifty_milliseconds_on_a_page(paths: tuple[FlaskClient, dict[str, str]]) -> None:
    client, pages = paths
    for name, path in pages.items():
        taken = seconds(client, path)
        assert taken < MOST_SECONDS, name


@pytest.mark.slow
def test_a_document_of_two_megabytes_opens_within_300_milliseconds(folder: Path, make_workspace: MakeWorkspace) -> None:
    chapters = (
        f"# Chapter {n}\n\n" + f"Lighthouse {n} was built in {1700 + n % 300} by its keeper. " * 70 for n in range(600)
    )
    (folder / "long.md").write_text("\n\n".join(chapters))
    workspace = make_workspace()
    workspace.__dict__["embedder"] = HashEmbedder()  # what is not searched for need not be embedded: half a minute
    index_paths(workspace, [folder])
    client = create_app(workspace).test_client()
    [document] = workspace.store.documents()
    assert document.length > 2_000_000
    taken = seconds(client, f"/documents/{document.id}?start=1000000&end=1000100")
    assert taken < 0.3
