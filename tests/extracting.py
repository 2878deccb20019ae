"""Bytes and a file's name → what a reader makes of them."""

from __future__ import annotations

import pytest

from index.errors import UnreadableFile
from index.readers import read_bytes
from index.records import Extracted


def read(source: str | bytes, name: str) -> Extracted:
    """Read what holds one document."""
    (document,) = read_bytes(source.encode() if isinstance(source, str) else source, name)
    return document


def text_of(source: str | bytes, name: str) -> str:
    """Return the text alone."""
    return read(source, name).text


def reason(source: str | bytes, name: str) -> str:
    """Return why it cannot be read."""
    with pytest.raises(UnreadableFile) as caught:
        read_bytes(source.encode() if isinstance(source, str) else source, name)
    return caught.value.message


def text_or_reason(data: bytes, name: str) -> str:
    """Return the text, or why there is none."""
    try:
        return text_of(data, name)
    except UnreadableFile as error:
        return error.message


def headings(extracted: Extracted) -> list[tuple[str, ...]]:
    """Return the headings of each section."""
    return [section.locator.heading for section in extracted.sections]


def assert_sections_point_at_their_headings(extracted: Extracted) -> None:
    """Check that every section begins with its heading, in the order of the text."""
    starts = [section.start for section in extracted.sections]
    assert starts == sorted(set(starts))
    for section in extracted.sections:
        assert extracted.text.startswith(section.locator.heading[-1], section.start)
