"""Training speed of language models: python benchmarks/lm_speed.py --torch_python=ENV/bin/python [--units=512 ...]

Times updates of the same size in alternating turns: this package in float32, a plain PyTorch nn.LSTM in float32 (in the
separate environment of --torch_python; left out without it), this package in bfloat16, then all again. Each turn is a
separate process on --threads threads, with Adam and clipping; the state carries over from chunk to chunk. Prints one
table: characters per second of the median update, share of the machine's matrix-product speed (MFU), peak memory. Run
it on an otherwise idle machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError

FLAGS = flags.FLAGS
_SIZES = ("units", "layers", "embedding", "vocab", "streams", "chunk", "threads", "warmup", "updates")


def define_flags() -> None:
    """Defines the flags; not at import, because tests also import modules with flags of the same names."""
    flags.DEFINE_string("torch_python", None, "Python interpreter of an environment with torch")
    flags.DEFINE_integer("units", 512, "state size", lower_bound=1)
    flags.DEFINE_integer("layers", 1, "depth", lower_bound=1)
    flags.DEFINE_integer("embedding", 64, "size of a token's vector", lower_bound=1)
    flags.DEFINE_integer("vocab", 128, "number of tokens in the vocabulary", lower_bound=8)
    flags.DEFINE_integer("streams", 64, "rows of a batch", lower_bound=1)
    flags.DEFINE_integer("chunk", 100, "tokens per row", lower_bound=1)
    flags.DEFINE_integer("threads", 2, "threads per program", lower_bound=1)
    flags.DEFINE_integer("warmup", 5, "updates before timing starts", lower_bound=1)
    flags.DEFINE_integer("updates", 40, "timed updates per turn", lower_bound=1)
    flags.DEFINE_integer("turns", 2, "turns per program", lower_bound=1)
    flags.DEFINE_string("json", None, "also write the numbers to this file")
    flags.DEFINE_enum("only", None, ["float32", "bfloat16"], "internal: runs one turn of this package and prints JSON")


def training_flops(sizes: dict[str, Any]) -> float:
    """Returns FLOP per character, forward and backward: the multiply-adds of the products, times three, times two."""
    below, products = sizes["embedding"], 0.0
    for _ in range(sizes["layers"]):
        products += 4 * sizes["units"] * (below + sizes["units"])
        below = sizes["units"]
    return 6.0 * (products + below * sizes["vocab"])


def measure(sizes: dict[str, Any], precision: str) -> dict[str, Any]:
    """Returns the times of updates of this package, measured in this process."""
    import resource
    import time

    import numpy as np
    import tensorflow as tf
    from matmul_speed import matmul_flops

    from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig, LanguageModelTrainConfig
    from seq2seq_tf.tasks.language_model.model import LanguageModel
    from seq2seq_tf.training.trainer import Trainer

    tf.config.threading.set_intra_op_parallelism_threads(1)  # like hardware.use_cores_side_by_side
    tf.config.threading.set_inter_op_parallelism_threads(sizes["threads"])
    config = LanguageModelModelConfig(
        units=sizes["units"],
        layers=sizes["layers"],
        embedding_units=sizes["embedding"],
        residual=False,  # like nn.LSTM
        layer_dropout=0.0,
        output_dropout=0.0,
    )
    model = LanguageModel(config, sizes["vocab"], precision=precision)
    model.build()
    train = LanguageModelTrainConfig(shards=min(sizes["threads"], sizes["streams"]), precision=precision)
    spec = model.carry_spec()
    trainer = Trainer(model, train, tf.TensorSpec([None, None], tf.int32), spec)
    carry = tf.nest.map_structure(lambda s: np.zeros([sizes["streams"], s.shape[1]], np.float32), spec)
    random, seconds = np.random.default_rng(1), []
    for n in range(sizes["warmup"] + sizes["updates"]):
        ids = random.integers(4, sizes["vocab"], [sizes["streams"], sizes["chunk"] + 1]).astype(np.int32)
        begin = time.perf_counter()
        _, carry = trainer.update([ids], carry, n, 1e-3)
        seconds.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    flops = matmul_flops(tf.float32 if precision == "float32" else tf.bfloat16)
    name = f"seq2seq_tf, {precision}"
    return {"program": name, "seconds": seconds[sizes["warmup"] :], "peak_mib": peak, "matmul_flops": flops}


def one_turn(command: list[str]) -> dict[str, Any]:
    """Returns what a process prints as JSON in its last line.

    Raises:
      InputError: the process failed.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    if done.returncode:
        raise InputError(f"{' '.join(command[:2])} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def commands(sizes: dict[str, Any]) -> list[list[str]]:
    """Returns the command lines of one turn of every program."""
    here = Path(__file__).resolve()
    ours = [sys.executable, str(here), *(f"--{name}={value}" for name, value in sizes.items())]
    found = [[*ours, "--only=float32"], [*ours, "--only=bfloat16"]]
    if FLAGS.torch_python:
        found.insert(1, [FLAGS.torch_python, str(here.parent / "peers" / "lm_torch.py"), json.dumps(sizes)])
    return found


def summary(sizes: dict[str, Any], turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the results of each program over all turns."""
    by_program: dict[str, list[dict[str, Any]]] = {}
    for turn in turns:
        by_program.setdefault(turn["program"], []).append(turn)
    yardstick = max(t["matmul_flops"] for t in turns if t["program"].endswith("float32"))
    rows = []
    for name, own in by_program.items():
        speeds = [sizes["streams"] * sizes["chunk"] / statistics.median(t["seconds"]) for t in own]
        flops = max((t.get("matmul_flops", 0.0) for t in own), default=0.0) or yardstick
        rows.append(
            {
                "program": name,
                "characters_per_s": statistics.mean(speeds),
                "turns": speeds,
                "mfu": statistics.mean(speeds) * training_flops(sizes) / flops,
                "matmul_flops": flops,
                "peak_mib": max(t["peak_mib"] for t in own),
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the table as Markdown; ratios are relative to PyTorch if it ran, else to the first row."""
    base = next((r for r in rows if r["program"].startswith("PyTorch")), rows[0])
    lines = ["| program | characters/s | each turn | ratio | MFU | peak memory |", "|---|---|---|---|---|---|"]
    for row in rows:
        turns = ", ".join(f"{speed:,.0f}" for speed in row["turns"])
        lines.append(
            f"| {row['program']} | {row['characters_per_s']:,.0f} | {turns} "
            f"| {row['characters_per_s'] / base['characters_per_s']:.2f} "
            f"| {row['mfu']:.0%} of {row['matmul_flops'] / 1e9:,.0f} GFLOP/s | {row['peak_mib'] / 1024:.2f} GiB |"
        )
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or with --only the numbers of one turn."""
    sizes = {name: FLAGS[name].value for name in _SIZES}
    if FLAGS.only:
        program.import_tensorflow()
        print(json.dumps(measure(sizes, FLAGS.only)))
        return
    from machine import describe

    turns = [one_turn(command) for _ in range(FLAGS.turns) for command in commands(sizes)]
    rows = summary(sizes, turns)
    shown = ", ".join(f"{name} {sizes[name]}" for name in _SIZES)
    print(f"{describe()}\n{shown}\n\n{table(rows)}")
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "sizes": sizes, "programs": rows}, file, indent=1)


if __name__ == "__main__":
    define_flags()
    program.run(main)
