"""The reader of PDF: pages and bookmarks as places, broken words and letters mended, what cannot be read said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from extracting import read, reason, text_of, text_or_reason
from fpdf import FPDF

from index.errors import NeedsPassword
from index.locators import locate
from index.readers import read_bytes
from index.readers.pdf import read_pdf
from index.records import Extracted, Locator


def make_pdf(*pages: str, title: str = "", password: str = "") -> bytes:
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    if title:
        pdf.set_title(title)
        pdf.set_author("A. Writer")
        pdf.set_creation_date(dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
    if password:
        pdf.set_encryption(owner_password="owner", user_password=password)
    for page in pages:
        pdf.add_page()
        if page:
            pdf.write(8, page)
    return bytes(pdf.output())


def test_every_page_of_a_pdf_is_a_place():
    extracted = read(make_pdf("First page.", "Second page.", "Third page."), "a.pdf")
    assert extracted.text == "First page.\n\nSecond page.\n\nThird page."
    assert [section.locator for section in extracted.sections] == [Locator(page=1), Locator(page=2), Locator(page=3)]
    for word, page in (("First", 1), ("Second", 2), ("Third", 3)):
        at = extracted.text.index(word)
        assert extracted.sections[page - 1].start == at
        assert locate(extracted.sections, at, at + 5) == Locator(page=page)


def test_an_empty_page_keeps_the_numbers_of_the_others():
    extracted = read(make_pdf("First page.", "", "Third page."), "a.pdf")
    assert [section.locator.page for section in extracted.sections] == [1, 3]
    assert extracted.metadata["pages"] == "3"


def test_a_sentence_that_runs_over_a_page_is_in_one_piece():
    extracted = read(make_pdf("The long sentence goes", "on over the page."), "a.pdf")
    assert extracted.text == "The long sentence goes\non over the page."
    assert locate(extracted.sections, 0, len(extracted.text)) == Locator(page=1, last_page=2)


def test_a_sentence_that_runs_over_a_page_into_a_name_is_in_one_piece():
    assert text_of(make_pdf("It was signed by the", "Ministry of Defence."), "a.pdf") == (
        "It was signed by the\nMinistry of Defence."
    )
    assert text_of(make_pdf("It was signed", "Ministry of Defence"), "a.pdf") == "It was signed\n\nMinistry of Defence"


REPORT = "Report of the Commission, 2024"


@pytest.mark.parametrize("foot", ["{}", "- {} -", "Page {}", "Seite {} von 9", "p. {}", "{}/9"])
def test_running_heads_and_page_numbers_do_not_interrupt_a_sentence(foot: str):
    texts = ("The ministry rejected the sanctions on Monday and", "said that they were unjust.", "It gave three grounds.")
    pages = [f"{REPORT}\n{text}\n{foot.format(number)}" for number, text in enumerate(texts, start=7)]
    extracted = read(make_pdf(*pages), "a.pdf")
    assert f"{REPORT}\n\n{texts[0]}\n{texts[1]}\n" in extracted.text
    assert foot.format(7) not in extracted.text
    assert foot.format(8) in extracted.text  # where no sentence runs over a page nothing is left out
    assert extracted.text.count(REPORT) == 2
    at = extracted.text.index("grounds")
    assert locate(extracted.sections, at, at + 7) == Locator(page=3)


@pytest.mark.parametrize(
    "lines",
    [
        ("None", "None", "None"),  # an answer in a form, on every page
        ("1902", "1910", "1931"),  # numbers that do not count on
        ("(1)", "(2)", "(3)"),  # numbers of equations
        (REPORT, REPORT, "Words."),  # on too few pages
        ("Exercise 1", "Exercise 2", "Exercise 3"),
    ],
)
def test_what_means_something_on_each_page_stays_there(lines: tuple[str, ...]):
    pages = [f"as {one} has {line}\n{line}" for one, line in zip("ABC", lines, strict=True)]
    text = text_of(make_pdf(*pages), "a.pdf")
    assert [text.count(line) for line in lines] == [2 * lines.count(line) for line in lines]


@pytest.mark.parametrize("edge", ["1998 1999 2000", "Status: Approved|Status: Approved|Status: Approved"])
def test_what_is_alike_on_all_pages_stays_where_no_sentence_runs_over_them(edge: str):
    lines = edge.split("|") if "|" in edge else edge.split()
    pages = [f"{line}\nThe board of {name} met.\n{line}" for line, name in zip(lines, ("Lom", "Bor", "Ava"), strict=True)]
    text = text_of(make_pdf(*pages), "a.pdf")
    assert [text.count(line) for line in lines] == [2 * lines.count(line) for line in lines]


def test_a_word_broken_at_the_end_of_a_line_is_joined():
    assert text_of(make_pdf("The new sanc-\ntions were announced."), "a.pdf") == "The new sanctions\nwere announced."
    assert text_of(make_pdf("It was COVID-\n19 that came."), "a.pdf") == "It was COVID-19\nthat came."


def test_a_heading_of_a_pdf_stands_apart_from_the_paragraph_below():
    page = (
        "Background\nThe sanctions were announced in the capital on Monday\nand the ministry rejected them on the same day."
    )
    assert text_of(make_pdf(page), "a.pdf").startswith("Background\n\nThe sanctions")


def make_paper(*lines: tuple[str, int], title: str = "", turned: str = "") -> bytes:
    """Make a page of lines in their sizes (points). turned: what stands at its side, larger than all else."""
    pdf = FPDF()
    pdf.set_title(title)
    pdf.add_page()
    if turned:
        pdf.set_font("helvetica", size=30)
        with pdf.rotation(90, 10, 150):
            pdf.text(10, 150, turned)
    for line, size in lines:
        pdf.set_font("helvetica", size=size)
        pdf.multi_cell(0, size / 2, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


BODY = ("We measured the range of the missiles in the desert and found it shorter than was said. " * 4, 10)


@pytest.mark.parametrize("told", ["", "Microsoft Word - final3.doc", "Untitled", "paper.dvi", "PowerPoint Presentation"])
def test_the_largest_words_of_the_first_page_are_the_title_where_no_person_gave_one(told: str):
    paper = make_paper(("The Range of Missiles:\nA Measurement", 17), ("A. Khan and B. Finer", 12), BODY, title=told)
    assert read(paper, "a.pdf").title == "The Range of Missiles: A Measurement"


def test_what_stands_at_the_side_of_a_page_is_no_title():
    paper = make_paper(("The Range of Missiles", 17), BODY, turned="arXiv:2401.00001v1 [cs.CL] 1 Jan 2024")
    assert read(paper, "a.pdf").title == "The Range of Missiles"


@pytest.mark.parametrize(
    "line", ["Contents", "Total 450.00 euros", "2015 JA N 2 7 P H", ": a continuation of it", "word " * 60]
)
def test_what_is_no_title_is_taken_for_none(line: str):
    assert read(make_paper((line, 17), BODY), "a.pdf").title == ""
    assert read(make_paper(("The same size as all else", 10), BODY), "a.pdf").title == ""


def test_a_pdf_tells_its_title_and_author():
    extracted = read(make_pdf("Words.", title="A  title"), "a.pdf")
    assert extracted.title == "A title"
    assert extracted.metadata == {"pages": "1", "author": "A. Writer", "date": "2024-01-02"}
    assert extracted.media_type == "application/pdf"
    assert read(make_pdf("Words."), "a.pdf").title == ""


def test_a_pdf_with_another_name_is_read_as_pdf():
    assert text_of(make_pdf("Words."), "a.txt") == "Words."


def test_a_pdf_of_pictures_only_has_no_text():
    assert "no text" in reason(make_pdf("", ""), "a.pdf")


def test_an_encrypted_pdf_says_that_it_needs_a_password():
    data = make_pdf("Secret words.", password="hunter2")
    for passwords in ((), ("wrong",), ("", "HUNTER2")):
        with pytest.raises(NeedsPassword) as caught:
            read_bytes(data, "a.pdf", passwords)
        assert caught.value.message == "an encrypted PDF: it needs a password; give it in the setting `pdf_passwords`"


def test_one_of_the_passwords_opens_an_encrypted_pdf():
    data = make_pdf("Secret words.", password="hunter2")
    (document,) = read_bytes(data, "a.pdf", ["wrong", "hunter2"])
    assert document.text == "Secret words."
    assert read_pdf(make_pdf("Open words.")).text == "Open words."


def test_an_empty_password_opens_a_pdf_that_only_forbids_changes():
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    pdf.set_encryption(owner_password="owner")
    pdf.add_page()
    pdf.write(8, "Words for all.")
    assert text_of(bytes(pdf.output()), "a.pdf") == "Words for all."


def outlined(*pages: Callable[[FPDF], None]) -> Extracted:
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    for draw in pages:
        pdf.add_page()
        draw(pdf)
    return read(bytes(pdf.output()), "a.pdf")


def places(extracted: Extracted) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [
        (section.locator.page, section.locator.heading, extracted.text[section.start :].split("\n")[0])
        for section in extracted.sections
    ]


def write(pdf: FPDF, *lines: str) -> None:
    for line in lines:
        pdf.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")


def test_bookmarks_are_headings_where_their_words_stand():
    def first(pdf: FPDF) -> None:
        write(pdf, "A preface of some words.")
        pdf.start_section("Ranges")
        write(pdf, "1. RANGES", "It is far.")
        pdf.start_section("Why so", level=1)
        write(pdf, "Why so?", "Because.")

    def second(pdf: FPDF) -> None:
        write(pdf, "More of that.")
        pdf.start_section("Sources")
        write(pdf, "Sources", "A book.")

    assert places(outlined(first, second)) == [
        (1, (), "A preface of some words."),
        (1, ("Ranges",), "1. RANGES"),
        (1, ("Ranges", "Why so"), "Why so?"),
        (2, ("Ranges", "Why so"), "More of that."),
        (2, ("Sources",), "Sources"),
    ]


def test_a_running_head_is_not_taken_for_the_heading():
    def page(pdf: FPDF) -> None:
        write(pdf, "7 1.2 RANGES", "The end of what came before.")
        pdf.start_section("1.2 Ranges")
        write(pdf, "1.2 Ranges", "It is far.")

    assert places(outlined(page))[-1] == (1, ("1.2 Ranges",), "1.2 Ranges")


def test_a_bookmark_whose_words_are_not_on_its_page_starts_with_the_page():
    def first(pdf: FPDF) -> None:
        pdf.start_section("Cover")
        write(pdf, "Words of the first page.")

    def second(pdf: FPDF) -> None:
        pdf.start_section("Not to be found")
        write(pdf, "Words of the second page.")

    assert [heading for _, heading, _ in places(outlined(first, second))] == [("Cover",), ("Not to be found",)]


def test_bookmarks_of_a_page_that_was_cut_out_of_a_book_are_no_places():
    def page(pdf: FPDF) -> None:
        for number in range(50):
            pdf.start_section(f"Chapter {number}")
        write(pdf, "Chapter 7", "Words.")

    assert [heading for _, heading, _ in places(outlined(page))] == [()]


def with_characters(*codes: str | list[str]) -> bytes:
    """Make a PDF of one page per text whose font maps its letters a, b, c … to these characters, or several."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    pages = []
    for text in codes:
        number = len(objects) + 1
        lines = b"".join(b"<%02x> <%s>\n" % (97 + i, c.encode("utf-16-be").hex().encode()) for i, c in enumerate(text))
        table = b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange %d beginbfchar\n%sendbfchar endcmap" % (
            len(text), lines,
        )  # fmt: skip
        content = b"BT /F 12 Tf 50 700 Td (%s) Tj ET" % bytes(97 + i for i in range(len(text)))
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F %d 0 R>>>>>>"
            % (number + 1, number + 2),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode %d 0 R>>" % (number + 3),
            b"<</Length %d>>stream\n%s\nendstream" % (len(table), table),
        ]
        pages.append(b"%d 0 R" % number)
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), b" ".join(pages))
    body = b"%PDF-1.7\n"
    offsets = []
    for number, one in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, len(body),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("glyphs", "text"),
    [
        (["م", "لا", "س"], "سلام"),  # as they stand from left to right; lam-alef is one glyph
        (["ب", "ا", "ت", "ك", "ل", "ا"], "الكتاب"),  # the article al- is two
        (["ن", "لإ", "ا"], "الإن"),
    ],
)
def test_the_letters_of_an_arabic_ligature_are_in_their_order(glyphs, text):
    assert text_of(with_characters(glyphs), "a.pdf") == text


