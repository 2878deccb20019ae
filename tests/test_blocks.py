"""A document as its page shows it: the tables that readers found are tables there, and no character is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.records import Document, Locator, Section
from qa.web.blocks import Block, cut_document
from qa.web.pieces import Mark

TABLE = "| 2021 | 2020\nRevenue:\nTolls | 12 | 9\nTotal | 21 | 11"
TEXT = f"Results of the year.\n\n{TABLE}\n\n| 2021 | 2020\nFees | 1 | 2\n\nAfter it."


def document(text: str, media_type: str = "application/pdf", *sections: Section) -> Document:
    return Document(
        id="d", collection="default", path="a.pdf", title="T", sha256="x", length=len(text),
        media_type=media_type, text=text, sections=sections,
    )  # fmt: skip


def shown(blocks: list[Block]) -> str:
    cells = (piece for block in blocks for row in block.rows for cell in row.cells for piece in cell)
    return "".join(piece.text for block in blocks for piece in block.pieces) + "".join(piece.text for piece in cells)


def rows_of(block: Block) -> list[list[str]]:
    return [["".join(piece.text for piece in cell if not piece.is_separator) for cell in row.cells] for row in block.rows]


def test_lines_of_cells_are_a_table_under_the_names_of_its_columns_and_go_on_in_one():
    text, table, after = cut_document(document(TEXT), [], 0, len(TEXT))
    assert (text.kind, table.kind, after.kind) == ("text", "table", "text")
    assert rows_of(table)[:4] == [["", "2021", "2020"], ["Revenue:"], ["Tolls", "12", "9"], ["Total", "21", "11"]]
    assert rows_of(table)[-1] == ["Fees", "1", "2"]
    assert [row.is_head for row in table.rows] == [True, False, False, False, True, False]


def test_the_row_that_is_cited_is_marked_cell_by_cell():
    start = TEXT.index("Tolls")
    (row,) = [
        row
        for block in cut_document(document(TEXT), [Mark(start, start + len("Tolls | 12 | 9"))], 0, len(TEXT))
        for row in block.rows
        if row.cells[0][0].text == "Tolls"
    ]
    assert [piece.text for cell in row.cells for piece in cell if piece.kind == "cited" and not piece.is_separator] == [
        "Tolls",
        "12",
        "9",
    ]


@pytest.mark.parametrize("media_type", ["text/plain", "text/x-source"])
def test_bars_of_plain_text_and_code_part_no_cells(media_type: str):
    assert [block.kind for block in cut_document(document(TEXT, media_type), [], 0, len(TEXT))] == ["text"]


def test_a_table_in_which_a_section_begins_stays_text(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("qa.web.pieces.place_name", lambda _: "")  # what places are called asks the running server
    whole = document(
        TEXT, "application/pdf", Section(0, Locator()), Section(TEXT.index("Total"), Locator(heading=("Total",)))
    )
    first = cut_document(whole, [], 0, TEXT.index("\n\n| 2021", 30))
    assert {block.kind for block in first} == {"text"}


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.sampled_from(["Tolls | 1 | 2", "| 2021 | 2020", "Assets", "", "", "Plain words.", "a | b"]), max_size=14),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_what_is_shown_has_every_character_of_the_text(lines: list[str], start: int, length: int):
    text = "\n".join(lines)
    marks = [Mark(start, min(len(text), start + length))] if start + 1 < len(text) and length else []
    blocks = cut_document(document(text), marks, 0, len(text))
    assert sorted(shown(blocks)) == sorted(text)
