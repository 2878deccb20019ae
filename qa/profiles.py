"""How an answer is put for a kind of chat client: they disagree about what a citation looks like."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """What an OpenAI-compatible answer holds besides its text.

    annotations: the places of the markers as OpenAI's `url_citation`, with `citations` and `search_results`.
    sources: each citation as an event of Open WebUI's. links: each marker is a Markdown link, a list of sources follows.
    markdown: the text is shown to people as it is, so doubts and notes are in it, and nothing of a source is markup.
    """

    name: str
    annotations: bool = False
    sources: bool = False
    links: bool = False
    markdown: bool = False


DEFAULT = Profile("default", annotations=True)
PROFILES = {
    one.name: one
    for one in (
        DEFAULT,
        # not together with annotations: it would show each source twice
        Profile("openwebui", sources=True, markdown=True),
        Profile("links", annotations=True, links=True, markdown=True),
    )
}
