"""The pages for people, without JavaScript: ask, read, open each cited span; and documents that try to be code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from llm_server import LLMServer, quoting
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node
from werkzeug.test import TestResponse

from qa.indexing import index_paths
from qa.web import create_app
from qa.workspace import Workspace

LISTINGS = "How many listings are there in connection with Pakistan's missile programme?"
ENTITIES = "Under which legal instrument were the four Pakistani entities listed in December 2024?"
MARS = "How many goals did Brazil score in the final of 1970?"

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def site(corpus: Workspace, make_workspace: MakeWorkspace) -> FlaskClient:
    """Return a client of the sample corpus whose answers are made from few passages: quick."""
    return create_app(make_workspace(corpus.settings.data, k=2)).test_client()


def page(response: TestResponse, status: int = 200) -> HTMLParser:
    """Return a page, checked to be one."""
    assert response.status_code == status
    assert response.content_type == "text/html; charset=utf-8"
    return HTMLParser(response.get_data(as_text=True))


def ask(client: FlaskClient, question: str) -> TestResponse:
    """Send the form, and follow to the answer."""
    sent = client.post("/ask", data={"question": question})
    assert sent.status_code == 303
    return client.get(sent.headers["Location"])


def without_tokens(response: TestResponse) -> str:
    """Return a page without the tokens of its forms, which are others each time."""
    return re.sub(r'(data-token|name="csrf_token" value)="[^"]+"', "", response.get_data(as_text=True))


def only(tree: HTMLParser, selector: str) -> Node:
    """Return the one element that a selector names."""
    [node] = tree.css(selector)
    return node


def the_json(client: FlaskClient, answer: HTMLParser) -> dict[str, Any]:
    """Return the answer object that an answer's page links to."""
    [link] = [node.attributes["href"] for node in answer.css("a") if node.text() == "JSON"]
    return dict(client.get(link or "").get_json())


def document_id(client: FlaskClient, name: str) -> str:
    """Return the id of the document whose path ends so."""
    listed = client.get("/api/documents").get_json()["documents"]
    return next(document["id"] for document in listed if document["path"].endswith(name))


def text_of(client: FlaskClient, identifier: str) -> str:
    return str(client.get(f"/api/documents/{identifier}").get_json()["text"])


# Asking


def test_the_form_needs_no_script(site: FlaskClient) -> None:
    home = page(site.get("/"))
    form = only(home, "form.ask")
    assert (form.attributes["method"], form.attributes["action"]) == ("post", "/ask")
    assert only(home, "textarea[name=question]").attributes["dir"] == "auto"
    assert only(home, f"label[for={only(home, 'textarea').attributes['id']}]").text()
    assert [node.attributes["src"] for node in home.css("script")] == ["/static/app.js"]
    assert home.css("script")[0].text() == ""


def test_a_question_leads_to_an_answer_with_its_own_address(site: FlaskClient) -> None:
    sent = site.post("/ask", data={"question": LISTINGS})
    assert sent.status_code == 303
    assert re.fullmatch(r"/answers/[\w-]{12,}", sent.headers["Location"])
    first, again = site.get(sent.headers["Location"]), site.get(sent.headers["Location"])
    assert without_tokens(first) == without_tokens(again)
    answer = page(first)
    assert only(answer, "h1").text() == LISTINGS
    assert "17 listings" in only(answer, ".answer-text").text()


def test_every_number_opens_the_page_where_its_quote_is_marked(site: FlaskClient) -> None:
    answer = page(ask(site, ENTITIES))
    citations = the_json(site, answer)["citations"]
    assert citations
    chips = answer.css(".answer-text a.chip")
    assert {chip.text() for chip in chips} == {str(citation["n"]) for citation in citations}
    for link in [*chips, *answer.css("a.source")]:
        href = link.attributes["href"] or ""
        [citation] = [citation for citation in citations if citation["url"] == re.sub(r"&answer=[\w-]+", "", href)]
        assert urlsplit(href).fragment == "cited"
        opened = page(site.get(href))
        marks = opened.css("mark#cited")
        assert [mark.text() for mark in marks] == [citation["quote"]]
        assert only(opened, "h1").text() == citation["title"]


