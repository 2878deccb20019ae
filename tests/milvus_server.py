"""A real Milvus server of a test's own: the standalone 2.3.5 that PyPI's `milvus` carries, in a temporary folder.

It has neither BM25 nor a kind of index that is exact by itself, so it is held to what newer servers and Lite are not. It
listens on every address: where that matters, run the tests in a network namespace (`unshare -n`, then `ip link set lo up`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from milvus import MilvusServer


@contextmanager
def milvus_server() -> Iterator[str]:
    """Start a server, yield its address, and kill it: SIGTERM may take it more than half a minute."""
    folder = Path(tempfile.mkdtemp(prefix="qa-milvus-"))
    server = MilvusServer()
    server.set_base_dir(str(folder))
    try:
        server.start()
        # the port it was told may have been taken: it then moves to the next without a word
        yield f"http://127.0.0.1:{server.listen_port}"
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
