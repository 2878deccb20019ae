"""Tables of figures in PDFs: numbers that stand below each other are cells of rows, under the names of their columns."""

from __future__ import annotations

import pytest
from extracting import text_of
from fpdf import FPDF

from index.page_order import PageOrder
from index.readers.pdf_page import draw_page

SIZE = 10.0  # points
COLUMNS = (320.0, 420.0, 520.0)  # right edges of numbers, points from the left
PROSE = "The harbour was closed to ships for a whole day, and nobody was told of it before the evening."
RESULTS = ["|2021|2020", "Revenue:", "Licensing fees|$19,984|$10,230", "Tolls|1,204|988", "Total revenue|21,188|11,218"]


def page_of(*lines: str, columns: tuple[float, ...] = COLUMNS, step: float = 14.0) -> bytes:
    """Set each line below the last; what stands behind | is set flush right in the next column."""
    pdf = FPDF(unit="pt")
    pdf.add_page()
    pdf.set_font("Helvetica", size=SIZE)
    for row, line in enumerate(lines):
        first, *cells = line.split("|")
        height = 60.0 + step * row
        if first:
            pdf.text(40.0, height, first)
        for cell, right in zip(cells, columns, strict=False):
            if cell:
                pdf.text(right - pdf.get_string_width(cell), height, cell)
    return bytes(pdf.output())


def text(*lines: str, columns: tuple[float, ...] = COLUMNS) -> str:
    return text_of(page_of(*lines, columns=columns), "a.pdf")


def test_the_figures_of_a_table_are_cells_in_a_block_of_its_own_under_the_names_of_their_columns():
    assert text(PROSE, *RESULTS, PROSE).split("\n\n") == [
        PROSE,
        "| 2021 | 2020\nRevenue:\nLicensing fees | $19,984 | $10,230\nTolls | 1,204 | 988\nTotal revenue | 21,188 | 11,218",
        PROSE,
    ]


def test_a_table_at_the_top_of_a_page_does_not_go_on_from_the_page_before():
    pdf = FPDF(unit="pt")
    pdf.set_font("Helvetica", size=SIZE)
    pdf.add_page()
    pdf.text(40.0, 60.0, "The ships were not let into the har-")
    pdf.add_page()
    for row, (name, first, second) in enumerate([("Tolls", "12", "99"), ("Fees", "17", "22"), ("Rent", "55", "66")]):
        for left, word in ((40.0, name), (250.0, first), (350.0, second)):
            pdf.text(left, 60.0 + 14 * row, word)
    assert text_of(bytes(pdf.output()), "a.pdf").split("\n\n")[-1].split("\n")[0] == "Tolls | 12 | 99"


def test_a_cell_that_holds_nothing_keeps_its_column():
    rows = text("|2021|2020|2019", "Tolls|1,204||988", "Fees||7|8", "Rent|5|6|7").split("\n")
    assert rows == ["| 2021 | 2020 | 2019", "Tolls | 1,204 | | 988", "Fees | | 7 | 8", "Rent | 5 | 6 | 7"]


def test_a_row_of_words_among_figures_keeps_its_columns():
    assert "Rating | AA | B" in text("|2021|2020", "Tolls|12|9", "Rating|AA|B", "Fees|1|2", "Rent|5|6").split("\n")


def test_signs_that_stand_apart_belong_to_their_numbers():
    pdf = FPDF(unit="pt")
    pdf.add_page()
    pdf.set_font("Helvetica", size=SIZE)
    for row, (name, first, second) in enumerate([("Tolls", "1,204", "(988"), ("Fees", "167", "(2"), ("Rent", "5", "(6")]):
        for left, word in ((40.0, name), (250.0, "$"), (290.0, first), (350.0, "$"), (400.0, second), (430.0, ")")):
            pdf.text(left, 60.0 + 14 * row, word)
    assert text_of(bytes(pdf.output()), "a.pdf") == "Tolls | $1,204 | $(988)\nFees | $167 | $(2)\nRent | $5 | $(6)"


def test_names_that_stand_close_together_are_told_apart_by_their_wider_gaps():
    names = "Quarter|High ($)|Low ($)|Closing ($)"
    rows = text(
        names, "First|3.02|1.72|1.95", "Second|3.70|2.70|1.36", "Third|4.64|3.68|1.36", columns=(150.0, 192.0, 250.0)
    )
    assert rows.split("\n")[:2] == ["Quarter | High ($) | Low ($) | Closing ($)", "First | 3.02 | 1.72 | 1.95"]


