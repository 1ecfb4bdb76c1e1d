"""Gradient curves during training are written to TensorBoard and leave the run bit for bit as it is without them."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from seq2seq_tf.tasks.language_model import task
from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import language_models, toy

EVERY = 3


def translate(folder: Path, every: int) -> Path:
    corpus = toy.make_corpus(folder / "corpus", seed=3)
    config = toy.tiny_config(corpus, model__cell="gru", train__max_epochs=1, train__gradient_curves=every)
    run = RunDir(str(folder / f"run_{every}"))
    config = run.create(config)
    with contextlib.redirect_stderr(io.StringIO()):
        Session(run, config, prepare(run, config, lambda _: None), lambda: False).run()
    return Path(run.path)


def read(folder: Path, every: int) -> Path:
    data = language_models.write_folder(folder / "text")
    changes: dict[str, Any] = {"model__layers": 2, "train__max_epochs": 1, "train__gradient_curves": every}
    language_models.train(folder / f"run_{every}", language_models.config(data, **changes))
    return folder / f"run_{every}"


@pytest.mark.parametrize(
    ("train", "cells"),
    [
        (translate, ["encoder/layer_0/forward/h", "encoder/layer_0/backward/h", "decoder/layer_0/h"]),
        pytest.param(read, ["layer_0/h", "layer_0/c", "layer_1/h", "layer_1/c"], marks=pytest.mark.slow),
    ],
)
def test_curves_are_written_to_tensorboard_and_change_no_weight(train: Any, cells: list[str], tmp_path: Path) -> None:
    without, with_curves = train(tmp_path, 0), train(tmp_path, EVERY)
    expected, _ = checkpoint.load_arrays(str(without / "model.npz"))
    found, _ = checkpoint.load_arrays(str(with_curves / "model.npz"))
    assert set(found) == set(expected)
    for name, array in found.items():
        assert array.tobytes() == expected[name].tobytes(), name
    assert not [tag for tag in tags(without) if tag.startswith("gradients/")]
    curves = {f"gradients/{cell}/{place}" for cell in cells for place in ("first_step", "last_step")}
    assert {tag for tag in tags(with_curves) if tag.startswith("gradients/")} == curves | {"gradients/loss_by_state"}
    steps = tags(with_curves)["gradients/loss_by_state"]
    assert steps == [*range(EVERY, max(tags(with_curves)["train/loss"]) + 1, EVERY)]


def tags(run: Path) -> dict[str, list[int]]:
    """Returns tag -> updates at which TensorBoard has a value."""
    events = EventAccumulator(str(run / "tensorboard"), {"tensors": 0})
    events.Reload()
    return {tag: [event.step for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


def test_without_the_option_no_twin_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "reference_copy", None)
    monkeypatch.setattr(task, "GradientWatch", None)
    assert (read(tmp_path, 0) / "model.npz").exists()
