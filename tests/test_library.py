"""The documents and the status as pages; files that are sent; indexing that is started from the browser."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from serving import serving
from visitor import token_of
from werkzeug.test import TestResponse

from index.records import Run
from qa.errors import BadUpload, NotFound
from qa.indexing import index_paths, reindex
from qa.uploads import safe_path, save_upload
from qa.web import create_app
from qa.web.jobs import IndexJobs
from qa.web.timeline import timeline
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
TEXT = "The harbour bridge was built by the town in the summer of 1901."


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """The folder where sent files go."""
    return tmp_path / "sent"


@pytest.fixture
def app(make_workspace: MakeWorkspace, uploads: Path) -> Flask:
    """An application that takes files and lets people index."""
    return create_app(make_workspace(uploads=uploads, upload_size=1, reindex=True))


@pytest.fixture
def site(app: Flask) -> FlaskClient:
    return app.test_client()


def page(response: TestResponse, status: int = 200) -> HTMLParser:
    assert response.status_code == status
    return HTMLParser(response.get_data(as_text=True))


def send(client: FlaskClient, *files: tuple[str, bytes | str], **fields: Any) -> list[dict[str, Any]]:
    """Send files as the page's script does, and return what has become of them."""
    body = {
        "file": [(io.BytesIO(data.encode() if isinstance(data, str) else data), name) for name, data in files],
        "path": [name for name, _ in files],
        **fields,
    }
    sent = client.post("/documents/uploads", data=body, headers={"Accept": "application/json"})
    sent.request.environ["wsgi.input"].close()  # which the test's client makes, a file where much is sent
    assert sent.status_code == 200
    return list(sent.get_json()["files"])


def settle(app: Flask) -> dict[str, Any]:
    """Wait for the run to end."""
    return dict(app.extensions["jobs"].wait(60).to_json())


def titles(client: FlaskClient, query: str = "") -> list[str]:
    return [node.text() for node in page(client.get(f"/documents{query}")).css(".library a")]


# The list


@pytest.fixture
def several(folder: Path, make_workspace: MakeWorkspace) -> FlaskClient:
    """A client of 120 documents of several kinds, two of them in a collection of their own."""
    for number in range(118):
        (folder / f"note-{number:03}.txt").write_text(f"Note {number}\n\nThe bridge number {number} is of stone.")
    (folder / "hafen.md").write_text(
        "# Der Hafen der Stadt\n\nDer Hafen wurde im Jahr 1910 eröffnet, weil die Stadt schnell wuchs."
    )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    other = folder.parent / "other"
    other.mkdir()
    (other / "law.txt").write_text("The Law\n\nThe law of the sea was signed by many states in that year.")
    index_paths(make_workspace(collection="laws & rules"), [other])
    return create_app(workspace).test_client()


def test_the_list_is_paged_and_every_document_is_on_one_page(several: FlaskClient) -> None:
    shown = page(several.get("/documents"))
    assert "120 documents" in shown.body.text()
    found: list[str] = []
    address = "/documents"
    while address:
        shown = page(several.get(address))
        found += [node.attributes["href"] or "" for node in shown.css(".library a")]
        following = shown.css_first("a[rel=next]")
        address = following.attributes["href"] or "" if following else ""
    assert len(found) == len(set(found)) == 120
    assert shown.css("a[rel=prev]")


def test_documents_are_found_by_words_of_title_or_path(several: FlaskClient) -> None:
    assert titles(several, "?q=hafen") == ["Der Hafen der Stadt"]
    assert titles(several, "?q=note+117") == ["Note 117"]
    assert titles(several, "?q=DOCS%2Fnote-00") == [f"Note {n}" for n in range(10)]
    assert titles(several, "?q=%25") == []
    assert "No document fits" in page(several.get("/documents?q=nothing-like-it")).body.text()


