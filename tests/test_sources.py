"""The source of a citation: marked words, tables, mail headers, the page as a picture, the file, and what may go wrong."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from flask.testing import FlaskClient
from fpdf import FPDF
from openpyxl import Workbook
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from werkzeug.test import TestResponse

from index.errors import UnreadableFile
from index.page_order import PageOrder, PagePicture
from index.readers.pdf import read_pdf
from index.readers.pdf_page import draw_page
from index.readers.pdf_quote import find_spans
from qa.errors import NotFound
from qa.indexing import index_paths
from qa.originals import find_original
from qa.page_images import PagePainter, page_order, pages_of
from qa.web import create_app
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
QUESTION = "Under which legal instrument were the four Pakistani entities listed in December 2024?"


@pytest.fixture
def serve(folder: Path, make_workspace: MakeWorkspace):
    """Index the folder and return a client of it, and the id of each document by its path."""

    def start() -> tuple[FlaskClient, dict[str, str]]:
        workspace = make_workspace()
        index_paths(workspace, [folder])
        ids = {f"{one.path}{'/' if one.part else ''}{one.part}": one.id for one in workspace.store.documents()}
        return create_app(workspace).test_client(), ids

    return start


def page(response: TestResponse) -> HTMLParser:
    assert response.status_code == 200
    return HTMLParser(response.get_data(as_text=True))


def text_of(client: FlaskClient, identifier: str) -> str:
    return str(client.get(f"/api/documents/{identifier}").get_json()["text"])


def marked(shown: HTMLParser) -> str:
    """Return what is marked as cited, over all elements that it takes."""
    return "".join(one.text() for one in shown.css(".text mark") if "also" not in (one.attributes.get("class") or ""))


def write_pdf(path: Path, *pages: str) -> None:
    made = FPDF()
    made.set_font("helvetica", size=14)
    for text in pages:
        made.add_page()
        made.multi_cell(0, 8, text)
    path.write_bytes(bytes(made.output()))


def pixels(png: bytes) -> tuple[int, int, list[bytes]]:
    """Read a PNG of ours: unfiltered rows of RGB."""
    width, height = struct.unpack(">II", png[16:24])
    size = struct.unpack(">I", png[33:37])[0]
    rows = zlib.decompress(png[41 : 41 + size])
    step = width * 3 + 1
    return width, height, [rows[at * step + 1 : (at + 1) * step] for at in range(height)]


def assert_only_boxes_are_yellow(picture: PagePicture) -> None:
    """Check on the picture itself that its boxes, and nothing else, are coloured."""
    width, height, rows = pixels(picture.png)
    assert (width, height) == (picture.width, picture.height)
    yellow = [(x, y) for y, row in enumerate(rows) for x in range(width) if row[3 * x] > row[3 * x + 2] + 40]
    assert all(any(x1 - 3 <= x <= x2 + 3 and y1 - 3 <= y <= y2 + 3 for x1, y1, x2, y2 in picture.boxes) for x, y in yellow)
    assert len(yellow) > 0.5 * sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in picture.boxes)


# Text


def test_the_marked_words_are_the_quote_in_every_kind_of_block(folder: Path, serve) -> None:
    (folder / "a.md").write_text("# One\n\nThe bridge is of stone.\n\n## Two\n\nIt fell in 1950.\n")
    (folder / "b.csv").write_text(
        "Sort,Ripe in,Price\n" + "".join(f"Pear {n},month {n % 12 + 1},{n}.50\n" for n in range(60))
    )
    (folder / "c.eml").write_text(
        "From: A <a@b.example>\nTo: C\nSubject: The bridge\nDate: Mon, 2 Dec 2024 10:00:00 +0000\n\nIt fell.\n"
    )
    client, ids = serve()
    for identifier in ids.values():
        text = text_of(client, identifier)
        for start in range(0, len(text), 7):
            for length in (1, 5, 40):
                end = min(start + length, len(text))
                shown = page(client.get(f"/documents/{identifier}?start={start}&end={end}"))
                assert marked(shown) == text[start:end]
                assert shown.css_first(".text").text() == text
                assert len(shown.css("#cited")) == 1


def test_a_sheet_is_a_table_with_its_header_row_and_cells(folder: Path, serve) -> None:
    book = Workbook()
    book.active.title = "Prices"
    for row in (["Sort", "Price"], ["Pear", 3.5], ["<b>Quince</b>", 4], ["Plum"]):
        book.active.append(row)
    book.save(folder / "fruit.xlsx")
    client, ids = serve()
    shown = page(client.get(f"/documents/{ids['docs/fruit.xlsx']}"))
    [table] = shown.css(".sheet")
    assert table.attributes["aria-label"] == "Prices"
    assert [cell.text().strip(" |\n") for cell in table.css("th")] == ["Sort", "Price"]
    assert [cell.text().strip(" |\n") for cell in table.css("td")] == ["Pear", "3.5", "<b>Quince</b>", "4", "Plum", ""]


def test_a_message_shows_its_headers_as_a_list(folder: Path, serve) -> None:
    (folder / "a.eml").write_text(
        "From: <i>A</i> <a@b.example>\nTo: C\nSubject: The: bridge\nDate: Mon, 2 Dec 2024 10:00:00 +0000\n\nFrom: here on\n"
    )
    client, ids = serve()
    shown = page(client.get(f"/documents/{ids['docs/a.eml']}"))
    fields = shown.css(".headers > div")
    assert [one.css_first("dt").text() for one in fields] == ["From: ", "To: ", "Date: ", "Subject: "]
    assert [one.css_first("dd").text().strip() for one in fields][3] == "The: bridge"
    assert "From: here on" in shown.css_first(".run").text()


def test_the_other_citations_of_the_answer_are_marked_and_linked(client: FlaskClient) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION}).get_json()
    citations = answer["citations"]
    assert len(citations) > 2
    for at, citation in enumerate(citations):
        shown = page(client.get(citation["url"].replace("#", f"&answer={answer['id']}#")))
        assert marked(shown) == citation["quote"]
        same = [one for one in citations if one["document_id"] == citation["document_id"] and one is not citation]
        also = {int(one.attributes["data-n"] or 0) for one in shown.css("mark.also[data-n]")}
        assert also == {one["n"] for one in same}
        steps = {one.attributes["rel"]: one.attributes["href"] or "" for one in shown.css(".step")}
        assert set(steps) == ({"prev"} if at else set()) | ({"next"} if at + 1 < len(citations) else set())
        for rel, other in (("prev", at - 1), ("next", at + 1)):
            assert rel not in steps or marked(page(client.get(steps[rel]))) == citations[other]["quote"]


def test_an_unknown_answer_marks_nothing_more(client: FlaskClient) -> None:
    identifier = client.get("/api/documents").get_json()["documents"][0]["id"]
    shown = page(client.get(f"/documents/{identifier}?start=0&end=9&answer=a' OR 1=1"))
    assert len(shown.css("mark")) == 1
    assert shown.css(".step") == []


def test_a_part_is_the_same_source_without_the_page_around_it(client: FlaskClient) -> None:
    identifier = client.get("/api/documents").get_json()["documents"][0]["id"]
    whole, part = (page(client.get(f"/documents/{identifier}?start=5&end=60{more}")) for more in ("", "&part=1"))
    assert part.css("header.bar, main, h1, script") == []
    assert part.css_first("article .text").html == whole.css_first("article .text").html


def test_a_long_document_is_shown_around_the_quote_and_whole_when_asked(folder: Path, serve) -> None:
    lines = [f"Lighthouse {n} was built in {1700 + n % 200} by its keeper." for n in range(4000)]
    (folder / "long.txt").write_text("\n".join(lines))
    client, ids = serve()
    identifier = ids["docs/long.txt"]
    text = text_of(client, identifier)
    start = text.index(lines[2000])
    address = f"/documents/{identifier}?start={start}&end={start + 20}"
    shown = page(client.get(address))
    assert marked(shown) == text[start : start + 20]
    body = shown.css_first(".text").text()
    assert body in text
    assert 60_000 <= len(body) <= 70_000
    before, after = (link.attributes["href"] or "" for link in shown.css(".cut a"))
    assert page(client.get(before)).css_first(".text").text() == text[: text.index(body) + len(body)]
    assert page(client.get(after)).css_first(".text").text() == text[text.index(body) :]
    assert page(client.get(f"{address}&before=1&after=1")).css_first(".text").text() == text


def test_the_outline_leads_to_each_heading(folder: Path, serve) -> None:
    (folder / "a.md").write_text("".join(f"# Chapter {n}\n\n{'A long story of it. ' * 400}\n\n" for n in range(20)))
    client, ids = serve()
    shown = page(client.get(f"/documents/{ids['docs/a.md']}"))
    links = {one.text(): one.attributes["href"] or "" for one in shown.css(".outline a")}
    assert list(links) == [f"Chapter {n}" for n in range(20)]
    assert shown.css_first(links["Chapter 1"]).text() == "Chapter 1"
    far = page(client.get(links["Chapter 19"].partition("#")[0]))
    assert far.css_first(".text").text().startswith("Chapter 19")


@pytest.mark.parametrize(
    "query", ["at=-5", "at=99999999", "at=x", "before=1&at=3", "start=1&end=2&at=9", "part=1&at=" + "9" * 5000]
)
def test_a_strange_place_shows_the_document_all_the_same(client: FlaskClient, query: str) -> None:
    identifier = client.get("/api/documents").get_json()["documents"][0]["id"]
    assert page(client.get(f"/documents/{identifier}?{query}")).css(".text")


# The original file


def test_the_file_is_handed_out_as_it_is_on_disk(client: FlaskClient, corpus: Workspace) -> None:
    for document in client.get("/api/documents").get_json()["documents"]:
        sent = client.get(f"/documents/{document['id']}/file")
        assert sent.status_code == 200
        assert sent.data == (Path(__file__).parent.parent / document["path"]).read_bytes()
        assert sent.headers["Content-Disposition"].startswith("attachment;")
        assert sent.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in sent.headers["Content-Security-Policy"]
        assert sent.mimetype in ("application/pdf", "text/plain", "application/octet-stream")
        sent.close()


def test_a_file_with_a_name_that_tries_to_be_a_header_is_only_a_name(folder: Path, serve) -> None:
    name = 'a"; filename="x.html\r\nSet-Cookie: a=b.txt'
    (folder / name).write_text("The bridge is of stone. It was built in the summer of 1901.")
    client, ids = serve()
    sent = client.get(f"/documents/{next(iter(ids.values()))}/file")
    assert sent.status_code == 200
    assert "Set-Cookie" not in sent.headers
    sent.close()


def test_a_replaced_or_deleted_file_is_not_handed_out(folder: Path, serve) -> None:
    for name in ("replaced", "gone", "link", "pipe"):
        (folder / f"{name}.txt").write_text(f"The {name} bridge was built by the town in the summer of 1901.")
    (folder / "secret").write_text("root:x:0:0")
    client, ids = serve()
    (folder / "replaced.txt").write_text("The bridge was never built.")
    for name in ("gone", "link", "pipe"):
        (folder / f"{name}.txt").unlink()
    (folder / "link.txt").symlink_to(folder / "secret")
    os.mkfifo(folder / "pipe.txt")
    told = {name: client.get(f"/documents/{ids[f'docs/{name}.txt']}/file") for name in ("replaced", "gone", "link", "pipe")}
    assert {name: sent.status_code for name, sent in told.items()} == dict.fromkeys(told, 404)
    assert "changed since it was indexed" in told["replaced"].get_data(as_text=True)
    assert "not there any more" in told["gone"].get_data(as_text=True)
    assert all("root:x" not in sent.get_data(as_text=True) for sent in told.values())
    shown = page(client.get(f"/documents/{ids['docs/gone.txt']}"))
    assert not shown.css("a[download]")
    assert "not there any more" in shown.css_first(".jump").text()


@pytest.mark.parametrize(
    "path",
    ["/documents/../../etc/passwd/file", "/documents/%2e%2e%2f%2e%2e%2fetc%2fpasswd/file", "/documents/d0/file", "/documents/d0/../../file",
     "/documents/%00/file", "/documents/d0/pages/1.png"],
)  # fmt: skip
def test_no_address_leads_to_another_file(client: FlaskClient, path: str) -> None:
    sent = client.get(path)
    assert sent.status_code == 404
    assert "root:" not in sent.get_data(as_text=True)


# Pages of a PDF


def test_a_quote_is_boxed_where_its_words_stand(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, "The bridge is of stone. It was built by the town in the summer of 1901 and fell in 1950. " * 4)
    data = path.read_bytes()
    text = read_pdf(data).text
    quote = "built by the town in the summer of 1901 and fell"
    start = text.index(quote.split()[0])
    end = text.index("fell", start) + 4
    picture = draw_page(data, PageOrder(1, text, start, end))
    document = pdfium.PdfDocument(data)
    letters = document[0].get_textpage()
    first = letters.get_text_range().index("built")
    scale = picture.width / document[0].get_width()
    for number in range(first, first + 30):
        left, bottom, right, top = letters.get_charbox(number)
        middle = (left + right) / 2 * scale, (document[0].get_height() - (top + bottom) / 2) * scale
        assert any(x1 <= middle[0] <= x2 and y1 <= middle[1] <= y2 for x1, y1, x2, y2 in picture.boxes)
    document.close()
    assert_only_boxes_are_yellow(picture)


def test_a_quote_that_is_not_on_the_page_boxes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, "The bridge is of stone.")
    picture = draw_page(path.read_bytes(), PageOrder(1, "Wholly other words.", 0, 12))
    assert not picture.boxes


def test_words_are_found_over_hyphens_ligatures_line_ends_and_other_occurrences() -> None:
    raw = "the stone\r\nbridge was demo\x02\r\nlished of\ufb01cially; the stone wall stood"
    text = "the stone bridge was demolished officially; the stone wall stood"
    for quote, seen in (
        ("demolished officially", "demo\x02\r\nlished of\ufb01cially"),
        ("stone wall", "stone wall"),
        ("the stone bridge", "the stone\r\nbridge"),
    ):
        start = text.index(quote)
        assert [raw[slice(*found)] for found in find_spans(raw, text, start, start + len(quote))] == [seen]
    other = "another text, though the stone wall stood"
    found = find_spans(raw, other, other.index("stone"), other.index(" stood"))
    assert found == [(raw.index("stone wall"), raw.index(" stood"))]
    for page, text_of_it, start, end in ((raw, "wholly other", 0, 6), (raw, text, 9, 10), ("", "a", 0, 1)):
        assert find_spans(page, text_of_it, start, end) == []


def test_words_with_a_note_between_them_are_found_in_two_places() -> None:
    raw = "It was paid for in full by the\r\n1 See the report.\r\nministry of trade."
    text = "1 See the report.\n\nIt was paid for in full by the\nministry of trade."
    start = text.index("paid")
    assert [raw[slice(*found)] for found in find_spans(raw, text, start, len(text))] == [
        "paid for in full by the",
        "ministry of trade",
    ]
    assert find_spans(raw, text.replace("ministry", "board"), start, len(text) - 3) == [], "not where the rest is not there"


def test_a_quote_over_a_page_end_shows_both_pages(folder: Path, serve) -> None:
    first = "The harbour of the town was closed in winter. " * 60
    write_pdf(
        folder / "a.pdf", f"{first}The old bridge that the town", "had built of stone fell in 1950. More is not known of it."
    )
    client, ids = serve()
    identifier = ids["docs/a.pdf"]
    text = text_of(client, identifier)
    start, end = text.index("old bridge"), text.index("fell in 1950")
    shown = page(client.get(f"/documents/{identifier}?start={start}&end={end}"))
    images = [one.attributes["src"] or "" for one in shown.css(".pages img")]
    assert [address.partition("?")[0] for address in images] == [
        f"/documents/{identifier}/pages/{n}.png" for n in (2, 3)
    ] or [address.partition("?")[0] for address in images] == [f"/documents/{identifier}/pages/{n}.png" for n in (1, 2)]
    for address in images:
        plain, boxed = client.get(address.partition("?")[0]), client.get(address)
        assert boxed.content_type == "image/png"
        assert boxed.data != plain.data, "some of the quote is boxed on each page"
    assert all((one.attributes["alt"] or "").startswith("Page ") for one in shown.css(".pages img"))


def test_a_turned_page_keeps_its_boxes_on_the_words(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    write_pdf(path, "The bridge is of stone. It was built by the town.")
    document = pdfium.PdfDocument(path)
    document[0].set_rotation(90)
    document.save(tmp_path / "turned.pdf")
    document.close()
    text = read_pdf((tmp_path / "turned.pdf").read_bytes()).text
    picture = draw_page((tmp_path / "turned.pdf").read_bytes(), PageOrder(1, text, 0, 10))
    assert picture.width > picture.height
    [(left, top, right, bottom)] = picture.boxes
    assert bottom - top > right - left, "the line stands upright"
    assert_only_boxes_are_yellow(picture)


def test_pages_that_are_not_there_or_no_pdf_are_refused(folder: Path, serve) -> None:
    write_pdf(folder / "a.pdf", "The bridge is of stone. It was built by the town.")
    (folder / "b.txt").write_text("The bridge is of stone. It was built by the town.")
    client, ids = serve()
    for path in (f"{ids['docs/a.pdf']}/pages/2.png", f"{ids['docs/a.pdf']}/pages/0.png", f"{ids['docs/b.txt']}/pages/1.png"):
        assert client.get(f"/documents/{path}").status_code == 404
    write_pdf(folder / "a.pdf", "The bridge was never built, and nobody wanted one.")
    changed = client.get(f"/documents/{ids['docs/a.pdf']}/pages/1.png")
    assert changed.status_code == 404
    assert "changed since it was indexed" in changed.get_data(as_text=True)


def test_a_page_that_breaks_the_drawer_costs_one_picture(folder: Path, make_workspace: MakeWorkspace) -> None:
    write_pdf(folder / "a.pdf", "The bridge is of stone. It was built by the town.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    [document] = workspace.store.documents()
    original = find_original(workspace, document.id)
    painter = PagePainter()
    child = painter._open().__enter__()._child
    assert child is not None
    child.kill()
    with pytest.raises(UnreadableFile, match="died"):
        painter.draw(original, PageOrder(1))
    assert painter.draw(original, PageOrder(1)).png.startswith(b"\x89PNG")
    painter.close()
    assert painter._sandbox is None


def test_an_idle_painter_lets_its_child_go(folder: Path, make_workspace: MakeWorkspace) -> None:
    write_pdf(folder / "a.pdf", "The bridge is of stone. It was built by the town.")
    workspace = make_workspace()
    index_paths(workspace, [folder])
    original = find_original(workspace, workspace.store.documents()[0].id)
    painter = PagePainter(idle_seconds=0.2)
    painter.draw(original, PageOrder(1))
    assert painter._timer is not None
    painter._timer.join(5)
    assert painter._sandbox is None
    assert painter.draw(original, PageOrder(1)).png, "and starts another when it is asked again"
    painter.close()


def test_a_document_that_is_not_indexed_has_no_file(corpus: Workspace) -> None:
    with pytest.raises(NotFound):
        find_original(corpus, "d0")


def test_what_is_on_no_page_orders_no_box(corpus: Workspace) -> None:
    [identifier] = [one.id for one in corpus.store.documents() if one.path.endswith("mtcr-explainer.pdf")]
    with corpus.store.view() as view:
        document = view.document(identifier)
    assert document is not None
    assert page_order(document, 99, 0, 10) == PageOrder(99)
    assert pages_of(document, 0, 10) == [1]
    assert pages_of(document, 0, document.length) == [1, 2, 3]
