"""Passages in Milvus: vectors, what filters ask for, and words where it has BM25. The only module that knows pymilvus."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from threading import Lock
from typing import Any

import numpy as np

from index.embedder import Vectors
from index.errors import IndexUnavailable, MissingExtra
from index.lexical import question_words, stems
from index.milvus_filters import any_of, both, either, none_of
from index.records import DocumentInfo
from index.shared_catalog import Seen, SharedCatalog, Target
from index.shared_staging import Staged
from index.store import Found

MOST = 16_384  # rows of one answer: Milvus refuses to return more
_ROWS_AT_ONCE = 1_000  # sent or asked for in one request
_SECONDS = 30.0  # for a connection, and for one read
_WRITE_SECONDS = 120.0  # for one write; what of it has arrived by then the next run finds and does anew
_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between the tries of one read
# What passes when another node takes over what a lost one had: not loaded, and all about replicas, channels, segments and
# nodes (Milvus, pkg/util/merr/errors.go); 2.3 says 65535 of most of it.
_PASSING = {101, 103, 106, *range(400, 700), *range(900, 1000), 65535}
_NOT_LOADED = 101
_FIELD_BYTES = 65_535
_TEXT_BYTES = 60_000
_VALUE_CHARACTERS = 4_000  # of metadata; a filter does not find longer values, which nobody types
# What a kind of index is built with, as Milvus' own documentation advises; the others choose by themselves.
_BUILT_WITH: Mapping[str, Mapping[str, int]] = {
    "HNSW": {"M": 16, "efConstruction": 200},
    "IVF_FLAT": {"nlist": 1024},
    "IVF_SQ8": {"nlist": 1024},
}
_FIELDS = ("collection", "path", "title", "lang", "media_type")


class Milvus:
    """A server, or a file of Milvus Lite. Connects when it is first used. Safe to share between threads."""

    def __init__(self, uri: str, token: str = "", index_type: str = "AUTOINDEX", replicas: int = 1) -> None:
        """replicas: on how many query nodes each passage of a collection is, once it is loaded."""
        self.uri = uri
        self._replicas = replicas
        self._token = token
        self._index_type = index_type
        self._lock = Lock()
        self._opened: Any = None
        self._loaded: set[str] = set()

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = _pymilvus().MilvusClient(self.uri, token=self._token, timeout=_SECONDS)
            return self._opened

    @cached_property
    def _version(self) -> str:
        with self._said():
            return str(self._client.get_server_version()).lower().removeprefix("v")

    @property
    def _is_lite(self) -> bool:
        """Whether this is Milvus Lite, whose other indexes return too few rows for a narrow filter (measured)."""
        return self._version.startswith("milvus")  # "milvus_lite-3.2.2"; a server's is a number, "2.3.5-lite" for one

    @property
    def has_words(self) -> bool:
        """Whether the server finds passages by their words (BM25): Lite, and servers from 2.5 on."""
        return self._is_lite or [int(part) for part in self._version.split(".")[:2] if part.isdigit()] >= [2, 5]

    # ------------------------------------------------------------------ collections

    def new_target(self, name: str, fingerprint: str, dimension: int) -> Target:
        """Say what a new collection is like; `create` makes it."""
        flat = self._is_lite or self._index_type == "FLAT"
        return Target(name, fingerprint, dimension, self.has_words, flat)

    def create(self, target: Target) -> None:
        """Make a collection where there is none of this name, or one whose maker died over it: nothing is in that yet."""
        kind = _pymilvus().DataType
        with self._said():
            if self.is_made(target):
                return
            if self._client.has_collection(target.name):
                self._client.drop_collection(target.name)
            self._loaded.discard(target.name)  # where it was lost since
            schema, indexes = self._client.create_schema(auto_id=False), self._client.prepare_index_params()
            for name in ("num", "version", "run"):
                schema.add_field(name, kind.INT64, is_primary=name == "num")
            for name in ("document", *_FIELDS):
                schema.add_field(name, kind.VARCHAR, max_length=_FIELD_BYTES, is_partition_key=name == "collection")
            schema.add_field("metadata", kind.JSON)
            schema.add_field("vector", kind.FLOAT_VECTOR, dim=target.dimension)
            index_type = "FLAT" if target.flat else self._index_type
            indexes.add_index("vector", index_type, metric_type="IP", params=dict(_BUILT_WITH.get(index_type, {})))
            if target.lexical:
                _add_words(schema, indexes)
            self._client.create_collection(target.name, schema=schema, consistency_level="Bounded")
            self._client.create_index(target.name, indexes)
            self._load(target.name)

    def has(self, name: str) -> bool:
        """Say whether there is a collection of this name."""
        with self._said():
            return bool(self._client.has_collection(name, timeout=_SECONDS))

    def is_made(self, target: Target) -> bool:
        """Say whether a collection is there and wholly made: only then there may be rows in it."""
        with self._said():
            if not self._client.has_collection(target.name, timeout=_SECONDS):
                return False
            return len(self._client.list_indexes(target.name, timeout=_SECONDS)) == 1 + target.lexical

    def drop(self, name: str) -> None:
        """Delete a collection with all that is in it."""
        with self._said():
            self._client.drop_collection(name, timeout=_WRITE_SECONDS)

    # ------------------------------------------------------------------ rows

    def insert(self, target: Target, staged: Sequence[Staged], vectors: Mapping[bytes, Vectors]) -> None:
        """Write passages, whose numbers are new. vectors: by key, shape (dimension,).

        Not by an upsert: where there is a partition key, 2.3.5 puts what is upserted where no filter finds it (measured).
        """
        for start in range(0, len(staged), _ROWS_AT_ONCE):
            batch = staged[start : start + _ROWS_AT_ONCE]
            with self._said():
                rows = [_row(one, vectors[one.key], words=target.lexical) for one in batch]
                self._client.insert(target.name, rows, timeout=_WRITE_SECONDS)

    def delete(self, name: str, numbers: Sequence[int], by: str = "version") -> None:
        """Delete all passages of some versions of documents, or the passages themselves (by "num")."""
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            with self._said():
                self._loaded.discard(name)  # it may have been released since
                self._load(name)
                doomed = any_of(by, numbers[start : start + _ROWS_AT_ONCE])
                self._client.delete(name, filter=doomed, timeout=_WRITE_SECONDS)

    def vectors(self, name: str, nums: Sequence[int], timestamp: int = 0) -> dict[int, Vectors]:
        """Return the vectors of those passages that are there, by number. timestamp: 0 reads what was written just now."""
        found: dict[int, Vectors] = {}
        for start in range(0, len(nums), _ROWS_AT_ONCE):
            condition = any_of("num", nums[start : start + _ROWS_AT_ONCE])
            for row in self._query(name, condition, ["num", "vector"], timestamp):
                found[int(row["num"])] = np.asarray(row["vector"], np.float32)
        return found

    def numbers(self, name: str, condition: str, most: int, timestamp: int) -> list[int]:
        """Return the numbers of up to `most` passages that fit a condition."""
        return [int(row["num"]) for row in self._query(name, condition, ["num"], timestamp, limit=most)]

    def _load(self, name: str) -> None:
        """Have a collection searched from memory: Lite forgets that with its process, a server does not.

        One that is loaded is left alone, for it may be on more or fewer nodes, by whoever runs Milvus.
        """
        if name in self._loaded:
            return
        if self._client.get_load_state(name)["state"] != _pymilvus().client.types.LoadState.Loaded:
            self._client.load_collection(name, replica_number=self._replicas)
        self._loaded.add(name)

    def _query(self, name: str, condition: str, fields: list[str], timestamp: int, **options: Any) -> Any:
        options |= _consistent(timestamp)
        return self._read(
            name,
            lambda: self._client.query(name, filter=condition, output_fields=fields, timeout=_SECONDS, **options),
        )

    def _read(self, name: str, ask: Callable[[], Any]) -> Any:
        """Ask, and ask again where a node was just lost: reading twice changes nothing, and a person waits for it."""
        with self._said():
            self._load(name)
            for pause in _PAUSES:
                try:
                    return ask()
                except _pymilvus().MilvusException as error:
                    if error.code not in _PASSING:
                        raise
                    if error.code == _NOT_LOADED:  # any more: Lite was started anew, or somebody has released it
                        self._loaded.discard(name)
                        with suppress(_pymilvus().MilvusException):  # as it may where a node was just lost
                            self._load(name)
                time.sleep(pause)
            return ask()

    # ------------------------------------------------------------------ searching

    def search_dense(self, name: str, vector: Vectors, k: int, condition: str, timestamp: int) -> Found:
        """Return (passage number, cosine) of up to k passages that fit a condition, best first."""
        return self._search(name, "vector", vector.tolist(), k, condition, timestamp)

    def search_words(self, name: str, text: str, k: int, condition: str, timestamp: int) -> Found:
        """Return (passage number, BM25) of up to k passages that share a word with the text, best first."""
        words = " ".join(question_words(text))
        found = self._search(name, "sparse", words, k, condition, timestamp) if words else []
        return [(num, abs(score)) for num, score in found]  # Lite's are negative

    def _search(self, name: str, field: str, data: object, k: int, condition: str, timestamp: int) -> Found:
        options = {"anns_field": field, "limit": k, "filter": condition, "output_fields": ["num"], **_consistent(timestamp)}
        (hits,) = self._read(name, lambda: self._client.search(name, data=[data], timeout=_SECONDS, **options))
        found = [(int(hit["num"]), float(hit["distance"])) for hit in hits]
        return sorted(found, key=lambda pair: (-abs(pair[1]) if field == "sparse" else -pair[1], pair[0]))

    def timestamp(self, name: str) -> int:
        """Return the server's time of this process's last write to a collection; 0 where it has no clock (Lite)."""
        with suppress(Exception):  # kept by pymilvus for itself; without it reads are strong, which is slower and as right
            stamps = import_module("pymilvus.client.ts_utils")
            return int(stamps.get_collection_ts(name, self._client._get_connection().server_address, "") or 0)
        return 0

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say for people what Milvus or the way to it refuses. Its message may hold values: only its kind is passed on."""
        pymilvus, grpc = _pymilvus(), import_module("grpc")  # which says itself what took too long
        try:
            yield
        except (pymilvus.MilvusException, grpc.RpcError) as error:
            code = error.code if isinstance(error, pymilvus.MilvusException) else "took too long"
            raise IndexUnavailable(
                f"Milvus at {self.uri} cannot be used now ({type(error).__name__.strip('_')} {code})",
                "see that it runs, and that `milvus_uri` and `milvus_token` are right; "
                "a file needs the package milvus-lite, and serves one process",
            ) from error


