"""Train, inspect and ship attention-based recurrent translators.

    from seq2seq_tf import Translator
    Translator.load("runs/x").translate(["Ein Hund."])

Nothing heavy is imported before it is used: `seq2seq_tf.load_config` does not need TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq_tf.config.loading import load as load_config
    from seq2seq_tf.errors import InputError
    from seq2seq_tf.tasks.translation.config import Config
    from seq2seq_tf.tasks.translation.translator import Translator

__version__ = "0.1.0"
__all__ = ["Config", "InputError", "Translator", "__version__", "load_config"]

_PLACES = {
    "Config": ("seq2seq_tf.tasks.translation.config", "Config"),
    "InputError": ("seq2seq_tf.errors", "InputError"),
    "Translator": ("seq2seq_tf.tasks.translation.translator", "Translator"),
    "load_config": ("seq2seq_tf.tasks", "load_config"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
