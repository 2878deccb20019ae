"""Kill, fill, flip and truncate, and look what is left: `make faults`, or python tests/faults.py --kills 200 --flips 500.

The tests run the same with smaller counts. Each function returns what it found wrong, one line each, with what is
needed to see it again; nothing found is [].
"""

from __future__ import annotations

import argparse
import functools
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faults_child import (
    Children,
    Ended,
    Failure,
    Look,
    State,
    durable_keys,
    index_job,
    look_job,
    qa_job,
    read_state,
    rebuild_job,
    save_answer,
    staged_job,
)

NOUNS = "harbour pier lighthouse railway bridge copper apricots orchard tunnel archive cannery ferry".split()
VERBS = "names lists records measures mentions repairs counts sells".split()
DAMAGES = ("flip", "cut", "empty", "zeros", "swap")
LEFTOVER = "left by a run that died"  # what the doctor says of a file that nobody reads; tested by itself
SLOW_SECONDS = 2.0  # a look at a damaged index that takes longer is as good as none
_MODELS = ("hash", "other")
_SHOWN = 500  # characters of what is found wrong


# ---------------------------------------------------------------------- folders that change


def write_folder(docs: Path, rng: random.Random, files: int = 12) -> None:
    """Make a folder of small text files."""
    docs.mkdir(parents=True)
    for number in range(files):
        (docs / f"file{number}.txt").write_text(_text(rng))


def change_folder(docs: Path, rng: random.Random) -> None:
    """Change, add, rename, delete or replace some files."""
    for _ in range(rng.randint(1, 4)):
        paths = sorted(docs.iterdir())
        path, fresh = rng.choice(paths), docs / f"file{rng.randrange(10**6)}.txt"
        deed = rng.choice(["change", "add", "rename", "delete", "replace"])
        if deed == "change":
            sentences = path.read_text().split("\n\n")
            sentences[rng.randrange(len(sentences))] = _paragraph(rng)
            path.write_text("\n\n".join(sentences))
        elif deed == "add":
            fresh.write_text(_text(rng))
        elif deed == "rename":
            path.rename(fresh)
        elif deed == "replace":  # another file takes the place of one that moves away
            path.rename(fresh)
            path.write_text(_text(rng))
        elif len(paths) > 6:
            path.unlink()


def _text(rng: random.Random) -> str:
    return "\n\n".join(_paragraph(rng) for _ in range(rng.randint(1, 5)))


def _paragraph(rng: random.Random) -> str:
    return " ".join(
        f"This entry {rng.randrange(10**5)} {rng.choice(VERBS)} the {rng.choice(NOUNS)} and {rng.choice(NOUNS)} "
        f"{rng.randrange(30)} of district {rng.randrange(10**4)}."
        for _ in range(rng.randint(3, 9))
    )


# ---------------------------------------------------------------------- one place where things go wrong


