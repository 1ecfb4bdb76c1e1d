"""Checks and times a run on a GPU: python benchmarks/gpu_check.py --model_dir=runs/NAME [--json=FILE]

Prints tables: the devices; where the ops of the search run and what is copied inside its loop; whether GPU and CPU
agree (translations, scores, loss, gradients); the speed of every way of training and of the search. If no GPU is
visible, it reports that and exits with code 0. --device=CPU:0 tries the program itself on a CPU.
"""

from __future__ import annotations

import functools
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError

PARTS = {
    "devices": "GPUs visible to TensorFlow",
    "loops": "One step of the search, according to the kernel registry",
    "traffic": "One step of the exported search, according to the profiler",
    "agreement": "Differences from float32 on the CPU",
    "training": "Training, in real target pieces per second",
    "searching": "Translation",
}

FLAGS = flags.FLAGS
flags.DEFINE_string("model_dir", None, "run folder of a translator")
flags.DEFINE_string("device", "GPU:0", "device to check; CPU:0 tries this program without a GPU")
flags.DEFINE_string("source", None, "sentences to translate [default: the run's test set]")
flags.DEFINE_string("train_source", None, "source side of the pairs to train on [default: the run's training files]")
flags.DEFINE_string("train_target", None, "target side of the pairs to train on [default: the run's training files]")
flags.DEFINE_integer("sentences", 500, "sentences to translate", lower_bound=2)
flags.DEFINE_integer("pairs", 20_000, "training pairs to read", lower_bound=2)
flags.DEFINE_integer("updates", 20, "updates to time for each way of training", lower_bound=1)
flags.DEFINE_list("batch_tokens", ["512", "2048", "8192", "32768"], "batch sizes of the search, in source pieces")
flags.DEFINE_integer("train_batch_tokens", 0, "batch size in training; 0 = that of the run", lower_bound=0)
flags.DEFINE_bool("jit", True, "also train with XLA compilation, which takes minutes")
flags.DEFINE_list("parts", list(PARTS), "parts to run; the default is all of them")
flags.DEFINE_string("json", None, "also write the numbers to this file")

NO_GPU = "no GPU is visible: nothing was measured"
_COMPARED = 64  # sentences and pairs on which CPU and GPU are compared


