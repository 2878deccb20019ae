"""The bundled model on OpenVINO: the same vectors as sentence-transformers, whatever the batch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from index.embedder import _MUCH, BundledEmbedder, SentenceTransformerEmbedder, bundled_folder, open_embedder
from index.errors import EmbedderFailed

TEXTS = [
    "",
    "x",
    "The bridge of Ava was built in 1907.",
    "پاکستان نے پابندیوں کو مسترد کر دیا۔",
    "naïve café — 5 % of 10²",
    *("The keeper of the lighthouse wrote down what the sea did. " * number for number in range(1, 40, 6)),
]


def test_vectors_are_those_of_sentence_transformers(embedder: BundledEmbedder) -> None:
    theirs = SentenceTransformerEmbedder(str(bundled_folder())).embed(TEXTS)
    assert (embedder.embed(TEXTS) * theirs).sum(axis=1).min() > 0.999


def test_a_vector_does_not_depend_on_what_is_embedded_with_it(embedder: BundledEmbedder) -> None:
    together = embedder.embed(TEXTS)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert (together == alone).all(), "to the last bit"


def test_much_is_embedded_side_by_side_and_comes_out_as_little_does() -> None:
    fresh = open_embedder()
    alone = fresh.embed(TEXTS)
    many = [text for _ in range(12) for text in TEXTS]
    assert sum(fresh.count_tokens(many)) > _MUCH
    assert (fresh.embed(many) == np.concatenate([alone] * 12)).all(), "each in its place, to the last bit"
    assert (open_embedder(threads=1).embed(many) * np.concatenate([alone] * 12)).sum(axis=1).min() > 0.9999


def test_vectors_have_length_one_and_no_texts_give_none(embedder: BundledEmbedder) -> None:
    assert np.allclose(np.linalg.norm(embedder.embed(TEXTS), axis=1), 1.0, atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_threads_that_ask_at_once_load_one_model_and_get_their_own_vectors(embedder: BundledEmbedder) -> None:
    fresh = open_embedder(threads=1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: fresh.embed([text])[0], TEXTS))
    assert (np.stack(found) * embedder.embed(TEXTS)).sum(axis=1).min() > 0.9999
    assert (np.stack(found) == fresh.embed(TEXTS)).all(), "and the same as alone"


def test_other_weights_in_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(bundled_folder(), tmp_path / "model"))
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    monkeypatch.setattr("index.embedder.bundled_folder", lambda: folder)
    with pytest.raises(EmbedderFailed, match="not the official weights"):
        BundledEmbedder().embed(["x"])


def test_a_model_of_one_thread_is_bound_to_no_processor():
    """OpenVINO binds a thread while it computes: two processes of one thread each would share the first processor."""
    code = (
        "import os, threading, time\nfrom contextlib import suppress\nfrom index.embedder import open_embedder\n"
        "embedder, seen = open_embedder(threads=1), set()\n"
        "thread = threading.Thread(target=lambda: embedder.embed(['a lamp is lit ' * 60] * 12))\n"
        "thread.start()\n"
        "while thread.is_alive():\n"
        "    time.sleep(0.001)\n"
        "    for task in os.listdir('/proc/self/task'):\n"
        "        with suppress(ProcessLookupError):\n"
        "            seen.add(len(os.sched_getaffinity(int(task))))\n"
        "print(seen)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str({len(os.sched_getaffinity(0))}), done.stderr
