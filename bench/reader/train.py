"""Train the embedded reader: `python -m bench.reader.train` (needs the public data).

One encoder, started from the bundled MiniLM weights with its word embeddings frozen, reads question and passage together
(Devlin et al. 2019, arXiv:1810.04805). Three heads: which sentences answer, whether the passage answers at all, and
whether evidence bears a claim out. Fixed seed; bfloat16 where the processor has it, so figures differ in the third digit
between machines. Some 260,000 rows, then 200,000 five times: 18 a second on two cores where MALLOC_MMAP_THRESHOLD_,
MALLOC_TRIM_THRESHOLD_ and MALLOC_TOP_PAD_ are set to gigabytes (glibc else gives memory back at every step and asks for it
again). `--device cuda` has not been run; the weights that ship are of a script with the same losses (qa/model/README.md).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from bench.reader.clozes import cloze_rows
from bench.reader.data import training_rows
from bench.reader.network import Batch, Encoded, Reader, encode
from bench.reader.own_claims import claim_rows
from bench.reader.own_documents import document_rows
from bench.reader.own_questions import own_rows, sibling_rows, twin_rows
from bench.reader.rows import Row
from index.embedder import bundled_weights
from qa.reading.reader_model import WEIGHTS, Floats, pack

_SEED = 20261125
_WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over rows, from where the pass before it ended.

    written: how many rows of questions that people wrote. clozes, own, twins, siblings, documents, own_claims: which
    share is read of the questions made of sentences, of the project's own, its twins, those asked of several passages, its
    documents' and its claims. unanswered, claims: the share of such rows that is used: all near misses, which differ in a
    word from answered questions, would drown the others. pairs: the weight of the loss that compares answered with
    unanswered questions about one text. epochs: how often the rows are read. tokens: of a batch, padding included.
    """

    written: int
    clozes: float
    unanswered: float
    claims: float
    rate: float  # of the encoder
    head_rate: float
    dropout: float
    own: float = 0.0
    twins: float = 0.0
    siblings: float = 0.0
    documents: float = 0.0
    own_claims: float = 0.0
    pairs: float = 0.0
    epochs: int = 1
    tokens: int = 2560


_EVERYTHING = Pass(
    50_000,
    clozes=0.6,
    unanswered=0.6,
    claims=0.4,
    rate=3e-4,
    head_rate=8e-4,
    dropout=0.1,
    own=0.7,
    twins=0.7,
    siblings=1.0,
    documents=1.0,
    own_claims=1.0,
    pairs=1.0,
    epochs=5,
    tokens=32_768,
)
# Runs of passes, each from the bundled weights, and their shares in the mean of weights (Wortsman et al. 2022,
# arXiv:2203.05482) that LAST goes on from. The first learns of many subjects in rough English, then of few in written
# questions. The others read written ones alone: one longer at a high rate, which learns its articles by heart (top sentence
# .95 there, .81 elsewhere), one shorter at a low rate. Each knows something that the others do not.
RUNS = (
    (0.5, (Pass(6_000, 1.0, 0.6, 0.1, 2.5e-4, 1e-3, 0.0), Pass(14_000, 0.0, 0.5, 0.1, 1e-4, 5e-4, 0.1))),
    (0.25, (Pass(40_000, 0.0, 0.6, 0.15, 2.5e-4, 1e-3, 0.0),)),
    (0.25, (Pass(16_000, 0.0, 0.4, 0.1, 1e-4, 5e-4, 0.1),)),
)
# Runs that go on from there. Kept is the mean of what a run began with and of what its passes end with, by these shares: a
# pass forgets what others knew. The first run reads of thousands of subjects. The second reads what the words of a question
# cannot tell: near misses, what people type and which of four passages answers it, documents like those it is used for. The
# third reads everything five times, claims too.
LAST = (
    ((0.5, Pass(5_000, 0.0, 0.4, 0.0, 1e-4, 5e-4, 0.1, own=1.0)),),
    (
        (0.0, Pass(6_000, 0.0, 0.6, 0.0, 1e-4, 5e-4, 0.1, own=0.3, twins=0.4, pairs=1.0)),
        (0.25, Pass(6_000, 0.0, 0.6, 0.0, 1e-4, 5e-4, 0.1, own=0.1, twins=0.25, siblings=0.5, pairs=1.0)),
        (0.6, Pass(4_000, 0.0, 0.6, 0.0, 1e-4, 5e-4, 0.1, own=0.03, twins=0.18, siblings=0.2, documents=1.0, pairs=1.0)),
    ),
    ((0.7, _EVERYTHING),),
)
_WAY = 0.85  # from the bundled weights to the mean of the trained ones (Wortsman et al. 2021, arXiv:2109.01903)
_RANKING = 0.5  # weight of the loss that compares the sentences of one passage


