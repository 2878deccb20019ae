"""Train the embedded reader on two cores: `python -m bench.reader.train` (needs the public data).

One encoder, started from the bundled MiniLM weights with its word embeddings frozen, reads question and passage together
(Devlin et al. 2019, arXiv:1810.04805). Three heads: which sentences answer, whether the passage answers at all, and
whether evidence bears a claim out. Fixed seed; bfloat16 where the processor has it, so figures differ in the third digit
between machines. Some 260,000 rows, 18 a second on two cores where MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_ and
MALLOC_TOP_PAD_ are set to gigabytes: glibc else gives memory back at every step and asks for it again.
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

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from bench.reader.clozes import cloze_rows
from bench.reader.data import training_rows
from bench.reader.own_documents import document_rows
from bench.reader.own_questions import claim_rows, own_rows, sibling_rows, twin_rows
from bench.reader.rows import Row
from index.embedder import bundled_folder, bundled_tokenizer, bundled_weights
from qa.reading.reader_model import SHARED, WEIGHTS, Floats, Layout, lay_out, pack

_SEED = 20261125
_WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over rows, from where the pass before it ended.

    written: how many rows of questions that people wrote. clozes, own, twins, siblings, documents: which share is read of
    the questions made of sentences, of the project's own, its twins, those asked of several passages, and its documents'.
    unanswered, claims: the share of such rows that is used: all near misses, which differ in a word from answered questions,
    would drown the others. pairs: the weight of the loss that compares answered with unanswered questions about one text.
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
    pairs: float = 0.0


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
# cannot tell: near misses, what people type and which of four passages answers it, documents like those it is used for.
LAST = (
    ((0.5, Pass(5_000, 0.0, 0.4, 0.0, 1e-4, 5e-4, 0.1, own=1.0)),),
    (
        (0.0, Pass(6_000, 0.0, 0.6, 0.0, 1e-4, 5e-4, 0.1, own=0.3, twins=0.4, pairs=1.0)),
        (0.25, Pass(6_000, 0.0, 0.6, 0.0, 1e-4, 5e-4, 0.1, own=0.1, twins=0.25, siblings=0.5, pairs=1.0)),
        (0.6, Pass(4_000, 0.0, 0.6, 0.0, 1e-4, 5e-4, 0.1, own=0.03, twins=0.18, siblings=0.2, documents=1.0, pairs=1.0)),
    ),
)
_WAY = 0.85  # from the bundled weights to the mean of the trained ones (Wortsman et al. 2021, arXiv:2109.01903)
_BATCH_TOKENS = 2560
_DRAWN = 2**22  # random numbers for dropout, of which a layer's states take a quarter
_RANKING = 0.5  # weight of the loss that compares the sentences of one passage


class Reader(nn.Module):
    """The encoder with its heads."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig.from_json_file(bundled_folder() / "config.json")
        config.attention_probs_dropout_prob = 0.0
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.encoder.set_attn_implementation(
            "eager"
        )  # torch 2.13's kernel, going backward on processors, took half of a step
        weights = {name: torch.from_numpy(np.array(array)) for name, array in bundled_weights().items()}
        missing = self.encoder.load_state_dict(weights, strict=False).missing_keys
        if missing:
            raise SystemExit(f"the bundled weights lack {missing[:3]}")
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)
        width = config.hidden_size
        self.sentence = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.answerable = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.stance = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 3))
        self.span, self.no_span = nn.Linear(width, 2), nn.Linear(width, 2)  # for training alone
        self.scale = nn.Parameter(torch.tensor([10.0, 5.0]))  # of the cosines: the heads begin where likeness alone is
        nn.init.constant_(self.sentence[2].bias, -4.0)
        nn.init.constant_(self.answerable[2].bias, -2.0)

    def drop(self, share: float) -> None:
        """Set how much of the encoder's states is dropped in training; of attention nothing, which would take longer."""
        kept = (torch.rand(_DRAWN) >= share) / (1 - share)
        for name, part in list(self.encoder.named_modules()):
            if isinstance(part, nn.Dropout | DrawnOnce) and ".self." not in name:
                self.encoder.set_submodule(name, DrawnOnce(kept) if share else nn.Dropout(0.0))

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return logits: of each sentence (rows, most sentences), of answerable (rows), of stance (rows, 3), of spans.

        Of spans: that an answer's words begin and end at a token; at the first one, that there are none (rows, tokens, 2).
        """
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
            torch.cat(
                [self.no_span(first), self.span(states).masked_fill((batch.places == 0).unsqueeze(-1), -1e4)[:, 1:]], 1
            ),
        )


def _means(members: Tensor, states: Tensor) -> Tensor:
    """Return the mean state of each group of tokens. members: shape (rows, groups, tokens)."""
    members = members.float()
    return members @ states / members.sum(-1, keepdim=True).clamp(min=1)


class DrawnOnce(nn.Module):
    """Dropout by random numbers that are drawn once for all layers, and read from another place each time.

    Drawing them at every step took 15 % of it. kept: for each number 0, or what a state that is kept is multiplied by.
    """

    def __init__(self, kept: Tensor) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, states: Tensor) -> Tensor:
        """Return the states, a share of them as 0 in training."""
        if not self.training:
            return states
        start = int(torch.randint(len(self.kept) - states.numel(), ()))
        return states * self.kept[start : start + states.numel()].view_as(states)


class Batch:
    """Rows as tensors. places: 0 of what is no sentence, else its number from 1; texts: a number for each text, by rows."""

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
        self.spans = torch.tensor([row.span for row in rows])
        numbers: dict[Sequence[str], int] = {}
        self.texts = torch.tensor([numbers.setdefault(row.source.sentences, len(numbers)) for row in rows])


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as the model reads it. span: first and last token of the answer's words; 0 where none answer, -1 unknown."""

    source: Row
    layout: Layout
    span: tuple[int, int]