def test_the_sources_of_an_answer_show_title_place_and_quote(site: FlaskClient) -> None:
    answer = page(ask(site, ENTITIES))
    citations = the_json(site, answer)["citations"]
    assert [node.text() for node in answer.css(".source-title")] == [citation["title"] for citation in citations]
    assert [node.text() for node in answer.css("q.source-quote")] == [citation["quote"] for citation in citations]


def test_an_empty_question_shows_the_error_and_asks_again(site: FlaskClient) -> None:
    again = page(site.post("/ask", data={"question": " ?! "}), 422)
    assert "empty" in only(again, "[role=alert]").text()
    assert only(again, "textarea").text().strip() == "?!"
    assert "empty" in only(page(site.post("/ask", data={}), 422), "[role=alert]").text()


def test_too_long_a_question_is_kept_to_be_shortened(site: FlaskClient) -> None:
    long = "why " * 1200
    again = page(site.post("/ask", data={"question": long}), 422)
    assert "longer than 4000" in only(again, "[role=alert]").text()
    assert only(again, "textarea").text().split() == long.split()


def test_a_question_without_an_answer_shows_the_nearest_passages(site: FlaskClient) -> None:
    answer = page(ask(site, MARS))
    said = only(answer, ".answer-text").text()
    assert "do not answer" in said
    assert f"Searched for: {MARS}" in said
    assert "2 passages were looked at" in said
    assert answer.css(".chip, .source") == []
    nearest = only(answer, "details.others")
    assert "open" in nearest.attributes
    links = [node.attributes["href"] or "" for node in nearest.css("a")]
    assert len(links) == 2
    passages = the_json(site, answer)["passages"]
    marked = [only(page(site.get(link)), "mark#cited").text() for link in links]
    assert marked == [passage["text"] for passage in passages]


def test_without_an_index_the_page_says_what_to_do(make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace()).test_client()
    assert "qa index" in page(client.get("/")).css("main")[0].text()
    again = page(client.post("/ask", data={"question": LISTINGS}), 503)
    assert "qa index" in only(again, "[role=alert]").text()
    assert only(again, "textarea").text() == LISTINGS


def verdicts_of(answer: HTMLParser) -> list[tuple[str, str]]:
    """Return each claim's verdict as its data tells it and as its word says it."""
    return [
        (unit.attributes["data-verdict"] or "", node.text().strip())
        for unit in answer.css(".unit")
        if (node := unit.css_first(".verdict"))
    ]


def test_every_claim_has_its_verdict_as_icon_and_word(
    corpus: Workspace, make_workspace: MakeWorkspace, llm: LLMServer
) -> None:
    settings = {"model": "openai/test", "api_base": llm.url, "api_key": "sk-canary"}
    client = create_app(make_workspace(corpus.settings.data, **settings)).test_client()
    true, false = "17 listings in connection with Pakistan's missile programme", "18 listings in connection with them"
    llm.reply_with(quoting([("<b>Seventeen</b>.", [("p0", true)]), ("Eighteen.", [("p0", false)])]))
    answer = page(ask(client, LISTINGS))
    first, second, other_side = answer.css(".claim")
    assert (first.text(), second.text()) == ("< b>Seventeen< /b>.", "Eighteen.")
    assert "superseded since, said" in other_side.text()
    assert "claim-weak" not in (first.attributes["class"] or "").split()
    assert "claim-weak" in (second.attributes["class"] or "").split()
    given = verdicts_of(answer)
    assert given[:2] == [("unchecked", "not checked"), ("unsupported", "no source found")]
    assert len(given) == 3
    icons = [node.attributes["href"] for node in answer.css(".unit .verdict use")]
    assert icons == [f"#i-{verdict}" for verdict, _ in given]
    assert all(answer.css_first(icon or "") for icon in icons), "each icon is drawn in the page"
    assert [chip.text() for chip in answer.css(".answer-text .chip")] == ["1", "2"]
    look = only(answer, ".doubtful").text()
    assert "the judge" in look, "the reason of a verdict"
    assert false in look, "the quote that was not found"


