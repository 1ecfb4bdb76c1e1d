"""Train, inspect and ship attention-based recurrent translators.

    from seq2seq_tf import Translator
    Translator.load("runs/x").translate(["Ein Hund."])

Heavy modules are imported on first use: `seq2seq_tf.load_config` does not need TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seq2seq_tf.version import __version__ as __version__

if TYPE_CHECKING:  # for type checkers and editors: what `__getattr__` provides at run time
    from seq2seq_tf import layers as layers
    from seq2seq_tf.errors import InputError as InputError
    from seq2seq_tf.tasks import load_config as load_config
    from seq2seq_tf.tasks.captioning.captioner import Captioner as Captioner
    from seq2seq_tf.tasks.classification.classifier import Classifier as Classifier
    from seq2seq_tf.tasks.forecasting.forecaster import Forecaster as Forecaster
    from seq2seq_tf.tasks.language_model.text_generator import TextGenerator as TextGenerator
    from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer as PunctuationRestorer
    from seq2seq_tf.tasks.translation.config import TranslationConfig
    from seq2seq_tf.tasks.translation.translator import Translator as Translator

    Config = TranslationConfig

_PLACES = {
    "Config": "seq2seq_tf.tasks.translation.config:TranslationConfig",
    "InputError": "seq2seq_tf.errors:InputError",
    "layers": "seq2seq_tf.layers:",
    "load_config": "seq2seq_tf.tasks:load_config",
}


def _places() -> dict[str, str]:
    """Returns name -> "MODULE:NAME" for `_PLACES` and for the class of each task's trained runs."""
    from seq2seq_tf.tasks import TASKS

    return {**_PLACES, **{kind.python_api.partition(":")[2]: kind.python_api for kind in TASKS.values()}}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted([*_places(), "__version__"])
    # Submodules, whose names are lower case, are looked up while the registry itself is being imported.
    places = _places() if name[:1].isupper() else _PLACES
    if name not in places:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = places[name].partition(":")
    imported = importlib.import_module(module)
    value = getattr(imported, attribute) if attribute else imported
    globals()[name] = value  # later look-ups bypass this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_places()})
