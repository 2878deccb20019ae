"""Headings of PDFs without bookmarks: told by how their lines are set."""

from __future__ import annotations

import pytest
from extracting import read
from fpdf import FPDF

from index.records import Extracted

TEXT = "We measured the range of the missiles in the desert and found it shorter than was said at first. " * 4
Line = tuple[str, str, int]  # text, style ("B": bold), points


def typeset(*pages: list[Line], bookmarks: tuple[str, ...] = ()) -> Extracted:
    pdf = FPDF()
    pdf.set_font("helvetica", size=10)
    for page in pages:
        pdf.add_page()
        for name in bookmarks:
            pdf.start_section(name)
        for text, style, size in page:
            pdf.set_font("helvetica", style=style, size=size)
            pdf.multi_cell(0, size / 2, text, new_x="LMARGIN", new_y="NEXT", markdown=True)
    return read(bytes(pdf.output()), "a.pdf")


def text(words: str = TEXT) -> Line:
    return (words, "", 10)


def bold(words: str) -> Line:
    return (words, "B", 10)


def large(words: str) -> Line:
    return (words, "", 14)


def headings(extracted: Extracted) -> list[tuple[str, ...]]:
    found = [section.locator.heading for section in extracted.sections]
    return [heading for heading in dict.fromkeys(found) if heading]


@pytest.mark.parametrize("set_as", [bold, large])
def test_lines_that_are_set_apart_are_headings_where_they_stand(set_as):
    extracted = typeset([text(), set_as("Inclusion Criteria"), text(), set_as("Exclusion Criteria:"), text("- Age.")])
    assert headings(extracted) == [("Inclusion Criteria",), ("Exclusion Criteria",)]
    for section in extracted.sections[1:]:
        assert extracted.text[section.start :].startswith(section.locator.heading[-1])


def test_smaller_headings_stand_under_larger_ones_and_numbers_under_their_number():
    extracted = typeset(
        [large("Methods"), text(), bold("1 Patients"), text(), bold("1.1 Age"), text()],
        [bold("2 Drugs"), text(), bold("3.1 Of another chapter"), text(), large("Results"), text()],
    )
    assert headings(extracted) == [
        ("Methods",),
        ("Methods", "1 Patients"),
        ("Methods", "1 Patients", "1.1 Age"),
        ("Methods", "2 Drugs"),
        ("Methods", "3.1 Of another chapter"),
        ("Results",),
    ]


def test_a_heading_over_two_lines_is_one():
    long = "The measurement of ranges in deserts and mountains, and what was made of it by those who read of it first"
    extracted = typeset([(long, "B", 16), text(), ("Results of it", "B", 16), text(TEXT * 3)])
    assert headings(extracted)[0] == (long,)


def test_the_heading_of_a_clause_stands_in_its_first_line():
    extracted = typeset(
        [
            text(),
            bold("1. DUTIES"),
            text(),
            text(f"**12. EARLY TERMINATION.** {TEXT}"),
            text(f"**13. NOTES** by hand are no clause. {TEXT}"),
        ]
    )
    assert headings(extracted) == [("1. DUTIES",), ("12. EARLY TERMINATION",)]


@pytest.mark.parametrize(
    "line",
    [
        "It was not so, as we found.",
        "x = 2 * y + z",
        "lower case begins no heading",
        "- an item of a list",
        "12 000 - 14 000 ***",
    ],
)
def test_what_does_not_read_like_a_heading_is_none(line: str):
    assert headings(typeset([text(), bold(line), text(), bold(line + "!" if line.endswith("*") else line), text()])) == []


def test_what_comes_again_on_many_pages_is_no_heading():
    page = [bold("The Report of 2024"), text()]
    assert headings(typeset(page, page, page)) == []


def test_authors_above_the_abstract_are_no_headings():
    page = [large("Ann Khan"), text("Kabul"), large("Bob Finer"), text("Doha"), large("Abstract"), text(), large("Results")]
    assert headings(typeset([*page, text()])) == [("Abstract",), ("Results",)]


def test_a_form_with_a_bold_label_in_every_line_has_no_headings():
    labels = ["Owner of it", "Kind of it", "Engines in it", "Weather then", "Pilot in it"]
    assert headings(typeset([line for label in labels for line in (bold(label), text("None at all"))])) == []


def test_bookmarks_come_first():
    extracted = typeset([text(), bold("Inclusion"), text(), bold("Exclusion"), text()], bookmarks=("Exclusion",))
    assert headings(extracted) == [("Exclusion",)]


