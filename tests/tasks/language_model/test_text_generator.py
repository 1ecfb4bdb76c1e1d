"""The Python API on a tiny trained model: the same text however it is drawn, exact scores, activations of all units."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf import forks
from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.tasks.language_model import text_generator
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.running_text import TextOfIds, text_ids
from tests import language_models, oracles

TEXTS = ["mo gin\nlo\u00e9", "", "k \u4e2d", "ma mo ma mo\n\nk\n"]


@pytest.fixture(scope="module", params=["characters", "sentencepiece"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TextGenerator:
    """Returns a two-layer LSTM trained on made-up text for a few updates."""
    folder = tmp_path_factory.mktemp(request.param)
    changes = {"data__tokenizer": request.param, "data__vocab_size": 285, "model__layers": 2}
    config = language_models.config(language_models.write_folder(folder / "text"), **changes)
    assert language_models.train(folder / "run", config).finished
    return TextGenerator.load(str(folder / "run"))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes chunks so small that even the short texts here are divided."""
    monkeypatch.setattr(text_generator, "_STEPS", 3)
    monkeypatch.setattr(text_generator, "_ROWS", 3)


def step_by_step(generator: TextGenerator, ids: list[int]) -> tuple[np.ndarray, list[Any]]:
    """Returns the logits [T, V] and the state after each id, reading one id at a time from the zero state."""
    step, state = generator.model.step_fn(), generator.model.initial_carry(1)
    logits, states = [], []
    for symbol in ids:
        out, state = step(tf.constant([symbol]), state, ())
        logits.append(out[0].numpy())
        states.append(state)
    return np.stack(logits), states


@pytest.mark.usefixtures("small_chunks")
def test_a_score_is_the_sum_over_single_steps_from_zero(generator: TextGenerator) -> None:
    scores = generator.score(TEXTS)
    assert generator.score([]) == []
    for text, score in zip(TEXTS, scores, strict=True):
        ids = [BOS_ID, *text_ids(generator.tokenizer, text), BOS_ID]
        logits, _ = step_by_step(generator, ids[:-1])
        log_probs = np.log(oracles.softmax(logits.astype(np.float64)))
        expected = -sum(log_probs[n, symbol] for n, symbol in enumerate(ids[1:]))
        assert score.nats == pytest.approx(expected, rel=1e-5)
        assert (score.tokens, score.characters) == (len(ids) - 1, len(text))
        assert score.unknown == ids.count(UNK_ID)
        assert score.bits_per_character == pytest.approx(expected / np.log(2.0) / max(len(text), 1), rel=1e-5)


@pytest.mark.usefixtures("small_chunks")
def test_logits_are_those_of_single_steps(generator: TextGenerator) -> None:
    read, logits = generator.logits(TEXTS[0])
    ids = [BOS_ID, *text_ids(generator.tokenizer, TEXTS[0])]
    assert read == generator.tokenizer.pieces(ids)
    np.testing.assert_allclose(logits, step_by_step(generator, ids)[0], atol=1e-4)


@pytest.mark.usefixtures("small_chunks")
def test_activations_are_the_states_after_each_token(generator: TextGenerator) -> None:
    found = generator.activations_of(TEXTS)
    for text, activations in zip(TEXTS, found, strict=True):
        ids = text_ids(generator.tokenizer, text)
        _, states = step_by_step(generator, [BOS_ID, *ids])
        assert activations.values.shape == (len(ids), 2 * 2 * 13)
        assert activations.values.dtype == np.float32
        for n, after in enumerate(states[1:]):
            flat = np.concatenate([s.numpy()[0] for layer in after for s in layer])
            np.testing.assert_allclose(activations.values[n], flat, atol=1e-5)
        assert len(activations.tokens) == len(ids)
        assert activations.tokens.count("\n") == text.count("\n")
    names = found[0].names
    assert (names[0], names[17], names[-1]) == ("layer_0/h/0", "layer_0/c/4", "layer_1/c/12")
    alone = generator.activations(TEXTS[3])
    np.testing.assert_allclose(alone.values, found[3].values, atol=1e-5)


def test_characters_are_shown_as_they_appear_in_the_text(generator: TextGenerator) -> None:
    if generator.config.data.tokenizer == "characters":
        assert "".join(generator.activations(TEXTS[2]).tokens) == TEXTS[2]