def test_only_what_is_supported_can_be_shown_without_script(
    corpus: Workspace, make_workspace: MakeWorkspace, llm: LLMServer
) -> None:
    settings = {"model": "openai/test", "api_base": llm.url, "api_key": "sk-canary"}
    client = create_app(make_workspace(corpus.settings.data, **settings)).test_client()
    llm.reply_with(quoting([("Eighteen.", [("p0", "18 listings in connection with them")])]))
    answer = page(ask(client, LISTINGS))
    form = only(answer, "form.only")
    assert form.attributes["method"] == "get"
    assert "only-supported" not in (only(answer, "article").attributes["class"] or "")
    place = (answer.css_first("[data-copy]").attributes["data-copy"] or "").removesuffix(".md")
    filtered = page(client.get(f"{place}?only=1"))
    assert "only-supported" in (only(filtered, "article").attributes["class"] or "")
    assert "checked" in only(filtered, "form.only input").attributes


def test_an_answer_that_is_supported_throughout_has_nothing_to_hide(site: FlaskClient) -> None:
    answer = page(ask(site, ENTITIES))
    assert {verdict for verdict, _ in verdicts_of(answer)} == {"supported"}
    assert answer.css("form.only, .doubtful") == []
    assert "supported" in only(answer, ".verdicts").text()


def test_how_sure_an_answer_is_is_said_in_words(site: FlaskClient) -> None:
    answer = page(ask(site, ENTITIES))
    score = the_json(site, answer)["score"]
    word = next(word for least, word in ((0.9, "very high"), (0.75, "high"), (0.5, "fair"), (0, "low")) if score >= least)
    assert f"Confidence: {word} ({round(score * 100)} %)" in only(answer, ".meta").text()


def test_passages_that_were_considered_show_every_stages_score_as_a_bar(site: FlaskClient) -> None:
    answer = page(ask(site, MARS))
    passages = the_json(site, answer)["passages"]
    for shown, passage in zip(answer.css(".others li"), passages, strict=True):
        numbers = [node.text() for node in shown.css(".bars dd span")]
        assert numbers == [f"{score:.2f}" for score in passage["scores"].values()]
        lengths = [int(node.attributes["width"] or "") for node in shown.css(".bar-part")]
        assert all(0 <= length <= 100 for length in lengths)
    assert "100" in [node.attributes["width"] for node in answer.css(".bar-part")]


def test_a_degraded_answer_says_so(corpus: Workspace, make_workspace: MakeWorkspace, llm: LLMServer) -> None:
    settings = {"model": "openai/test", "api_base": llm.url, "api_key": "sk-canary", "k": 1}
    client = create_app(make_workspace(corpus.settings.data, **settings)).test_client()
    llm.reply_with("Just prose.")
    answer = page(ask(client, LISTINGS))
    said = only(answer, ".notice").text()
    assert "Quoted instead of written" in said
    assert "its reply was not in the form asked for" in said, "in plain words, without the names of parts"
    assert "openai/test" not in said
    assert answer.css(".chip")


def test_errors_are_pages_for_people(site: FlaskClient) -> None:
    for path in ("/nothing", "/answers/a0", "/documents/d0"):
        missing = page(site.get(path, headers={"Accept": "text/html"}), 404)
        assert only(missing, "h1").text() == "Not found"
        assert "Traceback" not in missing.html


def test_an_error_page_leaves_commands_and_names_as_they_are(
    tmp_path: Path, make_workspace: Callable[..., Workspace]
) -> None:
    empty = create_app(make_workspace(tmp_path / "nothing")).test_client()
    missing = page(empty.get("/documents/d0", headers={"Accept": "text/html"}), 503)
    assert "On the server, run: qa index PATH." in missing.text()


