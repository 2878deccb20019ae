"""Asking with JavaScript, as a person meets it: streams, stops, cuts, cards, keys, languages, and axe on every page.

Screenshots are left in screenshots/.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from browsing import Cutter, fits_the_width, violations, watched
from conftest import ROOT
from llm_server import Body, CutOff, Handler, Hang, LLMServer, Request, Text, passages_of, quoting
from playwright.sync_api import Browser, Page, expect
from serving import serving
from test_pages import ATTACK, ATTACKS

from qa.config import Settings
from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

pytestmark = pytest.mark.browser

QUESTION = "What reasons does Pakistan give for rejecting the sanctions?"
URDU = "پاکستان نے پابندیوں کو کیوں مسترد کیا؟"
NORWAY = "Who is the king of Norway?"
SCREENSHOTS = ROOT / "screenshots"
expect.set_options(timeout=30_000)  # milliseconds: machines that test are busy


@pytest.fixture(scope="module")
def workspace(indexed_corpus: Path, embedder, reader_model, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    data = tmp_path_factory.mktemp("asked") / ".qa"
    shutil.copytree(indexed_corpus, data)
    made = Workspace(Settings(data=data))
    made.__dict__.update(embedder=embedder, reader_model=reader_model)
    return made


@pytest.fixture(scope="module")
def address(workspace: Workspace) -> Iterator[str]:
    with serving(workspace) as found:
        yield found


@pytest.fixture(scope="module")
def model() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture(scope="module")
def written(workspace: Workspace, model: LLMServer) -> Iterator[str]:
    """The address of the same documents with an LLM that writes."""
    settings = {"model": "openai/test", "api_base": model.url, "api_key": "sk-canary", "llm_calls": 1}
    made = Workspace(Settings.model_validate({**workspace.settings.model_dump(), **settings}))
    made.__dict__.update(embedder=workspace.embedder, reader_model=workspace.reader_model)
    with serving(made) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with watched(browser, address) as opened:
        opened.goto(address)
        yield opened


@pytest.fixture
def writing(browser: Browser, written: str) -> Iterator[Page]:
    with watched(browser, written) as opened:
        opened.goto(written)
        yield opened


def ask(page: Page, question: str) -> None:
    page.locator("form.ask textarea").fill(question)
    page.keyboard.press("Enter")


def asked(page: Page, question: str = QUESTION) -> Page:
    """Ask, and wait until the answer has settled."""
    ask(page, question)
    page.wait_for_url("**/answers/a*")
    return page


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


def sentences(body: Body, count: int) -> str:
    """Write that many claims, each quoting a sentence of a passage."""
    found = [(key, one) for key, text in passages_of(body).items() for one in re.findall(r"[A-Z][^.\n]{30,120}\.", text)]
    return quoting([(f"Claim {n}: {found[n % len(found)][1]}", [found[n % len(found)]]) for n in range(count)])


# The flow


def test_a_question_is_answered_in_the_page_and_settles_at_its_own_address(page: Page):
    asked(page)
    expect(page.locator("h1")).to_have_text(QUESTION)
    assert page.title().startswith("What reasons")
    expect(page.locator(".unit .verdict").first).to_have_text("supported")
    assert "ready, with" in said(page)
    assert page.evaluate("document.activeElement.id") == "question-asked", "the focus is not lost"
    settled = page.locator("main").inner_html()
    page.reload()
    assert without_titles(page.locator("main").inner_html()) == without_titles(settled), "what one sees is what is stored"
    page.go_back()
    expect(page.locator("h1")).to_have_text("Ask your documents")
    page.go_forward()
    expect(page.locator("h1")).to_have_text(QUESTION)


def without_titles(html: str) -> str:
    html = re.sub(r'(name="csrf_token" value=)"[^"]*"', r"\1", html)  # each page has its own
    return re.sub(r' (aria-describedby|title)="[^"]*"', "", html)


def test_sources_come_before_the_text_and_the_text_while_it_is_written(writing: Page, model: LLMServer):
    go_on = threading.Event()

    class Held(Text):
        def respond(self, to: Handler, request: Request) -> None:
            assert go_on.wait(60)
            Text.respond(self, to, request)

    model.reply_with(Held(quoting([("Slowly " * 40, [("p0", "the sanctions")])] * 3), delay=0.05))
    ask(writing, QUESTION)
    writing.wait_for_selector(".asking .source-item")
    assert writing.locator(".asking .answer-text").is_hidden()
    go_on.set()
    writing.wait_for_selector(".asking .answer-text", state="visible")
    first = len(writing.locator(".asking .answer-text").inner_text())
    while len(writing.locator(".asking .answer-text").inner_text()) <= first:
        writing.wait_for_timeout(50)
    assert writing.locator(".asking .answer-text[aria-live]").count() == 0, "no voice reads every token"
    assert re.search(r"Reading \d passages", writing.locator(".phases").inner_text())
    assert "Writing" in writing.locator(".phases .begun").all_inner_texts()[2]
    writing.screenshot(path=SCREENSHOTS / "asking.png")
    writing.wait_for_url("**/answers/a*")


def test_a_follow_up_goes_on_with_the_conversation(page: Page):
    asked(page)
    first = page.url
    ask(page, "And when was BECA signed?")
    page.wait_for_url(lambda url: "/answers/a" in url and url != first)
    expect(page.locator(".turns a")).to_have_text(QUESTION)


def test_a_suggested_question_is_asked_at_once(page: Page):
    question = page.locator(".suggestion").first.inner_text()
    page.locator(".suggestion").first.click()
    page.wait_for_url("**/answers/a*")
    expect(page.locator("h1")).to_have_text(question)


def test_shift_enter_begins_a_new_line(page: Page):
    page.locator("textarea").fill("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert page.locator("textarea").input_value() == "one\ntwo"


# What goes wrong


def test_stopping_ends_the_call_to_the_model_and_keeps_the_question(writing: Page, model: LLMServer):
    model.closed_early.clear()
    model.reply_with(Hang())
    before = len(model.requests)
    ask(writing, QUESTION)
    writing.wait_for_selector(".asking .source-item")
    while len(model.requests) == before:
        writing.wait_for_timeout(50)
    writing.keyboard.press("Escape")
    expect(writing.locator("[data-fault]")).to_contain_text("Stopped.")
    assert writing.locator("form.ask textarea").input_value() == QUESTION
    assert model.closed_early.wait(5)
    model.reply_with(lambda body: sentences(body, 2))
    writing.get_by_role("button", name="Ask again").click()
    writing.wait_for_url("**/answers/a*")


def test_the_stop_button_stops(writing: Page, model: LLMServer):
    model.reply_with(Hang())
    ask(writing, QUESTION)
    writing.get_by_role("button", name="Stop").click()
    expect(writing.locator("[data-fault]")).to_contain_text("Stopped.")
    assert "/answers/" not in writing.url


@pytest.mark.parametrize("after", [1, 700, 15_000])
def test_a_stream_that_is_cut_says_so_and_can_be_asked_again(browser: Browser, written: str, model: LLMServer, after: int):
    model.reply_with(Text("CLAIM: " + "Slowly " * 3000 + "\nEND", delay=0.005, cut=70))
    with closing(Cutter(written)) as cutter:
        broken = lambda fault: "ERR_" in fault or "404" in fault  # noqa: E731
        with watched(browser, cutter.address, allowed=broken) as page:
            page.goto(cutter.address)
            cutter.after = after
            ask(page, QUESTION)
            expect(page.locator("[data-fault]")).to_contain_text("connection broke")
            assert "connection broke" in said(page)
            if after > 10_000:  # in the text: the passages take up less
                expect(page.locator("[data-fault]")).to_contain_text("not checked")
                assert "Slowly" in page.locator(".answer-text").inner_text()
            assert page.locator("form.ask textarea").input_value() == QUESTION
            cutter.after = None
            model.reply_with(lambda body: sentences(body, 2))
            page.get_by_role("button", name="Ask again").click()
            page.wait_for_url("**/answers/a*")


def test_a_question_that_is_refused_says_why_and_stays_to_be_changed(browser: Browser, address: str):
    with watched(browser, address, allowed=lambda fault: "422" in fault) as page:
        page.goto(address)
        ask(page, "?!")
        expect(page.locator("[data-fault]")).to_contain_text("the question is empty")
        assert page.locator("form.ask textarea").input_value() == "?!"
        assert violations(page) == []


def test_an_answer_that_the_model_broke_off_is_shown_as_not_complete(writing: Page, model: LLMServer):
    model.reply_with(CutOff(lambda body: sentences(body, 3).removesuffix("END") + "CLAIM: And"))
    asked(writing)
    expect(writing.locator(".notice-warn").first).to_contain_text("not complete")
    assert violations(writing) == []


# The answer


def test_a_number_shows_its_card_to_pointer_and_keyboard_and_escape_closes_it(page: Page):
    asked(page)
    chip, card = page.locator(".answer-text .chip").first, page.locator("#citation-card")
    quote = page.locator("#source-1 .source-quote").inner_text()
    chip.hover()
    expect(card).to_be_visible()
    assert quote in card.inner_text()
    page.locator("#citation-card .source-quote").hover()
    page.wait_for_timeout(500)
    expect(card).to_be_visible()  # the pointer may move onto the card
    page.mouse.move(2, 2)
    expect(card).to_be_hidden()
    chip.focus()
    expect(card).to_be_visible()
    assert chip.get_attribute("aria-describedby") == "citation-card"
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    assert page.evaluate("document.activeElement.className") == "chip"
    assert violations(page) == []


def test_only_what_is_supported_is_shown_on_request(writing: Page, model: LLMServer):
    def reply(body: Body) -> str:
        key, text = next((key, text) for key, text in passages_of(body).items() if re.search(r"[A-Z][^.\n]{30,120}\.", text))
        sentence = re.search(r"[A-Z][^.\n]{30,120}\.", text)[0]
        return quoting([(sentence, [(key, sentence)]), ("Nobody ever said this.", [(key, "words that are nowhere")])])

    model.reply_with(reply)
    asked(writing)
    weak = writing.locator('.unit[data-verdict="unsupported"]').first
    expect(weak).to_contain_text("no source found")
    writing.get_by_label("Only what is supported").check()
    expect(weak).to_be_hidden()
    expect(writing.get_by_text("Only claims marked as supported are shown.").first).to_be_visible()
    writing.reload()
    expect(weak).to_be_hidden()
    writing.get_by_label("Only what is supported").uncheck()
    expect(weak).to_be_visible()
    writing.locator(".doubtful summary").click()
    expect(writing.locator(".doubtful")).to_contain_text("words that are nowhere")


def test_feedback_is_kept_without_leaving_the_page(page: Page):
    asked(page)
    address = page.url
    page.get_by_role("button", name="Yes", exact=True).click()
    page.get_by_role("button", name="Does not support this: source 1").click()
    expect(page.locator("#said")).to_have_text("Noted, thank you.")
    expect(page.locator("[aria-pressed=true]")).to_have_count(2)
    assert page.url == address
    page.reload()
    expect(page.locator("[aria-pressed=true]")).to_have_count(2)
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.locator("#said")).to_have_text("Taken back.")
    expect(page.locator("[aria-pressed=true]")).to_have_count(1)


def test_an_answer_is_copied_with_its_references(browser: Browser, address: str):
    with watched(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(address)
        asked(page)
        page.get_by_role("button", name="Copy as Markdown").click()
        expect(page.locator("#said")).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"# {QUESTION}")
        assert f"](<{address}/documents/" in copied


def test_an_answer_of_sixty_claims_can_be_read_and_stepped_through(writing: Page, model: LLMServer):
    model.reply_with(lambda body: sentences(body, 60))
    asked(writing)
    chips = writing.locator(".answer-text .chip")
    assert writing.locator(".unit").count() >= 60
    assert chips.count() >= 50
    for box in [chip.bounding_box() for chip in chips.all()]:
        assert box["width"] >= 24
        assert box["height"] >= 24
    for width in (320, 375, 1280):
        writing.set_viewport_size({"width": width, "height": 900})
        assert fits_the_width(writing)
    for _ in range(chips.count() + 1):
        writing.keyboard.press("n")
    expect(chips.first).to_be_focused()
    writing.keyboard.press("p")
    expect(chips.last).to_be_focused()
    assert violations(writing) == []
    writing.set_viewport_size({"width": 1280, "height": 900})
    writing.screenshot(path=SCREENSHOTS / "sixty-claims.png")


LINES = """() => [...document.querySelectorAll('.unit')].map(unit => {
  const last = one => [...one.getClientRects()].at(-1), middle = box => (box.top + box.bottom) / 2;
  const text = last(unit.querySelector('.claim'));
  return [...unit.querySelectorAll('.chip, .verdict')].every(one => Math.abs(middle(last(one)) - middle(text)) < text.height / 2);
})"""


def test_a_verdict_stands_on_the_line_where_its_claim_ends(writing: Page, model: LLMServer):
    model.reply_with(lambda body: sentences(body, 30))
    asked(writing)
    for width in (1280, 1000, 640):
        writing.set_viewport_size({"width": width, "height": 900})
        together = writing.evaluate(LINES)
        assert len(together) >= 30
        assert all(together), f"at {width}"
        assert fits_the_width(writing)


def test_what_can_be_pressed_does_not_touch_and_labels_keep_off_their_boxes(page: Page):
    asked(page)
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 900})
        check, on_the_map = (one.bounding_box() for one in page.locator(".answer-side p .button").all())
        assert on_the_map["y"] - check["y"] - check["height"] >= 4 or on_the_map["x"] - check["x"] - check["width"] >= 4
        label, box = page.locator(".ask > label").bounding_box(), page.locator(".ask-box").bounding_box()
        assert box["y"] - label["y"] - label["height"] >= 6


# The keyboard


def test_everything_can_be_done_with_the_keyboard(page: Page):
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.type("When was BECA signed?")
    page.keyboard.press("Enter")
    page.wait_for_url("**/answers/a*")
    page.keyboard.press("n")
    expect(page.locator(".answer-text .chip").first).to_be_focused()
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one), box = one.closest('.ask-box');
            const shown = style.outlineStyle !== 'none' || (box && getComputedStyle(box).outlineStyle !== 'none');
            return [one.textContent.trim().slice(0, 30) || one.name || one.tagName, one === document.body || shown]; }"""
        )
        assert found[1], f"the focus is seen on {found[0]}"
        seen.add(found[0])
    assert {"Yes", "No", "Markdown", "Delete", "Ask", "question"} <= seen
    page.locator(".answer-text .chip").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".panel mark#cited").first).to_be_visible()