def test_a_title_or_caption_above_a_table_names_no_columns():
    for title in (
        "Results of the harbour and of all that belongs to it in the years that ended in June",
        "Table 7: Results",
    ):
        assert text(title, *RESULTS).split("\n\n")[0] == title


def test_a_label_of_one_word_is_not_the_beginning_of_a_row_below_it():
    assert text("|2021|2020", "LARGE", "with books|66|74", "Tolls|12|9", "Fees|1|2").split("\n")[1:3] == [
        "LARGE",
        "with books | 66 | 74",
    ]


@pytest.mark.parametrize("second", ["interest rate swap", "PGP swap"])
def test_a_label_of_two_lines_stays_whole(second: str):
    rows = text("|2021|2020", "Change in the fair value of the", f"{second}|66|74", "Tolls|12|9", "Fees|1|2").split("\n")
    assert rows[1] == f"Change in the fair value of the {second} | 66 | 74"


def centred(lines: list[tuple[tuple[float, str], ...]]) -> str:
    """Return the text of lines in which each word stands in the middle of its place, points from the left."""
    pdf = FPDF(unit="pt")
    pdf.add_page()
    pdf.set_font("Helvetica", size=SIZE)
    for row, words in enumerate(lines):
        for middle, word in words:
            pdf.text(middle - pdf.get_string_width(word) / 2, 60.0 + 14 * row, word)
    return text_of(bytes(pdf.output()), "a.pdf")


def figures(*middles: float) -> list[tuple[tuple[float, str], ...]]:
    return [
        ((60.0, name), *((middle, f"{number}{at}") for at, middle in enumerate(middles)))
        for number, name in enumerate(("Tolls", "Fees", "Rent"), 1)
    ]


def test_the_name_of_a_group_of_columns_is_of_each_of_them():
    quarters = ((200.0, "Q1"), (260.0, "Q2"), (320.0, "Q3"), (380.0, "Q1"), (440.0, "Q2"), (500.0, "Q3"))
    found = centred([((260.0, "2021"), (440.0, "2020")), quarters, *figures(200, 260, 320, 380, 440, 500)])
    assert found.split("\n")[0] == "| 2021 Q1 | 2021 Q2 | 2021 Q3 | 2020 Q1 | 2020 Q2 | 2020 Q3"
    at_the_left = centred(
        [
            ((205.0, "Group"), (325.0, "Parent")),
            ((200.0, "2021"), (260.0, "2020"), (320.0, "2021"), (380.0, "2020")),
            *figures(200, 260, 320, 380),
        ]
    )
    assert at_the_left.split("\n")[0] == "| Group 2021 | Group 2020 | Parent 2021 | Parent 2020"


def test_a_name_of_two_lines_is_of_its_own_column_alone():
    names = [
        ((280.0, "Carrying"), (380.0, "Fair value")),
        ((60.0, "Item"), (280.0, "amount"), (380.0, "hierarchy"), (480.0, "Total")),
    ]
    assert (
        centred([*names, *figures(280, 380, 480)]).split("\n")[0] == "Item | Carrying amount | Fair value hierarchy | Total"
    )


def test_the_first_columns_name_may_stand_beside_the_names_of_groups():
    names = [
        ((60.0, "System"), (230.0, "Dev"), (350.0, "Test")),
        ((200.0, "EM"), (260.0, "F1"), (320.0, "EM"), (380.0, "F1")),
    ]
    assert centred([*names, *figures(200, 260, 320, 380)]).split("\n")[0] == "System | Dev EM | Dev F1 | Test EM | Test F1"


def test_a_label_in_the_middle_of_a_wide_table_is_no_name_and_ends_nothing():
    rows = figures(200, 300, 400)
    found = centred(
        [
            ((60.0, "Model"), (200.0, "A"), (300.0, "B"), (400.0, "C")),
            ((300.0, "Ours"),),
            *rows[:2],
            ((300.0, "Others"),),
            rows[2],
        ]
    )
    assert found.split("\n")[:2] == ["Model | A | B | C", "Ours"]
    assert found.split("\n")[-2:] == ["Others", "Rent | 30 | 31 | 32"]


def test_names_of_which_several_are_missing_are_none():
    found = centred([((400.0, "Deficit"), (500.0, "Total")), *figures(200, 300, 400, 500)])
    assert "Deficit |" not in found


def test_a_name_that_may_be_of_another_column_names_none():
    found = centred([((245.0, "Total"), (400.0, "Share")), *figures(200, 290, 400)])
    assert "Total" not in found.split("\n\n")[-1].split("\n")[0]