def condition_of(seen: Seen) -> str:
    """Return the expression that admits what a generation sees."""
    open_runs = none_of("run", seen.open_runs) if seen.open_runs else ""
    removed = none_of("version", seen.removed) if seen.removed else ""
    return both(f"run <= {seen.last_run}", open_runs, removed)


def unknown_to(catalog: SharedCatalog) -> str:
    """Return the expression that admits what no run has written that the catalog knows: it has not given such numbers."""
    last_run, runs, last_number = catalog.given()
    known = none_of("run", runs) if runs else ""
    return either(both(f"run > {last_run}", known), f"num > {last_number}")


def _consistent(timestamp: int) -> dict[str, Any]:
    """Return how fresh a read has to be: as of a time that nearly always has passed, or (0) of now, which takes 0.2 s."""
    if timestamp:
        return {"consistency_level": "Customized", "guarantee_timestamp": timestamp}
    return {"consistency_level": "Strong"}


def _add_words(schema: Any, indexes: Any) -> None:
    """Let Milvus count words. They come as stems already: then all its versions know the same ones as Tantivy does."""
    pymilvus = _pymilvus()
    schema.add_field(
        "text",
        pymilvus.DataType.VARCHAR,
        max_length=_FIELD_BYTES,
        enable_analyzer=True,
        analyzer_params={"tokenizer": "standard", "filter": ["lowercase"]},
    )
    schema.add_field("sparse", pymilvus.DataType.SPARSE_FLOAT_VECTOR)
    function = pymilvus.Function(
        name="words",
        function_type=pymilvus.FunctionType.BM25,
        input_field_names=["text"],
        output_field_names=["sparse"],
    )
    schema.add_function(function)
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")