def test_pages_whose_characters_mean_nothing_are_left_out():
    assert text_of(with_characters("\ue001\ue002\ue003\ue004", "words"), "a.pdf") == "words"


def test_a_pdf_of_characters_that_mean_nothing_is_called_unreadable():
    assert "its text layer is unreadable" in reason(with_characters("\ue001\ue002\ue003", "\uf0a1\ufffd"), "a.pdf")


def test_a_scan_says_how_many_pages_it_has():
    assert reason(make_pdf("", "", ""), "a.pdf") == "no text on its 3 pages (a scan?)"


def test_a_line_in_a_wider_column_does_not_break_the_paragraph_of_a_narrow_one():
    wide = "A title that runs over both of the columns of the page and is far wider than any line in them"
    narrow = ["The sanctions were announced", "Monday in the capital by", "Minister Smith and others"] * 4
    text = text_of(make_pdf("\n".join([wide, *["x" * 40] * 6, *narrow])), "a.pdf")
    assert "announced\nMonday in the capital by\nMinister" in text


@pytest.mark.parametrize("data", [b"%PDF-1.7\n" + b"garbage " * 50, b"\1\2\3\4" * 99])
def test_what_is_no_pdf_is_refused(data):
    assert "can be opened: it is damaged or something else" in reason(data, "a.pdf")


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_a_pdf_cut_short_is_refused_or_read_never_wrong(share):
    whole = make_pdf("Some words of the page.")
    assert text_or_reason(whole[: int(len(whole) * share)], "a.pdf") in (
        "Some words of the page.",
        "not a PDF that can be opened: it is damaged or something else",
    )