def test_a_title_in_the_middle_above_the_columns_is_none_of_their_names():
    names = ((60.0, "Item"), (300.0, "Group"), (400.0, "Parent"))
    assert centred([((350.0, "Consolidated balance sheet"),), names, *figures(300, 400)]).startswith(
        "Consolidated balance sheet\n\nItem | Group | Parent\n"
    )


def test_a_table_below_another_has_names_of_its_own():
    later = ["Balance sheet at 31 December", "|2019|2018", "Assets|10|9", "Debt|5|4", "Equity|5|5"]
    first, title, second = text(*RESULTS, *later).split("\n\n")
    assert (first.split("\n")[0], title, second.split("\n")[0]) == ("| 2021 | 2020", later[0], "| 2019 | 2018")


def test_labels_below_the_names_of_columns_are_kept_with_their_rows():
    found = text("|Budget|Actual|Change", "Assets", "Cash|1|2|3", "Loans|4|5|6", "Land|7|8|9")
    assert found.split("\n")[:3] == ["| Budget | Actual | Change", "Assets", "Cash | 1 | 2 | 3"]


def test_a_running_head_and_foot_with_the_number_of_the_page_are_no_rows():
    head, table, foot = text("Annual report 2021|||17", *RESULTS, "Harbour of Bor|||17").split("\n\n")
    assert ("17" in head, "17" in foot) == (True, True)
    assert table.split("\n")[0] == "| 2021 | 2020"
    assert "Harbour" not in table


def test_a_row_that_comes_twice_is_boxed_where_it_stands():
    lines = [line for group in range(12) for line in (f"Quay {group}", "Tolls|0.10|0.20|0.30", f"Rent {group}|1|2|3")]
    data = page_of("|2021|2020|2019", *lines, step=11.0)
    found = text_of(data, "a.pdf")
    starts = [at for at in range(len(found)) if found.startswith("Tolls", at)]
    assert len(starts) == 12
    tops = [min(top for _, top, _, _ in draw_page(data, PageOrder(1, found, at, at + 20)).boxes) for at in starts]
    assert tops == sorted(tops)
    gaps = [later - sooner for sooner, later in zip(tops, tops[1:], strict=False)]
    assert max(gaps) - min(gaps) < 2.0


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([PROSE.replace("evening", f"year {n}") for n in range(2017, 2022)], id="prose that ends in numbers"),
        pytest.param(["Tolls|12|9", "Fees|1|2"], id="two rows"),
        pytest.param(
            [f"{name}|||{page}" for name, page in (("Berths", 3), ("Fees", 7), ("Rules", 9), ("Maps", 21))], id="pages"
        ),
        pytest.param([f"{name} . . . . . . . . |||{page}" for name, page in (("A", 9), ("B", 7), ("C", 3))], id="leaders"),
        pytest.param(["Name|Trade|Town", "Ann|smith|Bor", "Bob|baker|Ava", "Eve|miller|Ava"], id="words alone"),
    ],
)
def test_what_is_no_table_of_figures_stays_as_it_is(lines: list[str]):
    assert " | " not in text(*lines)


def test_numbers_that_stand_in_no_columns_are_no_table():
    pdf = FPDF(unit="pt")
    pdf.add_page()
    pdf.set_font("Helvetica", size=SIZE)
    for row, (left, right) in enumerate([(150.0, 260.0), (215.0, 330.0), (170.0, 290.0), (240.0, 300.0)]):
        for at, word in ((40.0, "Pier"), (left, f"{row}00,000,000"), (right, f"{row}1,000,000")):
            pdf.text(at, 60.0 + 14 * row, word)
    assert " | " not in text_of(bytes(pdf.output()), "a.pdf")


def test_a_long_table_names_its_columns_again():
    blocks = text("|2021|2020", *(f"Berth of the northern harbour, number {n}|{n * 31}|{n * 17}" for n in range(1, 40)))
    assert {block.split("\n")[0] for block in blocks.split("\n\n")} == {"| 2021 | 2020"}
    assert len(blocks.split("\n\n")) > 2


def test_the_row_of_a_table_is_boxed_on_the_picture_of_its_page():
    data = page_of(PROSE, *RESULTS, PROSE)
    found = text_of(data, "a.pdf")
    start = found.index("Tolls")
    picture = draw_page(data, PageOrder(1, found, start, start + len("Tolls | 1,204 | 988")))
    tops = [top for _, top, _, _ in picture.boxes]
    assert max(tops) - min(tops) < SIZE / 2
    scale = picture.width / 595
    assert min(box[0] for box in picture.boxes) < 45 * scale
    assert max(box[2] for box in picture.boxes) > 400 * scale
