"""Tables, JSON, e-books and reStructuredText: what is read, where it lies, and why a broken file is not read."""

from __future__ import annotations

import datetime
import io
import json
import time
import zipfile

import pytest
from extracting import read, reason
from openpyxl import Workbook

from index.locators import locate
from index.readers.tables import cell_name
from index.records import Extracted


def cells_of(extracted: Extracted) -> list[str]:
    return [section.locator.cells for section in extracted.sections]


def place(extracted: Extracted, words: str):
    start = extracted.text.index(words)
    return locate(extracted.sections, start, start + len(words))


# ---------------------------------------------------------------------- tables


@pytest.mark.parametrize(("column", "name"), [(1, "A7"), (26, "Z7"), (27, "AA7"), (702, "ZZ7"), (16384, "XFD7")])
def test_cells_are_named_as_spreadsheets_name_them(column, name):
    assert cell_name(column, 7) == name


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_found_and_its_rows_are_lines_of_cells(delimiter):
    rows = [["Name", "Town", "Price"], ["Ann", "Rome", "1.5"], ["Bob", "Oslo", "2.5"]]
    extracted = read("\n".join(delimiter.join(row) for row in rows), "a.csv")
    assert extracted.text == "Name | Town | Price\nAnn | Rome | 1.5\nBob | Oslo | 2.5"
    assert cells_of(extracted) == ["A2:C3"]


def test_decimal_commas_are_not_taken_for_the_delimiter():
    extracted = read("Item;Net;Gross\nTea;1,50;1,79\nSalt;2,50;2,98\n", "a.csv")
    assert "Tea | 1,50 | 1,79" in extracted.text


def test_a_long_table_repeats_its_header_so_that_each_group_reads_by_itself():
    rows = "".join(f"{number},customer number {number},Street {number}\n" for number in range(2, 102))
    extracted = read("Id,Customer,Address\n" + rows, "a.csv")
    groups = extracted.text.split("\n\n")
    assert len(groups) > 5
    assert all(group.startswith("Id | Customer | Address\n") and len(group) <= 620 for group in groups)
    assert len(extracted.sections) == len(groups)
    found = place(extracted, "50 | customer number 50 |").cells
    first, last = (int(name.lstrip("ABC")) for name in found.split(":"))
    assert first <= 50 <= last
    assert cells_of(extracted)[0].startswith("A2:C")


def test_a_first_row_of_numbers_is_no_header():
    source = "".join(f"{number},{number * 2},some longer text here {number}\n" for number in range(60))
    extracted = read(source, "a.csv")
    assert extracted.text.count("0 | 0 | some longer text here 0\n") == 1
    assert cells_of(extracted)[0].startswith("A1:C")


def test_years_may_head_columns():
    source = "Region,2019,2020,2021\n" + "".join(f"Region number {n},{n},{n + 1},{n + 2}\n" for n in range(60))
    extracted = read(source, "a.csv")
    assert extracted.text.count("Region | 2019 | 2020 | 2021") == len(extracted.sections) > 1


def test_quoted_cells_keep_delimiters_and_lose_line_breaks():
    extracted = read('Name,Note\nAnn,"first, line\nsecond ""line"""\n', "a.csv")
    assert extracted.text == 'Name | Note\nAnn | first, line second "line"'


def test_a_quotation_mark_that_nobody_closes_swallows_no_rows():
    extracted = read('Id,Name\n1,"oops\n' + "".join(f"{n},name {n}\n" for n in range(2, 400)), "a.csv")
    assert "399 | name 399" in extracted.text


def test_ragged_rows_and_empty_rows_and_columns_are_read():
    extracted = read("A,,B\n1,,2\n3\n,,\n4,,5,,6\n", "a.csv")
    assert extracted.text == "A | B\n1 | 2\n3\n\n4 | 5 | 6"
    assert cells_of(extracted) == ["A2:C3", "A5:E5"]


