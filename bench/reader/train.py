"""Train the embedded reader on two cores: `python -m bench.reader.train` (needs the public data).

One encoder, started from the bundled MiniLM weights with its word embeddings frozen, reads question and passage together
(Devlin et al. 2019, arXiv:1810.04805). Three heads: which sentences answer, whether the passage answers at all, and
whether evidence bears a claim out. Fixed seed; bfloat16 where the processor has it, so figures differ in the third digit
between machines. 45 minutes on two cores, a third less where MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_ and
MALLOC_TOP_PAD_ are set to gigabytes: glibc else gives memory back at every step and asks for it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from bench.reader.data import Row, training_rows
from index.embedder import bundled_folder, bundled_tokenizer, bundled_weights
from qa.reader_model import WEIGHTS, Layout, lay_out, pack, unpack

_SEED = 20261125
_WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass. answered, unanswered, claims: the share of such rows that is used.

    strict: only rows with an answer teach which sentences answer; a near miss, which differs in a word, would teach the
    opposite.
    """

    answered: float
    unanswered: float
    claims: float
    strict: bool
    batch_tokens: int
    rate: float
    head_rate: float


# The first pass teaches to read pairs, claims above all; its sentences were no better chosen than by cosine (SQuAD: .76).
STAGES = (Stage(1, 1, 1, False, 5120, 1e-4, 5e-4), Stage(0.65, 0.35, 0.12, True, 3072, 1.5e-4, 4e-4))


class Reader(nn.Module):
    """The encoder with its heads."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig.from_json_file(bundled_folder() / "config.json")
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0  # each row is seen once
        self.encoder = BertModel(config, add_pooling_layer=False)
        weights = {name: torch.from_numpy(np.array(array)) for name, array in bundled_weights().items()}
        missing = self.encoder.load_state_dict(weights, strict=False).missing_keys
        if missing:
            raise SystemExit(f"the bundled weights lack {missing[:3]}")
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)
        width = config.hidden_size
        self.sentence = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.answerable = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.stance = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits: of each sentence (rows, most sentences), of answerable (rows), of stance (rows, 3)."""
        states = self.encoder(batch.ids, batch.mask, batch.types).last_hidden_state.float()
        members = functional.one_hot(batch.places, int(batch.places.max()) + 1)[..., 1:].float().transpose(1, 2)
        means = members @ states / members.sum(-1, keepdim=True).clamp(min=1)
        first = states[:, :1]
        passage = (batch.places > 0).float().unsqueeze(1)
        whole = torch.cat([first, passage @ states / passage.sum(-1, keepdim=True).clamp(min=1)], -1).squeeze(1)
        sentences = self.sentence(torch.cat([means, first.expand_as(means)], -1)).squeeze(-1)
        return sentences, self.answerable(whole).squeeze(-1), self.stance(whole)


