"""Training speed: python benchmarks/train_speed.py --config=configs/peer_shape_de_en.yaml [--updates=100]

Trains on real batches of the configured corpus and prints one row: real target tokens per second, share of the
machine's matrix-product speed (MFU), padding, share of time spent making batches, traces, peak memory. Run it on an
otherwise idle machine.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from typing import Any

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError

FLAGS = flags.FLAGS
flags.DEFINE_string("config", "configs/peer_shape_de_en.yaml", "configuration to time")
flags.DEFINE_string("data", None, "folder from which to take the configuration's data files")
flags.DEFINE_integer("warmup", 10, "updates before timing starts", lower_bound=1)
flags.DEFINE_integer("updates", 100, "timed updates", lower_bound=1)
flags.DEFINE_string("precision", "float32", "train.precision; one per process, because of the peak memory")
flags.DEFINE_integer("shards", 0, "train.shards; 0 = one per core, up to 4")
flags.DEFINE_bool("plain", False, "model.fused=false: plain code instead of hand-written gradients")
flags.DEFINE_string("json", None, "also write the numbers to this file")


def configuration() -> Any:
    """Returns the configuration to time."""
    from updates import with_data

    from seq2seq_tf.config.loading import load

    overrides: dict[str, Any] = {"train.precision": FLAGS.precision, "train.shards": FLAGS.shards}
    overrides |= {"model.fused": not FLAGS.plain, "train.accumulate": 1}
    if FLAGS.data:
        overrides |= with_data(load(FLAGS.config).config, FLAGS.data)
    return load(FLAGS.config, overrides).config


def measure() -> dict[str, Any]:
    """Returns the measurements of `updates` updates."""
    import tensorflow as tf
    from counted import training_flops
    from matmul_speed import matmul_flops
    from updates import TimedTraining

    from seq2seq_tf.training.hardware import give_back_freed_memory, use_cores_side_by_side

    config = configuration()
    give_back_freed_memory()
    use_cores_side_by_side()
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        training = TimedTraining(folder + "/run", config)
        prepared = time.perf_counter() - begin
        plan = training.task.plan(0)
        ends = FLAGS.warmup, FLAGS.warmup + FLAGS.updates
        if len(plan.batches) < ends[1]:
            raise InputError(
                f"--updates={FLAGS.updates}: {ends[1]} batches are needed, the data have only {len(plan.batches)}"
            )
        first = training.time(plan.batches[:1]).seconds
        training.time(plan.batches[1 : ends[0]])
        counted = training.time(plan.batches[ends[0] : ends[1]])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    precision = training.config.train.precision
    per_source, per_target = training_flops(config.model, training.task.target.vocab_size)
    return {
        "program": "ours",
        "precision": precision,
        "plain": FLAGS.plain,
        "shards": training.config.train.shards,
        "target_tokens_per_s": counted.target_tokens / counted.seconds,
        "target_tokens_per_update": counted.target_tokens / FLAGS.updates,
        "updates": FLAGS.updates,
        "seconds": counted.seconds,
        "flops": (per_source * counted.source_tokens + per_target * counted.target_tokens) / counted.seconds,
        "matmul_flops": matmul_flops(tf.as_dtype(precision)),
        "padding": plan.padding,
        "loading": counted.loading / counted.seconds,
        "traces": training.traces(),
        "peak_mib": peak,
        "first_update_s": first,
        "prepared_s": prepared,
    }


def main() -> None:
    """Measures and prints the table."""
    from machine import describe

    program.import_tensorflow()
    found = measure()
    columns = {
        "code": f"{'plain' if found['plain'] else 'fused'}, {found['shards']} shards",
        "precision": found["precision"],
        "target tokens/s": f"{found['target_tokens_per_s']:,.0f}",
        "MFU": f"{found['flops'] / found['matmul_flops']:.0%} of {found['matmul_flops'] / 1e9:.0f} GFLOP/s",
        "padding": f"{found['padding']:.1%}",
        "loading": f"{found['loading']:.2%}",
        "traces": f"{found['traces']}",
        "peak memory": f"{found['peak_mib'] / 1024:.2f} GiB",
        "first update": f"{found['first_update_s']:.1f} s",
        "prepared": f"{found['prepared_s']:.1f} s",
    }
    print(f"{describe()}\n\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    print("| " + " | ".join(columns.values()) + " |")
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    program.run(main)