def test_an_empty_cell_keeps_its_place_in_the_row():
    assert "Ann |  | Rome" in read("Name,Phone,Town\nAnn,,Rome\nBob,12,Oslo\n", "a.csv").text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("\ufeffNäme;Ort\nJörg;Köln\n".encode(), "Näme | Ort\nJörg | Köln"),
        (
            "Näme;Strasse\r\nJörg;Hinter dem alten Bahnhof in der Stadt am Rhein\r\n".encode("cp1252"),
            "Näme | Strasse\nJörg | Hinter dem alten Bahnhof in der Stadt am Rhein",
        ),
        ("Näme\tOrt\nJörg\tKöln\n".encode("utf-16"), "Näme | Ort\nJörg | Köln"),
        (b"sep=;\nName;Town\nAnn, B;Rome\n", "Name | Town\nAnn, B | Rome"),
    ],
)
def test_tables_are_decoded_and_marks_of_excel_obeyed(data, expected):
    assert read(data, "a.csv").text == expected


def test_a_very_wide_table_names_each_value_and_takes_no_time():
    header = ",".join(f"column {number}" for number in range(500))
    started = time.perf_counter()
    extracted = read("\n".join([header, *[",".join(["7"] * 500)] * 50]), "a.csv")
    assert time.perf_counter() - started < 5
    assert extracted.text.startswith("column 0: 7 | column 1: 7")


def test_more_text_than_a_document_may_hold_is_refused():
    assert "million characters" in reason("text\n" + ("x" * 99 + "\n") * 110_000, "a.csv")


@pytest.mark.parametrize("data", [b"," * 50_000, b"\x00\x01\x02" * 50])
def test_what_is_no_table_is_refused(data):
    assert reason(data, "a.csv")


# ---------------------------------------------------------------------- workbooks


