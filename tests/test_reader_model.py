"""The reader's model: as trained in torch, as packed, as read; and what it must be able to do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.reading.reader_model import LONGEST, WEIGHTS, ReaderModel, Text, lay_out, pack, unpack

TEXT = Text(
    "Bridges of Lom",
    (
        "The stone bridge of Lom was opened in 1907.",
        "It replaced a ferry that had run for two hundred years.",
        "The town council paid for it with a tax on salt.",
        "Swallows nest under its arches.",
    ),
)


def test_the_sentence_that_answers_is_rated_highest(reader_model: ReaderModel):
    for question, best in (
        ("When was the stone bridge opened?", 0),
        ("What did the bridge replace?", 1),
        ("How did the council pay for the bridge?", 2),
        ("Which birds nest there?", 3),
    ):
        assert int(np.argmax(reader_model.read(question, [TEXT])[0].sentences)) == best, question


def test_a_passage_that_answers_is_rated_above_one_that_does_not(reader_model: ReaderModel):
    other = Text("Bees", ("Bees dance to tell where the flowers are.", "The queen lays up to 2,000 eggs a day."))
    own, foreign = reader_model.read("How did the council pay for the bridge?", [TEXT, other])
    assert own.answers > foreign.answers
    assert max(own.sentences) > max(foreign.sentences)


def test_texts_are_rated_alone_whatever_they_are_read_with(reader_model: ReaderModel):
    texts = [TEXT, Text("", ("Bees dance.",)), Text("x", tuple(f"Sentence {i} is about salt." for i in range(60)))]
    together = reader_model.read("What is about salt?", texts)
    for text, found in zip(texts, together, strict=True):
        alone = ReaderModel().read("What is about salt?", [text])[0]
        np.testing.assert_allclose(alone.sentences, found.sentences, atol=0.15)
        assert len(found.sentences) == len(text.sentences)


def test_nothing_read_is_nothing_found(reader_model: ReaderModel):
    assert reader_model.read("What?", []) == []
    assert reader_model.read("What?", [Text("", ())])[0].sentences == ()


@given(
    st.lists(st.integers(999, 30_000), max_size=90),
    st.lists(st.integers(999, 30_000), max_size=90),
    st.lists(st.lists(st.integers(999, 30_000), min_size=1, max_size=120), max_size=12),
)
def test_what_is_read_together_is_never_too_long_and_every_token_has_its_place(question, context, sentences):
    layout = lay_out(question, context, sentences)
    assert len(layout.ids) == len(layout.types) == len(layout.places) <= LONGEST
    assert layout.ids[0] == 101
    assert layout.ids[-1] == 102
    assert layout.sentences <= len(sentences)
    for number in range(1, layout.sentences + 1):
        own = [token for token, place in zip(layout.ids, layout.places, strict=True) if place == number]
        assert own == sentences[number - 1][: len(own)]
        assert own


def test_weights_survive_packing(tmp_path: Path):
    changes, heads = unpack(WEIGHTS)
    name = "encoder.layer.0.output.dense.weight"
    generator = np.random.default_rng(1)
    from index.embedder import bundled_weights

    change = generator.normal(0, 0.01, changes[name].shape).astype(np.float32)
    pack({f"encoder.{name}": bundled_weights()[name] + change, "stance.0.bias": heads["stance.0.bias"]}, tmp_path / "w")
    found, kept = unpack(tmp_path / "w")
    assert np.abs(found[name] - change).max() <= np.abs(change).max() / 254 + 1e-6
    np.testing.assert_array_equal(kept["stance.0.bias"], heads["stance.0.bias"])


def test_the_weights_are_small_and_no_pickle():
    assert WEIGHTS.stat().st_size < 30_000_000
    assert WEIGHTS.suffix == ".safetensors"
    assert (WEIGHTS.parent / "README.md").read_text().startswith("# ")


@pytest.mark.slow
def test_torch_makes_the_same_of_the_same_weights(reader_model: ReaderModel):
    """The graph that OpenVINO runs and the heads in numpy are those that were trained."""
    torch = pytest.importorskip("torch")
    from bench.reader.network import Batch, Reader, encode
    from bench.reader.rows import Row
    from index.embedder import bundled_weights

    changes, heads = unpack(WEIGHTS)
    base = bundled_weights()
    state = {f"encoder.{name}": torch.from_numpy(base[name] + change) for name, change in changes.items()}
    state |= {name: torch.from_numpy(array) for name, array in heads.items()}
    model = Reader().eval()
    assert not model.load_state_dict(state, strict=False).unexpected_keys
    question = "How did the council pay for the bridge?"
    with torch.no_grad():
        sentences, answers, stance, _ = model(Batch(encode([Row(question, TEXT.context, TEXT.sentences)])))
    found = reader_model.read(question, [TEXT])[0]
    np.testing.assert_allclose(found.sentences, sentences[0].numpy(), atol=0.15)
    np.testing.assert_allclose(found.answers, answers[0].item(), atol=0.15)
    np.testing.assert_allclose(found.stance, stance[0].numpy(), atol=0.15)


@pytest.mark.slow
def test_in_training_a_question_is_compared_only_with_those_about_the_same_text():
    torch = pytest.importorskip("torch")
    from bench.reader.network import Batch, encode
    from bench.reader.rows import Row
    from bench.reader.train import _pairs_loss

    other = ("Bees dance.",)
    asked = [
        ("When was it opened?", TEXT.sentences, 1),
        ("When was it closed?", TEXT.sentences, 0),
        ("Who dances?", other, 1),
    ]
    batch = Batch(encode([Row(question, "", text, (answered,) * len(text), answered) for question, text, answered in asked]))
    apart, alike, other_way = (
        float(_pairs_loss(torch.tensor(logits), batch, torch.ones(3, dtype=torch.bool)))
        for logits in ([3.0, -3.0, -9.0], [0.0, 0.0, 9.0], [-3.0, 3.0, 0.0])
    )
    assert alike == pytest.approx(0.6931, abs=1e-3)
    assert apart < 0.01 < alike < other_way


@pytest.mark.slow
def test_a_run_goes_on_from_pass_to_pass_and_its_weights_are_averaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("torch")
    from bench.reader import train
    from bench.reader.rows import Row

    asked = Row("When was it opened?", "", ("It was opened in 1907.", "Bees dance."), (1, 0), 1, answer="1907")
    rows = [asked, asked, Row("It was opened in 1907.", "", ("It was opened in 1907.",), stance=0)]
    one = train.Pass(4, 0.0, 1.0, 0.0, 1e-3, 1e-3, 0.1, pairs=1.0, epochs=2)
    monkeypatch.setattr(train, "chosen", lambda *_: rows)
    monkeypatch.setattr(train, "RUNS", ((1.0, (one,)),))
    monkeypatch.setattr(train, "LAST", (((0.0, one), (0.0, one)),))
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "kept")])
    train.main()
    monkeypatch.setattr(train, "LAST", (((0.25, one), (0.5, one)),))
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "gone on")])
    train.main()
    kept, gone_on = (unpack(tmp_path / name)[1]["sentence.2.weight"] for name in ("kept", "gone on"))
    assert not np.allclose(kept, gone_on, atol=1e-5)


@pytest.mark.slow
def test_weights_are_averaged_by_their_shares():
    pytest.importorskip("torch")
    from bench.reader.train import mean_of

    assert mean_of([(0.25, {"a": np.array([4.0])}), (0.75, {"a": np.array([8.0])})]) == {"a": np.array([7.0])}


@pytest.mark.slow
def test_in_training_a_share_of_the_states_is_dropped_and_the_rest_made_up_for_it():
    torch = pytest.importorskip("torch")
    from bench.reader.network import DrawnOnce, Reader

    states = torch.ones(100, 384)
    model = Reader()
    model.drop(0.25)
    dropped = model.encoder.embeddings.dropout
    assert isinstance(dropped, DrawnOnce)
    found = dropped.train()(states)
    assert found.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert float((found == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert torch.equal(dropped.eval()(states), states)
    model.drop(0.0)
    assert torch.equal(model.encoder.embeddings.dropout.train()(states), states)
