"""Markdown → its visible text: YAML front matter becomes metadata, headings become places."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from markdown_it import MarkdownIt

from index.readers.dates import iso_date
from index.readers.html import extract_blocks
from index.readers.html_metadata import primary_subtag
from index.readers.text import decode_rated
from index.records import Extracted

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def read_markdown(data: bytes) -> Extracted:
    """Read Markdown (CommonMark with tables). Links and emphasis keep their words and lose their marks."""
    decoded = decode_rated(data)
    metadata, body = split_front_matter(decoded.text)
    text, sections = extract_blocks(_PARSER.render(body))
    first = sections[0].locator.heading[0] if sections else ""
    return Extracted(
        text=text,
        media_type="text/markdown",
        title=metadata.get("title") or first,
        lang=primary_subtag(metadata.get("lang", "") or metadata.get("language", "")),
        sections=sections,
        metadata={**_with_iso_date(metadata), **decoded.metadata},
    )


def split_front_matter(source: str) -> tuple[dict[str, str], str]:
    """Separate YAML front matter from the body. What is not a mapping, or not YAML, stays in the body."""
    match = _FRONT_MATTER.match(source)
    if match is None:
        return {}, source
    try:
        # nobody writes aliases into front matter, and a few lines of them make gigabytes
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(match.group(1), Loader=yaml.BaseLoader)):
            return {}, source
        # BaseLoader makes strings of everything: "no" stays "no", dates stay as written, and no object is built.
        loaded = yaml.load(match.group(1), Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError):
        return {}, source
    if not isinstance(loaded, Mapping):
        return {}, source
    return {str(key): _as_text(value) for key, value in loaded.items()}, source[match.end() :]


def _with_iso_date(metadata: dict[str, str]) -> dict[str, str]:
    """Write the date in ISO 8601, so that dates can be compared; one that is no date stays as it is."""
    return metadata | {"date": iso_date(metadata["date"]) or metadata["date"]} if "date" in metadata else metadata


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_as_text(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_as_text(item)}" for key, item in value.items())
    return str(value)
