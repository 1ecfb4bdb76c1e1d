"""Train, inspect and ship attention-based recurrent translators.

    from seq2seq_tf import Translator
    Translator.load("runs/x").translate(["Ein Hund."])

Nothing heavy is imported before it is used: `seq2seq_tf.load_config` does not need TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq_tf.errors import InputError
    from seq2seq_tf.tasks import load_config
    from seq2seq_tf.tasks.captioning.captioner import Captioner
    from seq2seq_tf.tasks.classification.classifier import Classifier
    from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
    from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer
    from seq2seq_tf.tasks.translation.config import TranslationConfig as Config
    from seq2seq_tf.tasks.translation.translator import Translator

__version__ = "0.1.0"
__all__ = [
    "Captioner",
    "Classifier",
    "Config",
    "InputError",
    "PunctuationRestorer",
    "TextGenerator",
    "Translator",
    "__version__",
    "load_config",
]

_PLACES = {
    "Captioner": ("seq2seq_tf.tasks.captioning.captioner", "Captioner"),
    "Classifier": ("seq2seq_tf.tasks.classification.classifier", "Classifier"),
    "Config": ("seq2seq_tf.tasks.translation.config", "TranslationConfig"),
    "InputError": ("seq2seq_tf.errors", "InputError"),
    "PunctuationRestorer": ("seq2seq_tf.tasks.tagging.punctuation_restorer", "PunctuationRestorer"),
    "TextGenerator": ("seq2seq_tf.tasks.language_model.text_generator", "TextGenerator"),
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
