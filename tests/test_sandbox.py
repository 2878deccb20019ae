"""The sandbox: what goes wrong in a reader costs one file, and no more than its limits."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from index.errors import NeedsPassword, Unsupported
from index.sandbox import Limits, Sandbox


def child_of(sandbox: Sandbox) -> subprocess.Popen[bytes]:
    child = sandbox._child
    assert child is not None
    return child


def test_a_file_is_read_with_its_text_places_language_and_hash(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text(
        "<title>Ein Titel</title><h1>Der Hafen</h1><p>Der Hafen wurde im Jahr 1910 eröffnet, weil die Stadt wuchs."
    )
    with Sandbox() as sandbox:
        reading = sandbox.read(page)
    (document,) = reading.documents
    assert reading.error is None
    assert reading.sha256 == hashlib.sha256(page.read_bytes()).hexdigest()
    assert (document.title, document.lang) == ("Ein Titel", "de")
    assert document.sections[0].locator.heading == ("Der Hafen",)


def test_many_files_are_read_by_one_child(tmp_path: Path):
    with Sandbox() as sandbox:
        pids = set()
        for number in range(20):
            (tmp_path / "a.txt").write_text(f"Number {number}.")
            assert sandbox.read(tmp_path / "a.txt").documents[0].text == f"Number {number}."
            pids.add(child_of(sandbox).pid)
    assert len(pids) == 1


def test_a_reader_that_takes_too_long_is_stopped_and_the_next_file_is_read(tmp_path: Path):
    (tmp_path / "deep.html").write_text("<div>" * 200_000 + "text")
    (tmp_path / "good.txt").write_text("All is well.")
    with Sandbox(Limits(seconds=5)) as sandbox:
        began = time.monotonic()
        assert "more than 5 seconds" in str(sandbox.read(tmp_path / "deep.html").error)
        assert time.monotonic() - began < 10
        assert sandbox.read(tmp_path / "good.txt").documents[0].text == "All is well."


def test_a_reader_that_needs_too_much_memory_costs_one_file(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "bomb.epub", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", b"<container>" + b" " * 290_000_000 + b"</container>")
    (tmp_path / "large.txt").write_bytes(b"word " * 60_000_000)
    (tmp_path / "good.txt").write_text("All is well.")
    with Sandbox(Limits(memory=700)) as sandbox:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert sandbox.read(tmp_path / "bomb.epub").error
        assert "memory" in str(sandbox.read(tmp_path / "large.txt").error)
        assert sandbox.read(tmp_path / "good.txt").documents
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_reader_that_crashes_costs_one_file(tmp_path: Path):
    (tmp_path / "good.txt").write_text("All is well.")
    with Sandbox() as sandbox:
        sandbox.read(tmp_path / "good.txt")
        os.kill(child_of(sandbox).pid, signal.SIGSEGV)
        assert "died on it" in str(sandbox.read(tmp_path / "good.txt").error)
        assert sandbox.read(tmp_path / "good.txt").documents


def test_a_text_that_is_too_long_is_refused_with_the_reason(tmp_path: Path):
    (tmp_path / "line.txt").write_bytes(b"a" * 100_000_000)
    with Sandbox() as sandbox:
        assert "more than 10 million characters" in str(sandbox.read(tmp_path / "line.txt").error)


def test_a_sparse_file_of_gigabytes_is_refused_at_once(tmp_path: Path):
    with (tmp_path / "sparse.txt").open("wb") as file:
        file.truncate(4_000_000_000)
    with Sandbox() as sandbox:
        assert str(sandbox.read(tmp_path / "sparse.txt").error) == "larger than 500 MB"


def test_what_is_no_regular_file_any_more_is_not_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    with Sandbox() as sandbox:
        assert str(sandbox.read(tmp_path / "pipe.txt").error) == "not a regular file any more"
        assert "cannot be read" in str(sandbox.read(tmp_path / "link.txt").error)
        assert "No such file" in str(sandbox.read(tmp_path / "gone.txt").error)


def test_a_file_that_is_no_document_is_skipped_not_failed(tmp_path: Path):
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with Sandbox() as sandbox:
        assert isinstance(sandbox.read(tmp_path / "picture").error, Unsupported)


def test_a_name_that_is_no_utf8_is_opened(tmp_path: Path):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.txt")
    path.write_text("Coffee is served.")
    with Sandbox() as sandbox:
        assert sandbox.read(path).documents[0].text == "Coffee is served."


def test_the_child_sees_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-canary")
    (tmp_path / "a.txt").write_text("All is well.")
    with Sandbox() as sandbox:
        sandbox.read(tmp_path / "a.txt")
        environment = Path(f"/proc/{child_of(sandbox).pid}/environ").read_bytes()
    assert b"canary" not in environment


def test_the_child_ends_with_the_sandbox(tmp_path: Path):
    (tmp_path / "a.txt").write_text("All is well.")
    with Sandbox() as sandbox:
        sandbox.read(tmp_path / "a.txt")
        pid = child_of(sandbox).pid
    assert not Path(f"/proc/{pid}").exists()


def test_an_encrypted_pdf_is_opened_by_a_password_that_is_set(tmp_path: Path):
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text="The vault opens at noon.")
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    pdf.output(str(tmp_path / "vault.pdf"))
    with Sandbox() as sandbox:
        assert isinstance(sandbox.read(tmp_path / "vault.pdf").error, NeedsPassword)
    with Sandbox(passwords=["wrong", "sesame"]) as sandbox:
        assert "The vault opens at noon." in sandbox.read(tmp_path / "vault.pdf").documents[0].text
