"""Tables of web pages: columns that only set others apart, signs in cells of their own, what spans rows, and lists."""

from __future__ import annotations

from collections import Counter

import pytest
from extracting import text_of
from hypothesis import given
from hypothesis import strategies as st

from index.readers.table_lines import Cell, lay_out

PRICES = """<table>
<tr><td></td><td></td><td colspan=5>2021</td><td></td><td colspan=2>2020</td></tr>
<tr><td>Quarter</td><td></td><td colspan=2>High</td><td></td><td colspan=2>Low</td><td></td><td colspan=2>High</td></tr>
<tr><td>First</td><td></td><td>$</td><td>3.02</td><td></td><td>$</td><td>(1.72</td><td>)</td><td>$</td><td>1.95</td></tr>
<tr><td>Second</td><td></td><td></td><td>3.70</td><td></td><td></td><td>2.70</td><td></td><td></td><td>1.36</td></tr>
</table>"""


def test_the_numbers_of_a_row_stand_under_the_names_of_their_columns():
    assert text_of(PRICES, "a.html").split("\n") == [
        "| 2021 | | 2020",
        "Quarter | High | Low | High",
        "First | $3.02 | $(1.72) | $1.95",
        "Second | 3.70 | 2.70 | 1.36",
    ]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("<td>Share<td>5<td>%", "Share | 5%"),
        ("<td>Loss<td>$<td>(5<td>)", "Loss | $(5)"),
        ("<td>Price<td>US$<td>5", "Price | US$5"),
        ("<td>Sign<td>$<td>is a dollar", "Sign | $ | is a dollar"),
        ("<td>Word<td>in brackets<td>)", "Word | in brackets | )"),
    ],
)
def test_a_sign_belongs_to_its_number(row, line):
    assert text_of(f"<table><tr>{row}</table>", "a.html") == line


def test_columns_of_which_no_row_fills_both_stay_apart():
    source = "<table><tr><th>Debit<th>Credit<tr><td>5<td><tr><td><td>7</table>"
    assert text_of(source, "a.html") == "Debit | Credit\n5\n| 7"


def test_what_spans_several_rows_is_said_in_each():
    source = "<table><tr><td rowspan=2>2019<td>First film<tr><td>Second film<tr><td>2020<td>Third film</table>"
    assert text_of(source, "a.html") == "2019 | First film\n2019 | Second film\n2020 | Third film"


@pytest.mark.parametrize(("mark", "other"), [("•", "•"), ("1.", "2."), ("(a)", "(b)"), ("-", "-")])
def test_a_list_that_was_set_out_as_tables_is_a_list(mark, other):
    tables = f"<table><tr><td>{mark}<td>One of it</table><p></p><table><tr><td>{other}<td>Another</table>"
    assert text_of(f"<p>These:</p>{tables}<p>After.</p>", "a.html") == (
        f"These:\n\n{mark} One of it\n{other} Another\n\nAfter."
    )


def test_numbers_in_a_row_are_no_list():
    assert text_of("<table><tr><td>1.<td>5 km<tr><td>2.<td>7 km</table>", "a.html") == "1. | 5 km\n2. | 7 km"


def test_a_row_whose_cells_have_short_paragraphs_is_a_row():
    source = "<table><tr><td><p>Wausau,</p><p>Wisconsin</p><td>2007<tr><td>Seward<td>2008</table>"
    assert text_of(source, "a.html") == "Wausau, Wisconsin | 2007\nSeward | 2008"


def test_a_row_whose_cells_have_long_paragraphs_lays_out_a_page():
    long = "<p>The range of the missile was measured in the desert, and it was shorter.</p>" * 5
    assert "\n\n" in text_of(f"<table><tr><td>{long}<td>Menu</table>", "a.html")


def test_cells_that_span_more_than_a_table_can_have_do_not_fill_the_memory():
    row = "<tr><td colspan=99999999 rowspan=99999999>A<td>b"
    assert "A" in text_of(f"<table>{row * 50}</table>", "a.html")


@pytest.mark.parametrize("tag", ["th", "td"])
def test_the_names_of_columns_come_again_with_every_few_rows(tag):
    rows = "".join(f"<tr><td>Harbour number {n}<td>{n * 3}<td>a wide place</tr>" for n in range(40))
    table = f"<table><tr><{tag}>Place</{tag}><{tag}>Depth (m)</{tag}><{tag}>Remarks</{tag}></tr>{rows}</table>"
    blocks = text_of(f"{table}<p>After.</p>", "a.html").split("\n\n")
    assert len(blocks) == 5
    assert blocks.pop() == "After."
    assert {block.split("\n")[0] for block in blocks} == {"Place | Depth (m) | Remarks"}
    assert [line.split(" | ")[0] for block in blocks for line in block.split("\n")[1:]] == [
        f"Harbour number {n}" for n in range(40)
    ]


_BERTHS = [("Berth", "Use"), *((f"Berth {n:02}", "free for ships of the line") for n in range(30))]
_LIST = "".join(f"   * - {berth}\n     - {use}\n" for berth, use in _BERTHS)
_RULE = "+----------+----------------------------+\n"
_GRID = [f"| {berth:8} | {use:26} |\n{_RULE}" for berth, use in _BERTHS]
_BORDER = f"{'=' * 8} {'=' * 26}\n"
_SIMPLE = [f"{berth:8} {use}\n" for berth, use in _BERTHS]