def batches(rows: Sequence[Encoded], most: int, rng: random.Random, *, together: bool) -> list[list[Encoded]]:
    """Group rows of like length, in random order. most: tokens of a batch, padding included. together: those of one text."""
    made: list[list[Encoded]] = []
    shifts: dict[object, float] = defaultdict(lambda: rng.random() * 8)
    if together:
        order = sorted(rows, key=lambda row: sum(map(bool, row.layout.places)) + shifts[row.source.sentences])
    else:
        order = sorted(rows, key=lambda row: len(row.layout.ids) + rng.random() * 8)
    start = 0
    while start < len(order):
        size = max(1, most // len(order[start].layout.ids))
        while size > 1 and size * max(len(row.layout.ids) for row in order[start : start + size]) > most:
            size -= 1
        made.append(order[start : start + size])
        start += size
    rng.shuffle(made)
    return made


def loss_of(model: Reader, batch: Batch, pairs: float = 0.0) -> Tensor:
    """Return the sum of the heads' losses, each over the rows that it learns from. pairs: the weight of `_pairs_loss`.

    Only rows with an answer teach which sentences answer; a near miss would teach the opposite.
    """
    sentences, answerable, stance, spans = model(batch)
    asked, claims = (batch.labels >= 0).any(-1), batch.stance >= 0
    known = (batch.labels >= 0) & (batch.answerable > 0).unsqueeze(-1)
    each = functional.binary_cross_entropy_with_logits(sentences, batch.labels.clamp(min=0), reduction="none")
    total = (each * known).sum() / known.sum().clamp(min=1) * 2
    compared = (batch.labels > 0).any(-1)
    if compared.any():
        total = total + _RANKING * _ranking_loss(sentences[compared], batch.labels[compared])
    if asked.any():
        total = total + functional.binary_cross_entropy_with_logits(answerable[asked], batch.answerable[asked])
        total = total + pairs * _pairs_loss(answerable, batch, asked)
    there = batch.spans[:, 0] >= 0
    if there.any():  # a finer question of the same kind, by which the encoder learns the other two better
        total = total + functional.cross_entropy(spans[there], batch.spans[there])
    if claims.any():
        total = total + functional.cross_entropy(stance[claims], batch.stance[claims])
    return total


def _pairs_loss(answerable: Tensor, batch: Batch, asked: Tensor) -> Tensor:
    """Return how little the questions that a text answers stand above those that it does not: not one text above another."""
    pairs = (batch.texts[:, None] == batch.texts) & (batch.answerable[:, None] > batch.answerable) & asked & asked[:, None]
    differences = (answerable[:, None] - answerable)[pairs]
    return functional.softplus(-differences).sum() / pairs.sum().clamp(min=1)


def _ranking_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how little of a passage's weight, by softmax, is on the sentences that answer."""
    there = logits.masked_fill(labels < 0, -1e4)
    return (there.logsumexp(-1) - there.masked_fill(labels <= 0, -1e4).logsumexp(-1)).mean()


def chosen(options: argparse.Namespace, one: Pass, rng: random.Random) -> list[Row]:
    """Choose the rows of a pass."""

    def share(row: Row) -> float:
        if row.stance >= 0:
            return one.claims
        return 1 if row.answerable else one.unanswered

    written = [row for row in training_rows(options.data, rng) if rng.random() < share(row)][: one.written]
    makers = (
        (cloze_rows, one.clozes),
        (claim_rows, one.own_claims),
        (own_rows, one.own),
        (twin_rows, one.twins),
        (sibling_rows, one.siblings),
        (document_rows, one.documents),
    )
    made = (row for make, part in makers if part for row in make(options.data, rng) if rng.random() < part)
    rows = [*written, *made]
    rng.shuffle(rows)
    return rows[: options.rows or None]


def train(model: Reader, one: Pass, rows: Sequence[Encoded], rng: random.Random) -> None:
    """Go over the rows as often as the pass says."""
    model.train()
    device = str(model.scale.device)
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    heads = [weight for name, weight in model.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": body, "lr": one.rate}, {"params": heads, "lr": one.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = [step for _ in range(one.epochs) for step in batches(rows, one.tokens, rng, together=one.pairs > 0)]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (_WARM_UP * len(steps)), (len(steps) - step) / ((1 - _WARM_UP) * len(steps))),
    )
    began, average, seen = time.monotonic(), 0.0, 0
    for number, step in enumerate(steps):
        with torch.autocast(model.scale.device.type, dtype=torch.bfloat16):
            loss = loss_of(model, Batch(step, device), one.pairs)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        seen += len(step)
        average += (loss.item() - average) / min(number + 1, 200)
        if number % 20 == 0:
            rate = seen / (time.monotonic() - began)
            sys.stderr.write(f"step {number} of {len(steps)}  loss {average:.3f}  {rate:.1f} rows/s\n")
            sys.stderr.flush()


def trained(
    options: argparse.Namespace, passes: Sequence[Pass], start: Mapping[str, Floats] | None = None, seed: int = _SEED
) -> list[dict[str, Floats]]:
    """Make the passes of a run and return the weights after each, but for the word embeddings, which stay as they are.

    start: weights to begin with instead of the bundled ones.
    """
    torch.manual_seed(seed)
    model = Reader().to(options.device)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in (start or {}).items()}, strict=False)
    found = []
    for number, one in enumerate(passes):
        rng = random.Random(seed + number)  # noqa: S311  # no secret
        rows = encode(chosen(options, one, rng))
        sys.stderr.write(f"{len(rows)} rows, {sum(len(row.layout.ids) for row in rows)} tokens\n")
        model.drop(one.dropout)
        train(model, one, rows, rng)
        state = {name: tensor.detach().cpu().numpy().copy() for name, tensor in model.state_dict().items()}
        found.append({name: array for name, array in state.items() if not re.search("word_embeddings|span", name)})
    return found


def mean_of(runs: Sequence[tuple[float, Mapping[str, Floats]]]) -> dict[str, Floats]:
    """Return the mean of weights by their shares."""
    return {name: sum(share * weights[name] for share, weights in runs) for name in runs[0][1]}


def drawn_back(weights: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return weights with the encoder's drawn back a little to the bundled ones."""
    base = {f"encoder.{name}": array for name, array in bundled_weights().items()}
    return {name: base[name] + _WAY * (array - base[name]) if name in base else array for name, array in weights.items()}


def main() -> None:
    """Read the data, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="where torch trains: cpu, or cuda")
    parser.add_argument("--rows", type=int, default=0, help="train on so many rows only, for a quick try")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    kept = drawn_back(mean_of([(share, trained(options, passes)[-1]) for share, passes in RUNS]))
    for number, run in enumerate(LAST, start=1):
        shares, passes = zip(*run, strict=True)
        found = trained(options, passes, kept, _SEED + 10 * number)  # of other rows than the runs began with
        kept = mean_of([(1 - sum(shares), kept), *zip(shares, found, strict=True)])
    pack(kept, options.out)


if __name__ == "__main__":
    main()
