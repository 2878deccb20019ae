"""What page of a PDF is to be drawn, and the picture of it: what passes between the sandbox and its child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class PageOrder:
    """Which page of a PDF is wanted, from 1, and what of it is to be boxed: text[start:end] of the text indexed of it."""

    page: int
    text: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as PNG. boxes: in pixels, one a line of the quote; none where its words are not found on the page."""

    png: bytes
    width: int
    height: int
    boxes: Sequence[Box] = ()
