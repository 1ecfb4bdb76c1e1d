"""The weights of a model by name, as they stand in files."""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.tokenizers import check_tokenizers
from seq2seq_tf.training.trainer import TaskModel


def model_variables(model: TaskModel) -> dict[str, tf.Variable]:
    """Returns 'model/PATH' -> variable, the names in checkpoints."""
    return {f"model/{v.path}": v.value for v in model.trainable_variables}


def load_weights(run: RunDir, model: TaskModel) -> None:
    """Assigns the final weights of a run, or the best so far if training still goes on.

    Raises:
      InputError: no weights yet, damaged or foreign weights, or tokenizers that are not those of the weights.
    """
    path = run.weights_file()
    arrays, state = checkpoint.load_arrays(path)
    check_tokenizers(path, state, run)
    weights = {name: array for name, array in arrays.items() if name.startswith("model/")}
    checkpoint.assign(path, weights, model_variables(model))
