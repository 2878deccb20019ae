"""Documents as MCP resources: listed page by page, read as text."""

from __future__ import annotations

from mcp_types import ListResourcesResult, ReadResourceResult, Resource, ResourceTemplate, TextResourceContents

from index.records import DocumentInfo, Equals
from qa.errors import BadQuestion, NotFound
from qa.workspace import Workspace

PAGE = 100
SCHEME = "qa://documents/"
_TEXT = "text/plain"


def list_documents(workspace: Workspace, cursor: str) -> ListResourcesResult:
    """Return a page of the collection's documents, by path. Raises BadQuestion for a cursor that is none of ours."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise BadQuestion("cursor: not one that this server gave", "list from the beginning, without one")
    start = int(cursor or 0)
    found = workspace.store.documents(Equals("collection", workspace.settings.collection))
    following = str(start + PAGE) if start + PAGE < len(found) else None
    return ListResourcesResult(resources=[_resource(one) for one in found[start : start + PAGE]], next_cursor=following)


def read_document(workspace: Workspace, uri: str) -> ReadResourceResult:
    """Return a document's text, the one that citations index. Raises NotFound."""
    identifier = uri.removeprefix(SCHEME)
    found = None
    if uri.startswith(SCHEME) and identifier.isascii():
        with workspace.store.view() as view:
            found = view.document(identifier)
    if found is None or found.collection != workspace.settings.collection:
        raise NotFound("no document has this address", "list the resources again: documents come and go")
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=_TEXT, text=found.text)])


def templates() -> list[ResourceTemplate]:
    """Return the form of the addresses."""
    described = "The text of an indexed document; answers name its document_id."
    return [ResourceTemplate(name="document", uri_template=SCHEME + "{id}", description=described, mime_type=_TEXT)]


def _resource(info: DocumentInfo) -> Resource:
    name = info.path + (f" › {info.part}" if info.part else "")
    return Resource(uri=SCHEME + info.id, name=name, title=info.title, mime_type=_TEXT)
