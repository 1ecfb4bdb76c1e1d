"""Training compiled with XLA, with few shapes and empty rows, equals normal training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import toy

DROPOUTS = ("embedding_dropout", "encoder_dropout", "layer_dropout", "output_dropout")  # XLA draws different numbers


def made(folder: Path, corpus: toy.ToyCorpus, **changes: object) -> Session:
    off = dict.fromkeys((f"model__{name}" for name in DROPOUTS), 0.0)
    config = toy.tiny_config(corpus, train__max_epochs=1, train__length_multiple=16, **off, **changes)
    run = RunDir(str(folder))
    config = run.create(config)
    return Session(run, config, prepare(run, config, lambda _: None), lambda: False)


def test_lengths_in_multiples_and_full_batches_have_one_shape(tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=3)
    task = made(tmp_path / "run", corpus, train__jit_compile=True, model__cudnn=False).task
    plan = task.plan(0)
    batches = list(task.load(0, plan.batches))
    assert {array.shape for batch in batches for array in batch} == {(60 // 16, 16)}
    real = sum(int((batch.target_out != 0).sum() + (batch.source != 0).sum()) for batch in batches)
    rows = sum(len(chosen) for chosen in plan.batches)
    assert plan.padding == pytest.approx(1.0 - real / (rows * 32))


@pytest.mark.slow
@pytest.mark.parametrize("model", [{}, {"model__cell": "gru", "model__fused": False, "model__encoder_layers": 2}])
def test_compiled_training_ends_with_the_same_weights(model: dict[str, object], tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=3)
    options = {"train__optimizer": "sgd", "train__learning_rate": 0.5, "model__cudnn": False, **model}
    weights = []
    for jit in (False, True):
        session = made(tmp_path / str(jit), corpus, train__jit_compile=jit, **options)
        assert session.run().finished
        assert session.trainer._update_one.experimental_get_tracing_count() == 1
        weights.append({name: v.numpy() for name, v in session.trainer.variables().items()})
    for name, value in weights[1].items():
        np.testing.assert_allclose(value, weights[0][name], rtol=1e-3, atol=1e-4, err_msg=name)
