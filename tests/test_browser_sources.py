"""Sources and the library as a person meets them in Debian's chromium: the panel, pictures of pages, files that are dropped."""

from __future__ import annotations

import re
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import fits_the_width, violations, watched
from conftest import ROOT
from fpdf import FPDF
from playwright.sync_api import Browser, Page, Route, expect
from serving import serving

from qa.config import Settings
from qa.indexing import index_paths
from qa.workspace import Workspace

pytestmark = pytest.mark.browser

QUESTION = "Under which legal instrument were the four Pakistani entities listed in December 2024?"
ATTACK = "<img src=x onerror=alert(1)><script>alert(1)</script>"
SCREENSHOTS = ROOT / "screenshots"
expect.set_options(timeout=30_000)  # milliseconds: machines that test are busy


class Site:
    """A running server, and what is in it."""

    def __init__(self, address: str, workspace: Workspace, uploads: Path) -> None:
        self.address = address
        self.workspace = workspace
        self.uploads = uploads

    def link(self, path: str, quote: str) -> str:
        """Return the link to the first place of some words in a document."""
        [info] = [one for one in self.workspace.store.documents() if one.path.endswith(path)]
        with self.workspace.store.view() as view:
            document = view.document(info.id)
        assert document is not None
        start = document.text.index(quote)
        return f"{self.address}/documents/{info.id}?start={start}&end={start + len(quote)}&v={info.sha256[:12]}#cited"


