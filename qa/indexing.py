"""Bringing the index in line with folders, and what follows for stored answers. Shared by the CLI and the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from index.records import AllOf, Equals
from index.store import DropFile
from index.sync import Plan, Progress, Report, check_deletions, make_plan, sync
from qa.errors import NotFound
from qa.workspace import Workspace


def index_paths(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    root: Path | None = None,
    dry_run: bool = False,
    no_delete: bool = False,
    yes: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    progress: Progress | None = None,
) -> tuple[Plan, Report | None]:
    """Plan and carry out a sync; the report is None for a dry run.

    root: what relative paths of a new index start from; the data directory's parent by default.
    Stored answers that show text of documents which are gone afterwards are deleted (invariant 10).
    """
    store, collection = workspace.store, workspace.settings.collection
    with store.writing(root):
        base = store.root()
        plan = make_plan(store, base, paths, collection)
        if no_delete:
            plan = replace(plan, deleted=())
        if on_plan:
            on_plan(plan)
        if dry_run:
            return plan, None
        if not yes:
            check_deletions(plan, len(store.documents(AllOf((Equals("collection", collection),)))))
        report = sync(store, workspace.embedder, plan, base, collection, progress=progress)
        _forget_missing(workspace)
    return plan, report


def remove_documents(workspace: Workspace, names: Sequence[str]) -> list[str]:
    """Remove documents by id or path from the index. Returns their paths.

    Raises NotFound, and removes none, if one is unknown.
    """
    store = workspace.store
    store.stats()  # raises IndexMissing before a lock file is made
    with store.writing():
        documents = store.documents()
        chosen = {one.id: one for one in documents if one.id in names or one.path in names}
        found = set(chosen) | {one.path for one in chosen.values()}
        missing = [name for name in names if name not in found]
        if missing:
            raise NotFound(f"{missing[0]}: no document has this id or path", "see: qa docs list")
        for collection in {one.collection for one in chosen.values()}:
            paths = sorted({one.path for one in chosen.values() if one.collection == collection})
            store.apply(collection, map(DropFile, paths))
        _forget_missing(workspace)
    return sorted(one.path for one in chosen.values())


def _forget_missing(workspace: Workspace) -> None:
    """Delete the stored answers that show documents which are not there, those that an earlier run left too."""
    history = workspace.history
    history.forget_documents(workspace.store.missing(history.document_ids()))
