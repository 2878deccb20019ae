"""The reader's network as it is trained, and rows as it reads them. The product runs it by qa/reading/reader_model.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from bench.reader.rows import Row
from index.embedder import bundled_folder, bundled_tokenizer, bundled_weights
from qa.reading.reader_model import SHARED, Layout, lay_out

_DRAWN = 2**24  # random numbers for dropout; the states of the largest batches take three quarters of them


class Reader(nn.Module):
    """The encoder with its heads."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig.from_json_file(bundled_folder() / "config.json")
        config.attention_probs_dropout_prob = 0.0
        self.encoder = BertModel(config, add_pooling_layer=False)
        # torch 2.13's own kernel, going backward on processors, took half of a step
        self.encoder.set_attn_implementation("eager")
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
        kept = ((torch.rand(_DRAWN) >= share) / (1 - share)).to(self.scale.device)
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

    def __init__(self, rows: Sequence[Encoded], device: str = "cpu") -> None:
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
        for name, tensor in list(vars(self).items()):
            setattr(self, name, tensor.to(device))


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
