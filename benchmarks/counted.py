"""Operation counts of the translation model: multiply-adds of its matrix products, 2 FLOP each."""

from __future__ import annotations

from seq2seq_tf.tasks.translation.config import TranslationModelConfig

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def forward_flops(model: TranslationModelConfig, target_vocab: int) -> tuple[float, float]:
    """Returns FLOP per real source piece and per real target piece of a forward pass.

    The products over attention weights are left out: they depend on both lengths and are small.
    """
    gates, directions = _GATES[model.cell], 2 if model.bidirectional else 1
    values = model.encoder_units * directions
    below, source = model.embedding_units, 0.0
    for _ in range(model.encoder_layers):
        source += directions * gates * model.encoder_units * (below + model.encoder_units)
        below = values
    source += values * model.attention_units  # keys
    units = model.decoder_units
    target = gates * units * (model.embedding_units + values + units)
    target += (model.decoder_layers - 1) * gates * units * 2 * units
    target += units * model.attention_units
    target += (units + values + model.embedding_units) * model.output_units
    target += model.output_units * target_vocab
    return 2.0 * source, 2.0 * target


def training_flops(model: TranslationModelConfig, target_vocab: int) -> tuple[float, float]:
    """Returns the same for forward and backward pass: three times the forward pass."""
    source, target = forward_flops(model, target_vocab)
    return 3.0 * source, 3.0 * target
