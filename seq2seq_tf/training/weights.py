"""The weights of a model by name, as stored in files."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.tokenizers import check_tokenizers
from seq2seq_tf.training.trainer import TaskModel


def model_variables(model: TaskModel) -> dict[str, tf.Variable]:
    """Returns 'model/PATH' -> variable, the names in checkpoints."""
    return {f"model/{v.path}": v.value for v in model.trainable_variables}


class Weights(NamedTuple):
    """Which weights of a run are in use."""

    final: bool  # training has ended
    label: str  # "average of the 5 best", "best so far", "latest checkpoint"
    update: int  # after which they were stored; for an average, the last one of the run
    planned: int  # updates expected in the whole run, estimated from its first epoch; 0 if unknown
    path: str

    def __str__(self) -> str:
        if self.final:
            return f"final weights, {self.label}, after {self.update:,} updates"
        of = f" of about {self.planned:,}" if self.planned else ""
        return f"not the final weights, as training has not ended: {self.label}, after update {self.update:,}{of}"


IN_TRAINING = Weights(False, "those in training", 0, 0, "")  # of an object made without a run folder


def outline(kind: str, weights: Weights, model: TaskModel, *parts: str) -> str:
    """Returns the repr of an object that uses a run: its weights and an outline of its network.

    Args:
      kind: name of the class.
      weights, model: in use.
      parts: more about the network.
    """
    where = repr(os.path.dirname(weights.path)) if weights.path else "no run folder"
    parameters = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    return f"<{kind} of {where} ({weights.label}): {', '.join([*parts, f'{parameters:,} parameters'])}>"


def load_weights(run: RunDir, model: TaskModel) -> Weights:
    """Assigns the final weights of a run, or the best so far if training has not ended; returns which they are.

    Raises:
      InputError: there are no weights yet, they are damaged or of a different model, or a tokenizer is not the one they
        were trained with.
    """
    damaged: list[str] = []
    path = run.weights_file(damaged.append)
    arrays, state = checkpoint.load_arrays(path)
    check_tokenizers(path, state, run)
    weights = {name: array for name, array in arrays.items() if name.startswith("model/")}
    checkpoint.assign(path, weights, model_variables(model))
    found = _described(run, path, state)
    if damaged:
        names = ", ".join(map(os.path.basename, damaged))
        found = found._replace(label=f"{found.label} that can be read ({run.best} contains damaged files: {names})")
    return found


def _described(run: RunDir, path: str, state: dict[str, Any]) -> Weights:
    if path == run.final_model:
        return Weights(True, state.get("weights", "of an older version"), state.get("update", 0), 0, path)
    update = state["position"]["update"] if "position" in state else state["update"]
    label = "latest checkpoint" if os.path.dirname(path) == run.checkpoints else "best so far"
    return Weights(False, label, update, state.get("planned", 0), path)
