"""A hit on a passage that is a whole document, for tests of reading."""

from __future__ import annotations

from index.records import DocumentInfo, Hit, Locator, Passage, Scores


def hit_of(text: str, title: str = "", heading: tuple[str, ...] = ()) -> Hit:
    """Return a hit on a text; heading: the path of the headings that it stands below."""
    info = DocumentInfo(id="d", collection="c", path="d", part="", title=title, sha256="", length=9, media_type="")
    context = " | ".join([title, *heading])
    return Hit(Passage("p", "d", 0, len(text), text, Locator(heading=heading), context), info, Scores())