@dataclass
class Scene:
    """A folder of documents and the data directories made from it, with what was found wrong so far."""

    children: Children
    place: Path
    violations: list[str] = field(default_factory=list)

    @property
    def docs(self) -> Path:
        """The folder that is indexed."""
        return self.place / "docs"

    def say(self, where: str, what: str) -> None:
        """Note something wrong."""
        self.violations.append(f"{where}: {what}"[:_SHOWN])

    def fresh_state(self, model: str = "hash") -> State:
        """Index the folder from nothing elsewhere and return what is found there: the oracle."""
        data = self.place / "fresh"
        shutil.rmtree(data, ignore_errors=True)
        self.children.run(index_job, self.docs, data, model=model).get()
        state = self.children.run(read_state, data, model).get()
        assert isinstance(state, State)
        return state

    def copy(self, base: Path, name: str = "case") -> Path:
        """Return a copy of a data directory beside it, so that its documents lie where they did."""
        case = self.place / name
        shutil.rmtree(case, ignore_errors=True)
        if base.exists():
            shutil.copytree(base, case)
        return case

    def look(self, data: Path, answers: Sequence[str] = ()) -> Look:
        """Look at a data directory from a process of its own; raises AssertionError when that dies."""
        look = self.children.run(look_job, data, _MODELS, answers).get()
        assert isinstance(look, Look)
        return look

    def run_counted(self, where: str, data: Path, run: Callable[[Path], Ended]) -> Ended:
        """Run a job that embeds, and note if it embeds what was there already. run: gets the embedder's log."""
        log = self.place / "embedded.log"
        log.unlink(missing_ok=True)
        known = self.children.run(durable_keys, data).get() if (data / "catalog.db").exists() else set()
        ended = run(log)
        embedded = log.read_text().split() if log.exists() else []
        if known & set(embedded):
            self.say(where, f"{len(known & set(embedded))} texts embedded again though their vectors were stored")
        return ended

    def check_after_kill(self, where: str, data: Path, before: State | None, after: State) -> State | None:
        """Note whatever is neither as before the run that died nor as after it; returns which of them it is."""
        if not (data / "catalog.db").exists():
            if before:
                self.say(where, "the index is gone")
            return None
        look = self.look(data)
        staged = self.children.run(staged_job, data).get()
        for (path, sha256), count in staged.items():
            whole = after.documents.get(path)
            if whole and whole[2] == sha256 and len(whole[4]) != count:
                self.say(where, f"{path} is staged with {count} of {len(whole[4])} passages")
        if isinstance(look.state, Failure) and look.state.kind == "IndexMissing" and before is None:
            return None
        for problem in (look.findings, look.status, look.state):
            if isinstance(problem, Failure):
                self.say(where, str(problem))
        if not isinstance(look.findings, Failure) and any(one == "catalog.db" for one, _ in look.findings):
            self.say(where, f"the catalog is damaged: {look.findings}")
        found = next((one for one in (after, before) if one and one.is_like(look.state)), None)
        if found is None and isinstance(look.state, State):
            self.say(where, f"a state of neither before nor after the run: {_difference(look.state, after)}")
        return found or before

    def check_completed(self, where: str, data: Path, after: State, answers: Sequence[str] = ()) -> None:
        """Note whatever a completed run has not left as a fresh index would be."""
        look = self.look(data, answers)
        if look.state != after:
            self.say(where, f"completed, but not as a fresh index: {_difference(look.state, after)}")
        if isinstance(look.findings, Failure) or any(problem != LEFTOVER for _, problem in look.findings):
            self.say(where, f"completed, but the doctor finds {look.findings}")
        if "gone" in answers and look.answers != ["kept"]:
            self.say(where, f"completed, but the stored answers are {look.answers}")


def _difference(state: State | Failure | None, wanted: State) -> str:
    if not isinstance(state, State):
        return str(state)
    paths = sorted(set(state.documents) | set(wanted.documents))
    odd = [path for path in paths if state.documents.get(path) != wanted.documents.get(path)]
    questions = [one for one in wanted.found if state.found.get(one) != wanted.found[one]]
    return f"documents {odd[:5]}, questions {questions}"


# ---------------------------------------------------------------------- killed at random moments


def kill_at_random(children: Children, place: Path, kills: int, seed: int = 1) -> list[str]:
    """Kill an indexing run at random moments, while the folder changes between rounds."""
    rng = random.Random(seed)
    scene = Scene(children, place)
    write_folder(scene.docs, rng)
    data, before = place / ".qa", None
    usual = children.run(index_job, scene.docs, place / "fresh").seconds
    killed = rounds = 0
    while killed < kills and rounds < 20 * kills:
        rounds += 1
        if rng.random() < 0.1:  # from nothing again
            shutil.rmtree(data, ignore_errors=True)
            before = None
        change_folder(scene.docs, rng)
        after = scene.fresh_state()
        where = f"random kills, seed {seed}, round {rounds}"
        for _ in range(rng.randint(1, 3)):
            moment = rng.uniform(0, 1.1 * usual)
            ended = scene.run_counted(where, data, functools.partial(_index, scene, data, kill_after=moment))
            if ended.error:
                scene.say(where, f"failed after a kill: {ended.error}")
            killed += ended.signal == signal.SIGKILL
            before = scene.check_after_kill(where, data, before, after)
            if not ended.signal:  # it was done before its moment came
                usual = (usual + ended.seconds) / 2
                break
        ended = scene.run_counted(where, data, functools.partial(_index, scene, data))
        if ended.error or ended.signal:
            scene.say(where, f"did not complete: {ended.error or ended.signal}")
        scene.check_completed(where, data, after)
        before = after
    if killed < kills:
        scene.say("random kills", f"only {killed} of {kills} runs were killed before they ended")
    return scene.violations


