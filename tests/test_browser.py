"""The web form as a person meets it: Debian's chromium, JavaScript off, both widths and both themes.

Screenshots are left in screenshots/; README.md shows one of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from playwright.sync_api import Browser, Page, expect
from serving import serving

from qa.config import Settings
from qa.indexing import index_paths
from qa.workspace import Workspace

pytestmark = pytest.mark.browser

QUESTION = "What reasons does Pakistan give for rejecting the sanctions?"
SCREENSHOTS = ROOT / "screenshots"


@pytest.fixture(scope="module")
def address(indexed_corpus: Path, embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server over a copy of the sample corpus, with a sheet and a broken file besides."""
    data = tmp_path_factory.mktemp("served") / ".qa"
    shutil.copytree(indexed_corpus, data)
    workspace = Workspace(Settings(data=data))
    workspace.__dict__["embedder"] = embedder
    tables = data.parent / "tables"
    tables.mkdir()
    (tables / "broken.pdf").write_bytes(b"%PDF-1.7")
    (tables / "pears.csv").write_text(
        "Sort,Ripe in,Price\n" + "".join(f"Pear of kind {n},month {n % 12 + 1},{n}.50\n" for n in range(200))
    )
    index_paths(workspace, [tables])
    with serving(workspace) as found:
        yield found


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page without JavaScript that fails the test when it asks another host or reports an error."""
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=False)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda sent: None if sent.url.startswith(address) else faults.append(sent.url))
    page.goto(address)
    yield page
    context.close()
    assert faults == []


def screenshot(page: Page, name: str, request: pytest.FixtureRequest) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{request.node.callspec.id}.png", full_page=name not in ("source", "sheet"))


def fits_the_width(page: Page) -> bool:
    # measured from outside: the page itself runs no script
    return page.locator("body").bounding_box()["width"] <= page.viewport_size["width"]


def test_a_question_is_answered_and_every_number_opens_its_quote_highlighted(page: Page, request: pytest.FixtureRequest):
    screenshot(page, "home", request)
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("h1")).to_have_text(QUESTION)
    screenshot(page, "answer", request)
    assert fits_the_width(page)
    answer = page.url
    chips = page.locator("a.chip")
    quotes = [quote.inner_text() for quote in page.locator("q.source-quote").all()]
    assert chips.count() >= 4
    for number in range(chips.count()):
        shown = int(chips.nth(number).inner_text())
        box = chips.nth(number).bounding_box()
        assert box["width"] >= 24
        assert box["height"] >= 24
        chips.nth(number).click()
        mark = page.locator("mark#cited")
        assert mark.inner_text() == quotes[shown - 1]
        expect(mark).to_be_in_viewport()
        if number == 0:
            screenshot(page, "source", request)
        assert fits_the_width(page)
        page.go_back()
        assert page.url == answer


def test_a_question_that_nothing_answers_shows_the_nearest_passages(page: Page, request: pytest.FixtureRequest):
    page.get_by_label("Your question").fill("Who is the king of Norway?")
    page.get_by_role("button", name="Ask").click()
    assert "do not answer this question" in page.locator(".answer-text").inner_text()
    expect(page.locator(".others li").nth(2)).to_be_visible()
    screenshot(page, "no-evidence", request)
    assert fits_the_width(page)


def test_an_urdu_answer_runs_from_right_to_left(page: Page, request: pytest.FixtureRequest):
    page.get_by_label("Your question").fill("پاکستان نے پابندیوں کو کیوں مسترد کیا؟")
    page.get_by_role("button", name="Ask").click()
    screenshot(page, "urdu", request)
    assert page.locator(".answer-text p").first.get_attribute("dir") == "auto"
    page.locator("a.chip").first.click()
    expect(page.locator("mark#cited")).to_be_visible()


def test_the_status_and_the_documents_fit_every_width(page: Page, request: pytest.FixtureRequest):
    for name in ("Documents", "Status"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("h1")).to_have_text(name)
        screenshot(page, name.lower(), request)
        assert fits_the_width(page)
    expect(page.get_by_text("broken.pdf")).to_be_visible()


def test_a_row_of_a_sheet_is_cited_with_its_cells(page: Page, request: pytest.FixtureRequest):
    page.get_by_label("Your question").fill("What is the price of a pear of kind 77?")
    page.get_by_role("button", name="Ask").click()
    assert "pears" in page.locator(".source-title").first.inner_text()
    page.locator("a.chip").first.click()
    assert "77" in page.locator("mark#cited").inner_text()
    screenshot(page, "sheet", request)
    assert fits_the_width(page)


def test_the_form_can_be_used_with_the_keyboard_alone(page: Page):
    expect(page.get_by_role("textbox")).to_be_focused()  # else the first letter is typed before the box has it
    page.keyboard.type("When was BECA signed?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/answers/*")
    expect(page.locator("a.chip").first).to_be_visible()
