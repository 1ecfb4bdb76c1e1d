"""The captioning model: search and scoring agree, padding has no effect, and every variable has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.config.loading import load
from seq2seq_tf.data.batching import pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.search.decode import decode
from seq2seq_tf.search.limits import Limits
from seq2seq_tf.structures import BOS_ID, EOS_ID, Hypotheses
from seq2seq_tf.tasks.captioning.config import CaptioningConfig, CaptioningModelConfig
from seq2seq_tf.tasks.captioning.model import CaptionBatch, Captioning
from tests import gradients, oracles
from tests.gradients import SEED

V, SIZE = 19, 8
LENGTHS = (3, 7, 4)  # of captions, counting the end
CONFIGS = [
    {"cell": "lstm"},
    {"cell": "lstm", "fused": False},
    {"cell": "gru", "decoder_layers": 2},
    {"cell": "rnn", "halvings": 1},
    {"cell": "lstm", "attention": "none"},
    {"cell": "lstm", "attention_heads": 3, "attention_units": 9, "bridge": "zero"},
]
SIZES = {"filters": 3, "embedding_units": 5, "decoder_units": 7, "attention_units": 11, "output_units": 13}
DROPOUTS = ("word_dropout", "embedding_dropout", "layer_dropout", "encoder_dropout", "output_dropout")

pytestmark = pytest.mark.usefixtures("seed")


def make(rng: np.random.Generator, *, dropout: float = 0.0, smoothing: float = 0.1, **changes: Any) -> Captioning:
    """Returns a model with weights large enough for distinct probabilities."""
    config = CaptioningModelConfig(**{**SIZES, **dict.fromkeys(DROPOUTS, dropout), **changes})
    model = Captioning(config, SIZE, V, precision="float32", smoothing=smoothing)
    model.build()
    oracles.randomise(model, rng)
    return model


def draw(rng: np.random.Generator) -> CaptionBatch:
    rows = [rng.integers(4, V, size=n - 1) for n in LENGTHS]
    images = rng.integers(0, 256, [len(rows), SIZE, SIZE]).astype(np.uint8)
    return CaptionBatch(*map(tf.constant, (images, pad_rows(rows, first=BOS_ID), pad_rows(rows, last=EOS_ID))))


def search(model: Captioning, images: tf.Tensor, *, beam: int, penalty: float) -> Hypotheses:
    memory, state = model.encode(images)
    limits = Limits(*(tf.fill([tf.shape(images)[0]], n) for n in (2, 11)))
    options = oracles.search_options(beam_size=beam, n_best=beam, length_penalty=penalty)
    return decode(model.step_fn(), state, memory, limits, options)


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_score_of_a_caption_is_its_teacher_forced_log_probability(
    changes: dict, beam: int, rng: np.random.Generator
) -> None:
    model, images = make(rng, **changes), draw(rng).images
    found = search(model, images, beam=beam, penalty=0.7)
    flat = found.tokens.numpy().reshape(len(LENGTHS) * beam, -1)
    rows = [row[: n - 1] for row, n in zip(flat, np.ravel(found.lengths), strict=True)]
    repeated = tf.repeat(images, beam, axis=0)
    log_probs, _ = model.score(CaptionBatch(repeated, pad_rows(rows, first=BOS_ID), pad_rows(rows, last=EOS_ID)))
    forced = tf.reshape(tf.reduce_sum(log_probs, 1), [-1, beam])
    np.testing.assert_allclose(found.log_probs, forced, rtol=1e-5, atol=5e-5)
    penalties = [[oracles.wu_penalty(n, 0.7) for n in row] for row in found.lengths.numpy()]
    np.testing.assert_allclose(found.scores, forced / penalties, rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_padding_changes_neither_score_nor_loss(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    wider = CaptionBatch(batch.images, *(tf.pad(x, [[0, 0], [0, 2]]) for x in batch[1:]))
    (log_probs, weights), (padded_log_probs, padded_weights) = model.score(batch), model.score(wider)
    width = max(LENGTHS)
    np.testing.assert_allclose(padded_log_probs[:, :width], log_probs, atol=5e-5)
    np.testing.assert_array_equal(padded_log_probs[:, width:], 0.0)
    np.testing.assert_allclose(padded_weights[:, :width], weights, atol=1e-5)
    losses = [model.batch_loss(b, (), dropout_seed=None)[0] for b in (batch, wider)]
    for loss, padded_loss in zip(*losses, strict=True):
        np.testing.assert_allclose(padded_loss, loss, rtol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS[:3], ids=str)
def test_a_batch_equals_single_images(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    log_probs, _ = model.score(batch)
    found = search(model, batch.images, beam=3, penalty=0.7)
    for row, length in enumerate(LENGTHS):
        image = batch.images[row : row + 1]
        one = CaptionBatch(image, *(x[row : row + 1, :length] for x in batch[1:]))
        np.testing.assert_allclose(model.score(one)[0][0], log_probs[row, :length], atol=5e-5)
        alone = search(model, image, beam=3, penalty=0.7)
        np.testing.assert_array_equal(found.tokens[row, :, : alone.tokens.shape[2]], alone.tokens[0])
        np.testing.assert_allclose(found.scores[row], alone.scores[0], rtol=1e-5)


def test_loss_is_the_sum_over_real_words(rng: np.random.Generator) -> None:
    model, batch = make(rng, smoothing=0.0), draw(rng)
    loss, carry = model.batch_loss(batch, (), dropout_seed=None)
    assert carry == ()
    assert loss.weight == sum(LENGTHS)
    np.testing.assert_allclose(loss.nll, -tf.reduce_sum(model.score(batch)[0]), rtol=1e-5)
    np.testing.assert_allclose(loss.total, loss.nll, rtol=1e-5)


def test_attention_is_a_distribution_over_the_grid_at_each_word(rng: np.random.Generator) -> None:
    model, batch = make(rng), draw(rng)
    weights = model.score(batch)[1]
    assert weights.shape == (3, max(LENGTHS), 4)
    np.testing.assert_allclose(tf.reduce_sum(weights, -1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_every_variable_gets_a_gradient(changes: dict, rng: np.random.Generator) -> None:
    model = make(rng, dropout=0.3, **changes)
    gradients.assert_every_variable_gets_a_gradient(model, draw(rng))
    paths = {v.path for v in model.trainable_variables}
    assert len(paths) == len(model.trainable_variables)
    assert {"captioning/image_encoder/convolution_0/kernel", "captioning/decoder/cell_0/kernel"} <= paths


def test_no_images_give_no_loss_and_no_gradient(rng: np.random.Generator) -> None:
    """A batch with fewer images than shards leaves a shard empty."""
    gradients.assert_no_loss_and_no_gradient(make(rng, dropout=0.3), CaptionBatch(*(x[:0] for x in draw(rng))))


def test_fused_loss_and_gradients_equal_plain_ones(rng: np.random.Generator) -> None:
    fused, plain = make(rng, dropout=0.3), make(rng, dropout=0.3, fused=False)
    gradients.assert_fused_equals_plain(fused, plain, draw(rng))


def test_dropout_is_active_only_in_training_and_repeats_with_its_seed(rng: np.random.Generator) -> None:
    model, batch = make(rng, dropout=0.3), draw(rng)

    def loss(seed: tf.Tensor | None) -> float:
        return float(model.batch_loss(batch, (), dropout_seed=seed)[0].nll)

    assert loss(None) == loss(None)
    assert loss(SEED) == loss(SEED)
    assert len({loss(None), loss(SEED), loss(SEED + 1)}) == 3


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"data.image_size": 42}, ["data.image_size=42", "multiple of 4", "model.halvings=2"]),
        ({"search.beam_size": 3, "search.n_best": 5}, ["search.n_best=5", "search.beam_size=3"]),
        ({"data.image_size": 32}, ["data.image_size", "[40, 256]"]),
        ({"data.max_digits": 4}, ["data.max_digits", "[1, 3]"]),
        ({"train.metric": "bleu"}, ["train.metric", "exact_match, loss"]),
    ],
)
def test_a_contradiction_is_refused_by_name(overrides: dict, named: list[str]) -> None:
    with pytest.raises(InputError) as error:
        load(None, overrides, CaptioningConfig)
    assert all(part in str(error.value) for part in named)