def _index(scene: Scene, data: Path, log: Path, **options: float) -> Ended:
    return scene.children.run(index_job, scene.docs, data, log, **options)


# ---------------------------------------------------------------------- killed or failing at each step


@dataclass(frozen=True)
class Flow:
    """Something that writes: how it is run, on which data directory, and what is there before and after."""

    name: str
    run: Callable[[Path, Path | None, int, str], Ended]  # data, log, step, what happens there
    base: Path
    before: State | None
    after: State
    answers: Sequence[str] = ()


def make_flow(scene: Scene, name: str, seed: int = 2) -> Flow:
    """Prepare a flow. name: "first" (an index from nothing), "change" (added, changed, renamed, deleted) or "rebuild"."""
    rng = random.Random(seed)
    write_folder(scene.docs, rng)
    children, base = scene.children, scene.place / "base"

    def index(data: Path, log: Path | None, at: int, how: str) -> Ended:
        return children.run(index_job, scene.docs, data, log, at, how)

    def rebuild(data: Path, log: Path | None, at: int, how: str) -> Ended:
        return children.run(rebuild_job, data, log, at, how)

    if name == "first":
        return Flow(name, index, base, None, scene.fresh_state())
    children.run(index_job, scene.docs, base).get()
    before = children.run(read_state, base).get()
    for path, answer in (("docs/file0.txt", "kept"), ("docs/file1.txt", "gone")):
        children.run(save_answer, base, path, answer).get()
    if name == "rebuild":
        return Flow(name, rebuild, base, before, scene.fresh_state("other"))
    (scene.docs / "file1.txt").unlink()
    (scene.docs / "file2.txt").rename(scene.docs / "moved.txt")
    (scene.docs / "file3.txt").write_text(_text(rng))
    for number in range(6):
        (scene.docs / f"new{number}.txt").write_text(_text(rng))
    return Flow(name, index, base, before, scene.fresh_state(), ("kept", "gone"))


def count_steps(scene: Scene, flow: Flow) -> list[str]:
    """Return the names of the steps of an undisturbed run."""
    return list(flow.run(scene.copy(flow.base), None, 0, "count").get().steps)


