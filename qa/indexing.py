"""Bringing the index in line with folders, and what follows for stored answers. Shared by the CLI and the server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from index.errors import IndexIncompatible, IndexMissing, IndexUnavailable
from index.plan import Plan, is_known, make_plan, without_deletions
from index.rebuild import RebuildPlan, RebuildReport, rebuild
from index.sandbox import Limits, Sandbox
from index.source import ReadAhead, Source
from index.store import DropFile, Store
from index.sync import Progress, Report, sync
from qa.errors import NotFound
from qa.forgetting import forget_gone
from qa.workspace import Workspace

_LOG = logging.getLogger("qa.indexing")


def plan_paths(workspace: Workspace, paths: Sequence[Path], *, root: Path | None = None, no_delete: bool = False) -> Plan:
    """Say what `index_paths` would do, and change nothing: not even a data directory is made."""
    store, collection = workspace.store, workspace.settings.collection
    ledger, held, base = store.ledger(collection), store.held(collection), store.root_or(root)
    plan = make_plan(ledger, held, base, paths, collection, [_data_folder(workspace)])
    return without_deletions(plan) if no_delete else plan


def index_paths(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    root: Path | None = None,
    no_delete: bool = False,
    yes: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Plan and carry out a sync.

    root: what relative paths of a new index start from; the data directory's parent by default.
    Stored answers that show text which is gone afterwards are deleted (invariant 10).
    """
    store, settings = workspace.store, workspace.settings
    if not settings.data.exists():
        plan_paths(workspace, paths, root=root)  # a mistyped path must not leave an empty data directory behind
    with _source(workspace) as source, store.writing(root):
        plan = plan_paths(workspace, paths, no_delete=no_delete)
        if on_plan:
            on_plan(plan)
        workspace.history.shown_versions()  # raises if it is damaged, while nothing has changed yet
        embedder, base = workspace.embedder, store.root()
        report = sync(store, embedder, plan, base, source, no_delete=no_delete, yes=yes, progress=progress)
        try:
            forget_gone(workspace)
        except IndexUnavailable as error:  # a full disk; the index is complete, and the next run tries again
            _LOG.warning("stored answers that show deleted text could not be deleted yet: %s", error)
        with suppress(IndexUnavailable):  # they are there for the next run to be started without naming them
            store.remember_paths(settings.collection, paths)
    return report


@contextmanager
def _source(workspace: Workspace) -> Iterator[Source]:
    """Start what the settings say that files are read with. Raises EngineFailed where it cannot be."""
    settings = workspace.settings
    limits = Limits(settings.file_seconds, settings.file_memory)
    passwords = [one.get_secret_value() for one in settings.pdf_passwords]
    if settings.engine == "local":
        with Sandbox(limits, passwords) as sandbox:
            yield ReadAhead(sandbox)
        return
    from index.ray_source import Work, ray_source  # an extra, and slow to import

    work = Work(limits, passwords, settings.embedder, workspace.embedder.fingerprint)
    with ray_source(work, settings.ray_address, settings.ray_workers) as source:
        yield source


def check_index(workspace: Workspace) -> None:
    """Raise IndexIncompatible where `index_paths` would, because the index was made with another model."""
    with suppress(IndexMissing):
        workspace.store.check_embedder(workspace.embedder)


def plan_rebuild(workspace: Workspace) -> RebuildPlan:
    """Say what `rebuild_index` would do. Raises IndexMissing where there is nothing to make anew."""
    collections = workspace.store.stats().collections.values()
    passages = sum(counted.passages for counted in collections)
    try:
        workspace.store.check_embedder(workspace.embedder)
        embedded = 0  # the vectors that are stored serve again
    except IndexIncompatible:
        embedded = passages
    return RebuildPlan(sum(counted.documents for counted in collections), passages, embedded)


def rebuild_index(workspace: Workspace, *, progress: Progress | None = None) -> RebuildReport:
    """Make all passages and vectors anew from the texts in the index, which serves until that is complete."""
    store = workspace.store
    collections = list(store.stats().collections)  # raises IndexMissing before a lock file is made
    with store.writing():
        return rebuild(store, workspace.embedder, collections, progress=progress)


def remove_documents(workspace: Workspace, names: Sequence[str], collection: str | None = None) -> list[str]:
    """Remove documents by id or path from the index, or from one collection of it. Returns the paths of their files.

    Raises NotFound, and removes none, if one is unknown. A file's documents go together.
    """
    store = workspace.store
    store.stats()  # raises IndexMissing before a lock file is made
    with store.writing():
        documents = [one for one in store.documents() if collection in (None, one.collection)]
        chosen = [one for one in documents if one.id in names or one.path in names]
        found = {one.id for one in chosen} | {one.path for one in chosen}
        missing = [name for name in names if name not in found]
        if missing:
            where = f" in the collection {collection}" if collection else ""
            raise NotFound(f"{missing[0]}: no document has this id or path{where}", "see: qa docs list")
        files = sorted({(one.collection, one.path) for one in chosen})
        store.apply([DropFile(*file) for file in files])
        forget_gone(workspace)
    return [path for _, path in files]


def _data_folder(workspace: Workspace) -> Path:
    return workspace.settings.data.resolve()


def reindex(workspace: Workspace, collections: Sequence[str] = (), *, progress: Progress | None = None) -> list[Report]:
    """Index again what earlier runs were told to index, collection by collection. Raises NotFound if that is not known.

    What is gone, and whose documents went in an earlier run, is passed over. collections: only these; none for all.
    """
    every = workspace.store.indexed_paths()
    known = {name: paths for name, paths in every.items() if not collections or name in collections}
    if not any(known.values()):
        raise NotFound("which folders were indexed is not known here", "on the server, run once: qa index PATH")
    found = {name: _not_gone_before(workspace.store, name, paths) for name, paths in known.items()}
    return [index_paths(workspace.of_collection(name), paths, progress=progress) for name, paths in found.items() if paths]


def _not_gone_before(store: Store, collection: str, paths: Sequence[Path]) -> list[Path]:
    if all(path.exists() for path in paths):  # as nearly always, and the ledger of a large collection is long
        return list(paths)
    ledger, root = store.ledger(collection), store.root()
    return [path for path in paths if is_known(path, ledger, root)]