# Documents


def test_the_documents_are_listed_with_links_to_them(site: FlaskClient) -> None:
    listed = site.get("/api/documents").get_json()["documents"]
    links = {node.attributes["href"] for node in page(site.get("/documents")).css(".library a")}
    assert links == {f"/documents/{document['id']}" for document in listed}


def test_a_documents_page_shows_the_whole_text(site: FlaskClient) -> None:
    for name in ("glossary.txt", "pabandiyan-urdu.md", "mtcr-explainer.pdf", "forum-thread.html"):
        identifier = document_id(site, name)
        plain, marked = (page(site.get(f"/documents/{identifier}{part}")) for part in ("", "?start=40&end=90"))
        text = text_of(site, identifier)
        assert only(plain, ".text").text() == only(marked, ".text").text() == text
        assert plain.css("mark") == []
        assert only(marked, "mark#cited").text() == text[40:90]


def test_a_changed_document_is_shown_with_a_notice_and_no_mark(site: FlaskClient) -> None:
    identifier = document_id(site, "glossary.txt")
    for version in ("000000000000", "x", "0" * 64):
        shown = page(site.get(f"/documents/{identifier}?start=0&end=5&v={version}"))
        assert "changed since" in only(shown, ".notice").text()
        assert shown.css("mark") == []
        assert only(shown, ".text").text()


@pytest.mark.parametrize(
    "span", ["start=5&end=5", "start=9&end=5", "start=-5&end=5", "start=0&end=99999999", "start=99999990&end=99999999"]
)
def test_a_span_that_the_document_does_not_have_is_not_marked(site: FlaskClient, span: str) -> None:
    shown = page(site.get(f"/documents/{document_id(site, 'glossary.txt')}?{span}"))
    assert "does not have" in only(shown, ".notice").text()
    assert shown.css("mark") == []


@pytest.mark.parametrize(
    "span", ["start=a&end=b", "start=5", "end=5", "start=&end=", "start=1.5&end=9", "start=1&end=" + "9" * 5000]
)
def test_a_span_that_is_no_number_is_not_marked(site: FlaskClient, span: str) -> None:
    shown = page(site.get(f"/documents/{document_id(site, 'glossary.txt')}?{span}"))
    assert shown.css("mark") == []
    assert only(shown, ".text").text()


def test_the_first_and_the_last_character_can_be_marked(site: FlaskClient) -> None:
    identifier = document_id(site, "glossary.txt")
    text = text_of(site, identifier)
    for start, end in ((0, 1), (len(text) - 1, len(text)), (0, len(text))):
        shown = page(site.get(f"/documents/{identifier}?start={start}&end={end}"))
        assert only(shown, "mark#cited").text() == text[start:end]


def test_a_span_in_a_pdf_says_its_page(site: FlaskClient) -> None:
    identifier = document_id(site, "mtcr-explainer.pdf")
    start = text_of(site, identifier).index("There is no need to prove a link")
    shown = page(site.get(f"/documents/{identifier}?start={start}&end={start + 30}"))
    assert only(shown, ".source-place").text() == "page 2, 4. The American laws"
    assert "Page 2" in [node.attributes["data-label"] for node in shown.css(".page")]


def test_text_that_runs_from_right_to_left_sets_its_own_direction(site: FlaskClient) -> None:
    identifier = document_id(site, "pabandiyan-urdu.md")
    shown = page(site.get(f"/documents/{identifier}?start=100&end=160"))
    assert only(shown, "h1").attributes["dir"] == "auto"
    assert only(shown, ".text").attributes["lang"] == "ur"
    answer = page(ask(site, "پاکستان پر پابندیاں کیوں لگائی گئیں؟"))
    assert only(answer, "h1").attributes["dir"] == "auto"
    assert all(
        node.attributes["dir"] == "auto"
        for node in answer.css(".answer-text p:not(.only-note), q.source-quote, .source-title")
    )