@pytest.mark.parametrize(
    "table",
    [
        f".. list-table::\n   :header-rows: 1\n\n{_LIST}",
        f"{_RULE}{_GRID[0].replace('-', '=')}{''.join(_GRID[1:])}",
        f"{_BORDER}{_SIMPLE[0]}{_BORDER}{''.join(_SIMPLE[1:])}{_BORDER}",
    ],
    ids=["list", "grid", "simple"],
)
def test_the_names_of_columns_of_a_restructured_text_come_again_too(table):
    blocks = text_of(table, "a.rst").split("\n\n")
    assert len(blocks) > 1
    assert {block.split("\n")[0] for block in blocks} == {"Berth | Use"}
    assert sum(block.count("\n") for block in blocks) == 30


def test_the_label_of_rows_comes_again_where_they_go_on():
    rows = "".join(f"<tr><td>Berth at the northern quay, number {n}<td>{n * 3}<td>{n * 4}</tr>" for n in range(20))
    table = f"<table><tr><th><th>2021<th>2020</tr><tr><td>Fees:</tr>{rows}<tr><td>Total fees<td>8<td>9</tr>{rows}</table>"
    first, *others = text_of(table, "a.html").split("\n\n")
    assert first.split("\n")[:2] == ["| 2021 | 2020", "Fees:"]
    assert len(others) > 2
    for block in others:
        is_in_total = "Total fees" in "".join(others[: others.index(block)])
        assert block.split("\n")[1].startswith("Berth" if is_in_total else "Fees:")


def test_a_long_table_without_names_is_one_block():
    rows = "".join(f"<tr><td>Harbour number {n}<td>is a wide place to be</tr>" for n in range(40))
    assert "\n\n" not in text_of(f"<table>{rows}</table>", "a.html")


def test_head_body_and_foot_of_a_table_have_the_same_columns():
    source = (
        "<table><thead><tr><th>Item<th>Notes<th>Price</thead><tbody><tr><td>Pen<td><td>5</tbody>"
        "<tfoot><tr><td>Sum<td><td>5</tfoot></table>"
    )
    assert text_of(source, "a.html") == "Item | Notes | Price\nPen | | 5\nSum | | 5"
    rooms = (
        "<table><thead><tr><th>Room<th>Mon<th>Tue</thead><tbody><tr><td>A<td>Ann<td><tr><td>B<td><td>Bob"
        "<tr><td>C<td colspan=2>Closed</tbody></table>"
    )
    assert text_of(rooms, "a.html") == "Room | Mon | Tue\nA | Ann\nB | | Bob\nC | Closed"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<tr><th>Product<th>2021<th>%<th>2020<th>%<tr><td>Pens<td>500<td>50<td>400<td>40", "Product | 2021 | % | 2020 | %"),
        ("<tr><th>Currency<th>Symbol<th>Code<tr><td>US dollar<td>$<td>840", "US dollar | $ | 840"),
        ("<tr><th>Amount<th>Currency<th>Other<tr><td>5<td>$<td>7", "5 | $ | 7"),
        ("<tr><td>Notes due 2025<td>%<td>5", "Notes due 2025 | % | 5"),
    ],
)
def test_a_sign_that_has_a_name_or_no_number_stays_in_its_column(source, text):
    assert text in text_of(f"<table>{source}</table>", "a.html").split("\n")


@pytest.mark.parametrize(
    "row",
    ["".join(f"<td>c{n}" for n in range(205)), "<td>c0<td colspan=250>c1<td>c204", "<td colspan=198>c0<td>x<td>y<td>c204"],
    ids=["205 cells", "one over 250", "one over 198"],
)
def test_no_cell_is_lost_however_wide_a_row_is(row):
    text = text_of(f"<table><tr>{row}</table>", "a.html")
    assert text.startswith("c0 | ")
    assert text.endswith(" | c204")


@pytest.mark.parametrize("sign", ["|", "||"])
def test_a_bar_that_is_the_text_of_a_cell_stays(sign):
    assert text_of(f"<table><tr><td>Or<td>{sign}<td></table>", "a.html") == f"Or | {sign}"


def test_an_empty_row_repeats_nothing_and_a_table_grows_little():
    assert text_of("<table><tr><td rowspan=3>2019<td>a<tr></tr><tr><td>b</table>", "a.html") == "2019 | a\n2019 | b"
    wide = "<tr>" + f"<td rowspan=9999>{'w' * 90}" * 200 + "<tr><td>x" * 1000
    assert len(text_of(f"<table>{wide}</table>", "a.html")) < 2_000_000


def test_the_numbers_of_a_list_in_a_cell_stay_there():
    source = "<table><tr><td>Name<td>Bob<tr><td>Notes<td><ol><li>First<li>Second</ol></table><p>After.</p>"
    assert text_of(source, "a.html") == "Name | Bob\nNotes | 1. First 2. Second\n\nAfter."


CELLS = st.builds(
    Cell,
    st.sampled_from(["", "2021", "$", "(5", ")", "%", "Name", "x y", "—", "5 km", "|", "1,2", "•"]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
)


@given(st.lists(st.lists(CELLS, max_size=5), max_size=6))
def test_no_character_of_a_table_is_lost(rows):
    written = Counter("".join(line for block in lay_out(rows).blocks for line in block))
    assert not Counter("".join(cell.text.replace(" ", "") for row in rows for cell in row)) - written