def workbook(**sheets: list[list[object]]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(data: bytes, **members: str) -> bytes:
    """Replace members of a package; a name is its path with dots for slashes."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, members.get(name.split("/")[-1].replace(".", "_"), source.read(name)))
    return file.getvalue()


def sheet_xml(rows: str) -> str:
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="A1:B2"/><sheetData>{rows}</sheetData></worksheet>'
    )


def test_each_sheet_of_a_workbook_is_read_with_its_cells():
    book = workbook(Budget=[["Item", "Cost"], ["Tea", 12], ["Salt", 3]], Staff=[["Name", "Role"], ["Ann", "Cook"]])
    book["Staff"].sheet_state = "hidden"
    book.properties.title, book.properties.creator = "Household", "Ann"
    extracted = read(saved(book), "a.xlsx")
    assert extracted.text == "Budget\n\nItem | Cost\nTea | 12\nSalt | 3\n\nStaff\n\nName | Role\nAnn | Cook"
    assert (place(extracted, "Salt").sheet, place(extracted, "Salt").cells) == ("Budget", "A2:B3")
    assert (place(extracted, "Cook").sheet, place(extracted, "Cook").cells) == ("Staff", "A2:B2")
    assert extracted.title == "Household"
    assert extracted.metadata["author"] == "Ann"
    assert extracted.metadata["date"].startswith("20")


def test_values_are_written_as_people_write_them():
    book = workbook(
        S=[["Kind", "Value"], ["day", datetime.date(2024, 3, 1)], ["time", datetime.datetime(2024, 3, 1, 9, 30)]]
    )
    for kind, value in [("sum", 0.1 + 0.2), ("large", 1e9), ("third", 12.500000001), ("yes", True), ("code", "_x0041_b")]:
        book["S"].append([kind, value])
    book["S"].append(["share", 0.125])
    book["S"].cell(row=9, column=2).number_format = "0.0%"
    text = read(saved(book), "a.xlsx").text
    for line in ("day | 2024-03-01", "time | 2024-03-01 09:30:00", "sum | 0.3", "large | 1000000000", "third | 12.5"):
        assert line in text.split("\n")
    assert text.endswith("yes | TRUE\ncode | Ab\nshare | 12.5 %")


def test_titles_above_a_table_and_tables_below_each_other_keep_their_own_places():
    book = workbook(S=[["Sales of 2024"], ["Shop", "Sum"], ["Rome", 1], [], ["Staff", "Age"], ["Ann", 30]])
    extracted = read(saved(book), "a.xlsx")
    assert extracted.text == "S\n\nSales of 2024\n\nShop | Sum\nRome | 1\n\nStaff | Age\nAnn | 30"
    assert cells_of(extracted) == ["", "A1", "A3:B3", "A6:B6"]


def test_a_workbook_with_wrong_dimensions_is_read_whole():
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="D{n}"><v>{n}5</v></c></row>' for n in range(1, 9))
    assert "8 | 85" in read(repacked(saved(workbook(S=[[1]])), sheet1_xml=sheet_xml(rows)), "a.xlsx").text


def test_rows_far_down_cost_no_time():
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    rows += '<row r="999999999"><c r="A999999999"><v>3</v></c></row>'
    started = time.perf_counter()
    extracted = read(repacked(saved(workbook(S=[[1]])), sheet1_xml=sheet_xml(rows)), "a.xlsx")
    assert time.perf_counter() - started < 10
    assert cells_of(extracted)[1:] == ["A1", "XFD1048576"]


def test_a_damaged_workbook_and_one_that_declares_entities_are_refused():
    data = saved(workbook(S=[["a", "b"]]))
    assert "damaged" in reason(data[: len(data) // 2], "a.xlsx")
    assert "damaged" in reason(repacked(data, sheet1_xml="<worksheet><sheetData><row>"), "a.xlsx")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet_xml('<row r="1"><c r="A1" t="str"><v>&a;</v></c></row>')
    assert "damaged" in reason(repacked(data, sheet1_xml=bomb), "a.xlsx")


def test_a_workbook_that_unpacks_to_a_thousand_times_its_size_is_refused():
    rows = '<row r="1"><c r="A1" t="str"><v>' + "a" * 60_000_000 + "</v></c></row>"
    assert "unpacks" in reason(repacked(saved(workbook(S=[[1]])), sheet1_xml=sheet_xml(rows)), "a.xlsx")


# ---------------------------------------------------------------------- JSON


def test_json_members_and_elements_are_places_with_their_keys():
    value = {
        "title": "Survey",
        "a/b": {"c~d": 1.50, "empty": None},
        "items": [{"name": "Ann", "tags": ["x", "y"]}, {"ok": True}],
    }
    extracted = read(json.dumps(value).replace("1.5,", "1.50,"), "a.json")
    assert extracted.title == "Survey"
    assert extracted.text == "title: Survey\n\na/b.c~d: 1.50\n\nname: Ann\ntags: x, y\n\nok: true"
    assert [section.locator.pointer for section in extracted.sections] == ["/title", "/a~1b", "/items/0", "/items/1"]


def test_a_large_record_is_opened_into_smaller_places():
    value = [{"id": 1, "paragraphs": [{"text": f"paragraph {number} " + "word " * 30} for number in range(40)]}]
    assert place(read(json.dumps(value), "a.json"), "paragraph 17").pointer == "/0/paragraphs/17"


def test_json_lines_are_records_and_a_bad_line_is_counted():
    extracted = read('{"q":"one"}\n{bad\n\n{"q":"two"}\n{"q":"\\ud800x\\u0000"}\n', "a.jsonl")
    assert extracted.text == "q: one\n\nq: two\n\nq: x"
    assert [section.locator.pointer for section in extracted.sections] == ["/0", "/2", "/3"]
    assert extracted.metadata["skipped_lines"] == "1"


def test_json_and_json_lines_are_read_under_each_others_names():
    assert read('{"q":"one"}\n{"q":"two"}\n', "a.json").text == "q: one\n\nq: two"
    assert read('{\n "q":\n "one"\n}\n', "a.jsonl").text == "q: one"


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ('{"a": 1,\n"b": }', "a.json", "line 2"),
        ("[" * 100_000 + "]" * 100_000, "a.json", "nested deeper"),
        ('{"a":' * 300 + "1" + "}" * 300, "a.json", "nested deeper"),
        ("[" * 100_000 + "\n", "a.jsonl", "nested deeper"),
        ('{"a": 1}\nno\nnor this\n', "a.jsonl", "line 2"),
        ("{}", "a.json", "no text"),
    ],
)
def test_broken_json_is_refused_with_its_place(source, name, expected):
    assert expected in reason(source, name)


# ---------------------------------------------------------------------- e-books

_CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
_OPF = """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Duck</dc:title>
<dc:creator>Ann A</dc:creator><dc:creator>Bob B</dc:creator><dc:date>2020-05-01</dc:date><dc:language>en</dc:language>
</metadata><manifest><item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>
<item id="two" href="text/two%20.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="n"/><itemref idref="one"/><itemref idref="two"/><itemref idref="gone"/></spine></package>"""
_NAV = """<html><body><nav><ol><li><a href="text/one.xhtml">First of all</a></li>
<li><a href="text/two%20.xhtml#x">Second</a></li></ol></nav></body></html>"""


def epub(**members: str) -> bytes:
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": _CONTAINER,
        "OPS/book.opf": _OPF,
        "OPS/nav.xhtml": _NAV,
        "OPS/text/one.xhtml": "<html><head><title/></head><body><p>It swims.</p></body></html>",
        "OPS/text/two .xhtml": "<html><body><h1>Flight</h1><p>It flies.</p></body></html>",
    }
    files |= {name.replace("__", "/"): text for name, text in members.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, text in files.items():
            if text:
                package.writestr(name, text)
    return file.getvalue()


def test_a_book_is_read_in_the_order_of_its_spine():
    extracted = read(epub(), "a.epub")
    assert extracted.text == "It swims.\n\nFlight\n\nIt flies."
    assert (extracted.title, extracted.lang) == ("The Duck", "en")
    assert extracted.metadata == {"author": "Ann A, Bob B", "date": "2020-05-01"}


def test_a_chapter_without_a_heading_is_named_by_the_table_of_contents():
    extracted = read(epub(), "a.epub")
    assert place(extracted, "It swims").heading == ("First of all",)
    assert place(extracted, "It flies").heading == ("Flight",)


def test_a_locked_book_is_refused_but_one_with_scrambled_fonts_is_read():
    method = '<encryption><EncryptionMethod Algorithm="{}"/></encryption>'
    locked = epub(**{"META-INF/encryption.xml": method.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")})
    assert "DRM" in reason(locked, "a.epub")
    scrambled = epub(**{"META-INF/encryption.xml": method.format("http://www.idpf.org/2008/embedding")})
    assert "It swims." in read(scrambled, "a.epub").text


@pytest.mark.parametrize(
    "members",
    [
        {"OPS/book.opf": ""},
        {"OPS/book.opf": "<package>"},
        {"OPS/book.opf": '<!DOCTYPE a [<!ENTITY b "c">]><package>&b;</package>'},
        {"OPS/text/one.xhtml": "", "OPS/text/two .xhtml": ""},
    ],
)
def test_a_broken_book_is_refused(members):
    assert "damaged" in reason(epub(**members), "a.epub")


# ---------------------------------------------------------------------- reStructuredText

_RST = """=========
The Guide
=========

:Author: Ann
:Date: 2024-03-01

.. contents::
   :local:

First steps
-----------

Read ``a_b`` and *this*, see `the site <https://x.example>`_, :func:`~os.path.join`,
:pep:`8`, |product| and note [1]_. Run it::

    $ run --now
      deeper

.. _target: https://x.example
.. |product| replace:: Quacker
.. A comment
   of two lines.

.. note::
   :class: wide

   Mind the **duck**.

* one item
  goes on
* another

=====  =====
Name   Town
=====  =====
Ann    Rome
Bob    Oslo
=====  =====

+------+-----+
| A    | B   |
+======+=====+
| cell | two |
| goes | on  |
+------+-----+

.. [1] The note.

More
----

.. include:: /etc/passwd

End.
"""


def test_rst_loses_its_marks_and_keeps_its_words():
    text = read(_RST, "a.rst").text
    for line in (
        "Read a_b and this, see the site, join, PEP 8, Quacker and note [1]. Run it:",
        "$ run --now\n  deeper",
        "Mind the duck.",
        "- one item goes on\n- another",
        "Name | Town\nAnn | Rome\nBob | Oslo",
        "A | B\ncell goes | two on",
        "[1] The note.",
    ):
        assert line in text
    for mark in ("comment", "contents", "wide", "passwd", "x.example", "::", "``", "=="):
        assert mark not in text


def test_rst_headings_are_places_and_fields_are_metadata():
    extracted = read(_RST, "a.rst")
    assert [section.locator.heading for section in extracted.sections] == [
        ("The Guide",),
        ("The Guide", "First steps"),
        ("The Guide", "More"),
    ]
    assert extracted.title == "The Guide"
    assert (extracted.metadata["author"], extracted.metadata["date"]) == ("Ann", "2024-03-01")
    assert place(extracted, "End.").heading == ("The Guide", "More")


def test_the_headers_of_a_pep_are_metadata_and_text():
    extracted = read(
        "PEP: 8\nTitle: Style\nAuthor: Ann,\n        Bob\nCreated: 05-Jul-2001\n\n\nIntro\n=====\n\nText.\n", "a.rst"
    )
    assert extracted.title == "Style"
    assert extracted.metadata["author"] == "Ann, Bob"
    assert extracted.metadata["date"] == "2001-07-05"
    assert extracted.text == "PEP: 8\nTitle: Style\nAuthor: Ann, Bob\nCreated: 05-Jul-2001\n\nIntro\n\nText."


@pytest.mark.parametrize("source", ["a." * 200_000, "`a " * 200_000, "**a " * 200_000, ":a" * 200_000, "|a " * 200_000])
def test_marks_that_nothing_closes_cost_no_time(source):
    started = time.perf_counter()
    read(source, "a.rst")
    assert time.perf_counter() - started < 5


# ---------------------------------------------------------------------- headers, prose, formulas, encodings


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_an_empty_row_leaves_the_rows_after_it_their_header(end):
    lines = ["Name,Town,Price", "Ann,Rome,1.5", "Bob,Oslo,2.5", "", "Cid,Bern,3.5", "", "Dan,Kyiv,4.5"]
    extracted = read(end.join(lines) + end, "a.csv")
    for name in ("Cid | Bern", "Dan | Kyiv"):
        block = next(block for block in extracted.text.split("\n\n") if name in block)
        assert block.startswith("Name | Town | Price\n")


def test_a_file_whose_line_ends_were_written_twice_is_one_table():
    extracted = read("Name,Price\r\r\nAnn,1\r\r\nBob,2\r\r\n", "a.csv")
    assert (extracted.text, cells_of(extracted)) == ("Name | Price\nAnn | 1\nBob | 2", ["A2:B3"])


def test_a_table_below_another_with_its_own_header_keeps_that():
    extracted = read("Name,Price\nAnn,1\nBob,2\n\nTown,People\nRome,9\nOslo,8\n\nA note\n\nBern,7\n", "a.csv")
    assert "Town | People\nRome | 9\nOslo | 8" in extracted.text
    assert extracted.text.count("Name | Price") == 1
    assert extracted.text.endswith("Town | People\nBern | 7")


def test_commas_of_sentences_are_no_columns():
    assert read("Hello, world", "a.csv").text == "Hello, world"
    assert (
        read("text\nHello, world\nGood morning, all of you\n", "a.csv").text
        == "text\nHello, world\nGood morning, all of you"
    )
    assert read("Name, Town\nAnn, Rome\nBob, Oslo\n", "a.csv").text == "Name | Town\nAnn | Rome\nBob | Oslo"
    assert "Ann | Rome" in read("Members of 2024\nName,Town\nAnn,Rome\nBob,Oslo\n", "a.csv").text


def test_a_formula_that_was_never_calculated_is_read_as_it_is_written():
    book = Workbook()
    book.active.append(["Town", "Total"])
    book.active.append(["Rome", "=SUM(3,4)"])
    file = io.BytesIO()
    book.save(file)
    assert "Rome | =SUM(3,4)" in read(file.getvalue(), "a.xlsx").text
    book = Workbook()
    book.active["B2"] = "=1+1"
    book.create_sheet("Other")["A1"] = "=2+2"
    file = io.BytesIO()
    book.save(file)
    extracted = read(file.getvalue(), "a.xlsx")
    assert ("=1+1" in extracted.text, place(extracted, "=2+2").sheet) == (True, "Other")


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl", "a.rst"])
def test_how_sure_the_encoding_is_is_kept_for_every_kind_of_text(name):
    source = '{"town": "München"}\n'.encode("cp1252")
    metadata = read(source, name).metadata
    assert metadata["encoding"] == "cp1252"
    assert 0 < float(metadata["encoding_confidence"]) < 1
