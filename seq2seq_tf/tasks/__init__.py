"""The registry of tasks: a task is a folder here, a program in `cli/` and a line below.

Importing a configuration does not import TensorFlow.
"""

from __future__ import annotations

import importlib

from seq2seq_tf.config.loading import load as load_config
from seq2seq_tf.config.registry import TASKS, python_api, register

__all__ = ["TASKS", "load_config", "python_api"]

_CONFIGURATIONS = {  # folder -> its configuration class, in config.py
    "captioning": "CaptioningConfig",
    "classification": "ClassificationConfig",
    "forecasting": "ForecastingConfig",
    "language_model": "LanguageModelConfig",
    "tagging": "TaggingConfig",
    "translation": "TranslationConfig",
}
for _folder, _name in _CONFIGURATIONS.items():
    register(getattr(importlib.import_module(f"{__name__}.{_folder}.config"), _name))
