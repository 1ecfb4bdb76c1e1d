"""Growth with the corpus: python benchmarks/scaling.py [--scales=1,3,10,30] [--json=FILE]

For each size, a corpus is made from the configured one (see synthetic.py), prepared, and used for a few training
updates, in two separate processes; times and the peak memory of each are printed. Epoch times are estimates: the
seconds per update times the updates of an epoch. --pairs=10000000 only prepares and plans one corpus of that size. The
files are temporary (about 200 bytes per pair; --temporary changes their folder). Run it on an otherwise idle machine.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

from absl import flags
from number_flags import whole_numbers

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError

FLAGS = flags.FLAGS
flags.DEFINE_string("config", "configs/multi30k_de_en.yaml", "configuration whose corpus is multiplied")
flags.DEFINE_list("scales", ["1", "3", "10", "30"], "corpus sizes, as multiples of the original")
flags.DEFINE_integer(
    "pairs", 0, "instead of --scales: only prepare and plan this many pairs; 0 = use --scales", lower_bound=0
)
flags.DEFINE_integer("updates", 30, "timed updates per size", lower_bound=1)
flags.DEFINE_integer("warmup", 5, "updates before timing starts", lower_bound=1)
flags.DEFINE_string("temporary", None, "folder for temporary files [default: the system's]")
flags.DEFINE_string("json", None, "also write the numbers to this file, for growth.py")
flags.DEFINE_string("measure", None, "internal: prepare or train, in a separate process, in --folder")
flags.DEFINE_string("folder", None, "internal: folder of the corpus and the run")

COLUMNS = {  # heading -> formatting of a result
    "pairs": lambda r: f"{r['pairs']:,}",
    "piece model": lambda r: f"{r['piece_model_s']:.1f} s",
    "tokenise": lambda r: f"{r['tokenise_s']:.1f} s",
    "plan an epoch": lambda r: f"{r['plan_s']:.2f} s",
    "updates per epoch": lambda r: f"{r['updates']:,}",
    "memory to prepare": lambda r: f"{max(r['prepare_peak_mib'], r['piece_model_peak_mib']) / 1024:.2f} GiB",
    "start to first update": lambda r: f"{r['first_update_s']:.1f} s" if "first_update_s" in r else "",
    "epoch, estimated": lambda r: f"{r['epoch_s'] / 60:.1f} min" if "epoch_s" in r else "",
    "memory to train": lambda r: f"{r['train_peak_mib'] / 1024:.2f} GiB" if "train_peak_mib" in r else "",
}


def peak_mib(who: int = resource.RUSAGE_SELF) -> float:
    """Returns the peak memory of this process, or of its largest child, in MiB (Linux reports KiB)."""
    return resource.getrusage(who).ru_maxrss / 1024


def corpus_files(folder: str) -> tuple[str, str]:
    """Returns the source and target file of the corpus in `folder`."""
    return os.path.join(folder, "train.source"), os.path.join(folder, "train.target")


def child_config(folder: str) -> Any:
    """Returns the configuration for the corpus in `folder`."""
    from seq2seq_tf.config.loading import load

    source, target = corpus_files(folder)
    return load(FLAGS.config, {"data.train_source": source, "data.train_target": target, "train.accumulate": 1}).config


class Phases:
    """Times the phases of preparation: seconds from each of its messages to the next."""

    def __init__(self) -> None:
        self._notes: list[tuple[float, str]] = []

    def __call__(self, note: str) -> None:
        self._notes.append((time.perf_counter(), note))

    def seconds(self, begins: str) -> float:
        """Returns the seconds of the phase whose message begins with `begins`."""
        for (begin, note), (end, _) in zip(self._notes, self._notes[1:], strict=False):
            if note.startswith(begins):
                return end - begin
        raise RuntimeError(f"no message begins with {begins!r}, only {[note for _, note in self._notes]}")


def measure_preparing(folder: str) -> dict[str, Any]:
    """Returns times and memory of preparing a run on the corpus and planning an epoch."""
    from updates import TimedTraining

    phases = Phases()
    training = TimedTraining(os.path.join(folder, "run"), child_config(folder), phases)
    begin = time.perf_counter()
    plan = training.task.plan(0)
    return {
        "piece_model_s": phases.seconds("training the"),
        "tokenise_s": phases.seconds("tokenizing"),
        "plan_s": time.perf_counter() - begin,
        "updates": len(plan.batches),
        "padding": plan.padding,
        "prepare_peak_mib": peak_mib(),
        "piece_model_peak_mib": peak_mib(resource.RUSAGE_CHILDREN),
    }


def measure_training(folder: str) -> dict[str, Any]:
    """Returns times and memory of starting a prepared run again, as a user would, and of a few updates."""
    from updates import TimedTraining

    from seq2seq_tf.training.hardware import give_back_freed_memory, use_cores_side_by_side

    give_back_freed_memory()
    use_cores_side_by_side()
    training = TimedTraining(os.path.join(folder, "run"), child_config(folder))
    batches = training.task.plan(0).batches
    if len(batches) <= FLAGS.warmup:
        raise InputError(f"--warmup={FLAGS.warmup}: too many, an epoch of this corpus has only {len(batches)} batches")
    training.time(batches[:1])
    first = time.time() - float(os.environ["SCALING_BEGAN"])
    training.time(batches[1 : FLAGS.warmup])
    timed = batches[FLAGS.warmup : FLAGS.warmup + FLAGS.updates]
    seconds = training.time(timed).seconds
    return {
        "first_update_s": first,
        "update_s": seconds / len(timed),
        "epoch_s": seconds / len(timed) * len(batches),
        "train_peak_mib": peak_mib(),
    }


def in_own_process(kind: str, folder: str) -> dict[str, Any]:
    """Runs a measurement in a separate process and returns its results.

    Raises:
      InputError: the process failed.
    """
    out = os.path.join(folder, kind + ".json")
    command = [sys.executable, os.path.abspath(__file__), f"--measure={kind}", f"--folder={folder}", f"--json={out}"]
    command += [f"--{name}={FLAGS[name].value}" for name in ("config", "updates", "warmup")]
    done = subprocess.run(command, check=False, env={**os.environ, "SCALING_BEGAN": str(time.time())})
    if done.returncode:
        raise InputError(f"the measurement failed: {' '.join(command)}")
    with open(out, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def measure_size(files: tuple[str, str], pairs: int, *, train: bool) -> dict[str, Any]:
    """Makes a corpus of `pairs` pairs and returns its measurements."""
    from synthetic import write_recombined

    with tempfile.TemporaryDirectory(dir=FLAGS.temporary, prefix="scaling_") as folder:
        words = write_recombined(files, corpus_files(folder), pairs)
        found = {"pairs": pairs, "source_words": words, **in_own_process("prepare", folder)}
        if train:
            found |= in_own_process("train", folder)
    return found


def sizes(files: tuple[str, str]) -> list[int]:
    """Returns the numbers of pairs to measure."""
    from seq2seq_tf.text.lines import iter_pairs

    if FLAGS.pairs:
        return [FLAGS.pairs]
    pairs = sum(1 for _ in iter_pairs(*files))
    return [pairs * scale for scale in whole_numbers("scales")]


def main() -> None:
    """Prints the table; in a child process, writes one measurement."""
    if FLAGS.measure:
        program.import_tensorflow()
        measured = {"prepare": measure_preparing, "train": measure_training}[FLAGS.measure](FLAGS.folder)
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump(measured, file)
        return
    from machine import describe

    from seq2seq_tf.config.loading import load
    from seq2seq_tf.tasks.translation.config import TranslationConfig

    config: TranslationConfig = load(FLAGS.config).config
    data = config.data
    files = data.train_source, data.train_target
    counts = sizes(files)
    print(f"{describe()}\n\n| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    rows = []
    for pairs in counts:
        rows.append(measure_size(files, pairs, train=not FLAGS.pairs))
        print("| " + " | ".join(show(rows[-1]) for show in COLUMNS.values()) + " |", flush=True)
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "rows": rows}, file, indent=1)


if __name__ == "__main__":
    program.run(main)
