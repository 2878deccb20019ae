"""Line ends of PDFs that PDFium gives as spaces: where a line begins lower down and further left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from index.readers.pdf_lines import text_with_line_ends


@dataclass
class Page:
    """A page as PDFium tells of it. places: of each character, points from the left and from the bottom."""

    text: str
    places: list[tuple[float, float]]

    def get_text_range(self) -> str:
        return self.text

    def count_chars(self) -> int:
        return len(self.places)


def page_of(*lines: str, left: float = 90.0, step: float = 16.0) -> Page:
    places = [(left + 6.0 * at, 700.0 - step * row) for row, line in enumerate(lines) for at in range(len(line) + 1)]
    return Page(" ".join(lines), places[:-1])


@pytest.fixture(autouse=True)
def _places(monkeypatch: pytest.MonkeyPatch) -> None:
    def origin(page: Any, index: int) -> tuple[float, float]:
        return page.places[index]  # type: ignore[no-any-return]

    monkeypatch.setattr("index.readers.pdf_lines.origin", origin)


@pytest.mark.parametrize("end", [".", ",", ";", ":", "?"])
def test_a_line_that_ends_with_punctuation_ends(end: str):
    page: Any = page_of(f"Consent was given{end}", "4.3 Exclusion criteria")
    assert text_with_line_ends(page) == f"Consent was given{end}\n4.3 Exclusion criteria"


def test_spaces_within_a_line_and_raised_numbers_stay():
    page: Any = page_of("So it is. Is it? Yes, it is: now.")
    assert text_with_line_ends(page) == page.text
    raised: Any = page_of("It is so.", "1", step=3.0)
    assert text_with_line_ends(raised) == raised.text


def test_a_page_whose_characters_cannot_be_told_by_number_stays():
    page: Any = page_of("It is so.", "And so.")
    page.places.pop()
    assert text_with_line_ends(page) == page.text
