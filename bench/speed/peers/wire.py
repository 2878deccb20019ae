"""What every peer's script shares: one JSON line a command in, one JSON line an answer out, with what it cost.

Needs nothing but Python, for each peer runs in an environment of its own. A script gives `serve` a class with the methods
of `Peer`; a method that the library has no way to do raises NotImplementedError with the reason. The first line out is
{"ready": seconds since the process began}, printed when everything is imported and the class is made.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

Hits = Sequence[tuple[str, str]]  # (id of the passage, its text), best first


def seconds_of_clients(
    connect: Callable[[], Callable[[str], object]], questions: Sequence[str], clients: int
) -> list[float]:
    """Search by so many threads at once, each by what `connect` gives it; return what each search took."""
    seconds: list[float] = []
    errors: list[BaseException] = []

    def client(share: Sequence[str]) -> None:
        try:
            search = connect()
            for question in share:
                began = time.perf_counter()
                search(question)
                seconds.append(time.perf_counter() - began)
        except BaseException as error:  # handed to the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=client, args=(questions[number::clients],)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return seconds


class Peer(Protocol):
    """A library that indexes passages and finds them. A document's id is its file's name, a passage's `document#number`."""

    def index(self, ids: Sequence[str], texts: Sequence[str], vectors: Any) -> None:
        """Index passages. vectors: one unit vector a text, shape (len(texts), 384), or None to embed them."""

    def save(self, place: str) -> None:
        """Write the index to a folder."""

    def open(self, place: str) -> None:
        """Read it from there, with all that a search needs."""

    def search(self, question: str, k: int) -> Hits:
        """Find the k nearest passages."""

    def add(self, document: str, texts: Sequence[str]) -> None:
        """Add a document of some passages to what is open."""

    def delete(self, document: str, passages: int) -> None:
        """Remove a document of so many passages from what is open."""


class Files(Protocol):
    """A peer that reads files by itself, saves by itself and changes a document in place has these methods as well."""

    def index_files(self, folder: str, place: str) -> None:
        """Index the files of a folder in place of `index` and `save`."""

    def change(self, document: str, texts: Sequence[str]) -> None:
        """Put a new text in a document's place, instead of `delete` and `add`."""

    def erase(self) -> None:
        """Wait until the words of what was deleted are in no file any more."""


def read_passages(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (id, text) of each passage: a file is a document, passages stand between blank lines."""
    for path in sorted(folder.rglob("*.txt")):
        yield from passages_of(path.stem, path.read_text(encoding="utf-8"))


def passages_of(document: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield (id, text) of the passages of a document."""
    for number, passage in enumerate(text.split("\n\n")):
        yield f"{document}#{number}", passage


def serve(make: Callable[[dict[str, Any]], Peer]) -> None:
    """Answer commands until the input ends. The options, a JSON object, are the script's only argument."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand between the answers
    options = json.loads(sys.argv[1])
    session = _Session(make(options), options)
    _answer(out, {"ready": time.time() - _began()})
    for line in sys.stdin:
        _answer(out, session.run(json.loads(line)))


def _answer(out: Any, fields: dict[str, Any]) -> None:
    out.write(json.dumps(fields) + "\n")
    out.flush()


def _began() -> float:
    """Return when this process began, seconds since 1970: field 22 of its stat, in ticks since the machine began."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


class _Session:
    def __init__(self, peer: Peer, options: dict[str, Any]) -> None:
        self._peer = peer
        self._options = options

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out {"do": name, …}; the answer holds wall and cpu in seconds, or "missing" or "error" and why."""
        arguments = {key: value for key, value in command.items() if key != "do"}
        method = getattr(self, f"_{command['do']}")
        began, used = time.perf_counter(), cpu_seconds()
        try:
            found = method(**arguments)
        except NotImplementedError as error:
            return {"missing": str(error) or "not implemented"}
        except Exception as error:  # whatever a library raises belongs into the result
            return {"error": f"{type(error).__name__}: {error}"}
        return {"wall": time.perf_counter() - began, "cpu": cpu_seconds() - used, **(found or {})}

    def _index(self, folder: str, place: str) -> dict[str, Any]:
        if hasattr(self._peer, "index_files"):
            self._peer.index_files(folder, place)
            return {}
        ids, texts = zip(*read_passages(Path(folder)), strict=True)
        self._peer.index(ids, texts, self._vectors(len(ids)))
        began = time.perf_counter()
        self._peer.save(place)
        return {"passages": len(ids), "saving": time.perf_counter() - began}

    def _vectors(self, count: int) -> Any:
        path = self._options.get("vectors")
        if not path:
            return None
        import numpy as np  # every peer has it; only needed here

        vectors = np.load(path)
        if len(vectors) != count:
            raise ValueError(f"{len(vectors)} vectors for {count} passages")
        return vectors

    def _open(self, place: str) -> None:
        self._peer.open(place)

    def _search(self, question: str, k: int) -> dict[str, Any]:
        return {"hits": [list(hit) for hit in self._peer.search(question, k)]}

    def _search_many(self, questions: list[str], clients: int, k: int) -> dict[str, Any]:
        """Search by so many threads at once; "seconds" holds what each search took."""
        seconds = seconds_of_clients(lambda: lambda question: self._peer.search(question, k), questions, clients)
        return {"seconds": seconds}

    def _erase(self) -> None:
        if not hasattr(self._peer, "erase"):
            raise NotImplementedError("what was deleted stays in the files")
        self._peer.erase()

    def _add(self, document: str, text: str) -> None:
        self._peer.add(document, text.split("\n\n"))

    def _change(self, document: str, old: str, text: str) -> None:
        """Put a new text in a document's place; who has no way of its own removes it and adds it."""
        if hasattr(self._peer, "change"):
            self._peer.change(document, text.split("\n\n"))
            return
        self._peer.delete(document, len(old.split("\n\n")))
        self._peer.add(document, text.split("\n\n"))

    def _delete(self, document: str, old: str) -> None:
        self._peer.delete(document, len(old.split("\n\n")))

    def _save(self, place: str) -> None:
        self._peer.save(place)
