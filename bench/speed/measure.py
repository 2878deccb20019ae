"""One size of the corpus, all variants in turn, round by round: index, start, search, change. Read from top to bottom."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.speed.corpus import Corpus, holds
from bench.speed.figures import percentile
from bench.speed.record import Record
from bench.speed.serving import ServeSession
from bench.speed.session import PeerFailed, Session, run
from bench.speed.variants import OURS, SERVED, Variant
from index.stats import read_stats

_K = 10
_CHECKED = 40  # questions whose passage is looked for in the hits
_CLIENTS = (1, 8)
_OLD = "The quay of Zanzibarovo was dredged in 1934 by the harbour master Ottoline Quist, who hired forty divers."
_NEW = "The quay of Zanzibarovo was dredged in 1988 by the harbour master Ottoline Quist, who hired sixty divers."
_ASKED = "When was the quay of Zanzibarovo dredged by Ottoline Quist?"

AnySession = Session | ServeSession


@dataclass(frozen=True)
class Bench:
    """Where things are and how often they are done. pythons: peer → interpreter; vectors: a file to feed peers, if any."""

    root: Path
    place: Path
    model: Path
    pythons: Mapping[str, Path]
    rounds: int
    index_rounds: int
    searches: int  # in a round, by one client, and again by eight
    vectors: Path | None = None

    def session(self, variant: Variant, *, fed: bool = False) -> Session:
        """Start a variant's script. fed: give it the vectors when it indexes."""
        options = {"model": str(self.model), "variant": variant.setting}
        if fed and self.vectors:
            options["vectors"] = str(self.vectors)
        log = self.place / "logs" / f"{variant.name}.txt"
        return Session(self.pythons[variant.peer], variant.script, options, self.environ(variant), log)

    def environ(self, variant: Variant) -> dict[str, str]:
        """Return the environment of a variant's processes: no network, no telemetry, of ours only for us."""
        quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH" and not key.startswith("QA_")}
        ours = {"PYTHONPATH": str(self.root)} if variant.ours else {}
        if variant.setting == "search":
            ours["QA_RERANKER"] = "none"
        return {**environ, **quiet, **ours}

    def place_of(self, variant: Variant) -> Path:
        """Return where a variant's index lies."""
        return self.place / "places" / variant.name.replace(", ", "-").replace(" ", "-")


def measure(bench: Bench, variants: Sequence[Variant], corpus: Corpus) -> Record:
    """Measure all variants over one corpus."""
    record, asked = Record(), iter(corpus.questions)
    for number in range(bench.index_rounds):
        for variant in variants:
            _say(f"{corpus.passages:,} passages, indexing, round {number + 1}: {variant.name}")
            with record.attempt(variant.name, "index"):
                _index(bench, variant, corpus, record)
    ready = [variant for variant in variants if bench.place_of(variant).exists()]
    for number in range(bench.rounds):
        question = next(asked)
        for variant in ready:
            _say(f"{corpus.passages:,} passages, new processes, round {number + 1}: {variant.name}")
            with record.attempt(variant.name, "cold"):
                _search_cold(bench, variant, question, record)
    with ExitStack() as stack:
        _use(bench, corpus, _open_all(bench, ready, stack, record), asked, record)
    return record


def needed_questions(rounds: int, searches: int) -> int:
    """Return how many questions `measure` asks: every one of them once a variant."""
    return rounds + _CHECKED + rounds * searches * len(_CLIENTS)


def _use(bench: Bench, corpus: Corpus, sessions: Mapping[str, AnySession], asked: Iterator[str], record: Record) -> None:
    """Search and change what is open."""
    _check_hits(sessions, list(islice(asked, _CHECKED)), record)
    for number in range(bench.rounds):
        questions = [list(islice(asked, bench.searches)) for _ in _CLIENTS]
        for name, session in sessions.items():
            _say(f"{corpus.passages:,} passages, searches and changes, round {number + 1}: {name}")
            for clients, some in zip(_CLIENTS, questions, strict=True):
                _search_warm(name, session, some, clients, record)
            if number == 0:  # later it would hold what a change takes
                record.note(name, search_memory=session.memory())
            _change(name, session, f"added{number}", str(bench.place / "saved" / name), record)


def _index(bench: Bench, variant: Variant, corpus: Corpus, record: Record) -> None:
    """Index the files from a new process until all is saved, start included."""
    place = bench.place_of(variant)
    shutil.rmtree(place, ignore_errors=True)
    if variant.base:  # differs from another one of ours in searching only
        shutil.copytree(bench.place_of(Variant(variant.base, variant.peer, "")), place)
        return
    if variant.ours:
        command = [sys.executable, "-m", "qa.cli", "index", str(corpus.folder), "--data", str(place)]
        cost = run(command, bench.environ(variant))
        made = sum(one.passages for one in read_stats(place).collections.values())
    else:
        with bench.session(variant, fed=True) as session:
            answer = session.ask("index", folder=str(corpus.folder), place=str(place))
            cost = session.close()
        made = answer["passages"]
        if made != corpus.passages:
            raise PeerFailed(f"{made} passages of {corpus.passages}")
    record.note(variant.name, made=made, disk=_size_of(place) / corpus.passages, index_memory=cost.memory)
    if variant.ours or not bench.vectors:
        rate = corpus.passages / cost.wall
        record.note(variant.name, index_rate=rate, index_cpu=cost.cpu / corpus.passages)


