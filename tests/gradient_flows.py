"""A made-up measurement of gradient flow."""

from __future__ import annotations

import numpy as np

from seq2seq_tf.inspection.gradients import Curve, Flow, GateShares

H, T = 7, 13


def flow(rng: np.random.Generator, parts: str = "hc", gates: tuple[str, ...] = ("input", "forget")) -> Flow:
    """Returns random curves over T steps, and gate shares of H units, for an encoder and a decoder."""
    cells = ("encoder/layer_0/forward", "decoder/layer_0")
    return Flow(
        [Curve(cell, part, rng.random(T) + 0.1, rng.random(T) + 0.1) for cell in cells for part in parts],
        [GateShares(cell, gate, rng.random(H), rng.random(H)) for cell in cells for gate in gates],
        1.5,
        False,
    )
