"""The translation model: search and scoring agree, padding has no effect, every variable gets a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError
from seq2seq_tf.search.decode import decode
from seq2seq_tf.search.limits import Limits
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Batch, Hypotheses
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.model import Translation
from tests import gradients, oracles
from tests.gradients import SEED

V = 19
SOURCE_LENGTHS, TARGET_LENGTHS = (5, 3, 2), (3, 7, 4)
BLOCKS: dict[str, Any] = {"encoder_units": 4, "transformer_heads": 2, "feed_forward_units": 13}
CONFIGS: list[dict[str, Any]] = [
    {"cell": "lstm"},
    {"cell": "lstm", "fused": False, "tie": "none"},
    {"cell": "gru", "tie": "target"},
    {"cell": "rnn", "bidirectional": False},
    {"cell": "lstm", "attention": "none"},
    {"cell": "lstm", "bridge": "final"},
    {"cell": "gru", "attention": "none", "bridge": "final"},
    {"cell": "rnn", "bridge": "zero", "attention": "general"},
    {"cell": "lstm", "attention": "dot", "decoder_units": 6},
    {"cell": "lstm", "attention_units": 8, "attention_heads": 2},
    {"cell": "lstm", "layer_norm": True},
    {"cell": "gru", "encoder_layers": 2, "decoder_layers": 2},
    {"encoder": "transformer", "bridge": "mean", **BLOCKS},
    {"decoder": "transformer", "decoder_layers": 2, "decoder_units": 10, **BLOCKS},
    {"encoder": "transformer", "decoder": "transformer", "positions": "rotary", "decoder_units": 8, **BLOCKS},
]
DROPOUTS: dict[str, Any] = {
    "word_dropout": 0.2,
    "embedding_dropout": 0.3,
    "layer_dropout": 0.3,
    "encoder_dropout": 0.4,
    "output_dropout": 0.4,
}

pytestmark = pytest.mark.usefixtures("seed")


def make(
    rng: np.random.Generator, *, smoothing: float = 0.1, precision: str = "float32", **changes: Any
) -> Translation:
    """Returns a model with weights large enough for distinct scores."""
    config = oracles.small_config(**changes)
    model = Translation(config, V, V if config.tie == "all" else V + 4, precision=precision, smoothing=smoothing)
    model.build()
    oracles.randomise(model, rng)
    return model


def target_vocab(model: Translation) -> int:
    return model.target_embedding.vocab_size


def padded(rows: list[list[int]]) -> tf.Tensor:
    return tf.keras.utils.pad_sequences(rows, padding="post", value=PAD_ID, dtype="int32")


def draw(rng: np.random.Generator) -> Batch:
    source = [[*rng.integers(4, V, size=n - 1), EOS_ID] for n in SOURCE_LENGTHS]
    target = [[*rng.integers(4, V, size=n - 1)] for n in TARGET_LENGTHS]
    target_in, target_out = [[BOS_ID, *t] for t in target], [[*t, EOS_ID] for t in target]
    return Batch(*(tf.constant(padded(rows)) for rows in (source, target_in, target_out)))


def search(model: Translation, source: tf.Tensor, *, beam: int, penalty: float) -> Hypotheses:
    """Returns the result of a beam search (greedy for a beam of 1) with length limits of 2 and 11."""
    memory, state = model.encode(source)
    limits = Limits(*(tf.fill([tf.shape(source)[0]], n) for n in (2, 11)))
    options = oracles.search_options(beam_size=beam, n_best=beam, length_penalty=penalty)
    return decode(model.step_fn(), state, memory, limits, options)


def teacher_forced_log_probs(model: Translation, source: tf.Tensor, found: Hypotheses) -> np.ndarray:
    """Returns [B, K], the log-probability of each hypothesis under teacher forcing."""
    n_best, width = found.tokens.shape[1:]
    target_out = tf.reshape(found.tokens, [-1, width])
    first = tf.fill([target_out.shape[0], 1], BOS_ID)
    no_end = tf.where(target_out == EOS_ID, PAD_ID, target_out)
    target_in = tf.concat([first, no_end[:, :-1]], 1)
    log_probs, _ = model.score(Batch(tf.repeat(source, n_best, axis=0), target_in, target_out))
    return tf.reshape(tf.reduce_sum(log_probs, 1), [-1, n_best]).numpy()


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_score_of_a_hypothesis_is_its_teacher_forced_log_probability(
    changes: dict, beam: int, rng: np.random.Generator
) -> None:
    model, source = make(rng, **changes), draw(rng).source
    penalty = 0.7
    found = search(model, source, beam=beam, penalty=penalty)
    forced = teacher_forced_log_probs(model, source, found)
    np.testing.assert_allclose(found.log_probs, forced, rtol=1e-5, atol=5e-5)
    penalties = [[oracles.wu_penalty(n, penalty) for n in row] for row in found.lengths.numpy()]
    np.testing.assert_allclose(found.scores, forced / penalties, rtol=1e-5, atol=5e-5)


def test_in_bfloat16_the_score_is_close_to_the_teacher_forced_one(rng: np.random.Generator) -> None:
    """The search rounds logits to 8 bits; the loss computes the label's logit in float32.

    Rounding costs 2^-9 of a logit, here below 3, three times per piece: output, label and normaliser.
    """
    model, source = make(rng, precision="bfloat16"), draw(rng).source
    found = search(model, source, beam=3, penalty=0.0)
    forced = teacher_forced_log_probs(model, source, found)
    assert np.all(np.abs(found.log_probs - forced) <= 0.02 * found.lengths.numpy())


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_padding_changes_neither_score_nor_loss(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    wider = Batch(*(tf.pad(x, [[0, 0], [0, n]]) for x, n in zip(batch, (4, 2, 2), strict=True)))
    (log_probs, weights), (padded_log_probs, padded_weights) = model.score(batch), model.score(wider)
    width = batch.target_out.shape[1]
    np.testing.assert_allclose(padded_log_probs[:, :width], log_probs, atol=5e-5)
    np.testing.assert_array_equal(padded_log_probs[:, width:], 0.0)
    if weights.shape[2]:
        source_width = batch.source.shape[1]
        np.testing.assert_allclose(padded_weights[:, :width, :source_width], weights, atol=1e-5)
        np.testing.assert_array_equal(padded_weights[:, :, source_width:], 0.0)
    losses = [model.batch_loss(b, (), dropout_seed=None)[0] for b in (batch, wider)]
    for loss, padded_loss in zip(*losses, strict=True):
        np.testing.assert_allclose(padded_loss, loss, rtol=1e-5)


@pytest.mark.parametrize("changes", [*CONFIGS[:4], CONFIGS[-1]], ids=str)
def test_batch_equals_one_by_one(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    log_probs, _ = model.score(batch)
    found = search(model, batch.source, beam=3, penalty=0.7)
    for row, (source_length, length) in enumerate(zip(SOURCE_LENGTHS, TARGET_LENGTHS, strict=True)):
        source = batch.source[row : row + 1, :source_length]
        one = Batch(source, batch.target_in[row : row + 1, :length], batch.target_out[row : row + 1, :length])
        np.testing.assert_allclose(model.score(one)[0][0], log_probs[row, :length], atol=5e-5)
        alone = search(model, source, beam=3, penalty=0.7)
        width = alone.tokens.shape[2]
        np.testing.assert_array_equal(found.tokens[row, :, :width], alone.tokens[0])
        np.testing.assert_allclose(found.scores[row], alone.scores[0], rtol=1e-5)


def test_loss_is_the_sum_over_real_tokens(rng: np.random.Generator) -> None:
    model, batch = make(rng, smoothing=0.0), draw(rng)
    loss, carry = model.batch_loss(batch, (), dropout_seed=None)
    log_probs, _ = model.score(batch)
    assert carry == ()
    assert loss.weight == sum(TARGET_LENGTHS)
    np.testing.assert_allclose(loss.nll, -tf.reduce_sum(log_probs), rtol=1e-5)
    np.testing.assert_allclose(loss.total, loss.nll, rtol=1e-5)


def test_probabilities_of_all_pieces_sum_to_one(rng: np.random.Generator) -> None:
    """Scores every piece as the only one of a sentence."""
    model, batch = make(rng), draw(rng)
    source, first = tf.repeat(batch.source[:1], V, axis=0), tf.fill([V, 1], BOS_ID)
    target_out = tf.range(V)[:, tf.newaxis]
    log_probs, _ = model.score(Batch(source, first, tf.where(target_out == PAD_ID, V - 1, target_out)))
    memory, state = model.encode(batch.source[:1])
    logits, _ = model.step_fn()(tf.constant([BOS_ID]), state, memory)
    np.testing.assert_allclose(log_probs[1:, 0], tf.nn.log_softmax(logits)[0, 1:], atol=5e-5)
    np.testing.assert_allclose(tf.reduce_sum(tf.nn.softmax(logits)), 1.0, rtol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_every_variable_gets_a_gradient(changes: dict, rng: np.random.Generator) -> None:
    gradients.assert_every_variable_gets_a_gradient(make(rng, **changes, **DROPOUTS), draw(rng))


@pytest.mark.parametrize("changes", [{"cell": "lstm"}, {"cell": "gru", "fused": False}, *CONFIGS[-3:]], ids=str)
def test_an_empty_batch_gives_no_loss_and_no_gradient(changes: dict, rng: np.random.Generator) -> None:
    """A batch with fewer sentences than shards leaves a shard empty."""
    model = make(rng, **changes, **DROPOUTS)
    gradients.assert_no_loss_and_no_gradient(model, Batch(*(x[:0] for x in draw(rng))))


def test_fused_loss_and_gradients_equal_plain_ones(rng: np.random.Generator) -> None:
    fused, plain = make(rng, **DROPOUTS), make(rng, fused=False, **DROPOUTS)
    gradients.assert_fused_equals_plain(fused, plain, draw(rng))


def test_dropout_acts_in_training_only_and_repeats_with_its_seed(rng: np.random.Generator) -> None:
    batch = draw(rng)
    with_dropout, without = make(rng, **DROPOUTS), make(rng)
    for mine, theirs in zip(without.trainable_variables, with_dropout.trainable_variables, strict=True):
        mine.assign(theirs)

    def loss(model: Translation, seed: tf.Tensor | None) -> float:
        return float(model.batch_loss(batch, (), dropout_seed=seed)[0].nll)

    exact = loss(without, None)
    np.testing.assert_allclose(loss(with_dropout, None), exact, rtol=1e-6)
    np.testing.assert_allclose(-tf.reduce_sum(with_dropout.score(batch)[0]), exact, rtol=1e-5)
    assert loss(with_dropout, SEED) == loss(with_dropout, SEED)
    assert loss(with_dropout, SEED) != loss(with_dropout, SEED + 1)
    assert abs(loss(with_dropout, SEED) - exact) > 1e-3
    found, expected = (search(m, batch.source, beam=3, penalty=0.0) for m in (with_dropout, without))
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


@pytest.mark.parametrize(("tie", "tables"), [("all", 1), ("target", 2), ("none", 3)])
def test_tying_shares_tables(tie: str, tables: int, rng: np.random.Generator) -> None:
    model = make(rng, tie=tie)
    assert len([v for v in model.trainable_variables if "table" in v.path]) == tables
    assert (model.source_embedding is model.target_embedding) == (tie == "all")
    assert model.step_fn()(tf.constant([BOS_ID] * 3), *reversed(model.encode(draw(rng).source)))[0].shape == [
        3,
        target_vocab(model),
    ]


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_every_variable_appears_once_under_its_own_path(changes: dict, rng: np.random.Generator) -> None:
    model = make(rng, **changes)
    paths = [v.path for v in model.trainable_variables]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("translation/") for path in paths)
    before = len(paths)
    model.score(draw(rng))
    search(model, draw(rng).source, beam=3, penalty=0.0)
    assert len(model.trainable_variables) == before  # nothing is created later


def test_paths_show_where_a_variable_is(rng: np.random.Generator) -> None:
    paths = {v.path for v in make(rng).trainable_variables}
    assert {
        "translation/target_embedding/table",
        "translation/encoder/stack/backward_0/recurrent_kernel",
        "translation/decoder/attention/key_kernel",
        "translation/decoder/cell_0/kernel",
    } <= paths


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"data.joint_vocab": False}, ["model.tie=all", "data.joint_vocab"]),
        ({"model.output_units": 101}, ["model.output_units", "101"]),
        ({"model.tie": "target", "data.joint_vocab": False, "model.embedding_units": 7}, ["model.tie=target", "7"]),
        ({"search.beam_size": 3, "search.n_best": 5}, ["search.n_best=5", "search.beam_size=3"]),
        ({"model.cell": "lstmm"}, ["model.cell", "gru, lstm, rnn"]),
        ({"model.decoder_layers": 0}, ["model.decoder_layers", "[1, 16]"]),
    ],
)
def test_a_contradiction_is_refused_by_name(overrides: dict, named: list[str]) -> None:
    with pytest.raises(InputError) as error:
        load(None, overrides)
    assert all(part in str(error.value) for part in named)


def test_untied_sizes_may_differ() -> None:
    config: TranslationConfig = load(
        None, {"model.tie": "none", "data.joint_vocab": False, "model.output_units": 101}
    ).config
    assert config.model.output_units == 101