def test_documents_are_filtered_by_collection_format_and_language(several: FlaskClient) -> None:
    assert titles(several, "?collection=laws+%26+rules") == ["The Law"]
    assert titles(several, "?format=text/markdown") == ["Der Hafen der Stadt"]
    assert titles(several, "?language=de&format=text/plain") == []
    assert titles(several, "?language=de") == ["Der Hafen der Stadt"]
    spoken = page(several.get("/documents?lang=ur"))
    assert spoken.css_first("html").attributes["lang"] == "ur"
    assert not spoken.css("select[name=language] option[selected]"), "the page's language, not that of documents"
    several.get("/?lang=en")
    shown = page(several.get("/documents?format=text/plain&q=note"))
    assert shown.css_first("select[name=format] option[selected]").text() == "Plain text (119)"
    assert "format=text/plain" in (shown.css_first("a[rel=next]").attributes["href"] or "").replace("%2F", "/")
    assert "q=note" in (shown.css_first("a[rel=next]").attributes["href"] or "")


@pytest.mark.parametrize(
    "query", ["page=0", "page=-3", "page=x", "page=99999999999999", "collection=nope", "format='--", "language=%00"]
)
def test_a_strange_wish_shows_a_page_all_the_same(several: FlaskClient, query: str) -> None:
    assert page(several.get(f"/documents?{query}")).css("h1")


def test_without_an_index_the_page_says_so_and_takes_files_where_it_may(
    site: FlaskClient, make_workspace: MakeWorkspace
) -> None:
    shown = page(site.get("/documents"))
    assert "Nothing is indexed yet" in shown.body.text()
    assert shown.css("form.upload")
    plain = page(create_app(make_workspace()).test_client().get("/documents"))
    assert plain.css("form.upload, form.reindex") == []


# Sending files


def test_sent_files_are_kept_and_indexed(site: FlaskClient, app: Flask, uploads: Path) -> None:
    results = send(site, ("reports/2024/bridge.txt", TEXT), ("picture.png", b"\x89PNG"))
    assert [(one["path"], one["status"], one.get("reason")) for one in results] == [
        ("reports/2024/bridge.txt", "added", None),
        ("picture.png", "refused", "not_read"),
    ]
    assert (uploads / "reports" / "2024" / "bridge.txt").read_text() == TEXT
    assert settle(app)["status"] == "done"
    assert settle(app)["counts"]["added"] == 1
    [document] = site.get("/api/documents").get_json()["documents"]
    assert document["path"] == "sent/reports/2024/bridge.txt"
    assert [one for one in uploads.rglob("*") if one.is_file()] == [uploads / "reports" / "2024" / "bridge.txt"]


def test_the_form_sends_files_without_a_script(site: FlaskClient, app: Flask) -> None:
    body = {"file": [(io.BytesIO(TEXT.encode()), "a.txt"), (io.BytesIO(b""), "b.txt")]}
    shown = page(site.post("/documents/uploads", data=body, headers={"Accept": "text/html"}))
    assert [(node.css_first("bdi").text(), node.css_first("span").text()) for node in shown.css(".sent li")] == [
        ("a.txt", "added"),
        ("b.txt", "not taken: it is empty"),
    ]
    assert settle(app)["status"] == "done"
    assert "Indexed." in page(site.get("/documents")).css_first("#job").text()


def test_a_file_is_indexed_later_while_more_follow(site: FlaskClient, app: Flask) -> None:
    send(site, ("a.txt", TEXT), more="1")
    assert app.extensions["jobs"].state.status == "idle"
    send(site, ("b.txt", f"{TEXT} It is of stone."))
    assert settle(app)["counts"]["added"] == 2


def test_no_file_takes_the_place_of_another_unasked(site: FlaskClient, app: Flask, uploads: Path) -> None:
    assert send(site, ("a.txt", TEXT))[0]["status"] == "added"
    assert send(site, ("a.txt", TEXT))[0]["status"] == "unchanged"
    refused = send(site, ("a.txt", "Something else."))[0]
    assert (refused["status"], refused["reason"]) == ("refused", "exists")
    assert (uploads / "a.txt").read_text() == TEXT
    assert send(site, ("a.txt", "Something else."), replace="1")[0]["status"] == "replaced"
    assert (uploads / "a.txt").read_text() == "Something else."
    settle(app)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.txt", "a.txt"),
        ("/etc/passwd.txt", "etc/passwd.txt"),
        ("C:\\temp\\a.txt", "C_/temp/a.txt"),
        ("./x//y/a.txt", "x/y/a.txt"),
        ("a\nb\u202etxt.txt", "a_b_txt.txt"),
        ('<img src=x onerror="1">.txt', "_img src=x onerror=_1__.txt"),
        ("خط.txt", "خط.txt"),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_a_name_is_made_safe(name: str, kept: str) -> None:
    assert safe_path(name).as_posix() == kept