def test_without_a_second_collection_nothing_is_chosen(site: FlaskClient) -> None:
    assert page(site.get("/")).css("select, .choices") == []


def test_a_collection_is_chosen_in_the_form_and_stays_chosen(folder: Path, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    for name, fate in (("default", "The red bridge was built in 1901."), ("lost & found", "The red bridge fell in 1950.")):
        (folder / f"{name}.txt").write_text(fate)
        index_paths(make_workspace(collection=name), [folder / f"{name}.txt"])
    client = create_app(workspace).test_client()
    choices = page(client.get("/")).css("select option")
    assert [choice.text() for choice in choices] == ["default", "lost & found"]
    sent = client.post("/ask", data={"question": "What happened to the red bridge?", "collection": "lost & found"})
    answer = page(client.get(sent.headers["Location"]))
    assert "fell in 1950" in only(answer, ".answer-text").text()
    assert "1901" not in only(answer, ".answer-text").text()
    assert only(answer, "option[selected]").text() == "lost & found"
    refused = page(client.post("/ask", data={"question": "What happened?", "collection": "nope"}), 404)
    assert "there is no collection nope" in only(refused, ".notice-error").text()
    listed = page(client.get("/documents?collection=lost+%26+found"))
    assert [node.text() for node in listed.css(".library a")] == ["lost & found"]
    assert only(listed, "select option[selected]").text() == "lost & found (1)"


def test_the_status_page_says_what_is_indexed_and_why_files_are_not(folder: Path, make_workspace: MakeWorkspace) -> None:
    (folder / "good.txt").write_text("The bridge is of stone. It was built by the town in the summer of 1901.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nno more than this")
    (folder / "link").symlink_to(folder / "good.txt")
    workspace = make_workspace()
    client = create_app(workspace).test_client()
    assert "Nothing is indexed yet" in page(client.get("/status")).body.text()
    index_paths(workspace, [folder])
    shown = page(client.get("/status"))
    facts = only(shown, ".facts").text()
    for fact in ("default: 1 document, 1 passage", "Plain text: 1", "English 1", "generation 1", "all-MiniLM-L6-v2"):
        assert fact in facts
    files = [node.text().strip() for node in shown.css(".library li")]
    assert len(files) == 2
    assert files[0].startswith("docs/broken.pdf failed: ")
    assert files[1].startswith("docs/link skipped: ")


# Documents that try to be code

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</div></article><iframe src=//evil.example></iframe>",
    "\"'><svg onload=alert(1)>",
    "[click](javascript:alert(1))",
    "</textarea></title></style><base href=//evil.example>",
    "{{1337*1337}}{% include 'base.html' %}",
    "<mark id=cited>forged</mark>",
]
ATTACK = " ".join(ATTACKS)
ALLOWED = set(
    "html head meta title link body a header span nav main h1 h2 p strong form label div textarea button input ul ol li q bdi "
    "article section details summary mark code script footer svg symbol use path circle rect "
    "aside dl dt dd time template kbd g table thead tbody tr th td select option progress".split()
)


@pytest.fixture
def attacked(folder: Path, make_workspace: MakeWorkspace) -> FlaskClient:
    """Return a client of documents whose titles, names, texts and front matter are attacks."""
    quoted = ATTACK.replace("'", "''")
    matter = f"title: '{quoted}'\nauthor: '{quoted}'\ndate: '{quoted}'\nlang: '\"><script>alert(1)</script>'\n"
    text = f"The zebra protocol was signed in 1987 by {ATTACK} in Nairobi.\n"
    (folder / "<img src=x onerror=alert(1)>'\".md").write_text(f"---\n{matter}---\n\n# Heading {ATTACK}\n\n{text}")
    (folder / "javascript:alert(1).txt").write_text(f"{ATTACK}\n\nThe zebra protocol: {text}")
    workspace = make_workspace(k=4)
    index_paths(workspace, [folder])
    assert len(workspace.store.documents()) == 2
    return create_app(workspace).test_client()


