"""Times translation with OpenNMT-tf; see decoding.py. MODEL is a folder with a checkpoint."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import opennmt
import tensorflow as tf
import yaml
from decoding import Request, Translate, Translated, measure
from opennmt.utils.checkpoint import Checkpoint
from opennmt.utils.misc import extract_batches

sys.path.insert(0, "configs")
from onmttf_model import RecurrentAttention

_BUCKET = 5  # groups sentences of similar length, as its `infer` does with length_bucket_width


def restored_model(config: dict[str, Any]) -> Any:
    """Returns the model with the weights of the folder config["model_dir"]."""
    runner = opennmt.Runner(RecurrentAttention(), config, auto_config=True)
    final = runner._finalize_config()
    model = runner._init_model(final)
    Checkpoint.from_config(final, model).restore(checkpoint_path=None, weights_only=True)
    return model


def make_translate(model: Any, batch: int) -> Translate:
    """Returns a function that traces once and then translates."""
    traced: dict[str, Any] = {}

    def translate(sources: Sequence[str]) -> Translated:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "source")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(source + "\n" for source in sources)
            dataset = model.examples_inputter.make_inference_dataset(
                path, batch, batch_type="examples", length_bucket_width=_BUCKET if batch > 1 else 0
            )
            if "infer" not in traced:
                traced["infer"] = tf.function(model.infer, input_signature=(dataset.element_spec,))
                traced["infer"].get_concrete_function()
            found: dict[int, str] = {}
            begin = end = time.perf_counter()
            for features in dataset:
                predictions = tf.nest.map_structure(lambda x: x.numpy(), traced["infer"](features))
                for one in extract_batches(predictions):
                    number = int(one["index"]) if "index" in one else len(found)
                    found[number] = b" ".join(one["tokens"][0][: int(one["length"][0])]).decode()
                end = time.perf_counter()  # the end of a tf.data loop can block for seconds: not timed
        return Translated([found[n] for n in range(len(sources))], end - begin)

    return translate


def main() -> None:
    """Times it."""
    request = Request.read()
    tf.config.threading.set_intra_op_parallelism_threads(request.threads)
    tf.config.threading.set_inter_op_parallelism_threads(request.threads)
    with open("configs/onmttf.yml", encoding="utf-8") as file:
        config = yaml.safe_load(file)
    config["model_dir"] = request.model

    def prepare(beam: int, batch: int) -> Translate:
        config["params"]["beam_width"] = beam
        config["infer"] = {
            "batch_type": "examples",
            "batch_size": batch,
            "length_bucket_width": _BUCKET if batch > 1 else 0,
        }
        return make_translate(restored_model(config), batch)

    measure("onmttf", request, prepare)


if __name__ == "__main__":
    main()