@pytest.mark.parametrize("name", ["", "/", "..", "../a.txt", "x/../../a.txt", "..\\a.txt", ".qaignore", "x/.git/config.txt", "a" * 300 + ".txt", "/".join("abcdefghijkl") + "/x.txt"])  # fmt: skip
def test_a_name_that_leads_elsewhere_or_hides_is_refused(name: str, uploads: Path) -> None:
    with pytest.raises(BadUpload) as refused:
        save_upload(uploads, name, io.BytesIO(b"text"), 100)
    assert refused.value.reason == "bad_name"
    assert not list(uploads.rglob("*")) if uploads.exists() else True


def test_a_link_in_the_folder_leads_nothing_out(uploads: Path, tmp_path: Path) -> None:
    uploads.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (uploads / "way").symlink_to(outside)
    (uploads / "file.txt").symlink_to(outside / "victim.txt")
    (outside / "victim.txt").write_text("mine")
    for name in ("way/a.txt", "way/new/a.txt", "file.txt"):
        with pytest.raises(BadUpload):
            save_upload(uploads, name, io.BytesIO(b"text"), 100, replace=True)
    assert (outside / "victim.txt").read_text() == "mine"
    assert list(outside.iterdir()) == [outside / "victim.txt"]


def test_a_file_in_the_place_of_a_folder_is_refused(uploads: Path) -> None:
    save_upload(uploads, "a.txt", io.BytesIO(b"text"), 100)
    for name in ("a.txt/b.txt", "a.txt/b/c.txt"):
        with pytest.raises(BadUpload):
            save_upload(uploads, name, io.BytesIO(b"text"), 100)


def test_a_file_that_is_too_large_leaves_nothing_behind(site: FlaskClient, uploads: Path, app: Flask) -> None:
    results = send(site, ("a.txt", b"x" * 1_000_001), ("b.txt", TEXT))
    assert [one.get("reason") for one in results] == ["too_large", None]
    assert [one.name for one in uploads.rglob("*")] == ["b.txt"]
    whole = site.post("/documents/uploads", data={"file": (io.BytesIO(b"x" * 10_100_000), "a.txt")})
    whole.request.environ["wsgi.input"].close()
    assert whole.status_code == 413
    settle(app)


def test_a_file_larger_than_other_bodies_reaches_the_form_through_the_server(
    make_workspace: MakeWorkspace, uploads: Path
) -> None:
    text = ("A line about the bridge. " * 8_000).encode()
    with serving(make_workspace(uploads=uploads)) as address:
        sent = {"file": ("large.txt", text, "text/plain")}
        token = token_of(httpx.get(f"{address}/documents").text)
        headers = {"Accept": "application/json", "X-CSRF-Token": token}
        response = httpx.post(f"{address}/documents/uploads", files=sent, data={"more": "1"}, headers=headers)
    assert (response.status_code, (uploads / "large.txt").read_bytes()) == (200, text)


def test_a_broken_off_file_leaves_nothing_behind(uploads: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the line is gone")

    with pytest.raises(OSError, match="line is gone"):
        save_upload(uploads, "a.txt", Broken(), 100)
    assert list(uploads.iterdir()) == []


def test_files_are_only_taken_where_that_is_allowed(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    client = create_app(make_workspace()).test_client()
    sent = client.post("/documents/uploads", data={"file": (io.BytesIO(b"text"), "a.txt")})
    assert sent.status_code == 403
    assert not list(tmp_path.rglob("a.txt"))


@pytest.mark.parametrize("path", ["/documents/uploads", "/documents/reindex", "/api/index"])
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])  # fmt: skip
def test_no_other_site_can_make_a_browser_send_or_index(
    site: FlaskClient, app: Flask, path: str, headers: dict[str, str], uploads: Path
) -> None:
    sent = site.post(path, data={"file": (io.BytesIO(TEXT.encode()), "a.txt")}, headers=headers)
    assert sent.status_code == 403
    assert not uploads.exists()
    assert app.extensions["jobs"].state.status == "idle"


