"""Converts OpenNMT-tf's weights to a checkpoint of JoeyNMT or OpenNMT-py that computes the same function.

  python convert_onmttf.py {joey|onmtpy} ARRAYS.npz TEMPLATE OUT      (in the peer's environment, in the peers' folder)

TEMPLATE is any checkpoint of that peer in the compared shape: it gives everything that is not a weight. What JoeyNMT
and OpenNMT-py compute otherwise than OpenNMT-tf is patched when they decode, see decode_joey.py and decode_onmtpy.py.
Greedy translations of the three are then the same, byte for byte.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


class Weights:
    """Arrays of dump_onmttf.py, as tensors in the layout of PyTorch."""

    def __init__(self, path: str) -> None:
        self._arrays = np.load(path)
        with open("data/vocab.onmttf", encoding="utf-8") as file:
            words = [line.rstrip("\n") for line in file]
        self._row = {word: n for n, word in enumerate([*words, "<unk>"])}
        self._row["<pad>"] = self._row["<blank>"]

    def __getitem__(self, name: str) -> torch.Tensor:
        """A matrix is transposed: [in, out] in TensorFlow, [out, in] in PyTorch."""
        return torch.tensor(np.ascontiguousarray(self._arrays[name].T))

    def rows(self, name: str, words: Sequence[str]) -> torch.Tensor:
        """Returns the rows of a table in the order of another vocabulary."""
        return torch.tensor(self._arrays[name][[self._row[word] for word in words]])

    def output(self, words: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns weights [V, D] and bias [V] of the output layer in the order of another vocabulary."""
        order = [self._row[word] for word in words]
        return self["out_w"][order], self["out_b"][order]


def set_recurrences(model: dict[str, Any], weights: Weights, decoder: str, suffix: str) -> None:
    """Sets encoder and decoder LSTM. TensorFlow has one bias where PyTorch has two."""
    cells = {"for": ("encoder.rnn.", "_l0"), "back": ("encoder.rnn.", "_l0_reverse"), "dec": (decoder, suffix)}
    for cell, (prefix, ending) in cells.items():
        model[f"{prefix}weight_ih{ending}"] = weights[f"{cell}_w"]
        model[f"{prefix}weight_hh{ending}"] = weights[f"{cell}_u"]
        model[f"{prefix}bias_ih{ending}"] = weights[f"{cell}_b"]
        model[f"{prefix}bias_hh{ending}"] = torch.zeros_like(weights[f"{cell}_b"])


def to_joey(checkpoint: dict[str, Any], weights: Weights) -> None:
    """JoeyNMT: the output layer has no bias; it is kept beside the model for decode_joey.py."""
    model = checkpoint["model_state"]
    with open("data/vocab.joey", encoding="utf-8") as file:
        words = [line.rstrip("\n") for line in file]
    model["src_embed.lut.weight"] = weights.rows("src_emb", words)
    model["trg_embed.lut.weight"] = weights.rows("tgt_emb", words)
    set_recurrences(model, weights, "decoder.rnn.", "_l0")
    model["decoder.attention.key_layer.weight"] = weights["att_m"]
    model["decoder.attention.query_layer.weight"] = weights["att_q"]
    model["decoder.attention.energy_layer.weight"] = weights["att_v"][None]
    mixed = weights["att_l"]  # [H, state and context]
    model["decoder.att_vector_layer.weight"] = mixed
    model["decoder.att_vector_layer.bias"] = torch.zeros(len(mixed))
    model["decoder.output_layer.weight"], checkpoint["extra_output_bias"] = weights.output(words)


def to_onmtpy(checkpoint: dict[str, Any], weights: Weights) -> None:
    """OpenNMT-py: context first, then state, in the layer after the attention."""
    model = checkpoint["model"]
    words = checkpoint["vocab"]["tgt"]
    table = "embeddings.make_embedding.emb_luts.0.weight"
    model[f"encoder.{table}"] = weights.rows("src_emb", words)
    model[f"decoder.{table}"] = weights.rows("tgt_emb", words)
    set_recurrences(model, weights, "decoder.rnn.layers.0.", "")
    model["decoder.attn.linear_context.weight"] = weights["att_m"]
    model["decoder.attn.linear_query.weight"] = weights["att_q"]
    model["decoder.attn.v.weight"] = weights["att_v"][None]
    mixed = weights["att_l"]  # [H, state and context]
    units = len(mixed)
    model["decoder.attn.linear_query.bias"] = torch.zeros(units)
    model["decoder.attn.linear_out.weight"] = torch.cat([mixed[:, units:], mixed[:, :units]], 1)
    model["decoder.attn.linear_out.bias"] = torch.zeros(units)
    checkpoint["generator"]["weight"], checkpoint["generator"]["bias"] = weights.output(words)
    checkpoint["optim"] = None


def main(peer: str, arrays: str, template: str, out: str) -> None:
    """Writes the checkpoint."""
    checkpoint = torch.load(template, weights_only=False, map_location="cpu")
    {"joey": to_joey, "onmtpy": to_onmtpy}[peer](checkpoint, Weights(arrays))
    torch.save(checkpoint, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
