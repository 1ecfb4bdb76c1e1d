"""Options of Transformers, and which options apply to recurrent networks only or to Transformers only."""

from __future__ import annotations

import dataclasses
from typing import Any

from seq2seq_tf.config.common import UNITS, DecoderConfig, EncoderConfig, NetworkConfig, Range, option
from seq2seq_tf.errors import InputError

NETWORKS = ("recurrent", "transformer")
POSITIONS = ("rotary", "sinusoidal")

_OF_TRANSFORMERS = ("transformer_heads", "feed_forward_units", "positions")
_OF_CELLS = ("cell", "residual", "layer_norm", "forget_bias")
_OF_RECURRENT = {
    "encoder": ("bidirectional",),
    "decoder": ("attention", "attention_units", "attention_heads", "bridge"),
}


@dataclasses.dataclass(frozen=True)
class TransformerConfig(NetworkConfig):
    """The blocks of a Transformer."""

    transformer_heads: int = option(
        4, "transformer: heads of each attention, among which the units are divided", Range(1, 64)
    )
    feed_forward_units: int = option(
        1024, "transformer: size of the hidden layer of each block's feed-forward network", UNITS
    )
    positions: str = option(
        "sinusoidal",
        "transformer: how a piece's position enters: sinusoidal = added to its vector (Vaswani 2017), "
        "rotary = by rotating queries and keys (Su 2021)",
        POSITIONS,
    )


@dataclasses.dataclass(frozen=True)
class TransformerEncoderConfig(TransformerConfig, EncoderConfig):
    """The Transformer encoder."""


@dataclasses.dataclass(frozen=True)
class TransformerDecoderConfig(TransformerConfig, DecoderConfig):
    """The Transformer decoder."""


def check_networks(model: Any) -> None:
    """Raises InputError for options that do not apply to the chosen networks, or sizes that do not fit.

    Args:
      model: options of encoder and decoder; its fields `encoder` and `decoder` name the `NETWORKS`.
    """
    kinds = {"encoder": model.encoder, "decoder": model.decoder}
    chosen = " and ".join(f"model.{side}={kind}" for side, kind in kinds.items())
    recurrent = [side for side, kind in kinds.items() if kind == "recurrent"]
    for side, options in _OF_RECURRENT.items():
        if side not in recurrent:
            _refuse_changed(model, options, f"model.{side}={kinds[side]}")
    if not recurrent:
        _refuse_changed(model, _OF_CELLS, chosen)
    if len(recurrent) == len(kinds):
        _refuse_changed(model, _OF_TRANSFORMERS, chosen)
    for side in kinds:
        if side not in recurrent:
            _check_units(model, f"{side}_units")
    if model.encoder == "transformer" and model.decoder == "recurrent" and model.bridge == "final":
        raise InputError(
            "model.bridge=final needs model.encoder=recurrent: a Transformer has no final state; use "
            "model.bridge=mean or zero"
        )


def _refuse_changed(model: Any, options: tuple[str, ...], chosen: str) -> None:
    """Raises InputError if one of the options, which have no effect, does not have its default."""
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if field.name in options and value != field.default:
            shown = str(value).lower() if isinstance(value, bool) else value
            raise InputError(f"model.{field.name}={shown} does not apply to {chosen}; omit it")


def _check_units(model: Any, name: str) -> None:
    """Raises InputError unless the units of a Transformer can be divided among its heads and have positions."""
    units, heads = getattr(model, name), model.transformer_heads
    if units % heads:
        raise InputError(f"model.transformer_heads={heads} must divide model.{name}={units}")
    if model.positions == "rotary" and (units // heads) % 2:
        raise InputError(
            f"model.positions=rotary needs an even number of units per head, got {units // heads} "
            f"(model.{name}={units}, model.transformer_heads={heads})"
        )
    if units % 2:
        raise InputError(f"model.positions={model.positions} needs an even number of units, got model.{name}={units}")
