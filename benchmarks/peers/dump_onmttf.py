"""OpenNMT-tf checkpoint -> arrays with plain names: python dump_onmttf.py CHECKPOINT_PREFIX OUT.npz"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf

_GATES = {"w": "kernel", "u": "recurrent_kernel", "b": "bias"}


def main(prefix: str, out: str) -> None:
    """Writes the arrays; convert_onmttf.py reads them where there is no TensorFlow."""
    reader = tf.train.load_checkpoint(prefix)
    names = {
        "src_emb": "examples_inputter/features_inputter/embedding",
        "tgt_emb": "examples_inputter/labels_inputter/embedding",
        "att_v": "decoder/attention_mechanism/attention_v",
        "att_m": "decoder/attention_mechanism/memory_layer/kernel",
        "att_q": "decoder/attention_mechanism/query_layer/kernel",
        "att_l": "decoder/cell/_attention_layers/0/kernel",
        "out_w": "decoder/output_layer/kernel",
        "out_b": "decoder/output_layer/bias",
    }
    for short, name in _GATES.items():
        names[f"dec_{short}"] = f"decoder/cell/_cell/cells/0/layer/{name}"
        for direction in ("for", "back"):
            names[f"{direction}_{short}"] = f"encoder/rnn/rnn/{direction}ward_layer/cell/cells/0/layer/{name}"
    arrays = {key: reader.get_tensor(f"model/{name}/.ATTRIBUTES/VARIABLE_VALUE") for key, name in names.items()}
    np.savez(out, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