def print_table(title: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Prints rows as they arrive, as a Markdown table; returns them."""
    print(f"\n## {title}\n", flush=True)
    kept: list[dict[str, Any]] = []
    for row in rows:
        if not kept:
            print("| " + " | ".join(row) + " |\n|" + "---|" * len(row))
        print("| " + " | ".join(_shown(value) for value in row.values()) + " |", flush=True)
        kept.append(dict(row))
    if not kept:
        print("none")
    return kept


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2g}"
    return str(value)


def attempt(label: str, columns: list[str], measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a row of measurements, or one with the error, so that the other rows are still measured."""
    try:
        return {"": label, **measure()}
    except Exception as error:  # whatever a driver, XLA or a kernel raises
        return {"": label, **dict.fromkeys(columns, "-"), columns[-1]: " ".join(str(error).split())[:300]}


class Check:
    """The checks of one run on a device; each method yields the rows of a table."""

    def __init__(self, model_dir: str, device: str) -> None:
        from gpu_measures import Variant, load

        from seq2seq_tf.text.lines import iter_lines, iter_pairs

        self.model_dir, self.device = model_dir, device
        self.reference = load(model_dir, "CPU:0", Variant("float32", cudnn=False))
        data = self.reference.config.data
        source = FLAGS.source or data.test_source or data.valid_source
        self.texts = list(itertools.islice(iter_lines(source), FLAGS.sentences))
        files = (FLAGS.train_source or data.train_source, FLAGS.train_target or data.train_target)
        pairs = list(itertools.islice(iter_pairs(*files), FLAGS.pairs))
        sides = self.reference.source.encode([s for s, _ in pairs]), self.reference.target.encode([t for _, t in pairs])
        self.pairs = [(s, t) for s, t in zip(*sides, strict=True) if s and t]

    def devices(self) -> Iterable[dict[str, Any]]:
        """Yields TensorFlow's description of each GPU."""
        import tensorflow as tf

        for device in tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(device)
            capability = ".".join(str(n) for n in details.get("compute_capability", ()))
            yield {"device": device.name, "name": details.get("device_name", ""), "capability": capability}

    def loops(self) -> Iterable[dict[str, Any]]:
        """Yields where the ops of each search loop would run, according to TensorFlow's kernel registry."""
        from placement import loops

        for name in ("greedy", "beam"):
            loop = loops(self.reference.searches[name, False].get_concrete_function())[-1]
            yield {
                "loop": name,
                "ops on the GPU": len(loop.on_device),
                "ops without a kernel": len(loop.without_kernel),
                "ops on sizes, by the host": sum(not work.data for work in loop.on_host),
                "ops on data, by the host": sum(work.data for work in loop.on_host),
                "data to the host": sum(work.data for work in loop.to_host),
                "scalars to the host": sum(not work.data for work in loop.to_host),
                "data to the GPU": sum(work.data for work in loop.to_device),
            }

    def traffic(self) -> Iterable[dict[str, Any]]:
        """Yields the profiler's counts per step of the exported search."""
        import numpy as np
        import tensorflow as tf
        from gpu_measures import Variant, load, ops_by_device, traffic

        from seq2seq_tf.data.batching import pad_rows
        from seq2seq_tf.structures import EOS_ID
        from seq2seq_tf.tasks.translation.served import ServedIds

        translator = load(self.model_dir, self.device, Variant(self.reference.config.train.precision, cudnn=False))
        served = ServedIds(translator).signatures()["serving_default"]
        source = tf.constant(pad_rows(translator.source.encode(self.texts[:_COMPARED]), last=EOS_ID))

        def call(beam: int) -> Any:
            with tf.device(self.device):
                return served(source, beam_size=tf.constant(beam), n_best=tf.constant(1))

        placed = ops_by_device(
            lambda: call(1)
        )  # the first call, since a graph is placed once; it contains both searches
        on_cpu = {op: n for (kind, op), n in placed.items() if kind == "CPU"}
        for beam in (1, translator.config.search.beam_size):
            steps = int(np.max(call(beam)["lengths"]))
            with tempfile.TemporaryDirectory() as folder:
                seen = traffic(functools.partial(call, beam), folder)
            yield {
                "beam": beam,
                "steps": steps,
                "kernels per step": seen.kernels / steps,
                "kernel ms per step": seen.kernel_ms / steps,
                "copies to the host per step": seen.to_host / steps,
                "copies to the GPU per step": seen.to_device / steps,
                "ops placed on the CPU": _listed(on_cpu),
            }

    def agreement(self) -> Iterable[dict[str, Any]]:
        """Yields the differences of each variant from float32 on the CPU."""
        from gpu_measures import Variant, compare, compute, load

        from seq2seq_tf.data.batching import make_batch

        sources = self.reference.source.encode([text for text in self.texts if text.strip()][:_COMPARED])
        batch = make_batch(*zip(*self.pairs[:_COMPARED], strict=True))
        expected = compute(self.reference, "CPU:0", sources, batch)
        columns = list(compare(expected, expected))
        for variant in (
            Variant("float32", cudnn=False, tf32=False),
            Variant("float32", cudnn=True, tf32=False),
            Variant("float32", cudnn=True),
            Variant("bfloat16", cudnn=True),
            Variant("float16", cudnn=True),
        ):

            def measure(variant: Variant = variant) -> dict[str, float]:
                found = compute(load(self.model_dir, self.device, variant), self.device, sources, batch)
                return compare(found, expected)

            yield attempt(str(variant), columns, measure)

    def training(self) -> Iterable[dict[str, Any]]:
        """Yields the speed of every way of training."""
        import dataclasses

        from gpu_measures import Variant, batches_of, load, time_training

        ways = [Variant(p, cudnn=c) for p in ("float32", "bfloat16", "float16") for c in (False, True)]
        ways += [Variant(p, cudnn=False, jit=True) for p in ("float32", "bfloat16") if FLAGS.jit]
        for variant in ways:

            def measure(variant: Variant = variant) -> dict[str, float]:
                translator = load(self.model_dir, self.device, variant, dropout=True)
                config = translator.config
                tokens = FLAGS.train_batch_tokens or config.train.batch_tokens
                config = dataclasses.replace(config, train=dataclasses.replace(config.train, batch_tokens=tokens))
                return time_training(translator, self.device, batches_of(self.pairs, config, FLAGS.updates))

            yield attempt(str(variant), ["tokens/s", "first pass s", "shapes"], measure)

    def searching(self) -> Iterable[dict[str, Any]]:
        """Yields the speed of greedy and beam search."""
        from gpu_measures import Variant, load, time_search
        from number_flags import whole_numbers

        sizes = whole_numbers("batch_tokens")
        translator = load(self.model_dir, self.device, Variant(self.reference.config.train.precision, cudnn=False))
        for beam, tokens in itertools.product((1, translator.config.search.beam_size), sizes):
            yield time_search(translator, self.texts, beam, tokens)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {op}" for op, n in sorted(counts.items(), key=lambda entry: -entry[1])[:20]) or "none"


def main() -> None:
    """Runs the requested parts and prints their tables."""
    from number_flags import whole_numbers

    whole_numbers("batch_tokens")  # mistakes are reported before anything is measured
    if unknown := [part for part in FLAGS.parts if part not in PARTS]:
        raise InputError(f"--parts: must be among {', '.join(PARTS)}, got {unknown[0]!r}")
    program.import_tensorflow()
    import tensorflow as tf
    from machine import describe

    if FLAGS.device.startswith("GPU") and not tf.config.list_physical_devices("GPU"):
        print(NO_GPU)
        return
    if not FLAGS.model_dir:
        raise InputError("--model_dir must name the run folder of a translator")
    tf.get_logger().setLevel("ERROR")  # every variant is traced again, on purpose
    check = Check(FLAGS.model_dir, FLAGS.device)
    print(f"{describe()}; TensorFlow {tf.__version__}; {FLAGS.model_dir} on {FLAGS.device}")
    found: dict[str, Any] = {"device": FLAGS.device, "tensorflow": tf.__version__}
    for name in FLAGS.parts:
        found[name] = print_table(PARTS[name], getattr(check, name)())
        if FLAGS.json:  # after each part: the machine may be lost before the last one
            with open(FLAGS.json, "w", encoding="utf-8") as file:
                json.dump(found, file, indent=1)


if __name__ == "__main__":
    program.run(main)
