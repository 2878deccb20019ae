"""A browser and servers for the tests that look at pages as a person does: Debian's chromium, real sockets."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

QUIET = (
    "--no-first-run --disable-gpu --disable-quic --disable-background-networking --disable-component-update --disable-sync"
)


@contextmanager
def launched() -> Iterator[Browser]:
    """Start chromium; skip the test where there is none, fail it under CI."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: under CI the browser tests must run")
        pytest.skip("no chromium here; to run this: apt-get install chromium")
    arguments = QUIET.split() + (["--no-sandbox"] if os.getuid() == 0 else [])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=arguments)
        yield chromium
        chromium.close()


@contextmanager
def watched(
    browser: Browser, address: str, allowed: Callable[[str], bool] = lambda _: False, **options: object
) -> Iterator[Page]:
    """Open a page that fails the test when it asks another host, reports an error or opens a dialog.

    allowed: which errors on the console a test asks for itself.
    """
    context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
    context.set_default_timeout(60_000)  # milliseconds: machines that test are busy
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda sent: None if sent.url.startswith(address) else faults.append(sent.url))
    yield page
    context.close()
    assert [fault for fault in faults if not allowed(fault)] == []


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page, by WCAG 2.2 AA and by good practice."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)")
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}" for one in found for node in one["nodes"]]


def fits_the_width(page: Page) -> bool:
    """Tell whether nothing has to be scrolled sideways to."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


class Cutter:
    """A proxy before a server that breaks a stream of events after so many bytes, while `after` is set."""

    def __init__(self, address: str) -> None:
        self._target = ("127.0.0.1", int(address.rpartition(":")[2]))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.after: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            for source, sink, is_answer in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass_on, args=(source, sink, is_answer), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        passed = 0
        try:
            while data := source.recv(4096):
                passed += len(data) if passed or b"event: " in data else 0
                if is_answer and self.after is not None and passed > self.after:
                    sink.sendall(data[: max(0, len(data) - (passed - self.after))])
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            with closing(one):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
