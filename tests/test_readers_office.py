"""Readers of office documents: Word, OpenDocument, PowerPoint and Rich Text; and what guards them against bombs."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from docx import Document
from docx.oxml import parse_xml
from extracting import read, reason
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from index.errors import UnreadableFile
from index.readers.builder import TextBuilder
from index.readers.package import open_package
from index.records import Locator, Section

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
ODF = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in [
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("meta", "meta"),
        ("style", "style"),
    ]
)


def saved(document) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None) -> bytes:
    """Return a package with every member changed; None leaves one out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            blob = change(name, old.read(name))
            if blob is not None:
                new.writestr(name, blob)
        for name, blob in (extra or {}).items():
            new.writestr(name, blob)
    return file.getvalue()


def docx_of(body: str) -> bytes:
    """Return a Word document with this XML as its body."""
    document = Document()
    parsed = parse_xml(f'<w:body {W} xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">{body}</w:body>')
    for child in list(parsed):
        document.element.body.insert(-1, child)
    return saved(document)


def docx_text(body: str) -> str:
    return read(docx_of(body), "a.docx").text


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def package(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def odt_of(body: str, meta: str = "", styles: str = "", manifest: str = "<manifest/>") -> bytes:
    return package(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {ODF}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:text>{body}</office:text></office:body></office:document-content>",
            "meta.xml": f'<office:document-meta {ODF} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>{meta}</office:meta></office:document-meta>',
            "META-INF/manifest.xml": manifest,
        }
    )


def text_box(slide, text: str, left: float, top: float) -> None:
    slide.shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(1)).text_frame.text = text


# ---------------------------------------------------------------------- places and packages


def test_a_section_is_recorded_where_its_first_block_starts_and_headings_lie_within_it():
    builder = TextBuilder()
    builder.add_block("Before.")
    builder.open_section(Locator(slide=1))
    builder.open_section(Locator(slide=2))
    builder.add_block("Two.")
    builder.add_heading(1, "Part")
    text, sections = builder.finish()
    assert text == "Before.\n\nTwo.\n\nPart"
    assert sections == (Section(9, Locator(slide=2)), Section(15, Locator(slide=2, heading=("Part",))))


def test_a_package_that_unpacks_to_too_much_is_refused():
    assert "unpacks to more than" in reason(
        changed(saved(Document()), lambda _, blob: blob, {"a.xml": bytes(60_000_000)}), "a.docx"
    )


def test_a_package_with_too_many_members_is_refused():
    assert "holds more than 10,000 files" in reason(
        package({"content.xml": "", "styles.xml": "", **{f"{n}": "" for n in range(10_001)}}), "a.odt"
    )


