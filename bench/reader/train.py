"""Train the embedded reader on two cores: `python -m bench.reader.train` (needs the public data).

One encoder, started from the bundled MiniLM weights with its word embeddings frozen, reads question and passage together
(Devlin et al. 2019, arXiv:1810.04805). Three heads: which sentences answer, whether the passage answers at all, and
whether evidence bears a claim out. Fixed seed; bfloat16 where the processor has it, so figures differ in the third digit
between machines. The product does not use what it writes yet.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from bench.reader.data import Row, training_rows
from index.embedder import bundled_folder, bundled_tokenizer, bundled_weights

_SEED = 20261125
_LONGEST = 320
_LONGEST_QUESTION = 64
_BATCH_TOKENS = 5120
_RATE, _HEAD_RATE = 1e-4, 5e-4
_WARM_UP = 0.06
_CLS, _SEP = 101, 102


class Reader(nn.Module):
    """The encoder with its heads."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig.from_json_file(bundled_folder() / "config.json")
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.05
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
        longest = max(len(row.ids) for row in rows)
        most = max(row.sentences for row in rows)
        self.ids, self.types, self.places = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
        self.mask = torch.zeros(len(rows), longest, dtype=torch.long)
        self.labels = torch.full((len(rows), most), -1.0)
        for i, row in enumerate(rows):
            size = len(row.ids)
            self.ids[i, :size], self.types[i, :size] = torch.tensor(row.ids), torch.tensor(row.types)
            self.places[i, :size], self.mask[i, :size] = torch.tensor(row.places), 1
            if row.source.labels:
                self.labels[i, : row.sentences] = torch.tensor(row.source.labels[: row.sentences], dtype=torch.float)
        self.answerable = torch.tensor([float(row.source.answerable) for row in rows])
        self.stance = torch.tensor([row.source.stance for row in rows])


class Encoded:
    """A row as token ids: [CLS] question [SEP] context, sentences [SEP]."""

    def __init__(self, row: Row, question: list[int], context: list[int], sentences: Sequence[list[int]]) -> None:
        self.source = row
        head = [_CLS, *question[:_LONGEST_QUESTION], _SEP]
        self.ids = [*head, *context[:_LONGEST_QUESTION]]
        self.places = [0] * len(self.ids)
        self.sentences = 0
        for tokens in sentences:
            room = _LONGEST - 1 - len(self.ids)
            if room < 4 or not tokens:
                break
            self.sentences += 1
            self.ids += tokens[:room]
            self.places += [self.sentences] * len(tokens[:room])
        self.ids.append(_SEP)
        self.places.append(0)
        self.types = [0] * len(head) + [1] * (len(self.ids) - len(head))


def encode(rows: Sequence[Row]) -> list[Encoded]:
    """Tokenize rows; those without a sentence are left out."""
    tokenizer = bundled_tokenizer()

    def ids(texts: list[str]) -> list[list[int]]:
        return [one.ids for one in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    encoded = []
    for row in rows:
        question, context, *sentences = ids([row.question, row.context, *row.sentences])
        encoded.append(Encoded(row, question, context, sentences))
    return [one for one in encoded if one.sentences]


def batches(rows: Sequence[Encoded], rng: random.Random) -> list[list[Encoded]]:
    """Group rows of like length, in random order."""
    made: list[list[Encoded]] = []
    order = sorted(rows, key=lambda row: len(row.ids) + rng.random() * 8)
    start = 0
    while start < len(order):
        size = max(1, _BATCH_TOKENS // len(order[start].ids))
        while size > 1 and size * len(order[min(start + size, len(order)) - 1].ids) > _BATCH_TOKENS:
            size -= 1
        made.append(order[start : start + size])
        start += size
    rng.shuffle(made)
    return made


def loss_of(model: Reader, batch: Batch) -> Tensor:
    """Return the sum of the three heads' losses, each over the rows that it learns from."""
    sentences, answerable, stance = model(batch)
    known = batch.labels >= 0
    asked = known.any(-1)
    each = functional.binary_cross_entropy_with_logits(sentences, batch.labels.clamp(min=0), reduction="none")
    total = (each * known).sum() / known.sum().clamp(min=1) * 2
    if asked.any():
        total = total + functional.binary_cross_entropy_with_logits(answerable[asked], batch.answerable[asked])
    claims = batch.stance >= 0
    if claims.any():
        total = total + functional.cross_entropy(stance[claims], batch.stance[claims])
    return total


def train(rows: Sequence[Encoded], rng: random.Random, threads: int) -> Iterator[Reader]:
    """Go over all rows once."""
    torch.manual_seed(_SEED)
    torch.set_num_threads(threads)
    model = Reader().train()
    heads = [*model.sentence.parameters(), *model.answerable.parameters(), *model.stance.parameters()]
    body = [one for one in model.encoder.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW([{"params": body, "lr": _RATE}, {"params": heads, "lr": _HEAD_RATE}], weight_decay=0.01)
    steps = batches(rows, rng)
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
        if number % 500 == 499:
            yield model
    yield model


def save(model: Reader, path: Path) -> None:
    """Write all weights but the word embeddings, as fp32."""
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    save_file({name: array for name, array in state.items() if "word_embeddings" not in name}, path)


def main() -> None:
    """Read the data, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("build/reader.safetensors"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=0, help="train on so many rows only, for a quick try")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rng = random.Random(_SEED)  # noqa: S311  # no secret
    rows = encode(training_rows(options.data, rng)[: options.rows or None])
    tokens = sum(len(row.ids) for row in rows)
    sys.stderr.write(f"{len(rows)} rows, {tokens} tokens\n")
    for model in train(rows, rng, options.threads):
        save(model, options.out)


if __name__ == "__main__":
    main()