def test_bookmarks_of_every_paragraph_are_not_taken_for_headings():
    sentences = [f"The {number}th paragraph was made a bookmark of by the program" for number in range(10, 18)]
    page = [text(), bold("Inclusion"), text(), bold("Exclusion"), *map(text, sentences)]
    extracted = typeset(page, bookmarks=tuple(one[:50] for one in sentences))
    assert headings(extracted) == [("Inclusion",), ("Exclusion",)]


def test_the_largest_words_of_a_cover_are_the_title():
    cover = [
        text("Version: v1.0 of 2023"),
        large("Treatment of Oral Disease"),
        large("With a Dressing"),
        large("Lead: Gao Lei"),
    ]
    assert typeset(cover, [text(), text()]).title == "Treatment of Oral Disease With a Dressing"


def test_text_without_a_cover_has_no_title():
    assert typeset([text(), bold("Inclusion Criteria of it"), text()]).title == ""
    assert typeset([("A paragraph in large letters goes on for some lines. " * 6, "", 14)], [text(), text()]).title == ""


def test_a_heading_over_two_short_lines_stands_where_it_begins():
    extracted = typeset([text(), bold("ARTICLE IV"), bold("TERMINATION"), text(), bold("ARTICLE V"), text()])
    assert headings(extracted) == [("ARTICLE IV TERMINATION",), ("ARTICLE V",)]
    [first] = [section for section in extracted.sections if section.locator.heading == ("ARTICLE IV TERMINATION",)]
    assert extracted.text[first.start :].startswith("ARTICLE IV")


def test_captions_and_lines_of_contents_are_no_headings_and_what_follows_stands_under_its_number():
    extracted = typeset(
        [bold("2 Methods"), text(), bold("2.1 Patients"), text(), bold("Table 1 Demographics of them"), text()],
        [
            bold("12 Ethics ......... 25"),
            text(),
            bold("Simple means"),
            text(),
            bold("2.2 Drugs"),
            text(),
            bold("Ends"),
            text(),
        ],
    )
    assert headings(extracted) == [
        ("2 Methods",), ("2 Methods", "2.1 Patients"), ("Simple means",), ("2 Methods", "2.2 Drugs"), ("Ends",),
    ]  # fmt: skip


def test_a_clause_whose_heading_stands_alone_with_its_full_stop_has_it():
    extracted = typeset([bold("4. TERMINATION"), text(), bold("5. INDEMNIFICATION FOR DAMAGES AND TAXES."), text(), text()])
    assert headings(extracted) == [("4. TERMINATION",), ("5. INDEMNIFICATION FOR DAMAGES AND TAXES",)]


def test_a_sentence_in_bold_and_a_head_on_two_pages_are_no_headings():
    rule = text(
        "**Participants must not drive a car, nor any other thing with an engine, for thirty days after it** unless told so."
    )
    page = [bold("ACME Employment Contract"), text(), bold("Termination of it"), text(), rule]
    other = [bold("ACME Employment Contract"), text(), bold("Pay in months"), text()]
    assert headings(typeset(page, other)) == [("Termination of it",), ("Pay in months",)]


def test_names_of_authors_are_no_headings_without_an_abstract_too():
    names = [line for name in ("Ann Khan", "Bob Finer", "Cy Quist") for line in (large(name), text("University of Doha"))]
    extracted = typeset([*names, text(), text(), bold("Results of it"), text()], [bold("Discussion of it"), text()])
    assert headings(extracted) == [("Results of it",), ("Discussion of it",)]


@pytest.mark.parametrize(
    "names", [tuple(f"Section {n}. Powers of the commissioner." for n in range(6)), ("Ranges.", "Why.")]
)
def test_bookmarks_that_end_with_a_full_stop_are_headings(names):
    extracted = typeset([line for name in names for line in (text(name), text())], bookmarks=names)
    assert [heading[-1] for heading in headings(extracted)] == list(names)


def test_a_bookmark_is_not_found_in_a_line_that_only_begins_with_its_letters():
    extracted = typeset(
        [text(), text("21 agencies were asked of it."), text(), text("2.1 Age of all."), text()], bookmarks=("2.1 Age",)
    )
    [section] = [section for section in extracted.sections if section.locator.heading]
    assert extracted.text[section.start :].startswith("2.1 Age")


def test_a_heading_right_below_a_short_numbered_one_is_another():
    extracted = typeset([text(), bold("2. Pakistan"), bold("Shaheen-III"), text(), bold("3. India"), text()])
    assert headings(extracted) == [("2. Pakistan",), ("Shaheen-III",), ("3. India",)]
