"""Training speed: python benchmarks/train_speed.py --config=configs/peer_shape_de_en.yaml [--updates=100]

Trains on real batches of the configured corpus and prints one row per precision: real target tokens per second,
share of the machine's matrix-product speed (MFU), padding, share of time spent making batches, traces, peak memory.
Run it with nothing else running.
"""

from __future__ import annotations

import resource
import tempfile
import time

from absl import flags

from seq2seq_tf.bin import program

FLAGS = flags.FLAGS
flags.DEFINE_string("config", "configs/peer_shape_de_en.yaml", "experiment to time")
flags.DEFINE_integer("warmup", 10, "updates not counted")
flags.DEFINE_integer("updates", 100, "updates counted")
flags.DEFINE_string("precision", "float32", "float32 or bfloat16; a process each, for the peak memory")
flags.DEFINE_integer("shards", 0, "train.shards; 0 = as many as cores")
flags.DEFINE_bool("plain", False, "model.fused=false: the plain code that a reader sees")


def main() -> None:
    """Times `updates` updates."""
    import tensorflow as tf
    from counted import training_flops
    from matmul_speed import matmul_flops

    from seq2seq_tf.config import load
    from seq2seq_tf.structures import Batch
    from seq2seq_tf.tasks.translation import prepare
    from seq2seq_tf.training.hardware import use_cores_side_by_side
    from seq2seq_tf.training.run_dir import RunDir
    from seq2seq_tf.training.session import Session

    use_cores_side_by_side()
    overrides = {"train.precision": FLAGS.precision, "train.shards": FLAGS.shards, "model.fused": not FLAGS.plain}
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        run = RunDir(folder + "/run")
        config = run.create(load(FLAGS.config, overrides).config)
        setup = prepare(run, config, lambda _: None)
        prepared = time.perf_counter() - begin
        session = Session(run, config, setup, lambda: False)
        plan = setup.plan(0)
        batches = setup.load(0, plan.batches)
        seconds = loading = 0.0
        real_source = real_target = 0
        trainer = session.trainer
        first = 0.0
        for n in range(FLAGS.warmup + FLAGS.updates):
            begin = time.perf_counter()
            batch: Batch = next(batches)
            loaded = time.perf_counter()
            result, _ = trainer.update([batch], (), n, 1e-4)
            ended = time.perf_counter()
            if n == 0:
                first = ended - loaded
            if n >= FLAGS.warmup:
                seconds += ended - begin
                loading += loaded - begin
                real_source += int((batch.source != 0).sum())
                real_target += int(result.weight)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        per_source, per_target = training_flops(config.model, setup.target.vocab_size)
        flops = (per_source * real_source + per_target * real_target) / seconds
        limit = matmul_flops(tf.float32 if FLAGS.precision == "float32" else tf.bfloat16)
        traces = trainer._update_one.experimental_get_tracing_count()
    print(
        "| code | precision | target tok/s | MFU | padding | loading | traces | peak memory | first update | prepared |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {'plain' if FLAGS.plain else 'fused'}, {config.train.shards} shards | {FLAGS.precision} "
        f"| {real_target / seconds:,.0f} | {flops / limit:.0%} of {limit / 1e9:.0f} GFLOP/s | {plan.padding:.1%} "
        f"| {loading / seconds:.2%} | {traces} | {peak:.2f} GiB | {first:.1f} s | {prepared:.1f} s |"
    )


if __name__ == "__main__":
    program.run(main)