@pytest.mark.parametrize("prompt", ["", "mo gin", "mo\n"])
def test_the_same_seed_gives_the_same_text_streamed_or_in_one_call(generator: TextGenerator, prompt: str) -> None:
    options: dict[str, Any] = {"length": 41, "temperature": 1.2, "top_p": 0.95, "seed": 5}
    several = generator.sample(prompt, samples=3, **options)
    assert len(set(several)) == 3
    assert generator.sample(prompt, **options) == several[:1]
    streamed = list(generator.stream(prompt, **options))
    assert "".join(streamed) == several[0]
    assert all(streamed)
    assert generator.sample(prompt, **{**options, "seed": 6}) != several[:1]


@pytest.mark.usefixtures("small_chunks")
def test_greedy_sampling_always_draws_the_most_probable_token(generator: TextGenerator) -> None:
    ids = [BOS_ID, *text_ids(generator.tokenizer, "mo gi")]
    for _ in range(9):
        logits = step_by_step(generator, ids)[0][-1]
        ids.append(int(np.argmax(np.where(generator.drawable, logits, -np.inf))))
    drawn = ids[-9:]
    assert BOS_ID not in drawn
    found = generator.sample("mo gi", length=9, temperature=0.0)
    reader = TextOfIds(generator.tokenizer, ids[1:-9])
    assert found == ["".join(map(reader.add, drawn))]


def test_a_text_ends_where_the_model_ends_the_file(generator: TextGenerator) -> None:
    texts = generator.sample(samples=40, length=60, temperature=1.5)
    lengths = {len(text_ids(generator.tokenizer, text)) for text in texts}
    assert min(lengths) < 60
    assert not any(special in text for text in texts for special in ("<pad>", "<unk>", "<s>", "</s>"))


def test_special_tokens_are_not_drawn(generator: TextGenerator) -> None:
    found = np.flatnonzero(~generator.drawable).tolist()
    assert found == ([PAD_ID, UNK_ID, EOS_ID] if generator.config.data.tokenizer == "characters" else [PAD_ID, UNK_ID])


def test_each_function_is_traced_once(generator: TextGenerator) -> None:
    for length in (1, 5):
        generator.sample("mo", samples=length, length=length, temperature=length)
        generator.score(TEXTS[:length])
        generator.activations(TEXTS[0][:length])
        generator.logits("m" * length)
        list(generator.stream("mo", length=length))
    functions = ("score_ids", "logits_of_ids", "states_of_ids", "read_ids", "draw_ids")
    assert {name: getattr(generator, name).experimental_get_tracing_count() for name in functions} == dict.fromkeys(
        functions, 1
    )


def test_options_are_checked_by_name(generator: TextGenerator) -> None:
    with pytest.raises(InputError, match=r"^top_p: .* must be in"):
        generator.sample(top_p=1.5)
    with pytest.raises(InputError, match="temprature: unknown option"):
        next(generator.stream(temprature=1.0))
    wrong: tuple[Any, ...] = (0, 1.5, "2")
    for samples in wrong:
        with pytest.raises(InputError, match="samples must be a whole number of at least 1, got"):
            generator.sample(samples=samples)
    no_texts: tuple[Any, ...] = (None, b"mo", "m\udce9")
    for prompt in no_texts:
        with pytest.raises(InputError, match="^prompt "):
            generator.sample(prompt)
    with pytest.raises(InputError, match="^text must be a str, got NoneType"):
        generator.logits(None)  # type: ignore[arg-type]
    for method in (generator.score, generator.activations_of):
        with pytest.raises(InputError, match="item 2 must be a str, got int"):
            method(["mo", 7])  # type: ignore[list-item]
    with pytest.raises(InputError, match="got one text"):
        generator.score("mo")
    assert generator.sample_options(top_k=3).length == generator.config.sample.length == 11


def test_it_reports_its_weights_and_refuses_to_work_after_a_fork(
    generator: TextGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert generator.weights.final
    assert str(generator.weights).startswith("final weights, ")
    monkeypatch.setattr(forks, "_computing", {-1})
    with pytest.raises(InputError, match="spawn"):
        generator.score(["ba"])


def test_the_repr_of_a_generator_describes_it(generator: TextGenerator) -> None:
    label = re.escape(generator.weights.label)
    assert re.fullmatch(
        rf"<TextGenerator of '.*/run' \({label}\): \w+, \d+ (characters|pieces), [\d,]+ parameters>", repr(generator)
    )