def test_single_keys_can_be_switched_off_and_stay_off(page: Page):
    page.locator(".keys summary").click()
    page.get_by_label("Single-key shortcuts").uncheck()
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(page.locator("textarea")).not_to_be_focused()
    page.reload()
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(page.locator("textarea")).not_to_be_focused()
    page.locator(".keys summary").click()
    page.get_by_label("Single-key shortcuts").check()
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.type("n/p")
    assert page.locator("textarea").input_value() == "n/p", "while one writes, letters are letters"


# For everyone


@pytest.fixture(scope="module")
def answers(workspace: Workspace) -> dict[str, str]:
    """Paths of pages to look at, by name."""
    client = create_app(workspace).test_client()

    def path(question: str) -> str:
        return f"/answers/{client.post('/api/ask', json={'question': question}).get_json()['id']}"

    answer = path(QUESTION)
    pages = {"home": "/", "answer": answer, "checked": f"{answer}?check=1", "urdu": path(URDU), "no-evidence": path(NORWAY)}
    return {
        **pages,
        "history": "/history",
        "delete": f"{answer}/delete",
        "delete-all": "/history/delete",
        "error": "/nothing",
    }


@pytest.mark.parametrize("lang", ["en", "ur"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_every_width_and_axe_finds_nothing(
    browser: Browser, address: str, answers: dict[str, str], theme: str, lang: str
):
    SCREENSHOTS.mkdir(exist_ok=True)
    with watched(browser, address, allowed=lambda fault: "404" in fault, color_scheme=theme) as page:
        for name, path in answers.items():
            page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
            assert page.locator("html").get_attribute("lang") == lang
            for summary in page.locator("main summary").all():
                if summary.evaluate("one => !one.parentElement.open"):
                    summary.click()
            for width in (1280, 375, 320):
                page.set_viewport_size({"width": width, "height": 900})
                assert fits_the_width(page), f"{name} at {width}"
                if width != 320:
                    page.screenshot(path=SCREENSHOTS / f"{name}-{lang}-{width}-{theme}.png", full_page=True)
            assert violations(page) == [], name
            page.set_viewport_size({"width": 1280, "height": 900})
            assert overlapping(page) == [], name
            assert violations(page) == [], name


def overlapping(page: Page) -> list[list[str]]:
    """Return the parts of an answer's page that lie on each other."""
    found: list[list[str]] = page.evaluate(
        """() => { const parts = [...document.querySelectorAll('.answer > *')].map(one => [one.className, one.getBoundingClientRect()]);
        return parts.flatMap(([name, a], i) => parts.slice(i + 1).filter(([, b]) =>
          Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1
        ).map(([other]) => [name, other])); }"""
    )
    return found


def test_forced_colours_larger_text_and_less_motion_leave_everything_readable(
    browser: Browser, address: str, answers: dict[str, str]
):
    with watched(browser, address, forced_colors="active", reduced_motion="reduce") as page:
        page.set_viewport_size({"width": 640, "height": 900})  # 1280 pixels at twice the size
        for name in ("home", "answer", "history"):
            page.goto(address + answers[name])
            assert fits_the_width(page)
        assert page.evaluate("getComputedStyle(document.body).animationName") == "none"


def test_a_page_weighs_little_and_comes_at_once(browser: Browser, address: str, answers: dict[str, str]):
    for name in ("home", "answer", "no-evidence", "history"):
        with watched(browser, address) as page:
            sizes: list[int] = []
            page.on("requestfinished", lambda sent, sizes=sizes: sizes.append(sent.sizes()["responseBodySize"]))
            page.goto(address + answers[name], wait_until="networkidle")
            assert sum(sizes) < 60_000, name
            waited = []
            for _ in range(3):  # the best of three: other tests run beside this one
                page.reload()
                waited.append(page.evaluate("performance.getEntriesByType('navigation')[0].responseStart"))
            assert min(waited) < 200, f"{name}: first byte after {waited} ms"


def test_without_javascript_the_whole_flow_works(browser: Browser, address: str):
    with watched(browser, address, java_script_enabled=False) as page:
        page.goto(address)
        page.locator("form.ask textarea").fill(QUESTION)
        page.get_by_role("button", name="Ask", exact=True).click()
        page.wait_for_url("**/answers/a*")
        page.get_by_role("button", name="Yes", exact=True).click()
        expect(page.locator("[aria-pressed=true]")).to_have_count(1)
        assert page.locator("[data-copy]:visible, [data-keys]:visible").count() == 0, (
            "nothing is offered that needs a script"
        )
        page.get_by_role("link", name="Check these quotes").click()
        expect(page.locator(".source-check").nth(3)).to_be_visible()
        page.get_by_role("link", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete").click()
        page.wait_for_url("**/history")
        assert QUESTION not in page.locator(".past li").first.inner_text()


# Documents, questions and models that try to be code


@pytest.fixture(scope="module")
def attacked(embedder, reader_model, model: LLMServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("attacked")
    quoted = ATTACK.replace("'", "''")
    (folder / "docs").mkdir()
    (folder / "docs" / "<img src=x onerror=alert(1)>'\".md").write_text(
        f"---\ntitle: '{quoted}'\nlang: '\"><script>alert(1)</script>'\n---\n\n# Why is {ATTACKS[0]} in the zebra protocol?\n\n"
        f"The zebra protocol was signed in 1987 by {ATTACK} in Nairobi.\n"
    )
    settings = {
        "data": folder / ".qa",
        "model": "openai/test",
        "api_base": model.url,
        "api_key": "sk-canary",
    }
    made = Workspace(Settings.model_validate(settings))
    made.__dict__.update(embedder=embedder, reader_model=reader_model)
    index_paths(made, [folder / "docs"])
    with serving(made) as found:
        yield found


@pytest.mark.parametrize("cut", [1, 2, 3, 7])
def test_no_text_becomes_an_element_while_it_streams_or_after(browser: Browser, attacked: str, model: LLMServer, cut: int):
    claims = [(f"It was signed by {attack}", [("p0", "signed in 1987 by")]) for attack in ATTACKS]
    model.reply_with(Text(quoting(claims), cut=cut, delay=0.001))
    with watched(browser, attacked) as page:
        page.goto(attacked)
        ask(page, f"When was the zebra protocol signed? {ATTACK}")
        deadline = time.monotonic() + 60
        while "/answers/" not in page.url and time.monotonic() < deadline:
            assert strange_elements(page) == []
            page.wait_for_timeout(50)
        assert "/answers/" in page.url
        assert strange_elements(page) == []
        page.locator(".answer-text .chip").first.hover()
        page.wait_for_timeout(300)
        assert strange_elements(page) == []
        for path in ("/history", "/documents"):
            page.goto(attacked + path)
            assert strange_elements(page) == []


def strange_elements(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(one =>
          ['IMG', 'IFRAME', 'BASE', 'OBJECT', 'EMBED', 'STYLE'].includes(one.tagName)
          || (one.tagName === 'SCRIPT' && one.getAttribute('src') !== '/static/app.js')
          || (one.tagName === 'MARK' && !one.closest('.text'))
          || [...one.attributes].some(({name, value}) => name.startsWith('on') || name === 'srcdoc' || /^\\s*javascript:/i.test(value))
        ).map(one => one.outerHTML.slice(0, 200))"""
    )
    return found