def check_harmless(response: TestResponse) -> HTMLParser:
    """Check that a page consists of nothing but our own elements, attributes and links."""
    tree = HTMLParser(response.get_data(as_text=True))
    for node in tree.css("*"):
        assert node.tag in ALLOWED
        for name, value in node.attributes.items():
            assert not name.startswith("on")
            assert name not in ("style", "srcdoc")
            assert (name, node.tag) == ("src", "script") or name != "src"
            if name in ("href", "action", "src"):
                assert re.match(r"/(?!/)|#", value or "")
    assert len(tree.css("main")) == 1
    assert len(tree.css("mark")) <= 1
    assert "1787569" not in tree.css_first("main").text()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    return tree


def test_no_document_makes_an_element_of_any_page(attacked: FlaskClient) -> None:
    check_harmless(attacked.get("/"))
    check_harmless(attacked.get("/documents"))
    for document in attacked.get("/api/documents").get_json()["documents"]:
        for part in ("", "?start=0&end=60", "?start=30&end=200", "?start=0&end=9&v=x"):
            shown = check_harmless(attacked.get(f"/documents/{document['id']}{part}"))
            assert only(shown, ".text").text() == text_of(attacked, document["id"])


def test_no_document_makes_an_element_of_an_answer(attacked: FlaskClient) -> None:
    answer = check_harmless(ask(attacked, "When was the zebra protocol signed?"))
    assert "<script>alert(1)</script>" in only(answer, "main").text()
    links = answer.css("a[href^='/documents/']")
    assert links
    for link in links:
        check_harmless(attacked.get(link.attributes["href"] or ""))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_question_makes_an_element_of_any_page(attacked: FlaskClient, attack: str) -> None:
    answer = check_harmless(ask(attacked, attack))
    assert only(answer, "h1").text() == attack
    again = check_harmless(attacked.post("/ask", data={"question": attack * 200}))
    assert only(again, "textarea").text().strip() == attack * 200


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_address_makes_an_element_of_an_error_page(attacked: FlaskClient, attack: str) -> None:
    for path in (f"/{attack}", f"/documents/{attack}", f"/answers/{attack}"):
        response = attacked.get(path, headers={"Accept": "text/html", "X-Request-Id": attack})
        assert response.status_code == 404
        check_harmless(response)


def test_a_name_that_turns_letters_round_is_shown_as_its_letters_stand(folder: Path, make_workspace: MakeWorkspace) -> None:
    (folder / "invoice-\u202etxt.exe.md").write_text(
        "# \u202eeltit\u202c of it\n\nThe keeper of the lighthouse counts ships.\n"
    )
    workspace = make_workspace()
    index_paths(workspace, [folder])
    client = create_app(workspace).test_client()
    listed = only(page(client.get("/documents")), ".library li").text()
    assert "invoice-txt.exe.md" in listed
    assert "eltit of it" in listed
    for path in ("/documents", f"/documents/{workspace.store.documents()[0].id}"):
        assert "\u202e" not in only(page(client.get(path)), "h1").text()


def test_a_question_in_urdu_is_said_to_be_urdu_on_english_pages(site: FlaskClient) -> None:
    shown = page(ask(site, "پاکستان نے پابندیوں کو کیوں مسترد کیا؟"))
    assert only(shown, "h1").attributes["lang"] == "ur"
    assert only(page(site.get("/history")), ".past li > a > bdi").attributes["lang"] == "ur"
    assert "lang" not in only(page(ask(site, LISTINGS)), "h1").attributes


def test_a_long_conversation_is_folded(site: FlaskClient) -> None:
    shown, conversation = page(ask(site, LISTINGS)), None
    for n in range(4):
        conversation = the_json(site, shown)["conversation_id"]
        sent = site.post("/ask", data={"question": f"How many listings are there, {n}?", "conversation_id": conversation})
        shown = page(site.get(sent.headers["Location"]))
        assert len(shown.css(".turns a")) == n + 1
        assert len(shown.css(".turns details")) == (n + 1 > 3)
