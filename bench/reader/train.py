"""Train the embedded reader on two cores: `python -m bench.reader.train` (needs the public data).

One encoder, started from the bundled MiniLM weights with its word embeddings frozen, reads question and passage together
(Devlin et al. 2019, arXiv:1810.04805). Three heads: which sentences answer, whether the passage answers at all, and
whether evidence bears a claim out. Fixed seed; bfloat16 where the processor has it, so figures differ in the third digit
between machines. An hour on two cores, a third less where MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_ and
MALLOC_TOP_PAD_ are set to gigabytes: glibc else gives memory back at every step and asks for it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from bench.reader.data import training_rows
from bench.reader.rows import Row
from index.embedder import bundled_folder, bundled_tokenizer, bundled_weights
from qa.reader_model import SHARED, WEIGHTS, Floats, Layout, lay_out, pack

_SEED = 20261125
_WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over rows, from the bundled weights on. unanswered, claims: the share of such rows that is used.

    All near misses, which differ in a word from answered questions, would drown the others. most: rows, 0 for all.
    """

    unanswered: float
    claims: float
    most: int
    rate: float  # of the encoder
    head_rate: float
    dropout: float


# A long pass at a high rate learns its articles by heart (top sentence .95 there, .81 elsewhere); a short one at a low
# rate learns less. What is kept is the mean of both (Wortsman et al. 2022, arXiv:2203.05482), not all the way from where
# they began (Wortsman et al. 2021, arXiv:2109.01903).
PASSES = (Pass(0.6, 0.15, 0, 2.5e-4, 1e-3, 0.0), Pass(0.4, 0.1, 16_000, 1e-4, 5e-4, 0.1))
_WAY = 0.85
_BATCH_TOKENS = 2560
_RANKING = 0.5  # weight of the loss that compares the sentences of one passage


class Reader(nn.Module):
    """The encoder with its heads."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        config = BertConfig.from_json_file(bundled_folder() / "config.json")
        config.hidden_dropout_prob, config.attention_probs_dropout_prob = dropout, 0.0
        self.encoder = BertModel(config, add_pooling_layer=False)
        weights = {name: torch.from_numpy(np.array(array)) for name, array in bundled_weights().items()}
        missing = self.encoder.load_state_dict(weights, strict=False).missing_keys
        if missing:
            raise SystemExit(f"the bundled weights lack {missing[:3]}")
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)
        width = config.hidden_size
        self.sentence = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.answerable = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.stance = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 3))
        self.scale = nn.Parameter(torch.tensor([10.0, 5.0]))  # of the cosines: the heads begin where likeness alone is
        nn.init.constant_(self.sentence[2].bias, -4.0)
        nn.init.constant_(self.answerable[2].bias, -2.0)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits: of each sentence (rows, most sentences), of answerable (rows), of stance (rows, 3)."""
        states = self.encoder(batch.ids, batch.mask, batch.types).last_hidden_state.float()
        first = states[:, :1]
        asked = functional.normalize(_means(((batch.types == 0) & (batch.mask > 0)).unsqueeze(1), states), dim=-1)
        sentences = _means(functional.one_hot(batch.places, int(batch.places.max()) + 1)[..., 1:].transpose(1, 2), states)
        whole = _means((batch.places > 0).unsqueeze(1), states)
        shared, all_shared = (functional.normalize(one, dim=-1) * asked for one in (sentences, whole))
        answers = self.sentence(torch.cat([sentences, first.expand_as(sentences), SHARED * shared], -1)).squeeze(-1)
        answerable = self.answerable(torch.cat([first, whole, SHARED * all_shared], -1)).squeeze(-1)
        return (
            answers + self.scale[0] * shared.sum(-1),
            (answerable + self.scale[1] * all_shared.sum(-1)).squeeze(-1),
            self.stance(torch.cat([first, whole], -1).squeeze(1)),
        )


def _means(members: Tensor, states: Tensor) -> Tensor:
    """Return the mean state of each group of tokens. members: shape (rows, groups, tokens)."""
    members = members.float()
    return members @ states / members.sum(-1, keepdim=True).clamp(min=1)


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


def loss_of(model: Reader, batch: Batch) -> Tensor:
    """Return the sum of the heads' losses, each over the rows that it learns from.

    Only rows with an answer teach which sentences answer; a near miss would teach the opposite.
    """
    sentences, answerable, stance = model(batch)
    asked, claims = (batch.labels >= 0).any(-1), batch.stance >= 0
    known = (batch.labels >= 0) & (batch.answerable > 0).unsqueeze(-1)
    each = functional.binary_cross_entropy_with_logits(sentences, batch.labels.clamp(min=0), reduction="none")
    total = (each * known).sum() / known.sum().clamp(min=1) * 2
    compared = (batch.labels > 0).any(-1)
    if compared.any():
        total = total + _RANKING * _ranking_loss(sentences[compared], batch.labels[compared])
    if asked.any():
        total = total + functional.binary_cross_entropy_with_logits(answerable[asked], batch.answerable[asked])
    if claims.any():
        total = total + functional.cross_entropy(stance[claims], batch.stance[claims])
    return total


def _ranking_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how little of a passage's weight, by softmax, is on the sentences that answer."""
    there = logits.masked_fill(labels < 0, -1e4)
    return (there.logsumexp(-1) - there.masked_fill(labels <= 0, -1e4).logsumexp(-1)).mean()


def chosen(rows: Sequence[Row], one: Pass, rng: random.Random) -> list[Row]:
    """Choose the rows of a pass."""

    def share(row: Row) -> float:
        if row.stance >= 0:
            return one.claims
        return 1 if row.answerable else one.unanswered

    return [row for row in rows if rng.random() < share(row)][: one.most or None]


def train(model: Reader, one: Pass, rows: Sequence[Encoded], rng: random.Random) -> None:
    """Go over the rows once."""
    model.train()
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    heads = [weight for name, weight in model.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": body, "lr": one.rate}, {"params": heads, "lr": one.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = batches(rows, _BATCH_TOKENS, rng)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (_WARM_UP * len(steps)), (len(steps) - step) / ((1 - _WARM_UP) * len(steps))),
    )
    began, average, seen = time.monotonic(), 0.0, 0
    for number, step in enumerate(steps):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model, Batch(step))
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


def trained(options: argparse.Namespace, one: Pass) -> dict[str, Floats]:
    """Make one pass and return the weights, but for the word embeddings, which stay as they are."""
    torch.manual_seed(_SEED)
    rng = random.Random(_SEED)  # noqa: S311  # no secret
    rows = encode(chosen(training_rows(options.data, rng), one, rng)[: options.rows or None])
    sys.stderr.write(f"{len(rows)} rows, {sum(len(row.layout.ids) for row in rows)} tokens\n")
    model = Reader(one.dropout)
    train(model, one, rows, rng)
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return {name: array for name, array in state.items() if "word_embeddings" not in name}


def blended(passes: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    """Return the mean of several passes' weights, the encoder's drawn back a little towards the bundled ones."""
    base = bundled_weights()
    means = {name: np.mean([weights[name] for weights in passes], axis=0) for name in passes[0]}
    for name in means:
        known = base.get(name.removeprefix("encoder.")) if name.startswith("encoder.") else None
        if known is not None:
            means[name] = known + _WAY * (means[name] - known)
    return means


def main() -> None:
    """Read the data, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=0, help="train on so many rows only, for a quick try")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    pack(blended([trained(options, one) for one in PASSES]), options.out)


if __name__ == "__main__":
    main()
