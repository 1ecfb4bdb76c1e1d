"""The example trains, and what it saved is the same model in a process that has only imported the layers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from examples import keras_layers
from tests import toy

LOAD = """
import sys, keras, numpy as np
import seq2seq_tf.layers
from examples.keras_layers import made_up
np.save(sys.argv[2], keras.saving.load_model(sys.argv[1]).predict(made_up(5, seed=3)[0], verbose=0))
"""


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras_layers.build(units=8)
    history = keras_layers.train(model, sentences=128, epochs=3)
    losses = history.history["loss"]
    assert losses[-1] < losses[0]
    return model


def test_a_saved_translator_gives_the_same_in_a_fresh_process(trained: keras.Model, tmp_path: Path) -> None:
    path, found = tmp_path / "model.keras", tmp_path / "found.npy"
    trained.save(path)
    subprocess.run([sys.executable, "-c", LOAD, str(path), str(found)], check=True, cwd=toy.ROOT)
    expected = trained.predict(keras_layers.made_up(5, seed=3)[0], verbose=0)
    np.testing.assert_allclose(np.load(found), expected, rtol=1e-6, atol=1e-6)


def test_greedy_translations_are_the_likeliest_pieces_of_the_model(trained: keras.Model) -> None:
    source = keras_layers.made_up(3, seed=4)[0]["source"]
    found = keras_layers.translate(trained, source)
    target_in = np.concatenate([np.full([3, 1], keras_layers.layers.BOS_ID), found[:, :-1]], 1).astype(np.int32)
    logits = trained({"source": source, "target_in": target_in})
    assert found.shape == (3, keras_layers.LONGEST + 1)
    np.testing.assert_array_equal(found[:, 0], np.argmax(logits, -1)[:, 0])