class Batch:
    """Rows as tensors. places: 0 of what is no sentence, else the sentence's number from 1."""

    def __init__(self, rows: Sequence[Encoded]) -> None:
        longest = max(len(row.layout.ids) for row in rows)
        most = max(row.layout.sentences for row in rows)
        self.ids, self.types, self.places = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
        self.mask = torch.zeros(len(rows), longest, dtype=torch.long)
        self.labels = torch.full((len(rows), most), -1.0)
        for i, row in enumerate(rows):
            read, size = row.layout, len(row.layout.ids)
            self.ids[i, :size], self.types[i, :size] = torch.tensor(read.ids), torch.tensor(read.types)
            self.places[i, :size], self.mask[i, :size] = torch.tensor(read.places), 1
            if row.source.labels:
                self.labels[i, : read.sentences] = torch.tensor(row.source.labels[: read.sentences], dtype=torch.float)
        self.answerable = torch.tensor([float(row.source.answerable) for row in rows])
        self.stance = torch.tensor([row.source.stance for row in rows])


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as the model reads it."""

    source: Row
    layout: Layout


def encode(rows: Sequence[Row]) -> list[Encoded]:
    """Tokenize rows; those without a sentence are left out."""
    tokenizer = bundled_tokenizer()

    def ids(texts: list[str]) -> list[list[int]]:
        return [one.ids for one in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    encoded = []
    for row in rows:
        question, context, *sentences = ids([row.question, row.context, *row.sentences])
        encoded.append(Encoded(row, lay_out(question, context, sentences)))
    return [one for one in encoded if one.layout.sentences]


def batches(rows: Sequence[Encoded], most: int, rng: random.Random) -> list[list[Encoded]]:
    """Group rows of like length, in random order. most: tokens of a batch, padding included."""
    made: list[list[Encoded]] = []
    order = sorted(rows, key=lambda row: len(row.layout.ids) + rng.random() * 8)
    start = 0
    while start < len(order):
        size = max(1, most // len(order[start].layout.ids))
        while size > 1 and size * len(order[min(start + size, len(order)) - 1].layout.ids) > most:
            size -= 1
        made.append(order[start : start + size])
        start += size
    rng.shuffle(made)
    return made


def loss_of(model: Reader, batch: Batch, *, strict: bool) -> Tensor:
    """Return the sum of the three heads' losses, each over the rows that it learns from."""
    sentences, answerable, stance = model(batch)
    known = batch.labels >= 0
    asked = known.any(-1)
    if strict:
        known = known & (batch.answerable > 0).unsqueeze(-1)
    each = functional.binary_cross_entropy_with_logits(sentences, batch.labels.clamp(min=0), reduction="none")
    total = (each * known).sum() / known.sum().clamp(min=1) * 2
    if asked.any():
        total = total + functional.binary_cross_entropy_with_logits(answerable[asked], batch.answerable[asked])
    claims = batch.stance >= 0
    if claims.any():
        total = total + functional.cross_entropy(stance[claims], batch.stance[claims])
    return total


def rows_of(stage: Stage, rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Choose the rows of a stage."""

    def share(row: Row) -> float:
        if row.stance >= 0:
            return stage.claims
        return stage.answered if row.answerable else stage.unanswered

    return [row for row in rows if rng.random() < share(row)]


def train(model: Reader, stage: Stage, rows: Sequence[Encoded], rng: random.Random) -> Iterator[None]:
    """Go over the rows once; yields now and then."""
    model.train()
    heads = [*model.sentence.parameters(), *model.answerable.parameters(), *model.stance.parameters()]
    body = [one for one in model.encoder.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": stage.rate}, {"params": heads, "lr": stage.head_rate}], weight_decay=0.01
    )
    steps = batches(rows, stage.batch_tokens, rng)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (_WARM_UP * len(steps)), (len(steps) - step) / ((1 - _WARM_UP) * len(steps))),
    )
    began, average, seen = time.monotonic(), 0.0, 0
    for number, step in enumerate(steps):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model, Batch(step), strict=stage.strict)
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
        if number % 500 == 499:
            yield
    yield


def load(model: Reader, path: Path) -> None:
    """Take up weights that `save` wrote."""
    changes, heads = unpack(path)
    base = bundled_weights()
    state = {**heads, **{f"encoder.{name}": base[name] + change for name, change in changes.items()}}
    unknown = model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()}, strict=False)
    if unknown.unexpected_keys:
        raise SystemExit(f"{path} holds {unknown.unexpected_keys[:3]}, which the model has not")


def save(model: Reader, path: Path) -> None:
    """Write all weights but the word embeddings, as the product reads them."""
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    pack({name: array for name, array in state.items() if "word_embeddings" not in name}, path)


def main() -> None:
    """Read the data, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=0, help="train on so many rows only, for a quick try")
    parser.add_argument("--stage", type=int, default=0, help="begin with this stage, on what --out holds of those before it")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(_SEED)
    torch.set_num_threads(options.threads)
    model = Reader()
    for number, stage in enumerate(STAGES):
        rng = random.Random(_SEED + number)  # noqa: S311  # no secret
        if number < options.stage:
            load(model, options.out)
            continue
        rows = encode(rows_of(stage, training_rows(options.data, rng), rng)[: options.rows or None])
        sys.stderr.write(f"{len(rows)} rows, {sum(len(row.layout.ids) for row in rows)} tokens\n")
        for _ in train(model, stage, rows, rng):
            save(model, options.out)


if __name__ == "__main__":
    main()