def test_a_package_that_lies_about_the_size_of_a_member_is_refused():
    data = bytearray(package({"content.xml": bytes(2_000_000)}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    with pytest.raises(UnreadableFile, match="more than it says"):
        open_package(bytes(data))


@pytest.mark.parametrize("name", ["a.docx", "a.odt", "a.pptx", "a.rtf"])
def test_an_empty_or_broken_office_file_gives_its_reason(name):
    assert reason(b"", name) == "the file is empty"
    assert "damaged" in reason(b"PK\x03\x04" + bytes(range(256)) * 4, name)


@pytest.mark.parametrize("make", [lambda: docx_of(f"<w:p>{run('Hello')}</w:p>"), lambda: odt_of("<text:p>Hello</text:p>")])
def test_a_truncated_package_gives_its_reason(make):
    data = make()
    assert "damaged" in reason(data[: len(data) // 2], "a.docx")


def test_what_a_file_is_is_told_by_its_bytes_and_not_by_its_suffix():
    assert read(docx_of(f"<w:p>{run('Word it is.')}</w:p>"), "a.pptx").text == "Word it is."
    assert read(odt_of("<text:p>Open it is.</text:p>"), "a.docx").text == "Open it is."
    assert read(rb"{\rtf1 Rich it is.}", "a.docx").text == "Rich it is."


@pytest.mark.parametrize(
    ("name", "member"), [("a.docx", "word/document.xml"), ("a.odt", "content.xml"), ("a.pptx", "ppt/slides/slide1.xml")]
)
def test_entities_and_outside_files_are_never_read(name, member):
    presentation = Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "MARK"
    data = {
        "a.docx": docx_of(f"<w:p>{run('MARK')}</w:p>"),
        "a.odt": odt_of("<text:p>MARK</text:p>"),
        "a.pptx": saved(presentation),
    }[name]
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    doctype = f'<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">{laughs}]>'.encode()

    def attack(part: str, blob: bytes) -> bytes:
        if part != member:
            return blob
        end = blob.index(b"?>") + 2 if blob.startswith(b"<?xml") else 0
        return blob[:end] + doctype + blob[end:].replace(b"MARK", b"MARK &secret; &l9;")

    assert "declares a document type" in reason(changed(data, attack), name)


# ---------------------------------------------------------------------- Word


def test_a_docx_gives_headings_as_places_lists_as_lines_and_its_properties():
    document = Document()
    document.core_properties.title, document.core_properties.author = "The plan", "A. Writer"
    document.core_properties.modified = dt.datetime(2024, 5, 6, 7, 8)
    document.add_heading("Aims", 1)
    document.add_paragraph("We want   this.")
    document.add_heading("Later", 2)
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Bullet")
    document.add_paragraph("first", style="List Number")
    found = read(saved(document), "a.docx")
    assert found.text == "Aims\n\nWe want this.\n\nLater\n\n- one\n- two\n1. first"
    assert [(section.start, section.locator.heading) for section in found.sections] == [
        (0, ("Aims",)),
        (21, ("Aims", "Later")),
    ]
    assert (found.title, dict(found.metadata)) == ("The plan", {"author": "A. Writer", "date": "2024-05-06"})


def test_a_docx_has_neither_the_date_nor_the_author_of_the_template_that_a_program_made_it_from():
    document = Document()
    document.add_paragraph("We want this.")
    assert dict(read(saved(document), "a.docx").metadata) == {}


def test_a_docx_without_a_title_is_called_by_its_title_paragraph_or_first_heading():
    document = Document()
    document.add_heading("Chapter", 1)
    assert read(saved(document), "a.docx").title == "Chapter"
    document.add_paragraph("The Book", style="Title")
    assert read(saved(document), "a.docx").title == "The Book"


def test_a_docx_heading_is_known_by_the_style_it_is_based_on_and_by_its_outline_level():
    document = Document()
    style = document.styles.add_style("Überschrift Amt", 1)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Von einer anderen", style=style)
    paragraph = document.add_paragraph("By level")
    paragraph._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {W} w:val="2"/>'))
    assert [section.locator.heading[-1] for section in read(saved(document), "a.docx").sections] == [
        "Von einer anderen",
        "By level",
    ]


def test_a_docx_table_row_is_one_line_in_which_wide_cells_keep_their_columns_and_tall_ones_come_again():
    document = Document()
    table = document.add_table(3, 3)
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    wide, tall = table.cell(0, 0).merge(table.cell(0, 1)), table.cell(1, 2).merge(table.cell(2, 2))
    wide.text, tall.text = "wide", "tall"
    assert read(saved(document), "a.docx").text == "wide | | 02\n10 | 11 | tall\n20 | 21 | tall"


def test_an_empty_row_of_a_docx_takes_its_share_of_a_cell_that_goes_down_into_it():
    document = Document()
    table = document.add_table(4, 3)
    for row, texts in enumerate([("North", "Tolls", "1"), ("", "", ""), ("", "Fees", "3"), ("South", "Tolls", "5")]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(0, 0).merge(table.cell(2, 0)).text = "North"
    assert read(saved(document), "a.docx").text == "North | Tolls | 1\nNorth | Fees | 3\nSouth | Tolls | 5"


def test_a_docx_row_that_begins_further_right_keeps_its_columns():
    rows = "".join(
        f"<w:tr>{left}{''.join(f'<w:tc><w:p>{run(cell)}</w:p></w:tc>' for cell in cells)}</w:tr>"
        for left, cells in (("", "abc"), ('<w:trPr><w:gridBefore w:val="1"/></w:trPr>', "de"))
    )
    assert docx_text(f"<w:tbl>{rows}</w:tbl>") == "a | b | c\n| d | e"


def test_the_names_of_a_docx_tables_columns_come_again_with_every_few_rows():
    document = Document()
    table = document.add_table(31, 2)
    table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {W}/>"))
    table.cell(0, 0).text, table.cell(0, 1).text = "Berth", "Who may use it"
    for number in range(1, 31):
        table.cell(number, 0).text, table.cell(number, 1).text = f"Berth {number}", f"ships of the line {number}"
    blocks = read(saved(document), "a.docx").text.split("\n\n")
    assert len(blocks) > 1
    assert {block.split("\n")[0] for block in blocks} == {"Berth | Who may use it"}


def test_a_note_in_a_docx_table_follows_the_table_and_does_not_cut_it():
    document = Document()
    table = document.add_table(2, 2)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        table.cell(row, column).text = f"{row}{column}"
    box = f"<w:p {W}><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>Mind this.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r></w:p>"
    table.cell(0, 1)._tc.append(parse_xml(box))
    assert read(saved(document), "a.docx").text == "00 | 01\n10 | 11\n\nMind this."


def test_a_cell_of_a_docx_that_goes_on_from_none_is_one_of_its_own():
    table = "<w:tbl>{}</w:tbl>"
    row = f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p>{run('a')}</w:p></w:tc><w:tc><w:p>{run('b')}</w:p></w:tc></w:tr>"
    assert docx_text(table.format(row)) == "a | b"


def test_a_docx_table_in_a_table_is_read_in_order():
    document = Document()
    outer = document.add_table(1, 2)
    outer.cell(0, 0).text = "left"
    inner = outer.cell(0, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "a", "b"
    assert read(saved(document), "a.docx").text == "left\n\na | b"


def test_deleted_and_hidden_text_and_field_codes_of_a_docx_are_left_out_and_inserted_text_is_kept():
    field = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    body = (
        f"<w:p>{run('We ')}<w:del>{'<w:r><w:delText>never </w:delText></w:r>'}</w:del><w:ins>{run('always ')}</w:ins>"
        f"{run('secretly ', '<w:vanish/>')}{run('pay ')}{field.format('begin')}<w:r><w:instrText>PAGEREF x</w:instrText></w:r>"
        f"{field.format('separate')}{run('seven')}{field.format('end')}<w:hyperlink>{run(' euros')}</w:hyperlink>{run('.')}</w:p>"
    )
    assert docx_text(body) == "We always pay seven euros."


def test_content_controls_and_text_boxes_of_a_docx_are_read():
    box = f'<w:r><w:pict><v:textbox xmlns:v="urn:schemas-microsoft-com:vml"><w:txbxContent><w:p>{run("boxed")}</w:p></w:txbxContent></v:textbox></w:pict></w:r>'
    body = f"<w:sdt><w:sdtPr/><w:sdtContent><w:p>{run('Controlled ')}{box}{run('words.')}</w:p></w:sdtContent></w:sdt>"
    assert docx_text(body) == "Controlled words.\n\nboxed"


def test_a_footnote_of_a_docx_follows_its_paragraph():
    data = docx_of(
        f'<w:p>{run("Claimed")}<w:r><w:footnoteReference w:id="2"/></w:r>{run(" here.")}</w:p><w:p>{run("Next.")}</w:p>'
    )
    notes = f'<w:footnotes {W}><w:footnote w:id="2"><w:p>{run("See page 9.")}</w:p></w:footnote></w:footnotes>'.encode()

    def relate(name: str, blob: bytes) -> bytes:
        kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
        link = b'<Relationship Id="rId99" Type="' + kind + b'" Target="footnotes.xml"/></Relationships>'
        return blob.replace(b"</Relationships>", link) if name == "word/_rels/document.xml.rels" else blob

    assert (
        read(changed(data, relate, {"word/footnotes.xml": notes}), "a.docx").text == "Claimed here.\n\nSee page 9.\n\nNext."
    )


def test_strict_macro_and_dangling_docx_packages_are_read():
    transitional, strict = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"

    def odd(name: str, blob: bytes) -> bytes | None:
        if name == "word/_rels/document.xml.rels":
            blob = blob.replace(
                b"</Relationships>", b'<Relationship Id="rId98" Type="x/image" Target="NULL"/></Relationships>'
            )
        if name == "[Content_Types].xml":
            return blob.replace(
                b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main",
                b"application/vnd.ms-word.document.macroEnabled.main",
            )
        for part in (b"officeDocument", b"wordprocessingml"):
            blob = blob.replace(transitional + part + b"/2006/", strict + part + b"/")
        return blob

    data = changed(docx_of(f"<w:p>{run('Odd but whole.')}</w:p>"), odd)
    assert read(data, "a.docm").text == "Odd but whole."


def test_a_docx_without_its_main_part_gives_its_reason():
    data = changed(saved(Document()), lambda name, blob: None if name == "word/document.xml" else blob)
    assert "damaged" in reason(data, "a.docx")


# ---------------------------------------------------------------------- OpenDocument


def test_an_odt_gives_headings_lists_tables_and_its_properties():
    styles = '<text:list-style style:name="N"><text:list-level-style-number text:level="1" style:num-format="1"/></text:list-style>'
    body = (
        '<text:h text:outline-level="1">Aims</text:h><text:p>We<text:s text:c="3"/>want<text:line-break/>this\n now.</text:p>'
        '<text:list text:style-name="N"><text:list-item><text:p>one</text:p></text:list-item><text:list-item><text:p>two</text:p></text:list-item></text:list>'
        '<table:table><table:table-header-rows><table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p></table:table-cell>'
        "<table:covered-table-cell/><table:table-cell><text:p>c</text:p></table:table-cell></table:table-row></table:table-header-rows></table:table>"
    )
    meta = "<dc:title>The plan</dc:title><dc:creator>A. Writer</dc:creator><dc:date>2024-05-06T07:08:09.1</dc:date>"
    found = read(odt_of(body, meta, styles), "a.odt")
    assert found.text == "Aims\n\nWe want\nthis now.\n\n1. one\n2. two\n\nwide | c"
    assert found.sections == (Section(0, Locator(heading=("Aims",))),)
    assert (found.title, dict(found.metadata)) == ("The plan", {"author": "A. Writer", "date": "2024-05-06"})


def test_cells_of_an_odt_that_span_keep_their_columns_and_its_header_rows_name_them():
    def cell(text: str, spans: str = "") -> str:
        return f"<table:table-cell {spans}><text:p>{text}</text:p></table:table-cell>"

    tall = 'table:number-rows-spanned="2"'
    rows = "".join(
        f"<table:table-row>{cell(f'Berth {n}')}{cell('free for ships of the line')}</table:table-row>" for n in range(30)
    )
    header = (
        f"<table:table-header-rows><table:table-row>{cell('Berth')}{cell('Use')}</table:table-row></table:table-header-rows>"
    )
    first, *others = read(odt_of(f"<table:table>{header}{rows}</table:table>"), "a.odt").text.split("\n\n")
    assert others
    assert {block.split("\n")[0] for block in (first, *others)} == {"Berth | Use"}
    spanning = (
        f"<table:table-row>{cell('tall', tall)}{cell('1')}</table:table-row><table:table-row>{cell('2')}</table:table-row>"
    )
    assert read(odt_of(f"<table:table>{spanning}</table:table>"), "a.odt").text == "tall | 1\ntall | 2"


def test_a_note_of_an_odt_follows_its_sentence_and_deleted_text_is_left_out():
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>never</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        "<text:p>Claimed<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>See page 9.</text:p></text:note-body></text:note>"
        " <text:span>here</text:span>.</text:p>"
    )
    assert read(odt_of(body), "a.odt").text == "Claimed here.\n\nSee page 9."


def test_an_encrypted_odt_says_so():
    manifest = '<manifest:manifest xmlns:manifest="m"><manifest:encryption-data/></manifest:manifest>'
    assert "password" in reason(odt_of("<text:p>x</text:p>", manifest=manifest), "a.odt")


def test_an_odt_nested_beyond_reason_gives_its_reason():
    assert "nested too deeply" in reason(odt_of("<text:section>" * 5000 + "</text:section>" * 5000), "a.odt")


# ---------------------------------------------------------------------- PowerPoint


def test_each_slide_of_a_pptx_is_a_place_with_its_title_and_notes():
    presentation = Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Aims"
    first.placeholders[1].text = "one\ntwo"
    first.notes_slide.notes_text_frame.text = "Say hello."
    second = presentation.slides.add_slide(presentation.slide_layouts[6])
    text_box(second, "No title here.", 1, 1)
    second._element.set("show", "0")
    found = read(saved(presentation), "a.pptx")
    assert found.text == "Aims\n\n- one\n- two\n\nNotes: Say hello.\n\nNo title here."
    assert found.sections == (Section(0, Locator(slide=1, heading=("Aims",))), Section(38, Locator(slide=2)))
    assert found.title == "Aims"


def test_shapes_of_a_pptx_are_read_title_first_then_from_the_top_and_the_left():
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    text_box(slide, "bottom", 1, 5)
    text_box(slide, "right", 5, 2)
    text_box(slide, "left", 1, 2.1)
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(0.5), Inches(1), Inches(1)).text_frame.text = "grouped"
    assert read(saved(presentation), "a.pptx").text == "grouped\n\nleft\n\nright\n\nbottom"


def test_tables_and_charts_of_a_pptx_are_rows():
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 0).text, table.cell(1, 0).text, table.cell(1, 1).text = "wide", "a", "b"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Ducks", (1.5, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(3), data)
    assert read(saved(presentation), "a.pptx").text == "wide\na | b\n\n| Ducks\n2023 | 1.5\n2024 | 2"


# ---------------------------------------------------------------------- Rich Text


def rtf(source: str) -> str:
    return read(b"{\\rtf1\\ansi\\ansicpg1252\\deff0 " + source.encode("latin-1") + b"}", "a.rtf").text


def test_every_alphabet_of_an_rtf_is_decoded():
    fonts = r"{\fonttbl{\f0 Times;}{\f1\fcharset204 Times Cyr;}{\f2\fcharset128 Mincho;}}"
    assert rtf(fonts + r"caf\'e9 \f1\'cf\'f0\'e8\'e2\'e5\'f2 \f2\'93\'fa\'83e") == "café Привет 日テ"
    assert rtf(r"\uc1 \u8220?hi\u8221? \u-10179?\u-8704? {\uc2\u945\'61\'62}z") == "“hi” 😀 αz"


def test_an_rtf_gives_headings_rows_lists_and_notes_and_leaves_out_what_is_hidden():
    source = (
        r"{\stylesheet{\s1\outlinelevel0 heading 1;}}{\info{\title The plan}{\author A. Writer}{\revtim\yr2024\mo5\dy6}}"
        r"{\header Top}\pard\s1 Aims\par\pard Claimed{\footnote See page 9.} here.{\v secret}{\deleted never}\par"
        r"{\listtext\f3 \'b7\tab}one\par{\listtext 2.\tab}two\par"
        r"\trowd\intbl a\cell b\par c\cell\row\pard After{\*\unknown no}{\pict 00ff}."
    )
    found = read(b"{\\rtf1 " + source.encode() + b"}", "a.rtf")
    assert found.text == "Aims\n\nClaimed here.\n\nSee page 9.\n\n- one\n2. two\n\na | b c\n\nAfter."
    assert found.sections == (Section(0, Locator(heading=("Aims",))),)
    assert (found.title, dict(found.metadata)) == ("The plan", {"author": "A. Writer", "date": "2024-05-06"})


def test_an_rtf_that_is_cut_off_or_holds_binary_data_is_read():
    assert rtf(r"Before {\pict\bin5 }}{{\} after") == "Before after"
    assert read(rb"{\rtf1 {\b Cut off", "a.rtf").text == "Cut off"


def test_an_rtf_nested_beyond_reason_gives_its_reason():
    assert "nested too deeply" in reason(b"{\\rtf1 " + b"{" * 20_000, "a.rtf")


def test_headers_and_footers_of_word_are_read_once_after_everything_else():
    document = Document()
    document.add_heading("Chapter", 1)
    document.add_paragraph("The body.")
    document.sections[0].header.paragraphs[0].text = "Contract 4711 of 3 May"
    document.sections[0].footer.paragraphs[0].text = "Strictly confidential"
    second = document.add_section()
    second.header.is_linked_to_previous = False
    second.header.paragraphs[0].text = "Contract 4711 of 3 May"
    second.footer.is_linked_to_previous = False
    second.footer.paragraphs[0].text = "2"
    extracted = read(saved(document), "a.docx")
    assert extracted.text == "Chapter\n\nThe body.\n\nContract 4711 of 3 May\n\nStrictly confidential"
    assert [(extracted.text[one.start :][:8], one.locator.heading) for one in extracted.sections] == [
        ("Chapter\n", ("Chapter",)),
        ("Contract", ()),
    ]
