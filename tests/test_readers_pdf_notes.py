"""Notes at the foot of a PDF's columns: out of the sentences that they stand in, and never lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from extracting import text_of
from fpdf import FPDF

from index.page_order import PageOrder
from index.readers.pdf_page import draw_page

BEFORE = ["The harbour of Lom was dredged in spring.", "The works were paid for in full by the"]
AFTER = ["ministry of trade, which had asked for them.", "They took six weeks and three barges."]
NOTE = "1 See the yearly report of the port."


def make_pdf(*pages: Sequence[tuple[str, float, float, int]]) -> bytes:
    """Make a PDF of lines, each with its place from the left and the top (mm) and its size (points)."""
    pdf = FPDF()
    for page in pages:
        pdf.add_page()
        for line, left, top, size in page:
            pdf.set_font("helvetica", size=size)
            pdf.text(left, top, line)
    return bytes(pdf.output())


def column(lines: Sequence[str], left: float = 20, top: float = 30, size: int = 10) -> list[tuple[str, float, float, int]]:
    return [(line, left, top + 6 * number, size) for number, line in enumerate(lines)]


def notes(*lines: str, left: float = 20, size: int = 7) -> list[tuple[str, float, float, int]]:
    return column(lines, left, 260, size)


@pytest.mark.parametrize(
    "lines",
    [
        (NOTE,),
        ("1See the yearly report of the port.",),
        ("* Told by the harbour master.", "2 Both are on the quay,", "and open on Mondays."),
        ("1https://port.example/report",),
    ],
)
def test_a_sentence_that_goes_on_in_the_next_column_is_not_interrupted_by_notes(lines: tuple[str, ...]):
    text = text_of(make_pdf([*column(BEFORE), *notes(*lines), *column(AFTER, left=110)]), "a.pdf")
    assert "for in full by the\nministry of trade" in text
    assert "\n\n" + "\n".join(lines) + "\n\nThe works" in text.replace("\n\n2 Both", "\n2 Both"), "and they stand before it"


def test_a_sentence_that_goes_on_on_the_next_page_is_not_interrupted_by_notes():
    page = [*column(BEFORE), *notes(NOTE), *column(["12"], left=100, top=280)]
    text = text_of(make_pdf(page, column(AFTER)), "a.pdf")
    assert f"spring.\n\n{NOTE}\n\nThe works were paid for in full by the\n" in text
    assert text.endswith("\n".join(AFTER))


def test_notes_stay_where_they_interrupt_nothing():
    text = text_of(make_pdf([*column(BEFORE[:1]), *notes(NOTE), *column(AFTER, left=110)]), "a.pdf")
    assert text.index(BEFORE[0]) < text.index(NOTE) < text.index(AFTER[0])
    begun = ["These were there.", "The yearly report of the port lists all of:"]
    text = text_of(make_pdf([*column(begun), *notes("1 Barge"), *column(AFTER, left=110)]), "a.pdf")
    assert text.index(begun[1]) < text.index("1 Barge"), "what a line with a colon begins"


def test_what_is_as_high_as_the_text_or_stands_above_more_of_it_is_no_note():
    for lines in (notes(NOTE, size=10), [(NOTE, 20, 42, 7)]):
        text = text_of(make_pdf([*column(BEFORE), *lines, *column(AFTER, top=270)]), "a.pdf")
        assert f"paid for in full by the\n{NOTE}" in text.replace("\n\n", "\n")


def test_the_feet_of_pages_are_no_notes():
    pages = [[*column([f"Chapter {name} begins.", "It was paid for by the"]), *notes(f"{at} Port of Lom")] for at, name in
             enumerate(("A", "B", "C", "D"), 7)]  # fmt: skip
    text = text_of(make_pdf(*pages, column(AFTER)), "a.pdf")
    assert "begins.\nIt was paid for by the" in text
    assert "begins.\n\n7 Port" not in text


def test_the_half_of_a_broken_word_before_a_note_finds_the_other():
    before = [BEFORE[0], "The works were paid for in full by the min-"]
    text = text_of(make_pdf([*column(before), *notes(NOTE), *column(["istry of trade.", *AFTER[1:]], left=110)]), "a.pdf")
    assert "paid for in full by the ministry\nof trade." in text
    alone = text_of(make_pdf([*column(before), *notes(NOTE), *column(["12"], left=100, top=280)]), "a.pdf")
    assert "min12" not in alone, "but not in the number of the page"


def test_a_sentence_around_a_note_is_boxed_in_both_columns():
    data = make_pdf([*column(BEFORE), *notes(NOTE), *column(AFTER, left=110)])
    text = text_of(data, "a.pdf")
    start = text.index("The works")
    picture = draw_page(data, PageOrder(1, text, start, text.index("for them.") + 9))
    lefts = sorted(round(left / picture.width, 1) for left, _, _, _ in picture.boxes)
    assert lefts == [0.1, 0.5], "one box in each, and none around the note"
