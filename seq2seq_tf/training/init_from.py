"""Fine-tuning: a new run that starts from another run's weights, with its tokenizers and sizes.

What the weights depend on (sizes, tokenizers, labels) comes from the base; data, schedule, dropout and optimiser are
the new run's own. Once the new run has its first checkpoint, it no longer needs the base.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import Given, flatten
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_bytes
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.tokenizers import check_tokenizers

_OPTION = "train.init_from"
# Options outside the section `model` that determine tokenizers or shapes, in any task.
_DATA = (
    "byte_fallback",
    "character_coverage",
    "image_size",
    "joint_vocab",
    "lowercase",
    "normalization",
    "piece_model",
    "source_normalization",
    "target_normalization",
    "tokenizer",
    "vocab_size",
)
# Options that change how weights are initialised, trained or computed with, but not what they mean.
_FREE_ENDINGS = ("dropout", "_scale", ".forget_bias", ".variational", ".fused", ".cudnn")


def _bound(name: str) -> bool:
    """Returns whether an option must have the same value as in the base."""
    section, option = name.split(".")
    return option in _DATA if section == "data" else section == "model" and not name.endswith(_FREE_ENDINGS)


def values_of_base(kind: type[TaskConfig], path: str) -> Given:
    """Returns the options that a new run inherits from its base unless it sets them: tokenizers and section `model`.

    Raises:
      InputError: `path` is not a run folder, or one of another task.
    """
    base = RunDir(path)
    values = {
        name: value
        for name, value in flatten(base.load_config(kind)).items()
        if name.startswith("model.") or _bound(name)
    }
    return Given(values, dict.fromkeys(values, base.config_file))


def check_base(run: RunDir, config: TaskConfig) -> None:
    """Compares a configuration with the base that it names, before anything is written.

    Raises:
      InputError: the base does not exist, is the run itself or of another task, its weights are missing or damaged, a
        tokenizer is missing or differs, or an option does not fit (both values are named).
    """
    path = config.train.init_from
    if os.path.realpath(path) == os.path.realpath(run.path):
        raise InputError(f"{_OPTION}={path} is the run folder itself; a new run needs another --model_dir")
    base = RunDir(path)
    old, new = flatten(base.load_config(type(config))), flatten(config)
    for name in new:
        if _bound(name) and old[name] != new[name]:
            raise InputError(
                f"{name}={new[name]!r} does not fit {_OPTION}={path}: that run has {old[name]!r}; omit the option to "
                "use that value"
            )
    for file in config.tokenizer_files:
        if not os.path.isfile(os.path.join(path, file)):
            raise InputError(f"{_OPTION}={path}: {file} is missing there")
    weights = base.weights_file()
    check_tokenizers(weights, checkpoint.load_arrays(weights)[1], base)


def take_over_tokenizers(run: RunDir, config: TaskConfig, say: Callable[[str], None]) -> bool:
    """Copies the tokenizers of the base, unless that has been done; returns False if the run has no base.

    Raises:
      InputError: see `check_base`; or a file cannot be copied.
    """
    path = config.train.init_from
    if not path:
        return False
    if not run.begun:
        check_base(run, config)
        for name in config.tokenizer_files:
            try:
                with open(os.path.join(path, name), "rb") as file:
                    content = file.read()
            except OSError as error:
                raise InputError(f"{_OPTION}={path}: {name} cannot be read: {error.strerror}") from None
            write_bytes(os.path.join(run.path, name), content)
        say(f"{' and '.join(config.tokenizer_files)} copied from {path}")
    return True
