"""The registry of tasks: a task is a folder here, its program in `cli/`, and its line below.

Importing a configuration imports no TensorFlow.
"""

from __future__ import annotations

from seq2seq_tf.config.loading import load as load_config
from seq2seq_tf.config.registry import TASKS, register
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.classification.config import ClassificationConfig
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.tasks.translation.config import TranslationConfig

__all__ = ["TASKS", "load_config"]

register(
    CaptioningConfig,
    ClassificationConfig,
    LanguageModelConfig,
    TaggingConfig,
    TranslationConfig,
)