def chosen_steps(names: Sequence[str], few: int | None) -> list[int]:
    """Return the numbers of all steps, or of a few: spread over those where one kind of step follows another."""
    if few is None:
        return list(range(1, len(names) + 1))
    edges = [at for at in range(1, len(names) + 1) if at == len(names) or names[at - 1] != names[at]]
    return sorted({edges[number * (len(edges) - 1) // max(1, few - 1)] for number in range(few)})


def strike_steps(children: Children, place: Path, flow_name: str, how: str, few: int | None = None) -> tuple[int, list[str]]:
    """Die ("kill") or fail ("EIO", "ENOSPC") at the steps of a flow; returns how many, and what was found wrong."""
    scene = Scene(children, place)
    flow = make_flow(scene, flow_name)
    names = count_steps(scene, flow)
    chosen = chosen_steps(names, few)
    for at in chosen:
        where = f"{flow.name}, {how} at step {at} of {len(names)} ({names[at - 1]})"
        data = scene.copy(flow.base)
        ended = scene.run_counted(where, data, functools.partial(_strike, flow, data, at=at, how=how))
        _check_struck(scene, flow, where, data, ended, how)
        again = scene.run_counted(where, data, functools.partial(_strike, flow, data))
        if again.error or again.signal:
            scene.say(where, f"the next run did not complete: {again.error or again.signal}")
        scene.check_completed(where, data, flow.after, flow.answers)
    return len(chosen), scene.violations


def _strike(flow: Flow, data: Path, log: Path, at: int = 0, how: str = "") -> Ended:
    return flow.run(data, log, at, how)


def _check_struck(scene: Scene, flow: Flow, where: str, data: Path, ended: Ended, how: str) -> None:
    if how == "kill":
        if ended.signal != signal.SIGKILL:
            scene.say(where, f"was not killed: {ended}")
        scene.check_after_kill(where, data, flow.before, flow.after)
        return
    if ended.signal:
        scene.say(where, f"died of signal {ended.signal}")
    if ended.error and not (ended.error.meant and ended.error.hint):
        scene.say(where, f"not an error for people: {ended.error}")
    found = scene.check_after_kill(where, data, flow.before, flow.after)
    if ended.error and found == flow.after:
        scene.say(where, f"said that it failed, but has changed the index: {ended.error}")
    if not ended.error and found != flow.after:
        scene.say(where, "said that it was done, but has not changed the index")


# ---------------------------------------------------------------------- damaged files


def make_damage_base(scene: Scene, *, with_log: bool = False, seed: int = 3) -> Path:
    """Make a data directory to damage. with_log: its last commit is still in SQLite's log, its search files are half-way."""
    rng = random.Random(seed)
    write_folder(scene.docs, rng, files=8)
    base = scene.place / "base"
    scene.children.run(index_job, scene.docs, base).get()
    scene.children.run(save_answer, base, "docs/file0.txt", "kept").get()
    if with_log:
        (scene.docs / "file7.txt").write_text(_text(rng))
        names = scene.children.run(index_job, scene.docs, scene.copy(base), at=0, how="count").get().steps
        at = next(number for number, name in enumerate(names, start=1) if name.startswith("open manifest"))
        assert scene.children.run(index_job, scene.docs, base, at=at, how="kill").signal == signal.SIGKILL
    return base


def files_of(data: Path) -> list[Path]:
    """Return every file that holds something, as paths within the data directory."""
    return sorted(path.relative_to(data) for path in data.rglob("*") if path.is_file() and path.stat().st_size)


def damage(path: Path, kind: str, rng: random.Random, others: Sequence[Path]) -> str:
    """Damage a file that no process has open; returns what was done to it."""
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    if kind == "flip":
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del data[at:]
    elif kind == "empty":
        data.clear()
    elif kind == "zeros":
        data[at : at + 512] = bytes(len(data[at : at + 512]))
    else:
        other = rng.choice([one for one in others if one != path])
        path.write_bytes(other.read_bytes())
        return f"swapped for {other.name}"
    path.write_bytes(bytes(data))
    return f"{kind} at {at}"


def check_damage(scene: Scene, base: Path, name: Path, kind: str, rng: random.Random, good: Sequence[Look]) -> None:
    """Damage one file of a copy and look: noticed or harmless, never a wrong answer, and mended where it can be.

    good: what a look may show, the whole index first; more than one where the last commit may be lost with the log.
    """
    data = scene.copy(base)
    done = damage(data / name, kind, rng, [data / one for one in files_of(data)])
    where = f"{name}, {done}"
    spare = scene.copy(data, "spare")
    ended = scene.children.run(look_job, data, _MODELS, ("kept",))
    if ended.value is None:
        scene.say(where, f"a look died: {ended.error or ended.signal}")
        return
    look: Look = ended.value
    doctor = _doctor(scene, where, spare)
    _check_look(scene, where, look, good, noticed=doctor.value is not None and doctor.value.code != 0)
    mended = _doctor(scene, where, spare, "--fix")
    if name.name.startswith("catalog.db") and mended.value and mended.value.code:
        said = mended.value.out + mended.value.err
        if "qa index" not in said:
            scene.say(where, f"the doctor does not say what to do: {said}")
        return
    again = _doctor(scene, where, spare)
    if not mended.value or mended.value.code or not again.value or again.value.code:
        scene.say(where, f"qa doctor --fix has not mended it: {mended}, {again}")
    ended = scene.children.run(look_job, spare, _MODELS, ("kept",))
    if not ended.value or not _is_good(ended.value.state, "state", good):
        scene.say(where, f"after qa doctor --fix: {ended.error or ended.signal or _shown(ended.value.state, good)}")


def _doctor(scene: Scene, where: str, data: Path, *flags: str) -> Ended:
    ended = scene.children.run(qa_job, "doctor", *flags, "--json", "--data", str(data))
    if ended.value is None or ended.value.code not in (0, 4):
        scene.say(where, f"qa doctor {' '.join(flags)}: {ended}")
    return ended


def _check_look(scene: Scene, where: str, look: Look, good: Sequence[Look], *, noticed: bool) -> None:
    if look.seconds > SLOW_SECONDS:
        scene.say(where, f"a look took {look.seconds:.1f} s")
    for part in ("status", "state", "answers"):
        seen = getattr(look, part)
        if _is_good(seen, part, good):
            continue
        if not isinstance(seen, Failure):
            unseen = "" if noticed else ", and the doctor finds nothing"
            scene.say(where, f"wrong {part}{unseen}: {_shown(seen, good)}")
        elif not seen.meant or "qa " not in seen.hint:
            scene.say(where, f"{part}: not an error that names a command: {seen}")
        elif not noticed:
            scene.say(where, f"{part}: {seen}, but the doctor finds nothing")


def _is_good(seen: object, part: str, good: Sequence[Look]) -> bool:
    """Say whether a part of a look is as in a whole index; with a log, not to the last digit, see `State`."""
    if isinstance(seen, State) and len(good) > 1:
        return any(seen.is_like(one.state) for one in good)
    return seen in [getattr(one, part) for one in good]


def _shown(seen: object, good: Sequence[Look]) -> str:
    return _difference(seen, good[0].state) if isinstance(seen, State) else str(seen)


def damage_at_random(children: Children, place: Path, flips: int, seed: int = 3, *, with_log: bool = False) -> list[str]:
    """Damage files of a data directory, one at a time, every kind of damage in turn."""
    rng = random.Random(seed)
    scene = Scene(children, place)
    base = make_damage_base(scene, with_log=with_log, seed=seed)
    names = files_of(base)
    # a look brings the search files up, so it is made of a copy
    good = [scene.look(scene.copy(base), ("kept",))]
    if with_log:  # SQLite takes a damaged log for one that was cut off by a crash: the commit before it counts
        older = scene.copy(base)
        (older / "catalog.db-wal").unlink()
        good.append(scene.look(older, ("kept",)))
    for number in range(flips):
        kind = DAMAGES[(number + number // len(names)) % len(DAMAGES)]
        check_damage(scene, base, names[number % len(names)], kind, rng, good)
    return scene.violations


# ---------------------------------------------------------------------- all of it


@contextmanager
def a_place() -> Iterator[Path]:
    """Make a folder that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="qa-faults-") as place:
        yield Path(place).resolve() / "scene"


def main() -> int:
    """Run everything and print one line of counts; returns 1 when anything was found wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="runs killed at random moments")
    parser.add_argument("--flips", type=int, default=500, help="files damaged")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--few", type=int, default=25, help="steps of each flow and fault; 0: all of them, an hour")
    options = parser.parse_args()
    began, violations, steps = time.monotonic(), [], 0
    with Children() as children:
        with a_place() as place:
            violations += kill_at_random(children, place, options.kills, options.seed)
        for flow in ("first", "change", "rebuild"):
            for how in ("kill", "EIO", "ENOSPC"):
                with a_place() as place:
                    count, found = strike_steps(children, place, flow, how, options.few or None)
                steps += count
                violations += found
        for share, with_log in ((options.flips - options.flips // 4, False), (options.flips // 4, True)):
            with a_place() as place:
                violations += damage_at_random(children, place, share, options.seed, with_log=with_log)
    for violation in violations:
        sys.stderr.write(f"{violation}\n")
    sys.stdout.write(
        f"{options.kills} kills, {steps} steps struck, {options.flips} flips, {len(violations)} violations "
        f"({time.monotonic() - began:.0f} s)\n"
    )
    return 1 if violations else 0


if __name__ == "__main__":
    import faults  # under its own name, which the child processes know it by

    sys.exit(faults.main())
