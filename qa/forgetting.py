"""Deletes the stored answers that show text which the documents do not hold any more."""

from __future__ import annotations

from collections.abc import Iterable

from qa.workspace import Workspace


def forget_gone(workspace: Workspace, document_ids: Iterable[str] | None = None) -> None:
    """Delete stored answers that show text of documents that are gone, or words that a changed one has lost.

    document_ids: the documents to look at; by default all that some answer shows, so that what an earlier run had no
    time for is done, too. An answer whose passages all stand in the document as it is now stays.
    """
    history, store = workspace.history, workspace.store
    shown = history.shown_versions(document_ids)
    current = store.versions(shown)
    history.forget_documents(shown.keys() - current.keys())
    changed = [one for one, sha256 in current.items() if shown[one] != {sha256}]
    for document in store.documents_with_ids(changed):
        history.forget_changed(document)