def _search_cold(bench: Bench, variant: Variant, question: str, record: Record) -> None:
    """Search once from a new process: start to first hit, and what importing is of that."""
    with bench.session(variant) as session:
        record.note(variant.name, start=session.importing)
        if not variant.ours:
            session.ask("open", place=str(bench.place_of(variant)))
            session.ask("search", question=question, k=_K)
            seconds = session.elapsed()
        cpu = session.close().cpu
    if variant.ours:
        command = [
            sys.executable,
            "-m",
            "qa.cli",
            "search",
            question,
            "--k",
            str(_K),
            "--data",
            str(bench.place_of(variant)),
        ]
        cost = run(command, bench.environ(variant))
        seconds, cpu = cost.first, cost.cpu
    record.note(variant.name, cold=seconds, cold_cpu=cpu)


def _open_all(bench: Bench, variants: Sequence[Variant], stack: ExitStack, record: Record) -> dict[str, AnySession]:
    """Open every variant's index in a process that stays, and our server beside them."""
    sessions: dict[str, AnySession] = {}
    for variant in variants:
        with record.attempt(variant.name, "open"):
            session = stack.enter_context(bench.session(variant))
            opened = session.ask("open", place=str(bench.place_of(variant)))["wall"]
            record.note(variant.name, open=opened + session.ask("search", question="warm up", k=_K)["wall"])
            sessions[variant.name] = session
    served = next((one for one in variants if one.ours and one.base), None)
    if served:
        with record.attempt(SERVED, "open"):
            place = bench.place / "places" / "served"  # a copy, or it would have to catch up with what others change
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(bench.place_of(served), place)
            server = stack.enter_context(ServeSession(place, bench.environ(served)))
            record.note(SERVED, start=server.importing)
            sessions[SERVED] = server
    return sessions


def _check_hits(sessions: Mapping[str, AnySession], questions: Sequence[str], record: Record) -> None:
    """Count the questions whose words are in a hit: whoever searches something else than the others is found out."""
    for name, session in sessions.items():
        with record.attempt(name, "found"):
            found = (session.ask("search", question=one, k=_K)["hits"] for one in questions)
            right = [any(holds(text, one) for _, text in hits) for one, hits in zip(questions, found, strict=True)]
            record.note(name, found=sum(right) / len(right))


def _search_warm(name: str, session: AnySession, questions: Sequence[str], clients: int, record: Record) -> None:
    with record.attempt(name, f"search_{clients}"):
        answer = session.ask("search_many", questions=list(questions), clients=clients, k=_K)
        seconds, count = answer["seconds"], len(questions)
        numbers = {"p50": percentile(seconds, 0.5), "p99": percentile(seconds, 0.99)}
        numbers |= {"rate": count / answer["wall"], "cpu": answer["cpu"] / count}
        record.note(name, **{f"{metric}_{clients}": value for metric, value in numbers.items()})


def _change(name: str, session: AnySession, document: str, place: str, record: Record) -> None:
    """Add, change and delete a document, each until a search shows it; saving, after the first, and erasing are apart."""
    if isinstance(session, ServeSession):
        return
    _time_change(name, session, "add", {"document": document, "text": _OLD}, "1934", record)
    with record.attempt(name, "save"):
        record.note(name, save=session.ask("save", place=place)["wall"])
    _time_change(name, session, "change", {"document": document, "old": _OLD, "text": _NEW}, "1988", record)
    _time_change(name, session, "delete", {"document": document, "old": _NEW}, "", record)
    if name.startswith(OURS):
        record.note(name, erase=session.ask("erase")["wall"])


def _time_change(name: str, session: Session, do: str, what: dict[str, str], year: str, record: Record) -> None:
    """Note the seconds until the document is found with the year in it and no other, or found no more."""
    with record.attempt(name, do):
        answer = session.ask(do, **what)
        found = session.ask("search", question=_ASKED, k=_K)
        texts = [text for passage, text in found["hits"] if passage.startswith(f"{what['document']}#")]
        if [year in text for text in texts] != ([True] if year else []):
            raise PeerFailed(f"{do}: found {texts}")
        record.note(name, **{do: answer["wall"] + found["wall"], f"{do}_cpu": answer["cpu"] + found["cpu"]})


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
