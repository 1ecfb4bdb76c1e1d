"""Base classes of the layers: float32 outside matrix products, and saving and loading with Keras."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import tensorflow as tf

from seq2seq_tf.config.common import NetworkConfig
from seq2seq_tf.nn.products import DTYPES

register = keras.saving.register_keras_serializable(package="seq2seq_tf")


class Float32Layer(keras.layers.Layer):
    """A layer whose variables, states and sums are float32; its dtype policy sets the precision of matrix products.

    Under a mixed policy Keras would cast inputs and variables when they are read, and so every sum of a recurrence.
    Here each product casts its own operands (`nn.products`).

    Args:
      kwargs: those of `keras.layers.Layer`: name, dtype, trainable.

    Raises:
      ValueError: the dtype policy is not float32, mixed_bfloat16 or mixed_float16.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        if self.variable_dtype != "float32" or self.compute_dtype not in DTYPES:
            raise ValueError(
                f"layer {self.name}: expected the dtype policy float32, mixed_bfloat16 or mixed_float16, "
                f"got {self.dtype_policy.name}"
            )
        self.supports_jit = False  # XLA would compile again for each length of a batch

    def add_weight(self, **kwargs: Any) -> keras.Variable:
        """Creates a variable that is read as float32, even in a Keras model with a mixed policy."""
        return super().add_weight(autocast=False, **kwargs)


class ConfiguredLayer(Float32Layer):
    """A layer with its own options and perhaps an embedding table; both are saved with it."""

    options: type[NetworkConfig]  # those that the layer reads
    config: NetworkConfig

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs, as plain values."""
        names = [field.name for field in dataclasses.fields(self.options)]
        config = {**super().get_config(), "config": {name: getattr(self.config, name) for name in names}}
        if hasattr(self, "embedding"):
            table = keras.saving.serialize_keras_object(self.embedding)
            # By this id Keras recognises, on loading, that two layers share a table. It would write the id itself, but
            # into a dictionary that has been copied by then.
            config["embedding"] = {**table, "shared_object_id": id(self.embedding)}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ConfiguredLayer:
        """Returns a layer as `get_config` describes it."""
        given = {**config, "config": cls.options(**config["config"])}
        if "embedding" in given:
            given["embedding"] = keras.saving.deserialize_keras_object(given["embedding"])
        return cls(**given)


def real_steps(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Returns which steps of x [B, T, ...] are real, [B, T] bool: by the mask, else the Keras mask of x, else all."""
    carried = getattr(x, "_keras_mask", None) if mask is None else mask
    return tf.ones(tf.shape(x)[:2], tf.bool) if carried is None else tf.cast(carried, tf.bool)


def drawn_seed(training: bool | None) -> tf.Tensor | None:
    """Returns a new seed [2] int32 for dropout masks, or None outside training.

    It comes from TensorFlow's global random numbers, which `keras.utils.set_random_seed` seeds. (A SeedGenerator would
    add a variable to every layer.) The Trainer of this package does not use it: its seeds come from batch numbers.
    """
    return tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32) if training else None