def _row(staged: Staged, vector: Vectors, *, words: bool) -> dict[str, Any]:
    info = staged.info
    row: dict[str, Any] = {name: getattr(info, name) for name in _FIELDS}
    row |= {"num": staged.num, "version": staged.document, "run": staged.run, "document": info.id}
    row |= {"title": _shortened(info.title), "metadata": _metadata(info), "vector": vector.tolist()}
    if words:
        row["text"] = _shortened(" ".join(stems(staged.text)))
    return row


def _metadata(info: DocumentInfo) -> dict[str, str]:
    """Return the metadata that filters see: what is too long for Milvus is left out, the longest first."""
    short = sorted(((k, v) for k, v in info.metadata.items() if len(v) <= _VALUE_CHARACTERS), key=lambda one: len(one[1]))
    while len(json.dumps(dict(short)).encode()) > _TEXT_BYTES:
        short.pop()
    return dict(short)


def _shortened(text: str) -> str:
    return text.encode()[:_TEXT_BYTES].decode("utf-8", "ignore")


def _pymilvus() -> Any:
    """Import pymilvus when it is first needed: it takes a second, and is part of an extra."""
    try:
        pymilvus = import_module("pymilvus")
    except ImportError as error:
        raise MissingExtra("Milvus needs the package pymilvus", "install it: pip install 'citable-qa[milvus]'") from error
    # they log requests that fail, with what was asked for; Lite's own server also what it does not know
    for name in ("pymilvus", "grpc._server"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return pymilvus