@pytest.fixture(scope="module")
def site(indexed_corpus: Path, embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("sources")
    shutil.copytree(indexed_corpus, place / ".qa")
    uploads = place / "sent"
    workspace = Workspace(Settings(data=place / ".qa", uploads=uploads, reindex=True))
    workspace.__dict__["embedder"] = embedder
    docs = place / "docs"
    docs.mkdir()
    (docs / "prices.csv").write_text("Sort,Price\n" + "".join(f"Pear {n},{n}.50\n" for n in range(60)) + f'"{ATTACK}",4\n')
    columns = ("Responsibility", "Maintenance", "Refurbishment", "Illumination", "Communication", "Administration")
    (docs / "wide.csv").write_text(
        "\n".join(
            ",".join(f"{one}" for one in columns) if not n else ",".join([f"Lighthouse keeper {n}"] * 6) for n in range(9)
        )
    )
    (docs / "mail.eml").write_text(
        f"From: {ATTACK} <a@b.example>\nTo: Board\nSubject: Budget {ATTACK}\nDate: Mon, 2 Dec 2024 10:00:00 +0000\n\n"
        "The committee approved the harbour budget on Monday.\n"
    )
    (docs / f"{ATTACK.replace('/', '_')}.txt").write_text(f"A title {ATTACK}\n\nThe zebra protocol was signed in Nairobi.")
    (docs / "long.txt").write_text("\n".join(f"Lighthouse {n} was built in {1700 + n % 200}." for n in range(6000)))
    pdf = FPDF()
    pdf.set_font("helvetica", size=14)
    pdf.add_page()
    pdf.multi_cell(0, 8, "The crane of the harbour is to be replaced in March. " * 6)
    (docs / "crane.pdf").write_bytes(bytes(pdf.output()))
    index_paths(workspace, [docs])
    with serving(workspace) as address:
        yield Site(address, workspace, uploads)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A wide page that fails the test when it asks another host, reports an error or opens a dialog."""
    with watched(browser, site.address, viewport={"width": 1400, "height": 900}) as found:
        yield found


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def ask(page: Page, site: Site) -> None:
    page.goto(site.address)
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url("**/answers/*")
    page.wait_for_selector("a.chip[href*='answer=']")  # the answer that is stored, not its draft


def test_a_number_opens_its_source_beside_the_answer(page: Page, site: Site) -> None:
    ask(page, site)
    quotes = [one.inner_text() for one in page.locator(".sources q.source-quote").all()]
    chips = page.locator(".answer-text a.chip")
    for at in range(min(3, chips.count())):
        chips.nth(at).click()
        mark = page.locator(".panel mark#cited")
        mark.wait_for()
        page.wait_for_function(
            "n => document.querySelector('.chip[aria-current]')?.dataset.n === n", arg=chips.nth(at).inner_text()
        )
        assert mark.inner_text() == quotes[int(chips.nth(at).inner_text()) - 1]
        expect(mark).to_be_in_viewport()  # which counts the panel's edges as well
    assert "/answers/" in page.url, "the answer is still there"
    screenshot(page, "panel")
    page.mouse.move(2, 2)
    expect(page.locator("#citation-card")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    assert page.evaluate("document.activeElement.className") == "chip"


def test_escape_closes_the_card_first_and_then_the_source(page: Page, site: Site) -> None:
    ask(page, site)
    page.locator(".answer-text a.chip").first.click()
    page.locator(".panel mark#cited").wait_for()
    page.locator(".answer-text a.chip").last.focus()
    card = page.locator("#citation-card")
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(page.locator(".panel")).to_be_visible()
    page.get_by_label("Ask a follow-up").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Ask a follow-up")).not_to_be_focused()
    expect(page.locator(".panel")).to_be_visible()  # the box was left, nothing more
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)


def test_the_panel_steps_through_the_citations(page: Page, site: Site) -> None:
    ask(page, site)
    page.locator(".answer-text a.chip").first.click()
    quotes = [one.inner_text() for one in page.locator(".sources q.source-quote").all()]
    page.locator(".panel mark#cited").wait_for()
    for number in range(2, len(quotes) + 1):
        page.locator(".panel a[rel=next]").click()
        page.wait_for_function("n => document.querySelector('.chip[aria-current]')?.dataset.n === n", arg=str(number))
        assert page.locator(".panel mark#cited").inner_text() == quotes[number - 1]
    assert page.locator(".panel a[rel=next]").count() == 0


def test_on_a_narrow_screen_and_with_a_modifier_the_link_is_a_link(page: Page, site: Site) -> None:
    ask(page, site)
    with page.context.expect_page() as opened:
        page.locator("a.chip").first.click(modifiers=["Control"])
    opened.value.close()
    assert page.locator(".panel").count() == 0
    page.set_viewport_size({"width": 600, "height": 900})
    page.locator("a.chip").first.click()
    page.wait_for_url("**/documents/*")
    expect(page.locator("mark#cited")).to_be_visible()


def test_the_page_of_a_pdf_is_a_picture_beside_its_text(page: Page, site: Site) -> None:
    page.goto(site.link("crane.pdf", "crane of the harbour is to be replaced"))
    image = page.locator(".pages img")
    page.wait_for_function("() => document.querySelector('.pages img').naturalWidth > 0")
    box, text = image.bounding_box(), page.locator(".source-text").bounding_box()
    assert box["x"] >= text["x"] + text["width"], "beside"
    yellow = page.evaluate(
        """() => {
          const image = document.querySelector('.pages img'), canvas = document.createElement('canvas');
          canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
          const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
          const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
          let count = 0; for (let at = 0; at < data.length; at += 4) if (data[at] > data[at + 2] + 40) count++;
          return count;
        }"""
    )
    assert yellow > 1000
    screenshot(page, "source-pdf")


def test_a_sheet_and_a_message_are_shown_as_what_they_are(page: Page, site: Site) -> None:
    page.goto(site.link("prices.csv", "Pear 33 | 33.50"))
    assert "".join(page.locator("mark").all_text_contents()) == "Pear 33 | 33.50"
    assert page.locator("mark#cited").evaluate("mark => mark.closest('td') !== null")
    assert page.get_by_role("cell", name=ATTACK).count() == 1
    screenshot(page, "source-sheet")
    page.goto(site.link("mail.eml", "approved the harbour budget"))
    assert page.locator(".headers dd").first.inner_text().startswith(ATTACK)
    screenshot(page, "source-mail")


def test_a_sheet_of_many_columns_is_scrolled_and_breaks_no_word(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 375, "height": 900})
    page.goto(site.link("wide.csv", "Lighthouse keeper 3"))
    heights = page.locator(".sheet th").evaluate_all("cells => cells.map(one => one.getBoundingClientRect().height)")
    assert max(heights) < 45, "each name of a column stands on one line"
    assert fits_the_width(page)


def test_a_long_document_opens_at_the_quote(page: Page, site: Site) -> None:
    page.goto(site.link("long.txt", "Lighthouse 4000 was built in 1700."))
    mark = page.locator("mark#cited")
    assert mark.inner_text() == "Lighthouse 4000 was built in 1700."
    expect(mark).to_be_in_viewport()
    page.get_by_role("link", name=re.compile("characters before")).click()
    expect(page.locator(".text")).to_contain_text("Lighthouse 0 was")
    expect(mark).to_be_in_viewport()


@pytest.mark.parametrize("added", ["#:~:text=Lighthouse,1700", "#:~:text=Lighthouse,nowhere"])
def test_a_link_with_words_added_as_open_webui_does_opens_at_the_quote(page: Page, site: Site, added: str) -> None:
    link = site.link("long.txt", "Lighthouse 600 was built in 1700.")
    page.set_content(f'<a href="{link.replace("&", "&amp;")}{added}">Content</a>')
    page.get_by_role("link").click()  # browsers look for such words only where a person followed the link
    page.wait_for_url(link)
    mark = page.locator("mark#cited")
    expect(mark).to_be_in_viewport()
    assert page.evaluate("scrollY") > 0


def drop(page: Page, files: list[tuple[str, str]]) -> None:
    """Drop files onto the form as a browser would."""
    transfer = page.evaluate_handle(
        """files => { const transfer = new DataTransfer();
          for (const [name, text] of files) transfer.items.add(new File([text], name)); return transfer; }""",
        files,
    )
    page.dispatch_event("form.upload", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("form.upload", "drop", {"dataTransfer": transfer})


def test_dropped_files_are_sent_shown_and_indexed(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/documents")
    name = f"{ATTACK.replace('/', '_')}.txt"
    drop(
        page,
        [
            ("tide.txt", "The tide table of the harbour was printed in 1931."),
            ("empty.txt", ""),
            (name, "Of the zebra tide."),
        ],
    )
    rows = page.locator(".upload-list li")
    page.wait_for_function("() => document.querySelector('#job')?.dataset.status === 'done'", timeout=60_000)
    said = [row.inner_text() for row in rows.all()]
    assert "added" in said[0]
    assert "empty" in said[1]
    assert name in said[2]
    screenshot(page, "upload")
    assert (site.uploads / "tide.txt").read_text() == "The tide table of the harbour was printed in 1931."
    page.goto(f"{site.address}/documents?q=tide")
    assert page.locator(".library a").count() == 1
    page.goto(f"{site.address}/documents")
    drop(page, [("tide.txt", "Other words.")])
    page.wait_for_function(
        "() => document.querySelector('.upload-list li')?.innerText.includes('another file has this name')"
    )


def test_a_folder_is_dropped_with_what_lies_below_it_but_not_what_is_hidden(page: Page, site: Site, tmp_path: Path) -> None:
    for path in ("tides/north/ebb.txt", "tides/south/flood.txt", "tides/.git/config.txt", "tides/.hidden.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"The tide of {path} was measured on Monday.")
    for number in range(120):  # more than a browser hands out at once
        (tmp_path / "tides" / f"day-{number:03}.txt").write_text(f"On day {number} the tide was low.")
    page.goto(f"{site.address}/documents")
    drag(page, "form.upload", tmp_path / "tides")
    page.wait_for_function("() => document.querySelector('#said').innerText.startsWith('Indexed.')", timeout=120_000)
    rows = page.locator(".upload-list li")
    assert rows.count() == 122
    sent = {one.relative_to(site.uploads).as_posix() for one in (site.uploads / "tides").rglob("*.txt")}
    assert {"tides/north/ebb.txt", "tides/south/flood.txt", "tides/day-119.txt"} <= sent
    assert len(sent) == 122
    assert page.locator("#said").inner_text().startswith("Indexed.")


def drag(page: Page, selector: str, *paths: Path) -> None:
    """Drag files and folders of the disk onto an element and drop them there, as from a file manager."""
    box = page.locator(selector).bounding_box()
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **at})


def test_files_are_indexed_although_the_last_one_was_refused(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/documents")
    drop(page, [("ferry.txt", "The ferry to the island leaves at noon."), ("ferry.png", "no picture")])
    page.wait_for_function("() => document.querySelector('#said').innerText.startsWith('Indexed.')", timeout=120_000)
    page.goto(f"{site.address}/documents?q=ferry")
    assert page.locator(".library a").count() == 1


def test_how_indexing_ended_is_said_although_it_was_over_before_the_page_asked(page: Page, site: Site) -> None:
    def answer_late(route: Route) -> None:
        while 'data-status="running"' in urllib.request.urlopen(route.request.url).read().decode():
            time.sleep(0.1)
        route.continue_()

    page.goto(f"{site.address}/documents")
    page.route("**/documents/job", answer_late)
    drop(page, [("raft.txt", "The raft to the island leaves at dawn.")])
    page.wait_for_function("() => document.querySelector('#said').innerText.startsWith('Indexed.')")


def test_a_folder_is_chosen_with_what_lies_below_it(page: Page, site: Site, tmp_path: Path) -> None:
    (tmp_path / "year" / "month").mkdir(parents=True)
    (tmp_path / "year" / "month" / "day.txt").write_text("The harbour was closed for the whole day.")
    page.goto(f"{site.address}/documents")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(tmp_path / "year")
    page.wait_for_function("() => document.querySelector('.upload-list li')?.innerText.includes('added')")
    assert (site.uploads / "year" / "month" / "day.txt").is_file()


def test_indexing_again_tells_how_it_ended(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/documents")
    page.get_by_role("button", name="Index again").click()
    page.wait_for_function("() => document.querySelector('#job')?.dataset.status === 'done'", timeout=60_000)
    assert "Indexed." in page.locator("#job").inner_text()


@pytest.mark.parametrize("lang", ["en", "ur"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_every_width_and_axe_finds_nothing(browser: Browser, site: Site, theme: str, lang: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    pages = {
        "library": f"{site.address}/documents?",
        "status": f"{site.address}/status?",
        "map": f"{site.address}/map?q=harbour+budget&",
        "source-pdf": site.link("crane.pdf", "crane of the harbour is to be replaced"),
        "source-sheet": site.link("prices.csv", "Pear 33 | 33.50"),
        "source-mail": site.link("mail.eml", "approved the harbour budget"),
        "source-long": site.link("long.txt", "Lighthouse 4000 was built in 1700."),
        "source-urdu": site.link("pabandiyan-urdu.md", "امریکا نے 18 دسمبر 2024 کو پاکستان کے چار اداروں"),
    }
    with watched(browser, site.address, color_scheme=theme) as page:
        for name, address in pages.items():
            path, _, fragment = address.partition("#")
            page.goto(f"{path}&lang={lang}#{fragment}")
            page.wait_for_function("() => [...document.images].every(image => image.complete || image.loading === 'lazy')")
            for summary in page.locator("main summary").all():
                if summary.evaluate("one => !one.parentElement.open"):
                    summary.click()
            for width in (1280, 375, 320):
                page.set_viewport_size({"width": width, "height": 900})
                assert fits_the_width(page), f"{name} at {width}"
                if width != 320:
                    page.screenshot(path=SCREENSHOTS / f"{name}-{lang}-{width}-{theme}.png")
            assert violations(page) == [], name
            page.set_viewport_size({"width": 1280, "height": 900})
            assert violations(page) == [], name


def test_a_point_of_the_map_opens_its_passage(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/map?q=harbour+budget")
    screenshot(page, "map")
    page.locator("svg.map a.map-hit").last.click()
    expect(page.locator("mark#cited")).to_be_visible()
