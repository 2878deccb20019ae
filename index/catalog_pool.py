"""Open catalogs of one file, lent to one thread at a time: what a connection has read and proven stays in its cache."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.catalog import Catalog
from index.errors import CitableError
from index.sqlite import Identity

_IDLE = 4  # kept open while nobody reads; each has its own cache of pages


class CatalogPool:
    """Opens a catalog when none is free. One whose file has been replaced or cut short is not lent again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[tuple[Identity, Catalog]] = []

    @contextmanager
    def lend(self) -> Iterator[Catalog]:
        """Lend a catalog until the block ends. Raises as `Catalog.open`; one that failed is closed."""
        catalog = self._free() or Catalog.open(self._path)
        try:
            yield catalog
        except BaseException:
            catalog.close()
            raise
        self._take_back(catalog)

    def _free(self) -> Catalog | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                identity, catalog = self._idle.pop()
            if _is_as_it_was(catalog, identity):
                return catalog
            catalog.close()

    def _take_back(self, catalog: Catalog) -> None:
        identity = catalog.identity()
        with self._lock:
            if identity and len(self._idle) < _IDLE:
                self._idle.append((identity, catalog))
                return
        catalog.close()


def _is_as_it_was(catalog: Catalog, identity: Identity) -> bool:
    try:
        if catalog.identity() == identity:
            catalog.check()
            return True
    except CitableError:
        pass  # opened anew it says what is wrong
    return False
