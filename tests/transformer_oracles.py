"""Slow and obvious NumPy versions, in float64, of the parts of a Transformer; see `tests.oracles`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracles import Array, Weights, normalise, softmax


def rotated(x: Array) -> Array:
    """Returns vectors [T, d] rotated by their positions (Su 2021): units i and i + d/2 as one complex number."""
    half = x.shape[1] // 2
    turned = np.zeros_like(x)
    for p, row in enumerate(x):
        for i in range(half):
            point = (row[i] + 1j * row[i + half]) * np.exp(1j * p * 10_000.0 ** (-2 * i / x.shape[1]))
            turned[p, i], turned[p, i + half] = point.real, point.imag
    return turned


def scaled_attention(
    w: Weights, queries: Array, values: Array, heads: int, *, causal: bool = False, rotary: bool = False
) -> tuple[Array, Array]:
    """Returns the multi-head attention (Vaswani 2017) of one sentence: outputs [T, Q] and weights [heads, T, S]."""
    q = queries @ w["query_kernel"] + w["query_bias"]
    k, v = values @ w["key_kernel"], values @ w["value_kernel"] + w["value_bias"]
    size, contexts, shown = q.shape[1] // heads, [], []
    for head in range(heads):
        mine = slice(head * size, (head + 1) * size)
        asked, keys = (rotated(x[:, mine]) if rotary else x[:, mine] for x in (q, k))
        scores = asked @ keys.T / np.sqrt(size)
        if causal:
            scores[np.triu_indices(len(scores), 1)] = -np.inf
        shown.append(softmax(scores))
        contexts.append(shown[-1] @ v[:, mine])
    return np.concatenate(contexts, 1) @ w["output_kernel"] + w["output_bias"], np.stack(shown)


def transformer_stack(w: Weights, x: Array, source: Array | None, heads: int, rotary: bool) -> tuple[Array, Any]:
    """Returns the outputs [T, U] of a stack for one sentence, embedded as x [T, E], and the last source weights.

    Args:
      w: variables by path below the stack: "block_0/own/query_kernel", "norm_gain", ...
      x: embeddings.
      source: [S, D], what a decoder reads; None for an encoder.
      heads: number of heads.
      rotary: whether positions are rotations.
    """

    def below(prefix: str) -> Weights:
        return {name.removeprefix(prefix): value for name, value in w.items() if name.startswith(prefix)}

    def norm(name: str, x: Array) -> Array:
        return normalise(x, w[f"{name}_gain"]) + w[f"{name}_shift"]

    x = x * np.sqrt(x.shape[1])
    if "input_kernel" in w:
        x = x @ w["input_kernel"] + w["input_bias"]
    if not rotary:
        units = x.shape[1]
        angles = np.array([[p / 10_000.0 ** (2 * i / units) for i in range(units // 2)] for p in range(len(x))])
        x = x + np.concatenate([np.sin(angles), np.cos(angles)], 1)
    shown = None
    for n in range(len({name.split("/")[0] for name in w if name.startswith("block_")})):
        block, parts = f"block_{n}", 0
        seen = norm(f"{block}/norm_0", x)
        x = x + scaled_attention(below(f"{block}/own/"), seen, seen, heads, causal=source is not None, rotary=rotary)[0]
        if source is not None:
            parts = 1
            read, shown = scaled_attention(below(f"{block}/source/"), norm(f"{block}/norm_1", x), source, heads)
            x = x + read
        seen = norm(f"{block}/norm_{parts + 1}", x)
        hidden = np.maximum(seen @ w[f"{block}/inner_kernel"] + w[f"{block}/inner_bias"], 0.0)
        x = x + hidden @ w[f"{block}/outer_kernel"] + w[f"{block}/outer_bias"]
    return norm("norm", x), shown