def test_an_upload_that_would_break_the_page_is_only_a_name(site: FlaskClient, app: Flask) -> None:
    name = "<script>alert(1)</script>.txt"
    shown = page(
        site.post("/documents/uploads", data={"file": (io.BytesIO(TEXT.encode()), name)}, headers={"Accept": "text/html"})
    )
    assert shown.css_first(".sent bdi").text() == name
    settle(app)
    for path in ("/documents", "/documents/job", "/status"):
        assert not [one for one in page(site.get(path)).css("script") if one.text()]


# Indexing again


def test_indexing_again_finds_new_changed_and_deleted_files(make_workspace: MakeWorkspace, folder: Path) -> None:
    (folder / "old.txt").write_text(TEXT)
    (folder / "gone.txt").write_text(f"{TEXT} It is gone.")
    workspace = make_workspace(reindex=True)
    index_paths(workspace, [folder])
    laws = folder.parent / "laws"
    laws.mkdir()
    (laws / "one.txt").write_text("The law of the sea was signed by many states.")
    index_paths(workspace.of_collection("laws"), [laws])
    app = create_app(workspace)
    client = app.test_client()
    (folder / "old.txt").write_text(f"{TEXT} It has changed.")
    (folder / "gone.txt").unlink()
    (folder / "new.txt").write_text(f"{TEXT} It is new.")
    (laws / "two.txt").write_text("The second law of the sea was signed by few states.")
    started = client.post("/api/index")
    assert started.status_code == 202
    assert started.get_json()["status"] == "running"
    counts = settle(app)["counts"]
    assert {name: counts[name] for name in ("added", "changed", "deleted", "failed")} == {
        "added": 2,
        "changed": 1,
        "deleted": 1,
        "failed": 0,
    }
    listed = {(one["collection"], one["path"]) for one in client.get("/api/documents").get_json()["documents"]}
    assert listed == {
        ("default", "docs/new.txt"),
        ("default", "docs/old.txt"),
        ("laws", "laws/one.txt"),
        ("laws", "laws/two.txt"),
    }
    assert client.get("/api/index").get_json()["status"] == "done"
    wrong = client.post("/api/index", json={"path": "/etc"})
    assert (wrong.status_code, wrong.get_json()["hint"]) == (422, "send {} or nothing")
    assert client.post("/api/index", data="path=/etc").status_code == 415
    assert client.post("/api/index", json={}).status_code == 202
    settle(app)
    form = client.post("/documents/reindex")
    assert (form.status_code, form.headers["Location"]) == (303, "/documents#job")
    assert settle(app)["counts"]["unchanged"] == 4


def test_indexing_is_only_started_where_that_is_allowed(make_workspace: MakeWorkspace, folder: Path) -> None:
    (folder / "a.txt").write_text(TEXT)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    client = create_app(workspace).test_client()
    assert [client.post(path).status_code for path in ("/api/index", "/documents/reindex")] == [403, 403]


def test_while_another_writes_the_index_the_run_says_so(make_workspace: MakeWorkspace, folder: Path) -> None:
    (folder / "a.txt").write_text(TEXT)
    workspace = make_workspace(reindex=True)
    index_paths(workspace, [folder])
    app = create_app(workspace)
    with make_workspace().store.writing():
        app.test_client().post("/api/index")
        state = settle(app)
    assert (state["status"], state["error"]["code"]) == ("failed", "index_locked")
    assert "Another program is writing" in page(app.test_client().get("/documents")).css_first("#job").text()


def test_a_run_that_would_delete_most_is_refused(make_workspace: MakeWorkspace, folder: Path) -> None:
    for number in range(12):
        (folder / f"{number}.txt").write_text(f"{TEXT} It is number {number}.")
    workspace = make_workspace(reindex=True)
    index_paths(workspace, [folder])
    for number in range(10):
        (folder / f"{number}.txt").unlink()
    app = create_app(workspace)
    app.test_client().post("/api/index")
    assert settle(app)["error"]["code"] == "too_many_deletions"
    assert len(workspace.store.documents()) == 12