def encode(rows: Sequence[Row]) -> list[Encoded]:
    """Tokenize rows; those without a sentence are left out."""
    tokenizer = bundled_tokenizer()
    encoded = []
    for row in rows:
        question, context, *sentences = tokenizer.encode_batch(
            [row.question, row.context, *row.sentences], add_special_tokens=False
        )
        layout = lay_out(question.ids, context.ids, [sentence.ids for sentence in sentences])
        encoded.append(Encoded(row, layout, _span_of(row, layout, [sentence.offsets for sentence in sentences])))
    return [one for one in encoded if one.layout.sentences]


def _span_of(row: Row, layout: Layout, offsets: Sequence[Sequence[tuple[int, int]]]) -> tuple[int, int]:
    """Return the tokens of a row's answer. offsets: of each sentence's tokens, in its characters."""
    if row.labels and not row.answerable:
        return 0, 0
    for place, (sentence, label) in enumerate(zip(row.sentences, row.labels, strict=False)):
        start = sentence.find(row.answer) if label and row.answer else -1
        if start >= 0 and place < layout.sentences:
            first = layout.places.index(place + 1)
            own = [i for i, (low, high) in enumerate(offsets[place]) if low < start + len(row.answer) and high > start]
            if own and first + own[-1] < len(layout.ids) - 1:
                return first + own[0], first + own[-1]
    return -1, -1


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
        total = total + pairs * _pairs_loss(answerable, batch)
    there = batch.spans[:, 0] >= 0
    if there.any():  # a finer question of the same kind, by which the encoder learns the other two better
        total = total + functional.cross_entropy(spans[there], batch.spans[there])
    if claims.any():
        total = total + functional.cross_entropy(stance[claims], batch.stance[claims])
    return total


def _pairs_loss(answerable: Tensor, batch: Batch) -> Tensor:
    """Return how little the questions that a text answers stand above those that it does not: not one text above another."""
    pairs = (batch.texts[:, None] == batch.texts) & (batch.answerable[:, None] > batch.answerable)
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
        (claim_rows, one.claims),
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
    """Go over the rows once."""
    model.train()
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    heads = [weight for name, weight in model.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": body, "lr": one.rate}, {"params": heads, "lr": one.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = batches(rows, _BATCH_TOKENS, rng, together=one.pairs > 0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (_WARM_UP * len(steps)), (len(steps) - step) / ((1 - _WARM_UP) * len(steps))),
    )
    began, average, seen = time.monotonic(), 0.0, 0
    for number, step in enumerate(steps):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model, Batch(step), one.pairs)
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
    model = Reader()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in (start or {}).items()}, strict=False)
    found = []
    for number, one in enumerate(passes):
        rng = random.Random(seed + number)  # noqa: S311  # no secret
        rows = encode(chosen(options, one, rng))
        sys.stderr.write(f"{len(rows)} rows, {sum(len(row.layout.ids) for row in rows)} tokens\n")
        model.drop(one.dropout)
        train(model, one, rows, rng)
        state = {name: tensor.detach().numpy().copy() for name, tensor in model.state_dict().items()}
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