def test_the_folders_that_were_indexed_are_known_and_only_once(make_workspace: MakeWorkspace, folder: Path) -> None:
    below = folder / "below"
    below.mkdir()
    (below / "a.txt").write_text(TEXT)
    workspace = make_workspace()
    index_paths(workspace, [below / "a.txt", below])
    assert workspace.store.indexed_paths() == {"default": [below]}
    index_paths(workspace, [folder])
    index_paths(workspace, [below])
    assert workspace.store.indexed_paths() == {"default": [folder]}
    assert reindex(workspace)[0].plan.unchanged


def test_an_index_of_before_says_what_to_do(make_workspace: MakeWorkspace, folder: Path) -> None:
    (folder / "a.txt").write_text(TEXT)
    workspace = make_workspace()
    index_paths(workspace, [folder])
    with workspace.store.writing():
        workspace.store._writing_catalog().set_state({"paths": "{}"})
    with pytest.raises(NotFound, match="not known here"):
        reindex(workspace)


def test_one_run_goes_on_at_a_time_and_a_queued_one_follows() -> None:
    jobs, gate, ran = IndexJobs(), threading.Event(), []

    def work(name: str):
        def run(progress) -> list:
            progress(1, 2, "a.txt")
            gate.wait(10)
            ran.append(name)
            return []

        return run

    assert jobs.start(work("first"))
    while jobs.state.total == 0:
        pass
    assert (jobs.state.status, jobs.state.done, jobs.state.total, jobs.state.path) == ("running", 1, 2, "a.txt")
    assert not jobs.start(work("refused"))
    assert jobs.start(work("queued"), queue=True)
    gate.set()
    assert jobs.wait(10).status == "done"
    assert ran == ["first", "queued"]


def test_while_a_run_goes_on_the_api_refuses_another_and_the_form_shows_it(site: FlaskClient, app: Flask) -> None:
    gate = threading.Event()
    app.extensions["jobs"].start(lambda progress: [progress(1, 4, "a <b>.txt"), gate.wait(10), []][2])
    assert site.post("/api/index").status_code == 409
    assert site.post("/documents/reindex").status_code == 303
    shown = page(site.get("/documents/job"))
    assert "File 1 of 4: a <b>.txt" in " ".join(shown.css_first("#job p").text().split())
    assert shown.css_first("progress").attributes == {"max": "4", "value": "1", "aria-label": "Indexing."}
    gate.set()
    assert settle(app)["status"] == "done"


def test_an_unexpected_error_ends_a_run_and_is_not_shown() -> None:
    def fail(progress) -> list:
        raise RuntimeError("secret words of a document")

    jobs = IndexJobs()
    jobs.start(fail)
    state = jobs.wait(10).to_json()
    assert state["status"] == "failed"
    assert "secret" not in str(state)


# The status


def test_the_status_shows_the_last_runs_as_bars_and_as_a_table(make_workspace: MakeWorkspace, folder: Path) -> None:
    workspace = make_workspace()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"{TEXT} It is number {number}.")
        index_paths(workspace, [folder])
    (folder / "0.txt").unlink()
    index_paths(workspace, [folder])
    shown = page(create_app(workspace).test_client().get("/status"))
    rows = [[cell.text() for cell in row.css("td")] for row in shown.css(".runs tbody tr")]
    assert [(row[1], row[2], row[4]) for row in rows] == [("0", "1", "4"), ("1", "0", "3"), ("1", "0", "2"), ("1", "0", "1")]
    assert len(shown.css(".timeline g")) == 4
    assert not shown.css("[style]")


def test_bars_keep_within_the_drawing_and_small_runs_are_seen() -> None:
    drawn = timeline([Run(2, "", 1, 0, 0.1), Run(1, "", 100_000, 0, 9.0)])
    assert [bar.run.generation for bar in drawn.bars] == [1, 2]
    assert all(drawn.middle - bar.up >= 0 and drawn.middle + bar.down <= drawn.height for bar in drawn.bars)
    assert drawn.bars[1].up >= 2
    assert timeline([]).bars == []
